// Paper trading: a strategy on a stream of many symbols' ticks, a simulation a symbol. What it fills is what a backtest
// of the same ticks fills.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>
#include <string>

#include "sabot/backtest/run.h"

namespace sabot::backtest {

// One thread at a time. After an error only its destructor may be called.
class PaperTrading {
 public:
  virtual ~PaperTrading() = default;
  // `by`: the column that has the symbols (strings or integers).
  static std::unique_ptr<PaperTrading> Make(RunPlan plan, std::string by = "symbol");

  // Fills of these ticks, in the order of the ticks that they happened at: the symbol's column, then TradesSchema().
  // No cut of the ticks into batches changes them. Errors: a symbol is missing (kData), other columns than before
  // (kSchema), those of a simulation with the symbol's name.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Push(const std::shared_ptr<arrow::RecordBatch>& ticks) = 0;
  // No more ticks: fills at the end of the last date, in the order in which the symbols came.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish() = 0;
};

}  // namespace sabot::backtest
