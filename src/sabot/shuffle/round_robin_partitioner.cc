#include "sabot/shuffle/round_robin_partitioner.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::shuffle {

RoundRobinPartitioner::RoundRobinPartitioner(std::shared_ptr<arrow::Schema> schema, int partitions, int64_t block_rows)
    : schema_(std::move(schema)), partitions_(partitions), block_rows_(block_rows), counts_(partitions) {}

arrow::Result<std::unique_ptr<RoundRobinPartitioner>> RoundRobinPartitioner::Make(std::shared_ptr<arrow::Schema> schema,
                                                                                  int partitions, int64_t block_rows) {
  ARROW_RETURN_NOT_OK(CheckPartitions(partitions));
  if (block_rows < 1) {
    return data::OptionError("round-robin partitioner: block_rows must be >= 1, found " + std::to_string(block_rows) +
                             ".");
  }
  return std::unique_ptr<RoundRobinPartitioner>(new RoundRobinPartitioner(std::move(schema), partitions, block_rows));
}

arrow::Result<Split> RoundRobinPartitioner::Partition(const data::Batch& batch) {
  ARROW_RETURN_NOT_OK(CheckSchema(name(), *schema_, *batch.rows));
  const int64_t rows = batch.num_rows();
  if (batch.places.rows() != rows) {
    return data::DataError("round-robin partitioner: a batch of " + std::to_string(rows) + " rows has places for " +
                           std::to_string(batch.places.rows()) +
                           ". Let the plan carry the places of rows to this edge.");
  }
  // As a source cuts its batches: rows that follow one another, none of them behind the end of the first one's block.
  if (const auto& places = batch.places.columns(); rows > 0 && places.offsets == nullptr && places.offset >= 0 &&
                                                   rows <= block_rows_ - places.offset % block_rows_) {
    return AllTo(static_cast<int>(places.offset / block_rows_ % partitions_), partitions_);
  }
  row_partition_.resize(static_cast<std::size_t>(rows));
  int64_t block_begin = 0;  // Rows of one block follow one another, so a division is rare.
  int64_t block_end = 0;
  uint16_t partition = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t offset = batch.places.at(row).offset;
    if (offset < block_begin || offset >= block_end) [[unlikely]] {
      if (offset < 0) {
        return data::DataError("round-robin partitioner: row " + std::to_string(row) + " of a batch has offset " +
                               std::to_string(offset) +
                               ", which is none of a source. Divide such rows by key, or among one task.");
      }
      const int64_t block = offset / block_rows_;
      block_begin = block * block_rows_;
      block_end = block_begin + std::min(block_rows_, std::numeric_limits<int64_t>::max() - block_begin);
      partition = static_cast<uint16_t>(block % partitions_);
    }
    row_partition_[static_cast<std::size_t>(row)] = partition;
  }
  return SplitRows(row_partition_, counts_.Of(row_partition_));
}

}  // namespace sabot::shuffle
