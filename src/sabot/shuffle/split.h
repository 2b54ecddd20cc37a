// From the partition of each row to the rows of each partition: histogram, prefix sum, one pass.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sabot/shuffle/partitioner.h"

namespace sabot::shuffle {

// Partitions are numbered in uint16.
inline constexpr int kPartitionsMax = 32'768;

// Error (kOption): `partitions` is not in [1, kPartitionsMax].
arrow::Status CheckPartitions(int partitions);

// Error (kSchema): `batch` has other columns than the partitioner of this name was made for. Nothing said of fields'
// metadata and of whether they may be null.
arrow::Status CheckSchema(std::string_view partitioner, const arrow::Schema& schema, const arrow::RecordBatch& batch);

// How many rows each of some partitions, or key groups, has. Keeps its memory from batch to batch.
class RowCounts {
 public:
  explicit RowCounts(int partitions);
  std::span<const int64_t> Of(std::span<const uint16_t> partition_of_row);  // Valid until the next call.

 private:
  std::vector<int64_t> counts_;
  std::vector<int64_t> odd_;  // Of every other row.
};

// `rows_of_partition` is how many rows each partition has. In the second form rows have groups, and groups partitions.
arrow::Result<Split> SplitRows(std::span<const uint16_t> partition_of_row, std::span<const int64_t> rows_of_partition);
arrow::Result<Split> SplitRows(std::span<const uint16_t> group_of_row, std::span<const uint16_t> partition_of_group,
                               std::span<const int64_t> rows_of_partition);

// All rows to one partition.
Split AllTo(int partition, int partitions);

}  // namespace sabot::shuffle
