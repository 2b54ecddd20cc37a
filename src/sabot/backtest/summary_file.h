// What the securities of a run came to: a row each, as a CSV file and as a table.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

inline constexpr char kSummaryFileName[] = "backtest_summary.csv";
inline constexpr char kSummaryParquetName[] = "backtest_summary.parquet";

struct SummaryRow {
  std::string security;
  std::optional<Outcome> outcome = std::nullopt;  // None: it failed.
  int64_t rejected = 0;                           // Rows of the source of its ticks.
  std::string error = {};                         // Why it failed.
};

// Numbers of one that failed are empty, and so are those that are not there: sharpe, win_rate.
std::string SummaryText(std::span<const SummaryRow> rows);
arrow::Result<std::shared_ptr<arrow::RecordBatch>> SummaryBatch(std::span<const SummaryRow> rows);

// Into a folder that exists, with the file of their activity, and with `parquet` the summary's table. The summary comes
// last: where it lies, the files beside it are those that it is of. So who begins a run there takes the old one away
// first.
arrow::Status WriteSummary(const std::string& folder, std::span<const SummaryRow> rows, bool parquet = false);
arrow::Status RemoveSummary(const std::string& folder);

}  // namespace sabot::backtest
