#include "sabot/shuffle/broadcast_partitioner.h"

#include "tests/shuffle/split_rows.h"

namespace sabot::shuffle {
namespace {

using data::ErrorKind;

TEST(Broadcast, RefusesNoTaskAndOtherColumns) {
  const auto batch = BatchOf({Of(arrow::int64(), "[1, 2]")});
  EXPECT_EQ(data::KindOf(BroadcastPartitioner::Make(batch.rows->schema(), 0).status()), ErrorKind::kOption);
  const auto partitioner = BroadcastPartitioner::Make(batch.rows->schema(), 2).ValueOrDie();
  ExpectError(
      partitioner->Partition(BatchOf({Of(arrow::int64(), "[1]"), Of(arrow::int64(), "[1]")})).status(),
      ErrorKind::kSchema,
      "broadcast partitioner: a batch has 2 columns, expected 1. A stream keeps the columns with which it began.");
}

TEST(Broadcast, EveryTaskGetsTheBatchAsItIs) {
  const auto batch = BatchOf({Of(arrow::int64(), "[1, 2]")});
  const auto partitioner = BroadcastPartitioner::Make(batch.rows->schema(), 3).ValueOrDie();
  const Split split = partitioner->Partition(batch).ValueOrDie();
  EXPECT_EQ(RowsOf(split, 2), (RowLists{{0, 1}, {0, 1}, {0, 1}}));
  const auto scattered = Scatter(*batch.rows, split).ValueOrDie();
  for (const auto& part : scattered)
    EXPECT_EQ(part->column_data(0)->buffers[1]->data(), batch.rows->column_data(0)->buffers[1]->data());
}

}  // namespace
}  // namespace sabot::shuffle
