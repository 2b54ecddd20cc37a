// What the securities of a run had to work with, and what became of their orders: as a table, and as a JSON file beside
// the summary.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sabot/backtest/summary_file.h"

namespace sabot::backtest {

inline constexpr char kActivityFileName[] = "backtest_activity.json";

// The counts of what it came to, by the names that files and tables have them under.
std::vector<std::pair<std::string, int64_t>> ActivityCounts(const Outcome& outcome);

// `security` and `session` (utf8; null in a market without sessions), then int64: `ticks`, `outside_session`,
// `book_missing`, `book_crossed`, `market_trades`, `orders`, `orders_cut`, `equity_interval_ns`, and `refused_*`, one a
// row of kRefusals. All but the name are null of one that failed.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ActivityBatch(std::span<const SummaryRow> rows);
// The same without those that failed: an object a security, on a line of its own.
std::string ActivityText(std::span<const SummaryRow> rows);

}  // namespace sabot::backtest
