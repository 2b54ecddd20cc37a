#include "sabot/engine/task_input.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "sabot/data/errors.h"
#include "sabot/engine/stream.h"

namespace sabot::engine {
namespace {

constexpr int64_t kRows = 50'000;
constexpr int64_t kBlock = 10'000;

std::shared_ptr<arrow::Schema> Numbers() { return arrow::schema({arrow::field("n", arrow::int64())}); }

// The numbers from 0 on, in one batch.
class NumberSource final : public connectors::Source {
 public:
  std::shared_ptr<arrow::Schema> schema() const override { return Numbers(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    if (std::exchange(given_, true)) return arrow::Status::OK();
    std::vector<int64_t> numbers(kRows);
    std::iota(numbers.begin(), numbers.end(), 0);
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(numbers));
    ARROW_ASSIGN_OR_RAISE(auto column, builder.Finish());
    *batch = arrow::RecordBatch::Make(Numbers(), kRows, {std::move(column)});
    return arrow::Status::OK();
  }

 private:
  bool given_ = false;
};

// The rows of each frame; checks that the numbers come in their order, with their places.
std::vector<int64_t> FrameRows(std::optional<uint64_t> cut_seed, int32_t rank = 0) {
  std::atomic<int64_t> rows_read = 0;
  const auto input = MakeSourceInput(
      std::make_shared<NumberSource>(),
      {.rank = rank, .carried = Carried::kPlaces, .batch_rows = kBlock, .cut_seed = cut_seed}, rows_read);
  std::vector<int64_t> rows;
  int64_t next = 0;
  for (;;) {
    const auto frame = input->Next().ValueOrDie().value();
    if (frame.kind == data::FrameKind::kEnd) break;
    const auto& numbers = static_cast<const arrow::Int64Array&>(*frame.batch.rows->column(0));
    EXPECT_GT(numbers.length(), 0);
    for (int64_t row = 0; row < numbers.length(); ++row) {
      EXPECT_EQ(numbers.Value(row), next);
      EXPECT_EQ(frame.place(row).offset, next++);
    }
    EXPECT_EQ(frame.frontier.offset, next - 1);
    rows.push_back(numbers.length());
  }
  EXPECT_EQ(next, kRows);
  EXPECT_EQ(rows_read, kRows);
  return rows;
}

// A source that can pass over all rows but those behind `skips_max`, and tells what it was asked.
class SkippingSource final : public connectors::Source {
 public:
  SkippingSource(int64_t rows, int64_t skips_max) : rows_(rows), skips_max_(skips_max) {}
  std::shared_ptr<arrow::Schema> schema() const override { return Numbers(); }
  arrow::Result<int64_t> Skip(int64_t rows) override {
    asked.push_back(rows);
    return next_ = std::min({rows, skips_max_, rows_});
  }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    if (next_ == rows_) return arrow::Status::OK();
    arrow::Int64Builder builder;
    const int64_t end = std::min(next_ + 7, rows_);
    read += end - next_;
    for (; next_ < end; ++next_) ARROW_RETURN_NOT_OK(builder.Append(next_));
    ARROW_ASSIGN_OR_RAISE(auto column, builder.Finish());
    *batch = arrow::RecordBatch::Make(Numbers(), column->length(), {column});
    return arrow::Status::OK();
  }

  std::vector<int64_t> asked;
  int64_t read = 0;

 private:
  int64_t rows_;
  int64_t skips_max_;
  int64_t next_ = 0;
};

TEST(SourceInput, MissesRowsOfACheckpointHoweverTheyArePassedOver) {
  for (const int64_t skips_max : {0, 50, 100, 1'000}) {
    std::atomic<int64_t> rows_read = 0;
    const auto input =
        MakeSourceInput(std::make_shared<SkippingSource>(100, skips_max), {}, rows_read, {.offset = 101});
    const auto status = input->Next().status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
    EXPECT_EQ(status.message(),
              "source 0 has 100 rows, but the checkpoint was taken behind row 101. Go on with the source it was taken "
              "of.");
  }
}

TEST(SourceInput, PassesOverRowsOfACheckpoint) {
  for (const int64_t begin : {0, 1, 6, 7, 60, 99, 100}) {
    for (const int64_t skips_max : {0, 5, 7, 1'000}) {
      const auto source = std::make_shared<SkippingSource>(100, skips_max);
      std::atomic<int64_t> rows_read = 0;
      const auto input =
          MakeSourceInput(source, {.carried = Carried::kPlaces, .batch_rows = 10}, rows_read, {.offset = begin});
      EXPECT_TRUE(source->asked.empty());
      int64_t next = begin;
      for (;;) {
        const auto frame = input->Next().ValueOrDie().value();
        if (frame.kind == data::FrameKind::kEnd) break;
        const auto& numbers = static_cast<const arrow::Int64Array&>(*frame.batch.rows->column(0));
        for (int64_t row = 0; row < numbers.length(); ++row, ++next) {
          EXPECT_EQ(numbers.Value(row), next);
          EXPECT_EQ(frame.place(row).offset, next);
        }
      }
      EXPECT_EQ(next, 100);
      EXPECT_EQ(rows_read, 100 - begin);
      EXPECT_EQ(source->asked, begin == 0 ? std::vector<int64_t>{} : std::vector<int64_t>{begin});
      EXPECT_EQ(source->read, 100 - std::min(begin, skips_max));
      EXPECT_EQ(input->position().offset, 100);
    }
  }
}

TEST(SourceInput, TablesPassOverRowsByCuttingThem) {
  const auto batch = NumberSource().Next().ValueOrDie();
  const auto table = arrow::Table::FromRecordBatches({batch->Slice(0, 100), batch->Slice(100, 900)}).ValueOrDie();
  const auto stream = Stream::FromTable(table).ValueOrDie();
  const auto open = [&] { return std::get<SourceStep>(stream.plan()->step).partitions.front()(nullptr).ValueOrDie(); };
  for (const int64_t skip : {-1, 0, 1, 99, 100, 101, 999, 1'000, 1'001}) {
    const auto source = open();
    const int64_t skipped = std::clamp<int64_t>(skip, 0, 1'000);
    EXPECT_EQ(source->Skip(skip).ValueOrDie(), skipped);
    EXPECT_EQ(source->done(), static_cast<double>(skipped) / 1'000);
    EXPECT_TRUE(source->ToTable().ValueOrDie()->Equals(*table->Slice(skipped)));
    EXPECT_EQ(source->done(), 1.0);
  }
}

TEST(SourceInput, CutsLargeBatchesWhereOffsetsSaySo) {
  EXPECT_EQ(FrameRows(std::nullopt), (std::vector<int64_t>(5, kBlock)));
}

TEST(SourceInput, CutsAtDrawnRowsToo) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto rows = FrameRows(seed);
    EXPECT_EQ(FrameRows(seed), rows) << "the same seed, the same cuts";
    EXPECT_NE(FrameRows(seed + 1), rows);
    EXPECT_GT(rows.size(), 5U);
    std::set<int64_t> ends;
    int64_t end = 0;
    for (const int64_t each : rows) ends.insert(end += each);
    for (int64_t block = kBlock; block <= kRows; block += kBlock) EXPECT_TRUE(ends.contains(block)) << "seed " << seed;
  }
}

TEST(SourceInput, CutsSourcesDifferently) { EXPECT_NE(FrameRows(7, /*rank=*/0), FrameRows(7, /*rank=*/1)); }

// Where a job hands over to another, rows behind the last barrier are the other's.
TEST(SourceInput, BehindTheLastCutNothingComes) {
  for (const bool last : {false, true}) {
    std::atomic<int64_t> rows_read = 0;
    const auto input = MakeSourceInput(std::make_shared<NumberSource>(),
                                       {.carried = Carried::kPlaces, .batch_rows = kBlock}, rows_read);
    ASSERT_EQ(input->Next()->value().num_rows(), kBlock);
    const SourcePosition held = input->Hold();
    EXPECT_FALSE(input->Next()->has_value());
    input->Cut(7, held.last, last);
    EXPECT_EQ(input->Next()->value().kind, data::FrameKind::kFrontier);
    const auto barrier = input->Next()->value();
    EXPECT_EQ(barrier.kind, data::FrameKind::kBarrier);
    EXPECT_EQ(barrier.checkpoint, 7);
    EXPECT_EQ(input->position().offset, kBlock);
    EXPECT_EQ(input->Next()->has_value(), !last);
    EXPECT_EQ(rows_read, last ? kBlock : 2 * kBlock);
  }
}

}  // namespace
}  // namespace sabot::engine
