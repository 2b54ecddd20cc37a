// What a sink was given behind its last complete file: a process that dies takes these rows along, and the state of the
// job is behind them already. So they are kept until a file of the sink has them, in files of the checkpoints where
// memory would not do, and given to the sink of the next run.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "sabot/checkpoint/store.h"
#include "sabot/connectors/sink.h"

namespace sabot::engine {

class SinkTail final : public connectors::Sink {
 public:
  // Of rows in memory: what is more is written, and twice as much keeps the task that gives them waiting.
  static constexpr int64_t kBytes = int64_t{64} << 20;

  // `before`: where an earlier run left the sink, which was opened behind its `durable` rows. `write`: asks whoever
  // writes checkpoints to call WriteRows soon; any thread.
  SinkTail(std::unique_ptr<connectors::Sink> sink, checkpoint::SinkState before, std::function<void()> write,
           int64_t bytes = kBytes);

  // Gives the sink the rows of an earlier run's tail. `keep_files`: those files are of the store of this run, too.
  // Errors: those of the store and of the sink.
  arrow::Status Replay(checkpoint::Store& from, bool keep_files);

  // From here to Save, or to GiveUp, nothing is forgotten that is not durable now: what is durable later may end behind
  // the checkpoint.
  void OnBarrier() override;
  void GiveUp();
  // By whoever writes checkpoints, one call at a time: puts rows that only memory has into a file of a checkpoint that
  // has not begun.
  arrow::Status WriteRows(checkpoint::Store& store, const checkpoint::CheckpointId& id);
  // Where the sink stands behind so many rows, with files of all that are not durable.
  arrow::Result<checkpoint::SinkState> Save(checkpoint::Store& store, const checkpoint::CheckpointId& id, int64_t rows);

  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override;
  arrow::Result<bool> TryWrite(const std::shared_ptr<arrow::RecordBatch>& batch) override;
  void set_wake(std::function<void()> wake) override;
  arrow::Status Finish() override { return sink_->Finish(); }
  arrow::Status Close() override { return sink_->Close(); }
  int64_t rows_written() const override { return sink_->rows_written(); }
  int64_t bytes_written() const override { return sink_->bytes_written(); }
  int64_t rows_durable() const override { return before_.durable + sink_->rows_durable(); }

 private:
  struct Rows {
    std::shared_ptr<arrow::RecordBatch> batch;
    int64_t begin = 0;  // The number of its first row.
    int64_t bytes = 0;
  };
  void Keep(const std::shared_ptr<arrow::RecordBatch>& batch);  // With the mutex,
  void Forget();  // this too: what is durable.
  // Puts held rows before row `end` into a file.
  arrow::Status WriteFile(checkpoint::Store& store, const checkpoint::CheckpointId& id, int64_t end);

  const std::unique_ptr<connectors::Sink> sink_;
  const checkpoint::SinkState before_;
  const std::function<void()> write_;
  const int64_t bytes_max_;
  int64_t files_written_ = 0;
  std::vector<checkpoint::StateFile> files_;  // Used by whoever writes checkpoints,
  int64_t files_begin_;  // as is the number of their first row,
  int64_t files_end_;  // and of that behind their last.
  std::function<void()> wake_ = [] {};

  std::mutex mutex_;  // Of all below.
  std::deque<Rows> held_;
  int64_t bytes_held_ = 0;
  int64_t rows_;  // Given to the sink, by earlier runs too.
  std::optional<int64_t> floor_;  // Durable at the barrier of the checkpoint under way.
  bool asked_ = false;  // For WriteRows,
  bool wanted_ = false;  // because somebody waits for room.
  arrow::Status failed_;  // WriteRows did.
};

}  // namespace sabot::engine
