#include "sabot/connectors/write_behind.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/interrupt.h"

namespace sabot::connectors {
namespace {

class BackgroundSink final : public Sink {
 public:
  BackgroundSink(std::unique_ptr<Sink> sink, WriteBehindOptions options)
      : sink_(std::move(sink)), batches_max_(static_cast<std::size_t>(options.batches_max)) {}

  ~BackgroundSink() override {
    {
      const std::lock_guard lock(mutex_);
      batches_.clear();
      ending_ = true;
      left_.Set();
    }
    Join();
  }

  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    std::unique_lock lock(mutex_);
    ARROW_RETURN_NOT_OK(Await(lock, [this] { return batches_.size() < batches_max_ || !error_.ok(); }));
    return Give(batch);
  }

  arrow::Result<bool> TryWrite(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    const std::lock_guard lock(mutex_);
    wanted_ = error_.ok() && batches_.size() == batches_max_;
    if (wanted_) return false;
    ARROW_RETURN_NOT_OK(Give(batch));
    return true;
  }
  void set_wake(std::function<void()> wake) override {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }

  arrow::Status Finish() override {
    ARROW_RETURN_NOT_OK(AwaitEnd());
    return sink_->Finish();
  }

  arrow::Status Close() override {
    ARROW_RETURN_NOT_OK(AwaitEnd());
    return sink_->Close();
  }

  int64_t rows_written() const override { return sink_->rows_written(); }
  int64_t bytes_written() const override { return sink_->bytes_written(); }
  int64_t rows_durable() const override { return sink_->rows_durable(); }

 private:
  // Until all that was given is written.
  arrow::Status AwaitEnd() {
    {
      std::unique_lock lock(mutex_);
      ending_ = true;
      filled_.notify_one();
      if (writer_.joinable()) ARROW_RETURN_NOT_OK(Await(lock, [this] { return ended_; }));
    }
    Join();
    return error_;  // Nobody else is left to set it.
  }

  arrow::Status Give(const std::shared_ptr<arrow::RecordBatch>& batch) {  // With the mutex, and room.
    ARROW_RETURN_NOT_OK(error_);
    if (ending_) return arrow::Status::Invalid("The sink is closed.");
    if (!writer_.joinable()) writer_ = std::thread([this] { WriteAll(); });
    batches_.push_back(batch);
    filled_.notify_one();
    return arrow::Status::OK();
  }

  // Until the writer has come so far, or the caller is interrupted.
  template <class Condition>
  arrow::Status Await(std::unique_lock<std::mutex>& lock, Condition condition) {
    while (!taken_.wait_for(lock, std::chrono::milliseconds(env::kInterruptEveryMs), condition)) {
      lock.unlock();
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      lock.lock();
    }
    return arrow::Status::OK();
  }

  // On the writer's thread: the only one that writes to the sink until it has ended.
  void WriteAll() {
    const env::InterruptScope scope(left_);
    std::unique_lock lock(mutex_);
    for (;;) {
      filled_.wait(lock, [this] { return !batches_.empty() || ending_; });
      if (batches_.empty()) return End();
      const auto batch = std::move(batches_.front());
      batches_.pop_front();
      taken_.notify_one();
      Wake();
      lock.unlock();
      arrow::Status status = sink_->Write(batch);
      lock.lock();
      if (status.ok()) continue;
      error_ = std::move(status);
      batches_.clear();
      End();
      Wake();
      return;
    }
  }
  // With the mutex: who gets another to wake is sure that the one before is called no more.
  void Wake() {
    if (std::exchange(wanted_, false) && !ending_) wake_();
  }
  void End() {
    ended_ = true;
    taken_.notify_one();
  }

  void Join() {
    filled_.notify_one();
    if (writer_.joinable()) writer_.join();
  }

  const std::unique_ptr<Sink> sink_;
  const std::size_t batches_max_;
  std::thread writer_;
  env::StopFlag left_;  // The writer asks it while it waits.

  std::mutex mutex_;  // Of all below.
  std::function<void()> wake_ = [] {};
  std::condition_variable filled_;
  std::condition_variable taken_;
  std::deque<std::shared_ptr<arrow::RecordBatch>> batches_;
  arrow::Status error_;
  bool wanted_ = false;  // Somebody found no room, and is to be woken.
  bool ending_ = false;  // No batch comes any more,
  bool ended_ = false;   // and none is being written.
};

}  // namespace

arrow::Result<std::unique_ptr<Sink>> WriteBehind(std::unique_ptr<Sink> sink, WriteBehindOptions options) {
  if (options.batches_max < 1) {
    return data::OptionError("write behind: batches_max is " + std::to_string(options.batches_max) +
                             ". Use at least 1.");
  }
  return std::make_unique<BackgroundSink>(std::move(sink), options);
}

}  // namespace sabot::connectors
