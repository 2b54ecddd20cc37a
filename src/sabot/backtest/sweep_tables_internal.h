// Results of a sweep's scans, put together as its tables.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>

#include <memory>
#include <string>

#include "sabot/backtest/sweep.h"
#include "sabot/backtest/sweep_parts_internal.h"

namespace sabot::backtest::internal {

// The parts of all scans are there. Memory: the tables, and what `sets_per_scan` sets hold of daily pnl.
arrow::Result<SweepResult> SweepTables(const SweepPlan& plan, int64_t sets_per_scan, const SweepParts& parts);

// Columns of int64, float64, bool and utf8, written as the files of a run are.
std::string TableText(const arrow::Table& table);

}  // namespace sabot::backtest::internal
