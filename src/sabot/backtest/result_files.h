// The files of one security in the folder of a run: its fills, and its equity over time.
#pragma once

#include <arrow/result.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

// Names as files have them.
std::string_view NameOf(Side side);      // buy, sell
std::string_view NameOf(FillKind kind);  // fill, flatten, stop

// Rows are written as they come; a file takes its name when it is complete, or never. One thread at a time.
class ResultFiles {
 public:
  virtual ~ResultFiles() = default;

  virtual arrow::Status Write(std::span<const TradeRow> trades, std::span<const EquityRow> equity) = 0;
  // All take their names. Destroyed before, they leave nothing.
  virtual arrow::Status Commit() = 0;
};

// adnocgas_trades_timeseries.csv and adnocgas_equity.csv in a folder that exists; with `parquet` the same rows, with
// the columns of result_tables.h, in adnocgas_trades_timeseries.parquet and adnocgas_equity.parquet, too. Errors: those
// of the storage.
arrow::Result<std::unique_ptr<ResultFiles>> CreateResultFiles(const std::string& folder, std::string_view security,
                                                              bool parquet);

// What they are called in their folder.
std::vector<std::string> ResultFileNames(std::string_view security, bool parquet);

// Those that a run left of a security that has none; those of Parquet stay, unless `parquet`.
arrow::Status RemoveResultFiles(const std::string& folder, std::string_view security, bool parquet);

}  // namespace sabot::backtest
