#include "sabot/shuffle/broadcast_partitioner.h"

#include <cstddef>
#include <utility>

#include "sabot/shuffle/split.h"

namespace sabot::shuffle {

BroadcastPartitioner::BroadcastPartitioner(std::shared_ptr<arrow::Schema> schema, int partitions)
    : schema_(std::move(schema)), partitions_(partitions) {}

arrow::Result<std::unique_ptr<BroadcastPartitioner>> BroadcastPartitioner::Make(std::shared_ptr<arrow::Schema> schema,
                                                                                int partitions) {
  ARROW_RETURN_NOT_OK(CheckPartitions(partitions));
  return std::unique_ptr<BroadcastPartitioner>(new BroadcastPartitioner(std::move(schema), partitions));
}

arrow::Result<Split> BroadcastPartitioner::Partition(const data::Batch& batch) {
  ARROW_RETURN_NOT_OK(CheckSchema(name(), *schema_, *batch.rows));
  Split split;
  split.parts.resize(static_cast<std::size_t>(partitions_));
  for (Split::Part& part : split.parts) part.all = true;
  return split;
}

}  // namespace sabot::shuffle
