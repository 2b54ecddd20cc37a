#include "sabot/connectors/write_behind.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "sabot/connectors/parquet_sink.h"
#include "sabot/data/errors.h"
#include "sabot/env/interrupt.h"
#include "tests/connectors/sample_rows.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

// What reached a sink, and a gate that it waits at.
struct Seen {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = true;
  std::vector<int64_t> rows;
  bool closed = false;
  bool destroyed = false;

  void Open() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
  void AwaitRows(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return rows.size() >= count; });
  }
};

class GatedSink final : public Sink {
 public:
  GatedSink(std::shared_ptr<Seen> seen, std::size_t fails_after) : seen_(std::move(seen)), fails_after_(fails_after) {}
  ~GatedSink() override { seen_->destroyed = true; }

  arrow::Status Write(const BatchPtr& batch) override {
    std::unique_lock lock(seen_->mutex);
    if (seen_->rows.size() == fails_after_) return arrow::Status::IOError("full");
    seen_->rows.push_back(batch->num_rows());
    seen_->changed.notify_all();
    seen_->changed.wait(lock, [this] { return seen_->open; });
    rows_ += batch->num_rows();
    return arrow::Status::OK();
  }
  arrow::Status Close() override { return seen_->closed = true, arrow::Status::OK(); }
  int64_t rows_written() const override { return rows_; }
  int64_t bytes_written() const override { return 0; }

 private:
  std::shared_ptr<Seen> seen_;
  std::size_t fails_after_;
  std::atomic<int64_t> rows_ = 0;
};

BatchPtr RowsOf(int64_t rows) { return SampleTicks(rows); }

TEST(WriteBehind, RefusesAQueueOfNone) {
  const auto status = WriteBehind(nullptr, {.batches_max = 0}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
}

TEST(WriteBehind, AnErrorIsThatOfALaterCall) {
  const auto seen = std::make_shared<Seen>();
  const auto sink = WriteBehind(std::make_unique<GatedSink>(seen, 2)).ValueOrDie();
  arrow::Status status;
  for (int batch = 0; batch < 1'000 && status.ok(); ++batch) status = sink->Write(RowsOf(1));
  if (status.ok()) status = sink->Close();
  EXPECT_EQ(status.message(), "full");
  EXPECT_EQ(sink->Close().message(), "full");
  EXPECT_FALSE(seen->closed);
  EXPECT_EQ(seen->rows.size(), 2U);
}

TEST(WriteBehind, DestroyedBeforeCloseItWritesNoMore) {
  const auto seen = std::make_shared<Seen>();
  seen->open = false;
  auto sink = WriteBehind(std::make_unique<GatedSink>(seen, 100)).ValueOrDie();
  for (int64_t rows = 1; rows <= 3; ++rows) ASSERT_TRUE(sink->Write(RowsOf(rows)).ok());
  seen->AwaitRows(1);
  std::thread destroyer([&] { sink.reset(); });
  seen->Open();
  destroyer.join();
  EXPECT_FALSE(seen->closed);
  EXPECT_TRUE(seen->destroyed);
}

TEST(WriteBehind, TakesNoMoreThanItsQueueHolds) {
  const auto seen = std::make_shared<Seen>();
  seen->open = false;
  const auto sink = WriteBehind(std::make_unique<GatedSink>(seen, 100), {.batches_max = 2}).ValueOrDie();
  ASSERT_TRUE(sink->Write(RowsOf(1)).ok());
  seen->AwaitRows(1);  // In hand, and held there.
  ASSERT_TRUE(sink->Write(RowsOf(2)).ok());
  ASSERT_TRUE(sink->Write(RowsOf(3)).ok());
  std::atomic<bool> taken = false;
  std::thread writer([&] {
    EXPECT_TRUE(sink->Write(RowsOf(4)).ok());
    EXPECT_TRUE(seen->open);  // Not before there was room.
    taken = true;
  });
  seen->Open();
  writer.join();
  EXPECT_TRUE(taken);
  ASSERT_TRUE(sink->Close().ok());
  EXPECT_TRUE(seen->closed);
  EXPECT_EQ(seen->rows, (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(sink->rows_written(), 10);
  EXPECT_FALSE(sink->Write(RowsOf(1)).ok());
}

TEST(WriteBehind, BytesAreTheSame) {
  const TemporaryFolder folder;
  const BatchPtr rows = SampleTicks(10'000);
  const auto open = [&](const std::string& name) {
    return OpenParquetSink(folder / name, rows->schema(), {.row_group_rows = 1'500}).ValueOrDie();
  };
  WriteAll(*open("a.parquet"), rows, 700);
  WriteAll(*WriteBehind(open("b.parquet")).ValueOrDie(), rows, 700);
  EXPECT_EQ(BytesOf(folder / "a.parquet"), BytesOf(folder / "b.parquet"));
  { ASSERT_TRUE(WriteBehind(open("c.parquet")).ValueOrDie()->Write(rows).ok()); }
  EXPECT_FALSE(std::filesystem::exists(folder / "c.parquet"));
}

// Waits for a reader that never comes, as long as it is wanted.
class StuckSink final : public Sink {
 public:
  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>&) override {
    for (;;) ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
  }
  arrow::Status Close() override { return arrow::Status::OK(); }
  int64_t rows_written() const override { return 0; }
  int64_t bytes_written() const override { return 0; }
};

class Interrupted final : public env::Interrupt {
 public:
  arrow::Status Check() override { return arrow::Status::Cancelled("interrupted"); }
};

TEST(WriteBehind, NobodyWaitsForASinkThatIsStuck) {
  const auto rows = BatchOf({"n"}, {ArrayOf<arrow::Int32Builder, int32_t>({1})});
  Interrupted interrupted;
  const env::InterruptScope scope(interrupted);
  {
    const auto sink = WriteBehind(std::make_unique<StuckSink>(), {.batches_max = 1}).ValueOrDie();
    arrow::Status status;
    while (status.ok()) status = sink->Write(rows);  // Until the queue is full,
    EXPECT_EQ(status, arrow::Status::Cancelled("interrupted"));
  }
  const auto sink = WriteBehind(std::make_unique<StuckSink>()).ValueOrDie();
  ASSERT_TRUE(sink->Write(rows).ok());
  EXPECT_EQ(sink->Close(), arrow::Status::Cancelled("interrupted"));  // or all is to be written.
}

}  // namespace
}  // namespace sabot::connectors
