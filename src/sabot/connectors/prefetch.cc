#include "sabot/connectors/prefetch.h"

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

class PrefetchingSource final : public Source {
 public:
  PrefetchingSource(std::shared_ptr<Source> source, PrefetchOptions options)
      : source_(std::move(source)),
        schema_(source_->schema()),
        batches_max_(static_cast<std::size_t>(options.batches_max)) {}

  ~PrefetchingSource() override { Stop(); }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  std::optional<double> done() const override { return source_->done(); }
  int64_t rows_rejected() const override { return source_->rows_rejected(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    std::unique_lock lock(mutex_);
    if (stopping_) return arrow::Status::OK();
    if (!reader_.joinable()) reader_ = std::thread([this] { Read(); });
    constexpr auto kAsk = std::chrono::milliseconds(env::kInterruptEveryMs);
    while (!filled_.wait_for(lock, kAsk, [this] { return !batches_.empty() || ended_; })) {
      lock.unlock();
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      lock.lock();
    }
    if (batches_.empty()) return error_;  // Or OK: the end.
    *batch = std::move(batches_.front());
    batches_.pop_front();
    taken_.notify_one();
    return arrow::Status::OK();
  }

  arrow::Result<bool> TryNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    const std::lock_guard lock(mutex_);
    if (stopping_) return true;
    if (!reader_.joinable()) reader_ = std::thread([this] { Read(); });
    if (batches_.empty() && !ended_) {
      wanted_ = true;
      return false;
    }
    if (batches_.empty()) {
      ARROW_RETURN_NOT_OK(error_);
      return true;
    }
    *batch = std::move(batches_.front());
    batches_.pop_front();
    taken_.notify_one();
    return true;
  }
  void set_wake(std::function<void()> wake) override { wake_ = std::move(wake); }
  // On the caller's thread, since the reader has not begun.
  arrow::Result<int64_t> Skip(int64_t rows) override {
    if (stopped() || reader_.joinable()) return 0;
    return source_->Skip(rows);
  }

  arrow::Status Close() override {
    Stop();
    return source_->Close();
  }

 private:
  // On the reader's thread: the only one that touches the source until it has ended.
  void Read() {
    const env::InterruptScope scope(stopped_);
    for (;;) {
      std::shared_ptr<arrow::RecordBatch> batch;
      arrow::Status status = source_->ReadNext(&batch);
      std::unique_lock lock(mutex_);
      const bool ends = !status.ok() || batch == nullptr || stopping_;
      if (ends) {
        error_ = std::move(status);
        ended_ = true;
      } else {
        batches_.push_back(std::move(batch));
      }
      filled_.notify_one();
      if (std::exchange(wanted_, false) && !stopping_) {
        lock.unlock();
        wake_();
        lock.lock();
      }
      if (ends) return;
      taken_.wait(lock, [this] { return batches_.size() < batches_max_ || stopping_; });
      if (stopping_) return;
    }
  }

  bool stopped() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      stopped_.Set();
      batches_.clear();
    }
    taken_.notify_one();
    if (reader_.joinable()) reader_.join();
  }

  const std::shared_ptr<Source> source_;
  const std::shared_ptr<arrow::Schema> schema_;
  const std::size_t batches_max_;
  std::function<void()> wake_ = [] {};
  std::thread reader_;
  env::StopFlag stopped_;  // The reader asks it while it waits.

  std::mutex mutex_;  // Of all below.
  std::condition_variable filled_;
  std::condition_variable taken_;
  std::deque<std::shared_ptr<arrow::RecordBatch>> batches_;
  arrow::Status error_;  // Comes after the batches.
  bool ended_ = false;
  bool wanted_ = false;  // Somebody found nothing, and is to be woken.
  bool stopping_ = false;
};

}  // namespace

arrow::Result<std::shared_ptr<Source>> Prefetch(std::shared_ptr<Source> source, PrefetchOptions options) {
  if (options.batches_max < 1) {
    return data::OptionError("prefetch: batches_max is " + std::to_string(options.batches_max) + ". Use at least 1.");
  }
  return std::make_shared<PrefetchingSource>(std::move(source), options);
}

}  // namespace sabot::connectors
