#include "sabot/kernels/window.h"

#include "sabot/data/errors.h"

namespace sabot::kernels {

arrow::Status CompleteWindow(std::string_view kernel, const Window& window, std::optional<int64_t>& min_periods,
                             std::optional<int64_t>& max_rows) {
  const auto refuse = [&](const std::string& what) {
    return data::OptionError(std::string(kernel) + ": option " + what);
  };
  if (!window.timed()) {
    if (max_rows) {
      const bool all = window.rows == 0 || window.rows > static_cast<int64_t>(kRowsMost);
      return refuse("'max_rows' bounds a window of time. The window is of " +
                    (all ? std::string("all") : std::to_string(window.rows)) +
                    " rows: leave max_rows out, or give window as a duration such as \"5s\".");
    }
    if (!min_periods) min_periods = window.rows;
    if (*min_periods <= window.rows) return arrow::Status::OK();
    return refuse("'min_periods' must be at most the window of " + std::to_string(window.rows) + " rows, found " +
                  std::to_string(*min_periods) + ".");
  }
  if (!max_rows) max_rows = kMaxRows;
  if (!min_periods) min_periods = 1;
  if (*min_periods <= *max_rows) return arrow::Status::OK();
  return refuse("'min_periods' must be at most max_rows, " + std::to_string(*max_rows) + " rows, found " +
                std::to_string(*min_periods) + ".");
}

}  // namespace sabot::kernels
