#include "sabot/backtest/open_sweep.h"

#include <utility>

#include "sabot/backtest/sweep_parts_internal.h"
#include "sabot/backtest/sweep_tables_internal.h"
#include "sabot/backtest/table_text_internal.h"
#include "sabot/data/errors.h"
#include "sabot/env/storage.h"

namespace sabot::backtest {
namespace {

using internal::SweepParts;

arrow::Status CheckPlan(const SweepPlan& plan) {
  if (plan.securities.empty()) return data::OptionError("sweep: there are no securities.");
  if (plan.sets.size() == 0) return data::OptionError("sweep: there are no parameter sets.");
  for (int64_t set = 0; set < plan.sets.size(); ++set) {
    auto status = plan.run.config.With(plan.sets.Set(set)).status();
    if (status.ok()) continue;
    return data::OptionError("sweep: set " + std::to_string(set) + ": " + status.message());
  }
  return arrow::Status::OK();
}

arrow::Status Write(const std::string& folder, const char* name, const arrow::Table& table) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(folder));
  ARROW_ASSIGN_OR_RAISE(const auto file, where.storage->Create(where.path + "/" + name));
  const std::string text = internal::TableText(table);
  ARROW_RETURN_NOT_OK(file->stream()->Write(text.data(), static_cast<int64_t>(text.size())));
  return file->Commit();
}

}  // namespace

OpenSweep::OpenSweep(const SweepPlan& plan, std::string folder, std::unique_ptr<SweepParts> parts)
    : plan_(plan), folder_(std::move(folder)), parts_(std::move(parts)) {
  for (std::size_t security = 0; security < plan.securities.size(); ++security) resumed_ += done(security);
}
OpenSweep::~OpenSweep() = default;

arrow::Result<std::unique_ptr<OpenSweep>> OpenSweep::Make(const SweepPlan& plan, std::string folder, bool restart) {
  ARROW_RETURN_NOT_OK(CheckPlan(plan));
  SweepParts parts = SweepParts::InMemory(plan);
  if (!folder.empty()) {
    ARROW_ASSIGN_OR_RAISE(parts, SweepParts::InFolder(plan, folder, restart));
  }
  return std::unique_ptr<OpenSweep>(
      new OpenSweep(plan, std::move(folder), std::make_unique<SweepParts>(std::move(parts))));
}

int64_t OpenSweep::done(std::size_t security) const {
  int64_t sets = 0;
  for (const SetRange& found : parts_->Found(security)) sets += found.count;
  return sets;
}

std::vector<SetRange> OpenSweep::Missing(std::size_t security, int64_t most) const {
  return parts_->Missing(security, most);
}

arrow::Status OpenSweep::Put(std::size_t security, int64_t first_set, std::vector<SummaryRow> rows, bool passing) {
  ARROW_ASSIGN_OR_RAISE(auto part, internal::SweepPart::Of(first_set, std::move(rows)));
  return parts_->Put(security, std::move(part), passing);
}

arrow::Result<SweepResult> OpenSweep::Finish() const {
  ARROW_ASSIGN_OR_RAISE(auto result, internal::SweepTables(plan_, *parts_));
  result.simulations_resumed = resumed_;
  if (!folder_.empty()) {
    ARROW_RETURN_NOT_OK(Write(folder_, kSweepResultsFileName, *result.table));
    ARROW_RETURN_NOT_OK(Write(folder_, kSweepSummaryFileName, *result.by_set));
  }
  return result;
}

}  // namespace sabot::backtest
