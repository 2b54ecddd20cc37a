#include "sabot/engine/task_output.h"

#include <utility>

namespace sabot::engine {
namespace {

class Router final : public TaskOutput {
 public:
  Router(std::unique_ptr<shuffle::Partitioner> partitioner, std::vector<Lane> lanes)
      : partitioner_(std::move(partitioner)) {
    for (Lane& lane : lanes) queues_.push_back({.to = std::move(lane)});
  }

  arrow::Status Put(data::Frame frame) override {
    if (frame.kind != data::FrameKind::kRows) {
      for (Queue& queue : queues_) ARROW_RETURN_NOT_OK(Signal(queue.to, frame));
      return arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(const auto split, partitioner_->Partition(frame.batch));
    for (std::size_t i = 0; i < queues_.size(); ++i) {
      const auto& part = split.parts[i];
      Queue& queue = queues_[i];
      if (part.size(frame.batch.num_rows()) == 0) {
        if (frame.frontier > data::kBeginPlace) {
          ARROW_RETURN_NOT_OK(Signal(queue.to, data::Frame::Frontier(frame.frontier)));
        }
        continue;
      }
      queue.rows = part.all ? frame : data::Frame::Rows(frame.batch, part.rows, frame.frontier);
      queue.sent = 0;
    }
    return arrow::Status::OK();
  }

  arrow::Result<bool> Flush() override {
    bool all = true;
    for (Queue& queue : queues_) {
      if (!queue.rows) continue;
      ARROW_ASSIGN_OR_RAISE(const int64_t sent, queue.to.channel->SendRows(*queue.rows, queue.sent));
      queue.sent += sent;
      if (queue.sent == queue.rows->num_rows()) {
        Promised(queue.to, queue.rows->frontier);
        queue.rows = std::nullopt;
      } else {
        all = false;
        if (sent > 0 && queue.rows->batch.places.rows() > 0) Promised(queue.to, queue.rows->place(queue.sent - 1));
      }
    }
    return all;
  }

 private:
  struct Queue {
    Lane to;
    std::optional<data::Frame> rows = std::nullopt;  // On their way,
    int64_t sent = 0;                                // with so many of them gone.
  };

  static arrow::Status Signal(const Lane& lane, const data::Frame& signal) {
    if (signal.kind != data::FrameKind::kBarrier) Promised(lane, signal.frontier);
    return lane.channel->SendSignal(signal);
  }
  static void Promised(const Lane& lane, const data::Place& frontier) {
    lane.frontier_time->store(frontier.time, std::memory_order_relaxed);
  }

  std::unique_ptr<shuffle::Partitioner> partitioner_;
  std::vector<Queue> queues_;
};

class FanOut final : public TaskOutput {
 public:
  explicit FanOut(std::vector<std::unique_ptr<TaskOutput>> outputs) : outputs_(std::move(outputs)) {}
  arrow::Status Put(data::Frame frame) override {
    for (const auto& output : outputs_) ARROW_RETURN_NOT_OK(output->Put(frame));
    return arrow::Status::OK();
  }
  arrow::Result<bool> Flush() override {
    bool all = true;
    for (const auto& output : outputs_) {
      ARROW_ASSIGN_OR_RAISE(const bool flushed, output->Flush());
      all = all && flushed;
    }
    return all;
  }

 private:
  std::vector<std::unique_ptr<TaskOutput>> outputs_;
};

// The rows of a frame, one batch at a time, to something that may be full.
template <class TryGive>
class OneByOne final : public TaskOutput {
 public:
  explicit OneByOne(TryGive try_give) : try_give_(std::move(try_give)) {}
  arrow::Status Put(data::Frame frame) override {
    if (frame.kind == data::FrameKind::kRows && frame.num_rows() > 0) rows_ = std::move(frame.batch.rows);
    return arrow::Status::OK();
  }
  arrow::Result<bool> Flush() override {
    if (rows_ == nullptr) return true;
    ARROW_ASSIGN_OR_RAISE(const bool given, try_give_(rows_));
    if (given) rows_ = nullptr;
    return given;
  }

 private:
  TryGive try_give_;
  std::shared_ptr<arrow::RecordBatch> rows_;
};

template <class TryGive>
std::unique_ptr<TaskOutput> MakeOneByOne(TryGive try_give) {
  return std::make_unique<OneByOne<TryGive>>(std::move(try_give));
}

}  // namespace

std::unique_ptr<TaskOutput> MakeRouter(std::unique_ptr<shuffle::Partitioner> partitioner, std::vector<Lane> lanes) {
  return std::make_unique<Router>(std::move(partitioner), std::move(lanes));
}

std::unique_ptr<TaskOutput> MakeFanOut(std::vector<std::unique_ptr<TaskOutput>> outputs) {
  return std::make_unique<FanOut>(std::move(outputs));
}

std::unique_ptr<TaskOutput> MakeSinkOutput(connectors::Sink& sink, std::atomic<int64_t>& rows_written) {
  return MakeOneByOne([&sink, &rows_written](const std::shared_ptr<arrow::RecordBatch>& rows) -> arrow::Result<bool> {
    ARROW_ASSIGN_OR_RAISE(const bool given, sink.TryWrite(rows));
    if (given) rows_written += rows->num_rows();
    return given;
  });
}

bool ResultQueue::TryPut(std::shared_ptr<arrow::RecordBatch> batch) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = batches_.size() >= max_;
    if (wanted_) return false;
    batches_.push_back(std::move(batch));
  }
  on_put_();
  return true;
}

std::shared_ptr<arrow::RecordBatch> ResultQueue::TryTake() {
  std::shared_ptr<arrow::RecordBatch> batch;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (batches_.empty()) return nullptr;
    batch = std::move(batches_.front());
    batches_.pop_front();
    wake = std::exchange(wanted_, false);
  }
  if (wake) wake_();
  return batch;
}

std::size_t ResultQueue::size() const {
  const std::lock_guard lock(mutex_);
  return batches_.size();
}

std::unique_ptr<TaskOutput> MakeResultOutput(std::shared_ptr<ResultQueue> results, std::atomic<int64_t>& rows_given) {
  return MakeOneByOne([results = std::move(results),
                       &rows_given](const std::shared_ptr<arrow::RecordBatch>& rows) -> arrow::Result<bool> {
    const bool given = results->TryPut(rows);
    if (given) rows_given += rows->num_rows();
    return given;
  });
}

}  // namespace sabot::engine
