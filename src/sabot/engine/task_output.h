// Where a task's frames go: to channels, a sink, or whoever iterates the stream.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "sabot/connectors/sink.h"
#include "sabot/data/frame.h"
#include "sabot/shuffle/channel.h"
#include "sabot/shuffle/partitioner.h"

namespace sabot::engine {

class TaskOutput {
 public:
  virtual ~TaskOutput() = default;
  // Takes a frame, rows without a selection; only when Flush last returned true.
  virtual arrow::Status Put(data::Frame frame) = 0;
  // Passes on what it can. False: something is left, and the task is woken when there is room.
  virtual arrow::Result<bool> Flush() = 0;
};

// Along an edge: rows to the channels that a partitioner says, everything else to all of them. A channel without room
// does not keep the others from getting theirs, so that a receiver that merges them can go on.
struct Lane {
  std::shared_ptr<shuffle::Channel> channel;
  std::atomic<int64_t>* frontier_time;  // Out: up to which time rows were sent. Outlives the router.
};
std::unique_ptr<TaskOutput> MakeRouter(std::unique_ptr<shuffle::Partitioner> partitioner, std::vector<Lane> lanes);

// Along several edges.
std::unique_ptr<TaskOutput> MakeFanOut(std::vector<std::unique_ptr<TaskOutput>> outputs);

// Into a sink, which outlives it. `rows_written` counts them.
std::unique_ptr<TaskOutput> MakeSinkOutput(connectors::Sink& sink, std::atomic<int64_t>& rows_written);

// Batches for whoever asks for them, some at a time.
class ResultQueue {
 public:
  // Both are called with batches put or taken, on the thread that did it.
  ResultQueue(std::size_t batches_max, std::function<void()> on_put) : max_(batches_max), on_put_(std::move(on_put)) {}

  // The task's end. False: it is full.
  bool TryPut(std::shared_ptr<arrow::RecordBatch> batch);
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  // The reader's.
  std::shared_ptr<arrow::RecordBatch> TryTake();
  std::size_t size() const;
  bool full() const { return size() >= max_; }

 private:
  const std::size_t max_;
  const std::function<void()> on_put_;
  std::function<void()> wake_ = [] {};
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<arrow::RecordBatch>> batches_;
  bool wanted_ = false;
};
std::unique_ptr<TaskOutput> MakeResultOutput(std::shared_ptr<ResultQueue> results, std::atomic<int64_t>& rows_given);

}  // namespace sabot::engine
