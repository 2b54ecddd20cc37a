// Rows in blocks of one size, whatever the batches that they come in.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace sabot::connectors {

// Cuts rows into blocks of exactly `block_rows`, but the last. A block inside one batch is a slice of it, uncopied.
class RowBlocks {
 public:
  explicit RowBlocks(int64_t block_rows) : block_rows_(block_rows) {}

  // Calls `take` with each block that is full.
  using Take = std::function<arrow::Status(const std::shared_ptr<arrow::RecordBatch>& block)>;
  arrow::Status Add(const std::shared_ptr<arrow::RecordBatch>& batch, const Take& take);
  // Calls it with what is left, if anything is.
  arrow::Status Finish(const Take& take);

 private:
  arrow::Status TakeHeld(const Take& take);
  arrow::Status Hold(std::shared_ptr<arrow::RecordBatch> piece);

  int64_t block_rows_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> held_;  // Less than a block.
  int64_t rows_held_ = 0;
};

}  // namespace sabot::connectors
