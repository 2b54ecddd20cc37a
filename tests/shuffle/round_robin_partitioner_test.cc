#include "sabot/shuffle/round_robin_partitioner.h"

#include <limits>

#include "tests/shuffle/split_rows.h"

namespace sabot::shuffle {
namespace {

using data::ErrorKind;
using data::Places;

data::Batch At(int64_t offset, int64_t rows, int32_t source = 0) {
  data::Batch batch = BatchOf({arrow::MakeArrayOfNull(arrow::int8(), rows).ValueOrDie()});
  batch.places = Places::OfSource(source, offset, rows);
  return batch;
}

std::unique_ptr<RoundRobinPartitioner> Make(int partitions, int64_t block_rows) {
  return RoundRobinPartitioner::Make(At(0, 1).rows->schema(), partitions, block_rows).ValueOrDie();
}

TEST(RoundRobin, RefusesOptionsOutOfRange) {
  const auto schema = At(0, 1).rows->schema();
  ExpectError(RoundRobinPartitioner::Make(schema, 2, 0).status(), ErrorKind::kOption,
              "round-robin partitioner: block_rows must be >= 1, found 0.");
  EXPECT_EQ(data::KindOf(RoundRobinPartitioner::Make(schema, 0).status()), ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(RoundRobinPartitioner::Make(schema, 32'769).status()), ErrorKind::kOption);
}

TEST(RoundRobin, RefusesRowsWithoutPlaces) {
  data::Batch batch = At(0, 3);
  batch.places = {};
  ExpectError(Make(2, 10)->Partition(batch).status(), ErrorKind::kData,
              "round-robin partitioner: a batch of 3 rows has places for 0. Let the plan carry the places of rows to "
              "this edge.");
  ExpectError(Make(2, 10)->Partition(At(-1, 3)).status(), ErrorKind::kData,
              "round-robin partitioner: row 0 of a batch has offset -1, which is none of a source. Divide such rows by "
              "key, or among one task.");
}

TEST(RoundRobin, RefusesABatchOfAnotherSchema) {
  data::Batch batch = BatchOf({Of(arrow::int64(), "[1]")});
  batch.places = Places::OfSource(0, 0, 1);
  ExpectError(Make(2, 10)->Partition(batch).status(), ErrorKind::kSchema,
              "round_robin partitioner: a batch has column 'c0' of type int64 where 'c0' of type int8 is expected. A "
              "stream keeps the columns with which it began.");
  EXPECT_EQ(data::KindOf(Make(2, 10)
                             ->Partition({.rows = arrow::RecordBatch::Make(arrow::schema({}), 0, arrow::ArrayVector{})})
                             .status()),
            ErrorKind::kSchema);
}

TEST(RoundRobin, BlocksGoInTurnHoweverTheyAreCut) {
  EXPECT_EQ(Partition(*Make(3, 4), At(2, 13)), (RowLists{{0, 1, 10, 11, 12}, {2, 3, 4, 5}, {6, 7, 8, 9}}));
  const auto partitioner = Make(3, 4);
  EXPECT_EQ(Partition(*partitioner, At(10, 5)), (RowLists{{2, 3, 4}, {}, {0, 1}}));  // The later rows, first.
  EXPECT_EQ(Partition(*partitioner, At(2, 3)), (RowLists{{0, 1}, {2}, {}}));
  EXPECT_EQ(Partition(*partitioner, At(0, 0)), RowLists(3));
}

TEST(RoundRobin, ABatchWithinABlockGoesAsItIs) {
  const auto partitioner = RoundRobinPartitioner::Make(At(0, 1).rows->schema(), 2).ValueOrDie();
  const Split first = partitioner->Partition(At(131'072 - 10, 10)).ValueOrDie();
  EXPECT_TRUE(first.parts[0].all);
  EXPECT_FALSE(first.parts[1].all);
  const Split second = partitioner->Partition(At(131'072, 10)).ValueOrDie();
  EXPECT_FALSE(second.parts[0].all);
  EXPECT_TRUE(second.parts[1].all);
}

// Rows of several sources, mixed by place, go by their own offsets.
TEST(RoundRobin, EachRowGoesByItsOwnOffset) {
  data::Batch batch = At(0, 5);
  const std::vector<data::Place> places = {{.offset = 0},
                                           {.source = 1, .offset = 7},
                                           {.offset = 1},
                                           {.source = 1, .offset = 8},
                                           {.offset = std::numeric_limits<int64_t>::max()}};
  batch.places = Places::Of(places).ValueOrDie();
  EXPECT_EQ(Partition(*Make(2, 4), batch), (RowLists{{0, 2, 3}, {1, 4}}));
}

}  // namespace
}  // namespace sabot::shuffle
