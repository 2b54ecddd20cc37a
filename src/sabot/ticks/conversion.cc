#include <algorithm>
#include <filesystem>
#include <system_error>

#include "sabot/data/errors.h"
#include "sabot/ticks/conversion_internal.h"

namespace sabot::ticks::internal {
namespace {

// Raised where the same source gives other ticks than before, so that files are made again.
constexpr const char* kFormat = "sabot-ticks-1";

}  // namespace

arrow::Status Conversion::MayReplace(const std::string& path, const std::string& source) const {
  std::error_code error;
  if (options_.overwrite || !std::filesystem::exists(path, error)) return arrow::Status::OK();
  const auto look = LookAtTickFile(path);
  if (!look.ok()) return arrow::Status::OK();  // Torn: nothing is lost.
  if (!look->is_ours) {
    return data::DataError("'" + path + "' is there already, and no conversion has made it: ticks of " + source +
                           " would take its place. Name another folder, or overwrite it (overwrite=True, "
                           "--overwrite).");
  }
  const auto& made_from = look->info.source_paths;
  const std::scoped_lock lock(mutex_);
  const bool known = std::ranges::all_of(made_from, [this](const auto& input) { return inputs_.contains(input); });
  if (known && !made_from.empty()) return arrow::Status::OK();
  std::string named;
  for (const std::string& input : made_from) named += (named.empty() ? "'" : ", '") + input + "'";
  return data::DataError("'" + path + "' was made from " + (named.empty() ? look->info.source : named) + ": ticks of " +
                         source +
                         " would take their place. Convert all of them together, which joins them, or name another "
                         "folder, or overwrite it (overwrite=True, --overwrite).");
}

arrow::Status Conversion::Reject(const std::string& where, const std::string& reason, std::string row) {
  ++rejected_;
  return options_.rejects->Add({.where = where, .reason = reason, .row = std::move(row)});
}

std::string OptionsText(const ConvertTicksOptions& options, const std::string& market) {
  return std::string(kFormat) + ";market=" + market + ";day_first=" + (options.day_first ? "1" : "0");
}

std::optional<TickFileInfo> UpToDate(const std::string& path, const std::string& digest) {
  auto look = LookAtTickFile(path);
  if (!look.ok() || !look->is_ours || look->info.source_digest != digest) return std::nullopt;
  return std::move(look->info);
}

}  // namespace sabot::ticks::internal
