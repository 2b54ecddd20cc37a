// Which files a conversion reads, and what belongs together.
#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_jobs_internal.h"

namespace sabot::ticks::internal {
namespace {

using connectors::ExpandFiles;
using connectors::InputFile;
using connectors::Workbook;

const std::vector<std::string> kSuffixes = {".xlsx", ".xlsm", ".csv", ".tsv", ".parquet", ".pq"};

class Plan {
 public:
  explicit Plan(const ConvertTicksOptions& options) : options_(options) {}

  void Add(const InputFile& file) {
    const InputKind kind = KindOfInput(file);
    const arrow::Status status = kind == InputKind::kWorkbook ? AddWorkbook(file)
                                 : kind == InputKind::kOther  ? NoTicks(file)
                                                              : AddColumns(file, kind);
    ++files_;
    if (status.ok()) return static_cast<void>(plan_.inputs.insert(PathOfInput(file)));
    failed_ = status;
    const TickInput input{.file = file};
    Fail(StemOfInput(input), NameOfInput(input), status);
  }

  arrow::Result<TickPlan> Finish() {
    if (files_ == 1 && !failed_.ok()) return failed_;  // Of a single source nothing else is left.
    if (!symbols_.empty()) plan_.jobs[symbols_at_].job = MakeSymbolsJob(std::move(symbols_), options_);
    if (!feed_.empty()) {
      std::ranges::stable_sort(feed_, {}, [](const TickInput& input) { return input.rows; });  // Trades come first.
      plan_.jobs[feed_at_].job = MakeSymbolsJob(std::move(feed_), options_);
    }
    // A tick file beside what it was made from is no input of its own: each tick would be there twice.
    std::erase_if(plan_.jobs, [this](const PlannedJob& planned) {
      const TickFileInfo* const file = planned.job != nullptr ? planned.job->tick_file() : nullptr;
      return file != nullptr && !file->source_paths.empty() &&
             std::ranges::all_of(file->source_paths, [this](const auto& path) { return plan_.inputs.contains(path); });
    });
    return std::move(plan_);
  }

 private:
  void Add(std::unique_ptr<TickJob> job) { plan_.jobs.push_back({.job = std::move(job)}); }

  void Fail(const std::string& security, const std::string& source, arrow::Status status) {
    ConvertedTicks failed;
    failed.security = security;
    failed.source = source;
    failed.status = std::move(status);
    plan_.jobs.push_back({.failed = std::move(failed)});
  }

  // Files with symbols are one job, which stands where the first of them is.
  void Gather(TickInput input, std::vector<TickInput>& with_symbols, std::size_t& at) {
    if (with_symbols.empty()) {
      at = plan_.jobs.size();
      plan_.jobs.emplace_back();
    }
    with_symbols.push_back(std::move(input));
  }

  arrow::Status AddWorkbook(const InputFile& file) {
    if (!file.endpoint.empty()) {
      return data::OptionError("'" + file.name + "' is a workbook in an object store. Fetch it to a disk first.");
    }
    ARROW_ASSIGN_OR_RAISE(const auto workbook, Workbook::Open(file.path));
    auto sheets = workbook->sheets();
    if (options_.max_sheets && static_cast<std::size_t>(*options_.max_sheets) < sheets.size()) {
      sheets.resize(static_cast<std::size_t>(*options_.max_sheets));
    }
    if (sheets.empty()) return data::DataError("'" + file.name + "' has no sheet with cells.");
    for (auto& security : SecuritiesOf(sheets)) {
      const double share = static_cast<double>(security.sheets.size()) / static_cast<double>(sheets.size());
      const std::string clash = security.clash;
      auto job = MakeSheetsJob(file, workbook, std::move(security), share * static_cast<double>(file.bytes), options_);
      if (clash.empty()) {
        Add(std::move(job));
      } else {
        Fail(job->info().security, job->info().source, data::DataError(job->info().source + ": " + clash + "."));
      }
    }
    return arrow::Status::OK();
  }

  arrow::Status AddColumns(const InputFile& file, InputKind kind) {
    if (kind == InputKind::kParquet && !file.is_pipe) {
      ARROW_ASSIGN_OR_RAISE(auto look, LookAtTickFile(file.name));
      if (look.is_ours) return Add(MakeTickFileJob({.file = file}, std::move(look.info))), arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(auto input, LookAtTickInput(file));
    if (input.rows != TickRows::kTicks) {
      Gather(std::move(input), feed_, feed_at_);
    } else if (input.has_symbol) {
      Gather(std::move(input), symbols_, symbols_at_);
    } else {
      Add(MakeFileJob(std::move(input), options_));
    }
    return arrow::Status::OK();
  }

  static arrow::Status NoTicks(const InputFile& file) {
    return data::OptionError("'" + file.name +
                             "' is no workbook, CSV or Parquet file by its suffix: expected "
                             ".xlsx, .xlsm, .csv, .tsv, .parquet or .pq. Rename it.");
  }

  const ConvertTicksOptions& options_;
  TickPlan plan_;
  std::vector<TickInput> symbols_;  // Of ticks with a column of symbols.
  std::vector<TickInput> feed_;     // Of trades and quotes.
  std::size_t symbols_at_ = 0;      // Of the plan's jobs.
  std::size_t feed_at_ = 0;
  int64_t files_ = 0;
  arrow::Status failed_;
};

}  // namespace

arrow::Result<TickPlan> PlanTickJobs(const std::vector<std::string>& sources, const ConvertTicksOptions& options) {
  Plan plan(options);
  std::set<std::string> added;
  for (const std::string& source : sources) {
    ARROW_ASSIGN_OR_RAISE(const auto files, ExpandFiles({source}, {.connector = "ticks", .suffixes = kSuffixes}));
    for (const InputFile& file : files) {
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      if (added.insert(PathOfInput(file)).second) plan.Add(file);
    }
  }
  return plan.Finish();
}

}  // namespace sabot::ticks::internal
