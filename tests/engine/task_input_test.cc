#include "sabot/engine/task_input.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

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

}  // namespace
}  // namespace sabot::engine
