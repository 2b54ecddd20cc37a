// Which files a conversion reads, and what belongs together.
#include <arrow/type.h>

#include <algorithm>
#include <filesystem>
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

// In lower case.
std::string SuffixOf(const InputFile& file) {
  std::string suffix = std::filesystem::path(file.path).extension().string();
  for (char& letter : suffix) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
  return suffix;
}

std::string StemOf(const InputFile& file) { return std::filesystem::path(file.path).stem().string(); }
std::string FileNameOf(const InputFile& file) { return std::filesystem::path(file.path).filename().string(); }

class Plan {
 public:
  explicit Plan(const ConvertTicksOptions& options) : options_(options) {}

  arrow::Status Add(const InputFile& file, bool named) {
    const std::string suffix = SuffixOf(file);
    arrow::Status status;
    if (suffix == ".xlsx" || suffix == ".xlsm") {
      status = AddWorkbook(file);
    } else if (std::ranges::find(kSuffixes, suffix) != kSuffixes.end()) {
      status = AddColumns(file, suffix == ".csv" || suffix == ".tsv", named);
    } else {
      status = data::OptionError("'" + file.name +
                                 "' is no workbook, CSV or Parquet file by its suffix: expected "
                                 ".xlsx, .xlsm, .csv, .tsv, .parquet or .pq. Rename it.");
    }
    ++files_;
    if (status.ok()) return status;
    failed_ = status;
    jobs_.push_back(MakeFailedJob(StemOf(file), FileNameOf(file), status));
    return arrow::Status::OK();
  }

  arrow::Result<std::vector<std::unique_ptr<TickJob>>> Finish() {
    if (files_ == 1 && !failed_.ok()) return failed_;  // Of a single source nothing else is left.
    if (!symbols_.empty()) jobs_.push_back(MakeFilesJob(std::move(symbols_)));
    if (!feed_.empty()) {
      std::ranges::stable_sort(feed_, {}, [](const TickInput& input) { return input.rows; });  // Trades come first.
      jobs_.push_back(MakeFilesJob(std::move(feed_)));
    }
    return std::move(jobs_);
  }

 private:
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
      jobs_.push_back(MakeSheetsJob(file.path, workbook, std::move(security), share * static_cast<double>(file.bytes)));
    }
    return arrow::Status::OK();
  }

  arrow::Status AddColumns(const InputFile& file, bool is_csv, bool named) {
    if (file.is_pipe) {
      return data::OptionError("'" + file.name +
                               "' is a pipe, and ticks are read more than once. Write them to a file.");
    }
    TickInput input{.file = file, .is_csv = is_csv, .rows = TickRows::kTicks, .has_symbol = false};
    if (!is_csv) {
      ARROW_ASSIGN_OR_RAISE(auto look, LookAtTickFile(file.name));
      if (look.is_ours) {  // One of a folder may have been written there by an earlier conversion.
        if (named) jobs_.push_back(MakeReadyJob(file.path, std::move(look.info)));
        return arrow::Status::OK();
      }
    }
    ARROW_ASSIGN_OR_RAISE(const auto source, OpenTickInput(input, nullptr));
    const auto names = source->schema()->field_names();
    const auto columns = FindTickColumns(names);
    if (!columns.ok()) return columns.status().WithMessage("'", file.name, "': ", columns.status().message());
    input.has_symbol = columns->symbol != kNoColumn;
    if (columns->are_ticks()) {
      if (!input.has_symbol) {
        jobs_.push_back(MakeFilesJob({std::move(input)}));
      } else {
        symbols_.push_back(std::move(input));
      }
      return arrow::Status::OK();
    }
    if (!columns->are_trades() && !columns->are_quotes()) {
      return data::SchemaError("'" + file.name + "': " +
                               (columns->is_depth ? "it holds levels of an order book, and ticks are expected"
                                                  : ExplainMissing(*columns, names)) +
                               ".");
    }
    if (!input.has_symbol) {
      return data::SchemaError("'" + file.name +
                               "' holds trades or quotes, but no column `symbol` says of what. Add one.");
    }
    input.rows = columns->are_trades() ? TickRows::kTrades : TickRows::kQuotes;
    feed_.push_back(std::move(input));
    return arrow::Status::OK();
  }

  const ConvertTicksOptions& options_;
  std::vector<std::unique_ptr<TickJob>> jobs_;
  std::vector<TickInput> symbols_;  // Of ticks with a column of symbols.
  std::vector<TickInput> feed_;     // Of trades and quotes.
  int64_t files_ = 0;
  arrow::Status failed_;
};

}  // namespace

arrow::Result<std::vector<std::unique_ptr<TickJob>>> PlanTickJobs(const std::vector<std::string>& sources,
                                                                  const ConvertTicksOptions& options) {
  Plan plan(options);
  std::set<std::string> added;
  for (const std::string& source : sources) {
    ARROW_ASSIGN_OR_RAISE(const auto files, ExpandFiles({source}, {.connector = "ticks", .suffixes = kSuffixes}));
    for (const InputFile& file : files) {
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      if (!added.insert(file.name).second) continue;
      ARROW_RETURN_NOT_OK(plan.Add(file, /*named=*/file.name == source));
    }
  }
  return plan.Finish();
}

}  // namespace sabot::ticks::internal
