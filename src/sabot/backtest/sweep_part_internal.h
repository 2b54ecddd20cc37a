// What a part of a sweep came to, and the columns in which its file keeps that.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "sabot/backtest/summary_file.h"

namespace sabot::backtest::internal {

// What the ticks of a security came to with sets that follow one another.
struct SweepPart {
  int64_t first_set = 0;
  std::vector<int64_t> dates = {};  // Of all outcomes, which do not have them any more.
  std::vector<SummaryRow> rows = {};

  // Error: outcomes of the same ticks have different dates, which is a defect of Sabot.
  static arrow::Result<SweepPart> Of(int64_t first_set, std::vector<SummaryRow> rows);

  static std::shared_ptr<arrow::Schema> Schema();
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToBatch() const;  // A row a set.
  // Of a batch with this schema, whose arrays are valid, and a row or more. Error: it is none that ToBatch made.
  static arrow::Result<SweepPart> FromBatch(int64_t first_set, const arrow::RecordBatch& batch);
};

}  // namespace sabot::backtest::internal
