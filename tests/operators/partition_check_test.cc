// A key in two partitions is found whichever copy met it first, with one lookup a batch of known keys.
#include "sabot/operators/partition_check.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::operators {
namespace {

using Symbols = std::vector<std::optional<std::string>>;

std::shared_ptr<arrow::RecordBatch> Rows(const Symbols& symbols, const std::vector<int32_t>& venues = {}) {
  arrow::StringBuilder builder;
  arrow::Int32Builder numbers;
  for (std::size_t row = 0; row < symbols.size(); ++row) {
    EXPECT_TRUE((symbols[row] ? builder.Append(*symbols[row]) : builder.AppendNull()).ok());
    EXPECT_TRUE(numbers.Append(row < venues.size() ? venues[row] : 0).ok());
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("venue", arrow::int32())}),
      static_cast<int64_t>(symbols.size()), arrow::ArrayVector{*builder.Finish(), *numbers.Finish()});
}

class Kept final : public Output {
 public:
  arrow::Result<Progress> Emit(data::Batch batch, int) override {
    batches.push_back(std::move(batch.rows));
    return Progress::kMore;
  }
  arrow::RecordBatchVector batches;
};

// Copies of a step in one run.
class OneRun {
 public:
  explicit OneRun(PartitionCheckOptions options = {.by = {"symbol"},
                                                   .source = "ticks",
                                                   .partitions = {"a.csv", "b.csv", "c.csv"}})
      : options_(std::move(options)) {}

  PartitionCheck Copy(int copy) {
    context_.copy = copy;
    PartitionCheck check(options_, context_);
    EXPECT_TRUE(check.Bind({Rows({})->schema()}).ok());
    return check;
  }

 private:
  PartitionCheckOptions options_;
  OperatorContext context_;
};

arrow::Status Give(PartitionCheck& check, const std::shared_ptr<arrow::RecordBatch>& rows) {
  Kept kept;
  const auto progress = check.Process(0, {.rows = rows}, kept);
  if (!progress.ok()) return progress.status();
  EXPECT_EQ(*progress, Progress::kDone);
  EXPECT_EQ(kept.batches.size(), 1U);
  EXPECT_EQ(kept.batches.front(), rows);  // The very same.
  return arrow::Status::OK();
}

const std::string kMessage =
    "partitioned_by: symbol 'A' is in two partitions of source ticks: 'a.csv' and 'c.csv'. Bring the rows of a key "
    "into one of them, or leave partitioned_by out.";

TEST(PartitionCheck, AColumnMustBeAKey) {
  PartitionCheck missing({.by = {"ticker"}}, {});
  EXPECT_EQ(data::KindOf(missing.Bind({Rows({})->schema()}).status()), data::ErrorKind::kSchema);
  PartitionCheck none({.by = {}}, {});
  EXPECT_EQ(data::KindOf(none.Bind({Rows({})->schema()}).status()), data::ErrorKind::kOption);
}

TEST(PartitionCheck, NamesThePartitionsInTheirOrderWhoeverCameFirst) {
  for (const bool first_is_first : {true, false}) {
    OneRun run;
    auto one = run.Copy(first_is_first ? 0 : 2);
    auto other = run.Copy(first_is_first ? 2 : 0);
    EXPECT_TRUE(Give(one, Rows({"B", "A", "B"})).ok());
    const auto status = Give(other, Rows({"C", "C", "A"}));
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
    EXPECT_EQ(status.message(), kMessage);
  }
}

TEST(PartitionCheck, FindsAKeyInALaterBatch) {
  OneRun run;
  auto one = run.Copy(0);
  auto other = run.Copy(1);
  EXPECT_TRUE(Give(one, Rows({"A", "B"})).ok());
  EXPECT_TRUE(Give(other, Rows({"C"})).ok());
  EXPECT_TRUE(Give(other, Rows({})).ok());
  EXPECT_TRUE(Give(one, Rows({"B", "A", "A"})).ok());
  EXPECT_FALSE(Give(other, Rows({"C", "D", "C", "B"})).ok());
  EXPECT_FALSE(Give(one, Rows({"A", "D"})).ok());
}

TEST(PartitionCheck, PartitionsWithoutNamesHaveNumbers) {
  OneRun run({.by = {"symbol", "venue"}, .source = "kafka", .partitions = {}});
  auto one = run.Copy(7);
  auto other = run.Copy(3);
  EXPECT_TRUE(Give(one, Rows({"A", "A"}, {1, 2})).ok());
  EXPECT_TRUE(Give(other, Rows({"A"}, {3})).ok());
  EXPECT_EQ(Give(other, Rows({"A"}, {2})).message(),
            "partitioned_by: symbol, venue 'A, 2' is in two partitions of source kafka: 3 and 7. Bring the rows of a "
            "key into one of them, or leave partitioned_by out.");
}

TEST(PartitionCheck, NullIsNoKey) {
  OneRun run;
  auto one = run.Copy(0);
  auto other = run.Copy(1);
  EXPECT_TRUE(Give(one, Rows({std::nullopt, "A", std::nullopt})).ok());
  EXPECT_TRUE(Give(other, Rows({std::nullopt, "B"})).ok());
  EXPECT_TRUE(Give(other, Rows({std::nullopt})).ok());
}

TEST(PartitionCheck, RunsKnowNothingOfEachOther) {
  OneRun one;
  OneRun other;
  auto first = one.Copy(0);
  auto second = other.Copy(1);
  EXPECT_TRUE(Give(first, Rows({"A"})).ok());
  EXPECT_TRUE(Give(second, Rows({"A"})).ok());
}

TEST(PartitionCheck, ARestoredCopyKnowsItsKeys) {
  OneRun before;
  auto saved = before.Copy(0);
  EXPECT_TRUE(Give(saved, Rows({"B", "A"})).ok());
  const auto snapshot = *saved.Snapshot();

  OneRun run;
  auto restored = run.Copy(0);
  ASSERT_TRUE(restored.Restore(snapshot).ok());
  EXPECT_TRUE((*restored.Snapshot()).front()->Equals(*snapshot.front()));
  EXPECT_TRUE(Give(restored, Rows({"A", "B", "D"})).ok());
  auto other = run.Copy(2);
  EXPECT_EQ(Give(other, Rows({"A"})).message(), kMessage);
  auto third = run.Copy(1);
  EXPECT_FALSE(Give(third, Rows({"D"})).ok());
}

// A snapshot has integers in their widest form, under which keys are the same ones.
TEST(PartitionCheck, ARestoredKeyOfIntegersIsTheSameKey) {
  const PartitionCheckOptions by_venue{.by = {"venue"}, .source = "ticks", .partitions = {}};
  OneRun before(by_venue);
  auto saved = before.Copy(0);
  EXPECT_TRUE(Give(saved, Rows({"A", "B"}, {-5, 7})).ok());
  OneRun run(by_venue);
  auto restored = run.Copy(0);
  ASSERT_TRUE(restored.Restore(*saved.Snapshot()).ok());
  auto other = run.Copy(1);
  EXPECT_FALSE(Give(other, Rows({"A"}, {-5})).ok());
}

TEST(PartitionCheck, RestoresOnlyItsOwn) {
  OneRun run;
  auto check = run.Copy(0);
  EXPECT_EQ(data::KindOf(check.Restore({})), data::ErrorKind::kSnapshot);
  const auto other = arrow::Table::FromRecordBatches({Rows({"A"})});
  EXPECT_EQ(data::KindOf(check.Restore({*other})), data::ErrorKind::kSnapshot);
}

}  // namespace
}  // namespace sabot::operators
