// Which rows go to which of the tasks that follow: by hash, by range, in turn, or all to all. One thread at a time.
#pragma once

#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "sabot/data/batch.h"
#include "sabot/data/selection.h"

namespace sabot::shuffle {

// The rows of a batch, grouped by the partition they go to; within a partition in the batch's order. Where all rows go
// to one, or to every, partition, no numbers are written: that partition's `all` is set. Of no rows no part is `all`,
// unless every part is.
struct Split {
  struct Part {
    bool all = false;              // The whole batch...
    data::Selection rows = {};     // ...or these rows; may be none.
    int64_t size(int64_t batch_rows) const { return all ? batch_rows : rows.size(); }
  };
  std::vector<Part> parts;  // [partitions]
};

class Partitioner {
 public:
  virtual ~Partitioner() = default;
  virtual std::string_view name() const = 0;  // "hash"
  virtual int partitions() const = 0;
  // Without copying a column. Errors (kSchema): the batch has other columns than the partitioner was made for; (kData):
  // a value that has no partition.
  virtual arrow::Result<Split> Partition(const data::Batch& batch) = 0;
};

// For the wire: the rows of each partition as a batch of their own, column by column. Empty parts give nullptr; a part
// of all rows is the batch itself, uncopied. The others are slices of shared buffers: keeping one keeps them all.
arrow::Result<arrow::RecordBatchVector> Scatter(const arrow::RecordBatch& batch, const Split& split);

}  // namespace sabot::shuffle
