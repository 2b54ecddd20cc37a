// Rows in turn, by blocks of their offsets in the source: partition = offset / block rows mod partitions. So the split
// does not depend on how the source was cut into batches, nor on which batch came first.
#pragma once

#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "sabot/shuffle/partitioner.h"
#include "sabot/shuffle/split.h"

namespace sabot::shuffle {

class RoundRobinPartitioner final : public Partitioner {
 public:
  static constexpr int64_t kBlockRows = 131'072;

  // Errors (kOption): partitions out of [1, 32768], block_rows below 1.
  static arrow::Result<std::unique_ptr<RoundRobinPartitioner>> Make(std::shared_ptr<arrow::Schema> schema,
                                                                    int partitions, int64_t block_rows = kBlockRows);

  std::string_view name() const override { return "round_robin"; }
  int partitions() const override { return partitions_; }
  // Error (kData): the batch has no places, or a row of it no offset in a source.
  arrow::Result<Split> Partition(const data::Batch& batch) override;

 private:
  RoundRobinPartitioner(std::shared_ptr<arrow::Schema> schema, int partitions, int64_t block_rows);

  std::shared_ptr<arrow::Schema> schema_;
  int partitions_;
  int64_t block_rows_;
  std::vector<uint16_t> row_partition_;  // Of the batch in hand.
  RowCounts counts_;
};

}  // namespace sabot::shuffle
