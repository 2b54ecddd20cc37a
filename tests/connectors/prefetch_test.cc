#include "sabot/connectors/prefetch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "sabot/data/errors.h"
#include "sabot/env/interrupt.h"
#include "tests/connectors/sample_rows.h"

namespace sabot::connectors {
namespace {

// Numbered batches of one row; then an error, or the end.
class Numbers final : public Source {
 public:
  Numbers(int32_t count, arrow::Status last) : count_(count), last_(std::move(last)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return arrow::schema({arrow::field("n", arrow::int32())}); }
  std::optional<double> done() const override { return static_cast<double>(given_) / count_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    EXPECT_FALSE(closed_);
    *batch = nullptr;
    const std::lock_guard lock(mutex_);
    if (given_ == count_) return last_;
    *batch = BatchOf({"n"}, {ArrayOf<arrow::Int32Builder, int32_t>({given_})});
    ++given_;
    changed_.notify_all();
    return arrow::Status::OK();
  }
  arrow::Status Close() override { return closed_ = true, arrow::Status::OK(); }

  int32_t given() const { return given_; }
  bool closed() const { return closed_; }
  void AwaitGiven(int32_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return given_ >= count; });
  }

 private:
  const int32_t count_;
  const arrow::Status last_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int32_t> given_ = 0;
  std::atomic<bool> closed_ = false;
};

int32_t NumberOf(const BatchPtr& batch) { return dynamic_cast<const arrow::Int32Array&>(*batch->column(0)).Value(0); }

TEST(Prefetch, RefusesAQueueOfNone) {
  const auto status = Prefetch(std::make_shared<Numbers>(1, arrow::Status::OK()), {.batches_max = 0}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_EQ(status.message(), "prefetch: batches_max is 0. Use at least 1.");
}

TEST(Prefetch, AnErrorComesAfterTheBatchesBeforeIt) {
  const auto source = Prefetch(std::make_shared<Numbers>(3, arrow::Status::IOError("gone"))).ValueOrDie();
  for (int32_t number = 0; number < 3; ++number) EXPECT_EQ(NumberOf(source->Next().ValueOrDie()), number);
  EXPECT_EQ(source->Next().status().message(), "gone");
  EXPECT_EQ(source->Next().status().message(), "gone");
}

TEST(Prefetch, ReadsNothingBeforeItIsAskedAndNoMoreThanItsQueueHolds) {
  const auto numbers = std::make_shared<Numbers>(1'000, arrow::Status::OK());
  const auto source = Prefetch(numbers, {.batches_max = 3}).ValueOrDie();
  EXPECT_EQ(numbers->given(), 0);
  for (int32_t taken = 1; taken <= 100; ++taken) {
    EXPECT_EQ(NumberOf(source->Next().ValueOrDie()), taken - 1);
    numbers->AwaitGiven(taken + 3);             // It does read ahead,
    EXPECT_LE(numbers->given(), taken + 3 + 1);  // and stops: three in the queue, one in hand.
  }
}

TEST(Prefetch, BatchesKeepTheirOrder) {
  for (const int batches_max : {1, 2, 7}) {
    const auto source =
        Prefetch(std::make_shared<Numbers>(5'000, arrow::Status::OK()), {.batches_max = batches_max}).ValueOrDie();
    for (int32_t number = 0; number < 5'000; ++number) ASSERT_EQ(NumberOf(source->Next().ValueOrDie()), number);
    EXPECT_EQ(source->Next().ValueOrDie(), nullptr);
    EXPECT_EQ(source->done(), 1.0);
    EXPECT_EQ(source->Next().ValueOrDie(), nullptr);
  }
}

TEST(Prefetch, StopsWhereItIsLeft) {
  for (int32_t taken = 0; taken < 50; ++taken) {
    const auto numbers = std::make_shared<Numbers>(1'000, arrow::Status::OK());
    {
      const auto source = Prefetch(numbers, {.batches_max = 2}).ValueOrDie();
      for (int32_t number = 0; number < taken; ++number) ASSERT_TRUE(source->Next().ok());
      if (taken % 2 == 0) {
        ASSERT_TRUE(source->Close().ok());
        EXPECT_TRUE(numbers->closed());
        EXPECT_EQ(source->Next().ValueOrDie(), nullptr);
      }
    }
    EXPECT_LT(numbers->given(), 60);
    EXPECT_EQ(numbers.use_count(), 1);
  }
}

// Waits for a writer that never comes, as long as it is wanted.
class Silent final : public Source {
 public:
  std::shared_ptr<arrow::Schema> schema() const override { return arrow::schema({arrow::field("n", arrow::int32())}); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    for (;;) ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
  }
};

class Interrupted final : public env::Interrupt {
 public:
  arrow::Status Check() override { return arrow::Status::Cancelled("interrupted"); }
};

TEST(Prefetch, NobodyWaitsForASilentSource) {
  const auto source = Prefetch(std::make_shared<Silent>()).ValueOrDie();
  Interrupted interrupted;
  const env::InterruptScope scope(interrupted);
  EXPECT_EQ(source->Next().status(), arrow::Status::Cancelled("interrupted"));  // And its thread ends with it.
}

}  // namespace
}  // namespace sabot::connectors
