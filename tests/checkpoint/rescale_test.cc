// Where a key's rows belong is computed here from the bytes of the key, one row at a time.
#include "sabot/checkpoint/rescale.h"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_dict.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/data/key_hash.h"
#include "sabot/operators/kernel_chain.h"

namespace sabot::checkpoint {
namespace {

using data::KeyGroupTable;

KeyGroupTable Tasks(int32_t tasks, int32_t groups = data::kKeyGroups) {
  return KeyGroupTable::Make(groups, tasks).ValueOrDie();
}

// Random keys (text and integer), each once, with a state of random bits.
std::shared_ptr<arrow::Table> RandomState(uint64_t seed, int64_t rows) {
  std::mt19937_64 random(seed);
  arrow::StringBuilder symbols;
  arrow::Int64Builder venues;
  arrow::DoubleBuilder values;
  arrow::StringBuilder notes;
  for (int64_t row = 0; row < rows; ++row) {
    EXPECT_TRUE(symbols.Append("S" + std::to_string(random() % 1'000)).ok());
    EXPECT_TRUE(venues.Append(row * 1'000 + static_cast<int64_t>(random() % 1'000)).ok());
    EXPECT_TRUE((row % 7 == 0 ? values.Append(std::nan("")) : values.Append(static_cast<double>(random()))).ok());
    EXPECT_TRUE((row % 5 == 0 ? notes.AppendNull() : notes.Append(std::string(random() % 20, 'n'))).ok());
  }
  const auto schema =
      arrow::schema({arrow::field("symbol", arrow::utf8(), false), arrow::field("venue", arrow::int64(), false),
                     arrow::field("value", arrow::float64()), arrow::field("note", arrow::utf8())},
                    arrow::key_value_metadata({"sabot.kernel", "sabot.by"}, {"ewma", "[\"symbol\",\"venue\"]"}));
  return arrow::Table::Make(schema, {symbols.Finish().ValueOrDie(), venues.Finish().ValueOrDie(),
                                     values.Finish().ValueOrDie(), notes.Finish().ValueOrDie()});
}

const std::vector<std::string> kBy = {"symbol", "venue"};

// Rows by their key; every value as text that tells all of them apart. Fails where a key stands twice.
std::map<std::string, std::string> RowsOf(const TableVector& tables) {
  std::map<std::string, std::string> rows;
  for (const auto& table : tables) {
    EXPECT_TRUE(table->ValidateFull().ok());
    for (int64_t row = 0; row < table->num_rows(); ++row) {
      std::vector<std::string> values;
      for (const auto& column : table->columns()) values.push_back(column->GetScalar(row).ValueOrDie()->ToString());
      EXPECT_TRUE(rows.emplace(values[0] + "," + values[1], values[2] + "," + values[3]).second) << values[1];
    }
  }
  return rows;
}

void ExpectWhereTheyBelong(const TableVector& tables, const KeyGroupTable& tasks) {
  ASSERT_EQ(static_cast<int32_t>(tables.size()), tasks.tasks());
  for (std::size_t task = 0; task < tables.size(); ++task) {
    if (tables[task]->num_rows() == 0) continue;
    auto hasher = data::KeyHasher::Make(*tables[task]->schema(), kBy).ValueOrDie();
    const auto batch = tables[task]->CombineChunksToBatch().ValueOrDie();
    std::vector<uint32_t> hashes(static_cast<std::size_t>(batch->num_rows()));
    ASSERT_TRUE(hasher.Hash(*batch, hashes).ok());
    for (const uint32_t hash : hashes) {
      ASSERT_EQ(tasks.TaskOf(static_cast<int32_t>(hash % static_cast<uint32_t>(tasks.groups()))), task);
    }
  }
}

// --- Wrong use. ---

TEST(Rescale, SaysWhatCannotBeSplit) {
  const auto table = RandomState(1, 5);
  EXPECT_EQ(data::KindOf(SplitByKeyGroup(*table, {}, Tasks(2)).status()), data::ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(SplitByKeyGroup(*table, {"symbol", "symbol"}, Tasks(2)).status()), data::ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(SplitByKeyGroup(*table, {"simbol"}, Tasks(2)).status()), data::ErrorKind::kSchema);
  EXPECT_EQ(data::KindOf(Rescale({}, kBy, Tasks(2)).status()), data::ErrorKind::kOption);
}

TEST(Rescale, RefusesCopiesOfDifferentOperators) {
  const auto table = RandomState(1, 5);
  const auto other = table->ReplaceSchemaMetadata(arrow::key_value_metadata({"sabot.kernel"}, {"rolling_std"}));
  const auto status = Rescale(TableVector{table, table->Slice(0, 0), other}, kBy, Tasks(2)).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSnapshot);
  EXPECT_TRUE(status.message().starts_with("rescale: copy 2 has\n")) << status;
  EXPECT_EQ(data::KindOf(Rescale(TableVector{table, table->RemoveColumn(3).ValueOrDie()}, kBy, Tasks(2)).status()),
            data::ErrorKind::kSnapshot);
}

// --- Edges. ---

TEST(Rescale, ATableWithoutRowsIsEmptyEverywhere) {
  const auto keyless = arrow::Table::Make(arrow::schema(arrow::FieldVector{}), arrow::ArrayVector{}, 0);
  const auto parts = SplitByKeyGroup(*keyless, kBy, Tasks(3)).ValueOrDie();
  ASSERT_EQ(parts.size(), 3u);
  for (const auto& part : parts) EXPECT_TRUE(part->Equals(*keyless));
  // A copy that saw nothing does not know its keys; the others do.
  const auto table = RandomState(1, 50);
  const auto rescaled = Rescale(TableVector{keyless, table}, kBy, Tasks(3)).ValueOrDie();
  EXPECT_EQ(RowsOf(rescaled), RowsOf({table}));
  for (const auto& part : rescaled) EXPECT_TRUE(part->schema()->Equals(*table->schema(), /*check_metadata=*/true));
}

TEST(Rescale, OneKeyHasOneTaskHoweverItIsWritten) {
  arrow::StringBuilder text;
  arrow::StringDictionaryBuilder dictionary;
  for (const char* symbol : {"A", "ESZ5", "BTC-USD", ""}) {
    ASSERT_TRUE(text.Append(symbol).ok());
    ASSERT_TRUE(dictionary.Append(symbol).ok());
  }
  for (const auto& keys : arrow::ArrayVector{text.Finish().ValueOrDie(), dictionary.Finish().ValueOrDie()}) {
    const auto table = arrow::Table::Make(arrow::schema({arrow::field("symbol", keys->type())}), {keys});
    const auto parts = SplitByKeyGroup(*table, {"symbol"}, Tasks(4)).ValueOrDie();
    // Groups 206, 115, 123 and 0 of docs/reference/key-hash.md, 64 a task.
    EXPECT_EQ(parts[0]->num_rows(), 1);
    EXPECT_EQ(parts[1]->num_rows(), 2);
    EXPECT_EQ(parts[2]->num_rows(), 0);
    EXPECT_EQ(parts[3]->num_rows(), 1);
  }
}

TEST(Rescale, ChunksAndSlicesChangeNothing) {
  const auto table = RandomState(3, 1'000);
  const auto chunked =
      arrow::ConcatenateTables({table->Slice(0, 1), table->Slice(1, 0), table->Slice(1, 600), table->Slice(601)})
          .ValueOrDie();
  const auto expected = SplitByKeyGroup(*table, kBy, Tasks(5)).ValueOrDie();
  const auto found = SplitByKeyGroup(*chunked, kBy, Tasks(5)).ValueOrDie();
  for (std::size_t task = 0; task < 5; ++task) {
    EXPECT_TRUE(found[task]->Equals(*expected[task], true,
                                    arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false)));
  }
}

// --- Values. ---

TEST(Rescale, NoRowIsLostOrDoubled) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    const int32_t groups = seed % 2 == 0 ? 256 : 17;
    const auto whole = RandomState(seed, static_cast<int64_t>(seed * seed));
    const auto rows = RowsOf({whole});
    TableVector copies = SplitByKeyGroup(*whole, kBy, Tasks(2, groups)).ValueOrDie();
    ExpectWhereTheyBelong(copies, Tasks(2, groups));
    EXPECT_EQ(RowsOf(copies), rows);
    for (const int32_t count : {5, 3, 1, 17}) {
      copies = Rescale(copies, kBy, Tasks(count, groups)).ValueOrDie();
      ExpectWhereTheyBelong(copies, Tasks(count, groups));
      EXPECT_EQ(RowsOf(copies), rows);
      for (const auto& copy : copies) EXPECT_TRUE(copy->schema()->Equals(*whole->schema(), /*check_metadata=*/true));
    }
  }
}

TEST(Rescale, FollowsGroupsThatMoved) {
  const auto whole = RandomState(9, 2'000);
  const KeyGroupTable::Move moves[] = {{.group = 0, .task = 1}, {.group = 200, .task = 0}};
  const auto tasks = Tasks(2).With(moves).ValueOrDie();
  const auto copies = SplitByKeyGroup(*whole, kBy, tasks).ValueOrDie();
  ExpectWhereTheyBelong(copies, tasks);
  EXPECT_EQ(RowsOf(copies), RowsOf({whole}));
}

// The snapshots of real kernels, restored into 2 -> 5 -> 3 chains, go on as the one that was never split.
TEST(Rescale, KernelsGoOnBitForBit) {
  const auto make = [] {
    auto chain =
        operators::KernelChain::Make({{.kernel = "log_returns"}, {.kernel = "ewma", .columns = {{"x", "price"}}}})
            .ValueOrDie();
    return chain;
  };
  std::mt19937_64 random(5);
  const auto feed = [&](int64_t rows) {
    arrow::StringDictionaryBuilder symbols;
    arrow::DoubleBuilder prices;
    for (int64_t row = 0; row < rows; ++row) {
      EXPECT_TRUE(symbols.Append("S" + std::to_string(random() % 40)).ok());
      EXPECT_TRUE(prices.Append(100 + static_cast<double>(random() % 1'000) / 7).ok());
    }
    const auto keys = symbols.Finish().ValueOrDie();
    return arrow::RecordBatch::Make(
        arrow::schema({arrow::field("symbol", keys->type()), arrow::field("price", arrow::float64())}), rows,
        {keys, prices.Finish().ValueOrDie()});
  };
  const auto part_of = [](const std::shared_ptr<arrow::RecordBatch>& batch, const KeyGroupTable& tasks) {
    return SplitByKeyGroup(*arrow::Table::FromRecordBatches({batch}).ValueOrDie(), {"symbol"}, tasks).ValueOrDie();
  };

  auto whole = make();
  std::vector<operators::KernelChain> chains;
  for (int copy = 0; copy < 2; ++copy) chains.push_back(make());
  for (const int32_t next : {5, 3, 3}) {
    const auto tasks = Tasks(static_cast<int32_t>(chains.size()));
    const auto batch = feed(500);
    const auto expected = arrow::Table::FromRecordBatches({whole.Process(batch).ValueOrDie()}).ValueOrDie();
    const auto expected_parts = SplitByKeyGroup(*expected, {"symbol"}, tasks).ValueOrDie();
    const auto parts = part_of(batch, tasks);
    std::vector<TableVector> snapshots(2);  // By kernel, of all copies.
    for (std::size_t copy = 0; copy < chains.size(); ++copy) {
      const auto out = chains[copy].Process(parts[copy]->CombineChunksToBatch().ValueOrDie()).ValueOrDie();
      EXPECT_TRUE(out->Equals(*expected_parts[copy]->CombineChunksToBatch().ValueOrDie(), false,
                              arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false)));
      for (std::size_t kernel = 0; kernel < 2; ++kernel) {
        snapshots[kernel].push_back(chains[copy].Snapshot(kernel).ValueOrDie());
      }
    }
    chains.clear();
    for (int32_t copy = 0; copy < next; ++copy) chains.push_back(make());
    for (std::size_t kernel = 0; kernel < 2; ++kernel) {
      const auto states = Rescale(snapshots[kernel], {"symbol"}, Tasks(next)).ValueOrDie();
      for (std::size_t copy = 0; copy < chains.size(); ++copy) {
        ASSERT_TRUE(chains[copy].Bind(batch->schema()).ok());
        const auto status = chains[copy].Restore(kernel, *states[copy]);
        ASSERT_TRUE(status.ok()) << status;
      }
    }
  }
}

}  // namespace
}  // namespace sabot::checkpoint
