// Results of a sweep's scans, put together as its tables.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>

#include <memory>
#include <string>

#include "sabot/backtest/sweep.h"
#include "sabot/backtest/sweep_parts_internal.h"

namespace sabot::backtest::internal {

// The parts of all sets are there. Memory: the tables, and the daily pnl of as many sets as the largest part has, or
// some more.
arrow::Result<SweepResult> SweepTables(const SweepPlan& plan, const SweepParts& parts);

// Columns of int64, float64, bool and utf8, written as the files of a run are.
std::string TableText(const arrow::Table& table);

}  // namespace sabot::backtest::internal
