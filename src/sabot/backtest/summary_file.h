// What the securities of a run came to: a row each, as the text of a CSV file and as a table.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

struct SummaryRow {
  std::string security;
  std::optional<Outcome> outcome = std::nullopt;  // None: it failed.
  int64_t rejected = 0;                           // Rows of the source of its ticks.
  std::string error = {};                         // Why it failed.
};

// Numbers of one that failed are empty, and so are those that are not there: sharpe, win_rate.
std::string SummaryText(std::span<const SummaryRow> rows);
arrow::Result<std::shared_ptr<arrow::RecordBatch>> SummaryBatch(std::span<const SummaryRow> rows);

}  // namespace sabot::backtest
