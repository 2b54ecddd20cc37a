// Rows by ranges of one column: partition p has the values from bound p - 1 on and below bound p. Values are compared
// as numbers, as times, or byte by byte, which for UTF-8 is the order of code points. Null and NaN go to the last
// partition, as they stand last in a sorted table; -0.0 equals 0.0.
#pragma once

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sabot/shuffle/partitioner.h"
#include "sabot/shuffle/split.h"

namespace sabot::shuffle {

// Bounds of one type. An implementation detail that callers never see.
class Ranges;

class RangePartitioner final : public Partitioner {
 public:
  // `bounds` ascend, one fewer than partitions; they are cast to the column's type. The column has integers, float32 or
  // float64, dates, times, durations, text or binary, or a dictionary of these. Errors (kSchema): the column is
  // missing, exists twice, or is of another type; (kOption): bounds that do not ascend, are null or NaN, that the
  // column's type cannot hold, or of a number that does not fit `partitions`.
  static arrow::Result<std::unique_ptr<RangePartitioner>> Make(const arrow::Schema& schema, std::string column,
                                                               const arrow::Array& bounds, int partitions);
  ~RangePartitioner() override;

  std::string_view name() const override { return "range"; }
  int partitions() const override { return partitions_; }
  arrow::Result<Split> Partition(const data::Batch& batch) override;

 private:
  explicit RangePartitioner(int partitions);

  std::string column_;
  int position_ = 0;
  int partitions_;
  std::shared_ptr<arrow::DataType> type_;
  std::unique_ptr<Ranges> ranges_;
  std::shared_ptr<arrow::Array> dictionary_;  // The last one, so that its entries are looked up once:
  std::vector<uint16_t> entry_partition_;  // those, and behind them one for null rows.
  std::vector<uint16_t> row_partition_;  // Of the batch in hand.
  RowCounts counts_;
};

}  // namespace sabot::shuffle
