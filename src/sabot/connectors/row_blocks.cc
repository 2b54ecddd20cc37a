#include "sabot/connectors/row_blocks.h"

#include <arrow/table.h>

#include <algorithm>
#include <utility>

namespace sabot::connectors {
namespace {

// A slice keeps the whole batch it was cut from. Pieces below this are merged in pairs as they come, so that neither
// many small batches nor small rests of large ones are held for long.
constexpr int64_t kPieceRows = 4'096;

}  // namespace

arrow::Status RowBlocks::Add(const std::shared_ptr<arrow::RecordBatch>& batch, const Take& take) {
  for (int64_t begin = 0; begin < batch->num_rows();) {
    const int64_t rows = std::min(batch->num_rows() - begin, block_rows_ - rows_held_);
    auto piece = rows == batch->num_rows() ? batch : batch->Slice(begin, rows);
    begin += rows;
    if (rows == block_rows_) {
      ARROW_RETURN_NOT_OK(take(piece));
      continue;
    }
    ARROW_RETURN_NOT_OK(Hold(std::move(piece)));
    if (rows_held_ == block_rows_) ARROW_RETURN_NOT_OK(TakeHeld(take));
  }
  return arrow::Status::OK();
}

arrow::Status RowBlocks::Finish(const Take& take) { return rows_held_ > 0 ? TakeHeld(take) : arrow::Status::OK(); }

arrow::Status RowBlocks::TakeHeld(const Take& take) {
  auto block = held_.front();
  if (held_.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(block, arrow::ConcatenateRecordBatches(held_));
  }
  held_.clear();
  rows_held_ = 0;
  return take(block);
}

arrow::Status RowBlocks::Hold(std::shared_ptr<arrow::RecordBatch> piece) {
  rows_held_ += piece->num_rows();
  held_.push_back(std::move(piece));
  while (held_.size() > 1) {
    const auto& last = held_[held_.size() - 1];
    const auto& before = held_[held_.size() - 2];
    if (last->num_rows() >= kPieceRows || before->num_rows() > 2 * last->num_rows()) break;
    if (before->num_rows() >= kPieceRows) break;
    ARROW_ASSIGN_OR_RAISE(auto merged, arrow::ConcatenateRecordBatches({before, last}));
    held_.pop_back();
    held_.back() = std::move(merged);
  }
  return arrow::Status::OK();
}

}  // namespace sabot::connectors
