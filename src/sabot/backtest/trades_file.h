// The CSV files of one security: its fills, and its equity over time. Rows are written as they come; a file takes its
// name when it is complete, or never.
#pragma once

#include <arrow/result.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sabot/backtest/simulation.h"
#include "sabot/env/storage.h"

namespace sabot::backtest {

// Names as files have them.
std::string_view NameOf(Side side);      // buy, sell
std::string_view NameOf(FillKind kind);  // fill, flatten, stop

// The files' names in the folder of a run: adnocgas_trades_timeseries.csv, adnocgas_equity.csv.
std::string TradesFileName(std::string_view security);
std::string EquityFileName(std::string_view security);

// One thread at a time.
class ResultFiles {
 public:
  // In a folder that exists. Errors: those of the storage.
  static arrow::Result<std::unique_ptr<ResultFiles>> Create(const std::string& folder, std::string_view security);
  virtual ~ResultFiles() = default;

  virtual arrow::Status Write(std::span<const TradeRow> trades, std::span<const EquityRow> equity) = 0;
  // Both take their names. Destroyed before, they leave nothing.
  virtual arrow::Status Commit() = 0;
};

// Those that an earlier run left of a security that now has none.
arrow::Status RemoveResultFiles(const std::string& folder, std::string_view security);

}  // namespace sabot::backtest
