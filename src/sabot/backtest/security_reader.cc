#include <string>
#include <utility>

#include "sabot/backtest/security_reader_internal.h"
#include "sabot/data/errors.h"

namespace sabot::backtest::internal {

arrow::Status SecurityReader::Open(const SecurityTicks& ticks, int64_t batch_rows) {
  auto status = TryOpen(ticks, batch_rows);
  failed_ = !status.ok();
  return status;
}

arrow::Result<std::optional<Ticks>> SecurityReader::Next() {
  auto next = TryNext();
  failed_ = !next.ok();
  return next;
}

arrow::Status SecurityReader::TryOpen(const SecurityTicks& ticks, int64_t batch_rows) {
  if (!ticks.error.empty()) return data::DataError(ticks.error);
  path_ = ticks.path;
  return ticks::OpenTickFile(ticks.path, batch_rows).Value(&reader_);
}

arrow::Result<std::optional<Ticks>> SecurityReader::TryNext() {
  ARROW_ASSIGN_OR_RAISE(auto batch, reader_->Next());
  if (batch != nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto ticks, Ticks::From(std::move(batch), rows_));
    rows_ += ticks.size();
    return ticks;
  }
  const int64_t rejected = info().rejected;
  if (rows_ > 0 || rejected == 0) return std::nullopt;
  std::string sources;  // The file itself may be a conversion's, which goes with it.
  for (const std::string& source : info().source_paths) sources += (sources.empty() ? "" : ", ") + source;
  return data::DataError(
      (sources.empty() ? path_ : sources) + ": there are no ticks in it: all " + std::to_string(rejected) +
      " rows of its source were rejected. 'sabot convert --rejects FILE' keeps them with their reasons.");
}

}  // namespace sabot::backtest::internal
