// What the jobs of a conversion share.
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_jobs_internal.h"

namespace sabot::ticks::internal {
namespace {

// Raised where the same source gives other ticks than before, so that files are made again.
constexpr const char* kFormat = "sabot-ticks-1";

class FinishedJob final : public TickJob {
 public:
  explicit FinishedJob(ConvertedTicks result) : result_(std::move(result)) {}
  std::vector<ConvertedTicks> Run(Conversion&) override { return {result_}; }
  double weight() const override { return 0; }

 private:
  ConvertedTicks result_;
};

}  // namespace

arrow::Status Conversion::Claim(const std::string& path, const std::string& source) {
  const std::scoped_lock lock(mutex_);
  const auto [other, is_new] = claimed_.emplace(path, source);
  if (is_new) return arrow::Status::OK();
  return data::DataError("'" + path + "' is made from " + other->second +
                         " already. Give the security another name, or convert it into a folder of its own.");
}

arrow::Status Conversion::Reject(const std::string& where, const std::string& reason, std::string row) {
  ++rejected_;
  return options_.rejects->Add({.where = where, .reason = reason, .row = std::move(row)});
}

std::unique_ptr<TickJob> MakeFailedJob(std::string security, std::string source, arrow::Status status) {
  ConvertedTicks result;
  result.security = std::move(security);
  result.source = std::move(source);
  result.status = std::move(status);
  return std::make_unique<FinishedJob>(std::move(result));
}

std::unique_ptr<TickJob> MakeReadyJob(std::string path, TickFileInfo info) {
  ConvertedTicks result;
  result.security = info.security;
  result.source = info.source;
  result.path = std::move(path);
  result.info = std::move(info);
  result.skipped = true;
  return std::make_unique<FinishedJob>(std::move(result));
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
