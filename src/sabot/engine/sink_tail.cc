#include "sabot/engine/sink_tail.h"

#include <arrow/table.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sabot/env/fault_point.h"

namespace sabot::engine {
SinkTail::SinkTail(std::unique_ptr<connectors::Sink> sink, checkpoint::SinkState before, std::function<void()> write,
                   int64_t bytes)
    : sink_(std::move(sink)),
      before_(std::move(before)),
      write_(std::move(write)),
      bytes_max_(bytes),
      files_begin_(before_.durable),
      files_end_(before_.durable),
      rows_(before_.durable) {}

// Rows behind `rows` are computed again: a file that ends with them is as good as one of this run, any other is not.
arrow::Status SinkTail::Replay(checkpoint::Store& from, bool keep_files) {
  int64_t begin = before_.files_begin;
  for (const auto& file : before_.files) {
    const bool kept = keep_files && begin + file.rows <= before_.rows;
    if (kept) {
      if (files_.empty()) files_begin_ = begin;
      files_.push_back(file);
      files_end_ = begin + file.rows;
    }
    ARROW_ASSIGN_OR_RAISE(const auto table, from.Read(file));
    arrow::TableBatchReader reader(*table);
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(auto batch, reader.Next());
      if (batch == nullptr) break;
      const int64_t first = std::clamp<int64_t>(before_.durable - begin, 0, batch->num_rows());
      const int64_t last = std::clamp<int64_t>(before_.rows - begin, first, batch->num_rows());
      begin += batch->num_rows();
      if (first == last) continue;
      batch = batch->Slice(first, last - first);
      ARROW_RETURN_NOT_OK(sink_->Write(batch));
      const std::lock_guard lock(mutex_);
      if (kept) {
        rows_ += batch->num_rows();
      } else {
        Keep(batch);
      }
    }
  }
  return arrow::Status::OK();
}

void SinkTail::Keep(const std::shared_ptr<arrow::RecordBatch>& batch) {
  const int64_t bytes = arrow::util::ReferencedBufferSize(*batch).ValueOr(0);
  held_.push_back({.batch = batch, .begin = rows_, .bytes = bytes});
  bytes_held_ += bytes;
  rows_ += batch->num_rows();
  Forget();
  if (bytes_held_ < bytes_max_ || std::exchange(asked_, true)) return;
  write_();
}

void SinkTail::Forget() {
  const int64_t durable = floor_.value_or(rows_durable());
  while (!held_.empty() && held_.front().begin + held_.front().batch->num_rows() <= durable) {
    bytes_held_ -= held_.front().bytes;
    held_.pop_front();
  }
}

arrow::Status SinkTail::Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
  ARROW_RETURN_NOT_OK(sink_->Write(batch));
  const std::lock_guard lock(mutex_);
  Keep(batch);
  return failed_;
}

arrow::Result<bool> SinkTail::TryWrite(const std::shared_ptr<arrow::RecordBatch>& batch) {
  {
    const std::lock_guard lock(mutex_);
    ARROW_RETURN_NOT_OK(failed_);
    if (bytes_held_ >= 2 * bytes_max_) Forget();
    wanted_ = bytes_held_ >= 2 * bytes_max_;
    if (wanted_) return false;
  }
  ARROW_ASSIGN_OR_RAISE(const bool given, sink_->TryWrite(batch));
  if (!given) return false;
  const std::lock_guard lock(mutex_);
  Keep(batch);
  return true;
}

void SinkTail::set_wake(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    wake_ = wake;
  }
  sink_->set_wake(std::move(wake));
}

void SinkTail::OnBarrier() {
  const std::lock_guard lock(mutex_);
  floor_ = rows_durable();
}

void SinkTail::GiveUp() {
  const std::lock_guard lock(mutex_);
  floor_ = std::nullopt;
}

arrow::Status SinkTail::WriteRows(checkpoint::Store& store, const checkpoint::CheckpointId& id) {
  int64_t end = 0;
  {
    const std::lock_guard lock(mutex_);
    Forget();
    end = rows_;
  }
  const auto status = WriteFile(store, id, end);
  const std::lock_guard lock(mutex_);
  asked_ = false;
  failed_ = status;
  if (std::exchange(wanted_, false)) wake_();
  return status;
}

arrow::Status SinkTail::WriteFile(checkpoint::Store& store, const checkpoint::CheckpointId& id, int64_t end) {
  arrow::RecordBatchVector batches;
  int64_t begin = 0;
  {
    const std::lock_guard lock(mutex_);
    if (held_.empty() || held_.front().begin >= end) return arrow::Status::OK();
    begin = held_.front().begin;
    for (const Rows& rows : held_) {
      if (rows.begin < end) batches.push_back(rows.batch);
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches(batches.front()->schema(), batches));
  const std::string name = "sink." + std::to_string(before_.partition) + "." + std::to_string(files_written_++);
  ARROW_ASSIGN_OR_RAISE(auto file, store.Write(id, name, *table));
  env::FaultPoint("tail-written");
  if (begin > files_end_) {  // What lies between is durable, and so is all before.
    files_.clear();
    files_begin_ = begin;
  }
  files_end_ = begin + file.rows;
  files_.push_back(std::move(file));
  const std::lock_guard lock(mutex_);
  while (!held_.empty() && held_.front().begin < end) {
    bytes_held_ -= held_.front().bytes;
    held_.pop_front();
  }
  return arrow::Status::OK();
}

arrow::Result<checkpoint::SinkState> SinkTail::Save(checkpoint::Store& store, const checkpoint::CheckpointId& id,
                                                    int64_t rows) {
  ARROW_RETURN_NOT_OK(WriteFile(store, id, rows));
  checkpoint::SinkState state{.uid = before_.uid, .partition = before_.partition, .rows = rows};
  const std::lock_guard lock(mutex_);
  state.durable = std::min(floor_.value_or(rows_durable()), rows);
  while (!files_.empty() && files_begin_ + files_.front().rows <= state.durable) {
    files_begin_ += files_.front().rows;
    files_.erase(files_.begin());
  }
  if (files_.empty()) files_begin_ = files_end_ = std::max(files_end_, state.durable);
  state.files_begin = files_begin_;
  if (state.durable < rows) state.files = files_;
  floor_ = std::nullopt;
  Forget();
  if (std::exchange(wanted_, false)) wake_();
  return state;
}

}  // namespace sabot::engine
