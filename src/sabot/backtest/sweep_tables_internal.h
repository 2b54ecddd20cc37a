// Results of a sweep's scans, put together as its tables.
#pragma once

#include <arrow/result.h>

#include "sabot/backtest/sweep.h"
#include "sabot/backtest/sweep_parts_internal.h"

namespace sabot::backtest::internal {

// The parts of all sets are there. Memory: the tables, and the daily pnl of as many sets as the largest part has, or
// some more.
arrow::Result<SweepResult> SweepTables(const SweepPlan& plan, const SweepParts& parts);

}  // namespace sabot::backtest::internal
