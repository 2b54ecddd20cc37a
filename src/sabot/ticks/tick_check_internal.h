// Whether what a Parquet file holds are ticks, and in canonical form.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/ticks/tick_schema.h"

namespace sabot::ticks::internal {

// The end of a message about a file that has other columns or rows than a tick file.
inline constexpr std::string_view kConvertTicks = " Convert it: 'sabot convert', or sabot.backtest.convert_ticks.";

// Of the batches of one file, in their order.
class TickCheck {
 public:
  // `found`: the columns of the batches, those of TickSchema in any order, `type` as any dictionary of text. `where`
  // begins messages: "tick file 'a.parquet': ".
  TickCheck(std::string where, const arrow::Schema& found);

  bool has_side() const { return schema_->num_fields() > 4; }
  // The batch in canonical form. Error (kData, with its row): a value breaks the promises of TickReader.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Check(const arrow::RecordBatch& read);

 private:
  arrow::Status Bad(int64_t row, const std::string& reason) const;
  arrow::Result<std::vector<int8_t>> Types(const arrow::Array& column) const;
  arrow::Result<std::vector<int8_t>> Sides(const arrow::Array& column) const;
  arrow::Status CheckValues(const TickColumns& ticks);
  arrow::Status FindBadValue(const TickColumns& ticks) const;

  std::string where_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<int> columns_;  // Of a batch as it is read, in the order of the schema.
  int64_t rows_ = 0;          // Before the batch.
  int64_t last_ = std::numeric_limits<int64_t>::min();  // The time of the last row before the batch.
};

}  // namespace sabot::ticks::internal
