// The rows of a simulation as Arrow tables, with the columns of the files.
#pragma once

#include <arrow/builder.h>
#include <arrow/result.h>
#include <arrow/table.h>

#include <memory>
#include <span>

#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

// timestamp: timestamp[ns], side and kind: utf8, the others float64.
std::shared_ptr<arrow::Schema> TradesSchema();
std::shared_ptr<arrow::Schema> EquitySchema();

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TradesBatch(std::span<const TradeRow> rows);
arrow::Result<std::shared_ptr<arrow::RecordBatch>> EquityBatch(std::span<const EquityRow> rows);  // NaN is null.

}  // namespace sabot::backtest
