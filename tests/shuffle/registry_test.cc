#include "sabot/shuffle/registry.h"

#include "tests/shuffle/split_rows.h"

namespace sabot::shuffle {
namespace {

using data::ErrorKind;

const auto kSchema = arrow::schema({arrow::field("c0", arrow::int64())});

TEST(Registry, NamesPartitionersLikeTheMissingOne) {
  ExpectError(MakePartitioner({.name = "hsh"}, kSchema, 2).status(), ErrorKind::kOption,
              "shuffle: there is no partitioner 'hsh'. Nearest names: 'hash'.");
}

TEST(Registry, RefusesASpecThatDoesNotFit) {
  EXPECT_EQ(data::KindOf(MakePartitioner({.name = "hash"}, kSchema, 2).status()), ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(MakePartitioner({.name = "hash", .keys = {"c0"}}, kSchema, 257).status()), ErrorKind::kOption);
  ExpectError(MakePartitioner({.name = "range", .column = "c0"}, kSchema, 2).status(), ErrorKind::kOption,
              "range partitioner: no bounds are given. Give one fewer than partitions.");
  ExpectError(MakePartitioner({.name = "hash", .keys = {"c0"}, .table = data::KeyGroupTable::Make(8, 3).ValueOrDie()},
                              kSchema, 2)
                  .status(),
              ErrorKind::kOption, "hash partitioner: the key-group table is for 3 tasks, found 2 partitions.");
}

TEST(Registry, MakesEachByItsName) {
  for (const PartitionerEntry& entry : Partitioners()) {
    const auto made =
        MakePartitioner(
            {.name = std::string(entry.name), .keys = {"c0"}, .column = "c0", .bounds = Of(arrow::int64(), "[5, 9]")},
            kSchema, 3)
            .ValueOrDie();
    EXPECT_EQ(made->name(), entry.name);
    EXPECT_EQ(made->partitions(), 3);
    EXPECT_FALSE(entry.summary.empty());
  }
}

}  // namespace
}  // namespace sabot::shuffle
