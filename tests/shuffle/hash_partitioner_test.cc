// Expected groups are those of docs/reference/key-hash.md.
#include "sabot/shuffle/hash_partitioner.h"

#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/initialize.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/shuffle/split_rows.h"

namespace sabot::shuffle {
namespace {

using data::ErrorKind;
using data::KeyGroupTable;

std::unique_ptr<HashPartitioner> Make(const data::Batch& batch, int tasks, int groups = 256,
                                      std::vector<std::string> keys = {"c0"}) {
  return HashPartitioner::Make(*batch.rows->schema(), std::move(keys), KeyGroupTable::Make(groups, tasks).ValueOrDie())
      .ValueOrDie();
}

TEST(HashPartitioner, RefusesColumnsThatAreNoKey) {
  const auto batch = BatchOf({Of(arrow::utf8(), R"(["A"])")});
  const auto table = KeyGroupTable::Make(256, 2).ValueOrDie();
  ExpectError(HashPartitioner::Make(*batch.rows->schema(), {"symbol"}, table).status(), ErrorKind::kSchema,
              "key column 'symbol' is missing. Known names: 'c0'.");
}

TEST(HashPartitioner, RefusesABatchOfAnotherSchema) {
  const auto partitioner = Make(BatchOf({Of(arrow::utf8(), R"(["A"])")}), 2);
  ExpectError(partitioner->Partition(BatchOf({Of(arrow::int64(), "[1]")})).status(), ErrorKind::kSchema,
              "key column 'c0': a batch has another schema than the stream it belongs to.");
}

TEST(HashPartitioner, RefusesATableThatCannotFollow) {
  const auto partitioner = Make(BatchOf({Of(arrow::utf8(), R"(["A"])")}), 2, 8);
  ExpectError(
      partitioner->set_table(KeyGroupTable::Make(8, 2).ValueOrDie()), ErrorKind::kOption,
      "hash partitioner: a table of 8 groups, 2 tasks, version 0 cannot follow one of 8 groups, 2 tasks, version "
      "0. Make it with KeyGroupTable::With.");
  EXPECT_EQ(data::KindOf(partitioner->set_table(partitioner->table().Rescaled(3).ValueOrDie())), ErrorKind::kOption);
}

TEST(HashPartitioner, SplitsNothingIntoNothing) {
  const auto batch = BatchOf({Of(arrow::utf8(), "[]")});
  EXPECT_EQ(Partition(*Make(batch, 3), batch), RowLists(3));
  EXPECT_EQ(Partition(*Make(batch, 1), batch), RowLists(1));
}

TEST(HashPartitioner, OneTaskTakesTheBatchAsItIs) {
  const auto batch = BatchOf({Of(arrow::utf8(), R"(["A", "B"])")});
  EXPECT_TRUE(Make(batch, 1)->Partition(batch)->parts[0].all);
  const auto same = BatchOf({Of(arrow::utf8(), R"(["A", "A"])")});
  const Split split = Make(same, 16)->Partition(same).ValueOrDie();
  for (std::size_t task = 0; task < 16; ++task) EXPECT_EQ(split.parts[task].all, task == 206 * 16 / 256) << task;
}

TEST(HashPartitioner, RowsGoWhereTheirGroupGoes) {
  // Groups 206, 115, 123, 0, 80, 206 of 256; with four tasks a task has 64 groups.
  const auto batch = BatchOf({Of(arrow::utf8(), R"(["A", "ESZ5", "BTC-USD", "", null, "A"])")});
  const auto partitioner = Make(batch, 4);
  EXPECT_EQ(Partition(*partitioner, batch), (RowLists{{3}, {1, 2, 4}, {}, {0, 5}}));
  EXPECT_EQ(partitioner->rows_of_group()[206], 2);
  EXPECT_EQ(partitioner->rows_of_group()[115], 1);
  EXPECT_EQ(partitioner->rows_of_group()[1], 0);
  ASSERT_TRUE(
      partitioner->set_table(partitioner->table().With(std::vector<KeyGroupTable::Move>{{206, 2}}).ValueOrDie()).ok());
  EXPECT_EQ(Partition(*partitioner, batch), (RowLists{{3}, {1, 2, 4}, {0, 5}, {}}));
  EXPECT_EQ(partitioner->rows_of_group()[206], 4);
}

TEST(HashPartitioner, AsManyGroupsAsTasksIsTheHashModuloTasks) {
  const auto batch = BatchOf({Of(arrow::utf8(), R"(["A", "ESZ5", "BTC-USD", "", null])")});
  // 1423767502, 745337459, 619166587, 0 and 1982413648 modulo 5.
  EXPECT_EQ(Partition(*Make(batch, 5, 5), batch), (RowLists{{3}, {}, {0, 2}, {4}, {1}}));
}

TEST(HashPartitioner, NamesTheHottestKeys) {
  const auto batch = BatchOf({Dictionary("[0, 1, 0, 0]", Of(arrow::utf8(), R"(["A", "B"])"))});
  const auto partitioner = Make(batch, 2);
  for (int round = 0; round < 20; ++round) ASSERT_TRUE(partitioner->Partition(batch).ok());
  const auto hottest = partitioner->hot_keys().Hottest(1);
  ASSERT_EQ(hottest.size(), 1U);
  EXPECT_EQ(hottest[0].key, "A");
  EXPECT_EQ(hottest[0].share_at_least, 0.75);
}

// A selection alone copies no column: what a task gets points into the batch.
TEST(HashPartitioner, CopiesNoColumn) {
  std::mt19937 random(3);
  arrow::Int64Builder keys;
  for (int row = 0; row < 1'000; ++row) ASSERT_TRUE(keys.Append(static_cast<int64_t>(random() % 50)).ok());
  const auto batch = BatchOf({keys.Finish().ValueOrDie()});
  const auto* const address = batch.rows->column_data(0)->buffers[1]->data();
  const auto partitioner = Make(batch, 4);
  ASSERT_TRUE(partitioner->Partition(batch).ok());
  const int64_t before = arrow::default_memory_pool()->total_bytes_allocated();
  const Split split = partitioner->Partition(batch).ValueOrDie();
  // The row numbers of all parts, in one buffer (4,000 bytes, padded), and nothing else.
  EXPECT_EQ(arrow::default_memory_pool()->total_bytes_allocated() - before, 63 * 64);
  const int32_t* next = split.parts[0].rows.rows().data();
  for (const Split::Part& part : split.parts) {
    EXPECT_EQ(part.rows.rows().data(), next);
    next += part.rows.size();
  }
  EXPECT_EQ(batch.rows->column_data(0)->buffers[1]->data(), address);
}

// The law of keys: whatever the encoding and the cuts, a key's rows go to one task, in their order, and none is lost.
TEST(HashPartitioner, NeitherEncodingNorCutsMatter) {
  ASSERT_TRUE(arrow::compute::Initialize().ok());
  for (uint64_t seed = 0; seed < 12; ++seed) {
    std::mt19937_64 random(seed);
    const auto rows = static_cast<int64_t>(random() % 3'000 + 1);
    const int tasks = static_cast<int>(random() % 20 + 1);
    const int groups = seed % 2 == 0 ? 256 : 37;
    arrow::StringBuilder symbols;
    arrow::Int64Builder legs;
    for (int64_t row = 0; row < rows; ++row) {
      const auto key = std::to_string(random() % 200);
      ASSERT_TRUE(
          (random() % 20 == 0 ? symbols.AppendNull() : symbols.Append(std::string(random() % 3 * 9, 'x') + key)).ok());
      ASSERT_TRUE(legs.Append(static_cast<int64_t>(random() % 3)).ok());
    }
    const ArrayPtr symbol = symbols.Finish().ValueOrDie();
    const ArrayPtr leg = legs.Finish().ValueOrDie();
    for (const bool two : {false, true}) {
      const std::vector<std::string> keys = two ? std::vector<std::string>{"c0", "c1"} : std::vector<std::string>{"c0"};
      const auto whole = BatchOf({symbol, leg});
      const RowLists expected = Partition(*Make(whole, tasks, groups, keys), whole);
      std::vector<int> seen(static_cast<std::size_t>(rows));
      for (const auto& list : expected) {
        EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
        for (const int32_t row : list) ++seen[static_cast<std::size_t>(row)];
      }
      EXPECT_EQ(seen, std::vector<int>(static_cast<std::size_t>(rows), 1));
      for (const auto& type : {arrow::utf8(), arrow::large_binary(), arrow::utf8_view(),
                               arrow::dictionary(arrow::int16(), arrow::utf8())}) {
        const auto encoded = BatchOf({arrow::compute::Cast(*symbol, type).ValueOrDie(),
                                      arrow::compute::Cast(*leg, arrow::uint8()).ValueOrDie()});
        const auto partitioner = Make(encoded, tasks, groups, keys);
        RowLists found(static_cast<std::size_t>(tasks));
        for (int64_t begin = 0; begin < rows;) {
          const auto cut = encoded.Slice(begin, static_cast<int64_t>(random() % 900 + 1));
          const RowLists lists = Partition(*partitioner, cut);
          for (std::size_t task = 0; task < lists.size(); ++task)
            for (const int32_t row : lists[task]) found[task].push_back(row + static_cast<int32_t>(begin));
          begin += cut.num_rows();
        }
        EXPECT_EQ(found, expected) << type->ToString();
      }
    }
  }
}

}  // namespace
}  // namespace sabot::shuffle
