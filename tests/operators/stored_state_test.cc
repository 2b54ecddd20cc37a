// A chain whose state lies in a store behind few slots gives what the chain gives that has it in memory: bits of
// outputs, rows of snapshots.
#include <arrow/array/builder_dict.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "sabot/data/errors.h"
#include "sabot/data/key_hash.h"
#include "sabot/operators/kernel_operator.h"
#include "sabot/operators/state_files.h"
#include "sabot/state/rocksdb_store.h"
#include "tests/connectors/temporary_folder.h"
#include "tests/operators/sample_ticks.h"
#include "tests/state/map_store.h"

namespace sabot::operators {
namespace {

using connectors::TemporaryFolder;
using state::MapStore;
using Batches = arrow::RecordBatchVector;
using Stores = std::vector<std::shared_ptr<state::KeyStore>>;

bool Everything(uint16_t /*group*/) { return true; }

KernelChain ChainOf(const std::vector<KernelSpec>& specs, const std::vector<std::string>& by = {"symbol"}) {
  return KernelChain::Make(specs, by).ValueOrDie();
}
KernelChain StoredChain(const std::vector<KernelSpec>& specs, std::shared_ptr<state::KeyStore> store,
                        int64_t cached_keys = 8, const std::vector<std::string>& by = {"symbol"}) {
  auto chain = ChainOf(specs, by);
  EXPECT_TRUE(chain.UseStore(std::move(store), cached_keys).ok());
  return chain;
}

std::shared_ptr<state::KeyStore> RocksDb(const std::string& folder) {
  return state::OpenRocksDb(folder, {.write_buffer_bytes = 1 << 16, .block_cache_bytes = 1 << 20}).ValueOrDie();
}
Stores OpenAll(const std::vector<std::string>& folders) {
  Stores stores;
  for (const auto& folder : folders) stores.push_back(state::OpenRocksDbFiles(folder).ValueOrDie());
  return stores;
}

Batches Cut(const std::shared_ptr<arrow::RecordBatch>& rows, uint64_t seed, uint64_t most) {
  std::mt19937_64 random(seed);
  Batches batches;
  for (int64_t at = 0; at < rows->num_rows();) {
    batches.push_back(rows->Slice(at, static_cast<int64_t>(random() % most)));  // Empty ones, too.
    at += batches.back()->num_rows();
  }
  return batches;
}

std::shared_ptr<arrow::RecordBatch> RunAll(KernelChain& chain, const Batches& batches) {
  Batches results;
  for (const auto& batch : batches) results.push_back(chain.Process(batch).ValueOrDie());
  return Concatenate(results);
}

// The rows of a snapshot by key, as the order of rows is the backend's.
std::shared_ptr<arrow::RecordBatch> ByKey(const std::shared_ptr<arrow::Table>& snapshot,
                                          const std::vector<std::string>& by = {"symbol"}) {
  EXPECT_TRUE(snapshot->ValidateFull().ok());
  EXPECT_TRUE(arrow::compute::Initialize().ok());
  if (snapshot->num_columns() == 0) return arrow::RecordBatch::Make(snapshot->schema(), 0, arrow::ArrayVector{});
  std::vector<arrow::compute::SortKey> keys(by.begin(), by.end());
  const auto order =
      arrow::compute::SortIndices(arrow::Datum(snapshot), arrow::compute::SortOptions(keys)).ValueOrDie();
  return arrow::compute::Take(snapshot, order).ValueOrDie().table()->CombineChunksToBatch().ValueOrDie();
}
::testing::AssertionResult SameRows(const std::shared_ptr<arrow::RecordBatch>& left,
                                    const std::shared_ptr<arrow::RecordBatch>& right) {
  if (!left->schema()->Equals(right->schema(), /*check_metadata=*/true)) {
    return ::testing::AssertionFailure() << left->schema()->ToString(true) << " against\n"
                                         << right->schema()->ToString(true);
  }
  if (left->Equals(*right, /*check_metadata=*/true, arrow::EqualOptions::Defaults().nans_equal(true))) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << left->ToString() << " against\n" << right->ToString();
}
::testing::AssertionResult SameSnapshots(const KernelChain& left, const KernelChain& right,
                                         std::vector<std::string> by = {"symbol"}) {
  if (left.pair()) by = {"symbol_a", "symbol_b"};
  for (std::size_t index = 0; index < left.kernels().size(); ++index) {
    const auto same =
        SameRows(ByKey(left.Snapshot(index).ValueOrDie(), by), ByKey(right.Snapshot(index).ValueOrDie(), by));
    if (!same) return same;
  }
  return ::testing::AssertionSuccess();
}

const std::vector<KernelSpec> kSeveral{{.kernel = "ewma", .options = {{"alpha", 0.5}}},
                                       {.kernel = "midprice", .outputs = {{"midprice", "mid"}}},
                                       {.kernel = "rolling_std", .options = {{"window", int64_t{5}}}},
                                       {.kernel = "vwap"}};

// Two kernels of one pair.
std::vector<KernelSpec> PairKernels(int64_t window) {
  std::vector<KernelSpec> kernels;
  for (const char* kernel : {"hayashi_yoshida_cov", "hayashi_yoshida_corr"}) {
    kernels.push_back(
        {.kernel = kernel,
         .options = {{"symbol_a", std::string("S0")}, {"symbol_b", std::string("S3")}, {"window", window}}});
  }
  return kernels;
}

// Wrong use.

TEST(StoredState, RefusesAStoreAfterTheFirstRow) {
  auto chain = ChainOf(kSeveral);
  ASSERT_TRUE(chain.Process(SampleTicks({.rows = 10})).ok());
  const auto status = chain.UseStore(std::make_shared<MapStore>(), 8);
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << status;
  auto twice = StoredChain(kSeveral, std::make_shared<MapStore>());
  EXPECT_EQ(data::KindOf(twice.UseStore(std::make_shared<MapStore>(), 8)), data::ErrorKind::kOption);
}

TEST(StoredState, RefusesNumbersOutOfRange) {
  auto chain = ChainOf(kSeveral);
  EXPECT_EQ(chain.UseStore(std::make_shared<MapStore>(), 0).message(), "cached_keys must be at least 1, found 0.");
  EXPECT_EQ(chain.UseStore(std::make_shared<MapStore>(), 8, 40'000).message(),
            "key groups must be in [1, 32768], found 40000.");
  EXPECT_EQ(data::KindOf(chain.FreezeFiles("nowhere").status()), data::ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(chain.RestoreFiles({}, Everything)), data::ErrorKind::kOption);
}

TEST(StoredState, RefusesTheStateOfAnotherChain) {
  const auto store = std::make_shared<MapStore>();
  auto first = StoredChain({{.kernel = "ewma", .options = {{"alpha", 0.5}}}}, store);
  ASSERT_TRUE(first.Process(SampleTicks({.rows = 100})).ok());
  const auto refusal = [&](const std::vector<KernelSpec>& specs, const std::vector<std::string>& by = {"symbol"},
                           int32_t groups = 256) {
    auto chain = ChainOf(specs, by);
    const auto status = chain.UseStore(store, 8, groups);
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSnapshot) << status;
    auto other = StoredChain(specs, std::make_shared<MapStore>(), 8, by);
    if (groups == 256) {
      EXPECT_EQ(data::KindOf(other.RestoreFiles(Stores{store}, Everything)), data::ErrorKind::kSnapshot);
    }
    return status.message();
  };
  const std::string where = "state 'a map' is of another pipeline: ";
  EXPECT_TRUE(
      refusal({{.kernel = "ewma", .options = {{"alpha", 0.25}}}}).starts_with(where + "it is of ewma version 1"));
  EXPECT_TRUE(refusal({{.kernel = "vwap"}}).starts_with(where + "it is of ewma"));
  EXPECT_TRUE(refusal(kSeveral).starts_with(where + "it has 1 kernels, the chain 4"));
  EXPECT_TRUE(refusal({{.kernel = "ewma", .options = {{"alpha", 0.5}}}}, {"venue"})
                  .starts_with(where + "its key columns are (symbol), the job's (venue)"));
  EXPECT_TRUE(refusal({{.kernel = "ewma", .options = {{"alpha", 0.5}}}}, {"symbol"}, 16)
                  .starts_with(where + "it has 256 key groups, the job 16"));
}

TEST(StoredState, RefusesKeysOfAnotherType) {
  const auto store = std::make_shared<MapStore>();
  const std::vector<KernelSpec> ewma{{.kernel = "ewma", .options = {{"alpha", 0.5}}}};
  auto first = StoredChain(ewma, store);
  const auto ticks = SampleTicks({.rows = 100});
  ASSERT_TRUE(first.Process(ticks).ok());
  auto other = StoredChain(ewma, store);
  const auto by_number = ticks->SetColumn(0, arrow::field("symbol", arrow::int64()), ticks->column(1)).ValueOrDie();
  const auto status = other.Bind(by_number->schema()).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSnapshot);
  EXPECT_NE(status.message().find("its keys have types (string), the job's (int64)"), std::string::npos) << status;
}

TEST(StoredState, RefusesDamagedEntries) {
  const auto ticks = SampleTicks({.rows = 100});
  const auto damaged = [&](std::string_view key, std::string_view value) {
    const auto store = std::make_shared<MapStore>();
    auto chain = StoredChain(kSeveral, store);
    EXPECT_TRUE(chain.Process(ticks).ok() && chain.Snapshot(0).ok());
    const state::KeyStore::Entry entry{key, value};
    EXPECT_TRUE(store->Write({&entry, 1}).ok());
    return store;
  };
  const auto short_value = damaged(std::string("\0\0S", 3), "short");
  auto chain = StoredChain(kSeveral, short_value);
  EXPECT_EQ(data::KindOf(chain.Snapshot(0).status()), data::ErrorKind::kSnapshot);
  auto into = StoredChain(kSeveral, std::make_shared<MapStore>());
  EXPECT_EQ(data::KindOf(into.RestoreFiles(Stores{short_value}, Everything)), data::ErrorKind::kSnapshot);

  const auto no_label = damaged("\xFF\xFFlabel", "{");
  EXPECT_EQ(data::KindOf(ReadStateFiles(*no_label).status()), data::ErrorKind::kSnapshot);
  EXPECT_EQ(data::KindOf(ChainOf(kSeveral).UseStore(no_label, 8)), data::ErrorKind::kSnapshot);
  MapStore empty;
  EXPECT_EQ(data::KindOf(ReadStateFiles(empty).status()), data::ErrorKind::kSnapshot);
}

TEST(StoredState, RefusesAKeyTwice) {
  auto chain = ChainOf(kSeveral);
  ASSERT_TRUE(chain.Process(SampleTicks({.rows = 100})).ok());
  const auto snapshot = chain.Snapshot(0).ValueOrDie();
  auto stored = StoredChain(kSeveral, std::make_shared<MapStore>());
  ASSERT_TRUE(stored.Restore(0, *snapshot).ok());
  EXPECT_EQ(stored.Restore(0, *snapshot).message(), "snapshot: a key of it has a state already. Restore a key once.");

  const auto one = std::make_shared<MapStore>(), other = std::make_shared<MapStore>();
  for (const auto& store : {one, other}) {
    auto copy = StoredChain(kSeveral, store);
    ASSERT_TRUE(copy.Process(SampleTicks({.rows = 100})).ok() && copy.Snapshot(0).ok());
  }
  auto into = StoredChain(kSeveral, std::make_shared<MapStore>());
  const auto status = into.RestoreFiles(Stores{one, other}, Everything);
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSnapshot) << status;
}

// Laws.

class EveryStoredKernelTest : public ::testing::TestWithParam<KernelCase> {};

INSTANTIATE_TEST_SUITE_P(Laws, EveryStoredKernelTest, ::testing::ValuesIn(EveryKernel()),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(EveryStoredKernelTest, GivesWhatItGivesInMemory) {
  const std::vector<KernelSpec> specs{GetParam().spec};
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const auto batches = Cut(SampleTicks({.rows = 2000, .symbols = 60, .seed = seed}), seed, 90);
    auto chain = ChainOf(specs);
    const auto expected = RunAll(chain, batches);
    const auto store = std::make_shared<MapStore>();
    auto stored = StoredChain(specs, store);
    EXPECT_TRUE(SameBits(*expected, *RunAll(stored, batches)));
    EXPECT_TRUE(SameSnapshots(chain, stored));
    if (chain.stateful() && !chain.pair()) {
      EXPECT_GT(store->keys_read, 10 * 60);  // Else nothing was tested.
    }
  }
}

TEST_P(EveryStoredKernelTest, GivesWhatItGivesInMemoryFromADisk) {
  if (!state::HasRocksDb()) GTEST_SKIP();
  const std::vector<KernelSpec> specs{GetParam().spec};
  const auto batches = Cut(SampleTicks({.rows = 2000, .symbols = 60}), 7, 90);
  auto chain = ChainOf(specs);
  if (!chain.stateful()) GTEST_SKIP() << "no state";
  const auto expected = RunAll(chain, batches);
  const TemporaryFolder folder;
  auto stored = StoredChain(specs, RocksDb(folder / "db"));
  EXPECT_TRUE(SameBits(*expected, *RunAll(stored, batches)));
  EXPECT_TRUE(SameSnapshots(chain, stored));
}

TEST_P(EveryStoredKernelTest, SnapshotsPassBetweenMemoryAndStore) {
  const std::vector<KernelSpec> specs{GetParam().spec};
  const auto rows = SampleTicks({.rows = 1000, .symbols = 40});
  const auto head = Cut(rows->Slice(0, 600), 1, 90), tail = Cut(rows->Slice(600), 2, 90);
  auto chain = ChainOf(specs);
  RunAll(chain, head);
  const auto snapshot = chain.Snapshot(0).ValueOrDie();
  const auto expected = RunAll(chain, tail);

  auto stored = StoredChain(specs, std::make_shared<MapStore>());
  ASSERT_TRUE(stored.Restore(0, *snapshot).ok());
  const auto again = stored.Snapshot(0).ValueOrDie();
  EXPECT_TRUE(SameBits(*expected, *RunAll(stored, tail)));
  EXPECT_TRUE(SameSnapshots(chain, stored));

  auto in_memory = ChainOf(specs);
  ASSERT_TRUE(in_memory.Restore(0, *again).ok());
  EXPECT_TRUE(SameBits(*expected, *RunAll(in_memory, tail)));
}

// Chains.

TEST(StoredState, APairIsOneKey) {
  const auto rows = SampleTicks({.rows = 2000, .symbols = 6});
  const auto head = Cut(rows->Slice(0, 1000), 1, 90), tail = Cut(rows->Slice(1000), 2, 90);
  auto chain = ChainOf(PairKernels(7));
  const auto store = std::make_shared<MapStore>();
  auto stored = StoredChain(PairKernels(7), store, 1);
  EXPECT_TRUE(SameBits(*RunAll(chain, head), *RunAll(stored, head)));
  EXPECT_TRUE(SameSnapshots(chain, stored));
  const auto readers = ReadStateFiles(*store).ValueOrDie();
  ASSERT_EQ(readers.size(), 2U);
  const auto table = readers[1]->ToTable().ValueOrDie();
  EXPECT_TRUE(SameRows(ByKey(chain.Snapshot(1).ValueOrDie(), {"symbol_a"}), ByKey(table, {"symbol_a"})));
  EXPECT_EQ(table->num_rows(), 1);

  auto into = StoredChain(PairKernels(7), std::make_shared<MapStore>());
  ASSERT_TRUE(into.RestoreFiles(Stores{store}, Everything).ok());
  const auto expected = RunAll(chain, tail);
  EXPECT_TRUE(SameBits(*expected, *RunAll(stored, tail)));
  EXPECT_TRUE(SameBits(*expected, *RunAll(into, tail)));
  EXPECT_TRUE(SameSnapshots(chain, into));

  auto other = StoredChain(PairKernels(8), std::make_shared<MapStore>());
  EXPECT_EQ(data::KindOf(other.RestoreFiles(Stores{store}, Everything)), data::ErrorKind::kSnapshot);
}

TEST(StoredState, ChainsGiveWhatTheyGiveInMemory) {
  for (const int64_t cached_keys : {1, 2, 8, 59, 1000}) {
    const auto batches = Cut(SampleTicks({.rows = 3000, .symbols = 60}), 3, 200);
    auto chain = ChainOf(kSeveral);
    auto stored = StoredChain(kSeveral, std::make_shared<MapStore>(), cached_keys);
    EXPECT_TRUE(SameBits(*RunAll(chain, batches), *RunAll(stored, batches))) << cached_keys;
    EXPECT_TRUE(SameSnapshots(chain, stored)) << cached_keys;
  }
}

TEST(StoredState, ASnapshotDisturbsNothingAndRestoresIntoEither) {
  const auto rows = SampleTicks({.rows = 2000, .symbols = 60});
  auto chain = ChainOf(kSeveral);
  auto stored = StoredChain(kSeveral, std::make_shared<MapStore>());
  const auto head = Cut(rows->Slice(0, 1000), 1, 90), tail = Cut(rows->Slice(1000), 2, 90);
  EXPECT_TRUE(SameBits(*RunAll(chain, head), *RunAll(stored, head)));
  auto from_memory = StoredChain(kSeveral, std::make_shared<MapStore>());
  auto from_store = ChainOf(kSeveral);
  for (std::size_t index = 0; index < kSeveral.size(); ++index) {
    ASSERT_TRUE(from_memory.Restore(index, *chain.Snapshot(index).ValueOrDie()).ok());
    ASSERT_TRUE(from_store.Restore(index, *stored.Snapshot(index).ValueOrDie()).ok());
  }
  const auto expected = RunAll(chain, tail);
  EXPECT_TRUE(SameBits(*expected, *RunAll(stored, tail)));
  EXPECT_TRUE(SameBits(*expected, *RunAll(from_memory, tail)));
  EXPECT_TRUE(SameBits(*expected, *RunAll(from_store, tail)));
  EXPECT_TRUE(SameSnapshots(chain, from_memory));
}

TEST(StoredState, WhatIsFrozenStaysAsItWas) {
  const auto rows = SampleTicks({.rows = 2000, .symbols = 60});
  auto stored = StoredChain(kSeveral, std::make_shared<MapStore>());
  RunAll(stored, Cut(rows->Slice(0, 1000), 1, 90));
  const auto expected = stored.Snapshot(2).ValueOrDie();
  auto frozen = stored.Freeze(2).ValueOrDie();
  RunAll(stored, Cut(rows->Slice(1000), 2, 90));
  EXPECT_FALSE(SameRows(ByKey(expected), ByKey(stored.Snapshot(2).ValueOrDie())));
  { const auto gone = std::move(stored); }
  EXPECT_TRUE(SameRows(ByKey(expected), ByKey(frozen->ToTable().ValueOrDie())));
}

TEST(StoredState, ABatchMayHaveMoreKeysThanTheBudget) {
  const auto rows = SampleTicks({.rows = 20'000, .symbols = 3000, .missing = 0});
  auto chain = ChainOf(kSeveral);
  auto stored = StoredChain(kSeveral, std::make_shared<MapStore>(), 10);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(SameBits(*chain.Process(rows).ValueOrDie(), *stored.Process(rows).ValueOrDie()));
  }
  EXPECT_TRUE(SameSnapshots(chain, stored));
}

TEST(StoredState, KeysInTheBudgetAreReadOnce) {
  const auto store = std::make_shared<MapStore>();
  auto stored = StoredChain(kSeveral, store, 60);
  const int64_t label_read = store->keys_read;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stored.Process(SampleTicks({.rows = 500, .symbols = 60})).ok());
  EXPECT_EQ(store->keys_read - label_read, 60);
  const int64_t written = store->keys_written;
  ASSERT_TRUE(stored.Freeze(0).ok());
  EXPECT_EQ(store->keys_written - written, 60);
  ASSERT_TRUE(stored.Freeze(2).ok());  // Nothing changed between.
  EXPECT_EQ(store->keys_written - written, 60);
}

// Keys.

std::shared_ptr<arrow::RecordBatch> WithKeys(uint64_t seed, bool dictionary) {
  auto ticks = SampleTicks({.rows = 1500, .symbols = 40, .seed = seed});
  arrow::StringBuilder venues;
  arrow::Int32Builder numbers;
  arrow::UInt64Builder large;
  std::mt19937_64 random(seed);
  for (int64_t row = 0; row < ticks->num_rows(); ++row) {
    EXPECT_TRUE((random() % 20 == 0 ? venues.AppendNull() : venues.Append(std::string(random() % 40, 'v'))).ok());
    EXPECT_TRUE(
        (random() % 20 == 0 ? numbers.AppendNull() : numbers.Append(static_cast<int32_t>(random() % 50) - 25)).ok());
    EXPECT_TRUE(large.Append(~uint64_t{0} - random() % 50).ok());
  }
  std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>> keys{{"venue", venues.Finish().ValueOrDie()},
                                                                          {"number", numbers.Finish().ValueOrDie()},
                                                                          {"large", large.Finish().ValueOrDie()}};
  for (auto& [name, key] : keys) {
    if (dictionary) key = arrow::compute::DictionaryEncode(key).ValueOrDie().make_array();
    ticks = ticks->AddColumn(ticks->num_columns(), name, key).ValueOrDie();
  }
  return ticks;
}

TEST(StoredState, KeysOfAllKinds) {
  const std::vector<std::vector<std::string>> keys{
      {"venue"}, {"number"}, {"large"}, {"symbol", "venue"}, {"number", "symbol", "large"}, {"venue", "number"}};
  for (const bool dictionary : {false, true}) {
    for (const auto& by : keys) {
      auto chain = ChainOf(kSeveral, by);
      const auto store = std::make_shared<MapStore>();
      auto stored = StoredChain(kSeveral, store, 8, by);
      for (const uint64_t seed : {1, 2, 3}) {  // Another dictionary each.
        const auto batches = Cut(WithKeys(seed, dictionary), seed, 200);
        EXPECT_TRUE(SameBits(*RunAll(chain, batches), *RunAll(stored, batches))) << by[0];
      }
      EXPECT_TRUE(SameSnapshots(chain, stored, by)) << by[0];
      const auto files = ReadStateFiles(*store).ValueOrDie();
      ASSERT_EQ(files.size(), kSeveral.size());
      EXPECT_TRUE(SameRows(ByKey(chain.Snapshot(0).ValueOrDie(), by), ByKey(files[0]->ToTable().ValueOrDie(), by)));
    }
  }
}

TEST(StoredState, ABatchOfNullKeysOnly) {
  auto stored = StoredChain(kSeveral, std::make_shared<MapStore>());
  const auto ticks = SampleTicks({.rows = 50});
  const auto nulls = arrow::MakeArrayOfNull(arrow::utf8(), 50).ValueOrDie();
  const auto none = ticks->SetColumn(0, ticks->schema()->field(0), nulls).ValueOrDie();
  auto chain = ChainOf(kSeveral);
  EXPECT_TRUE(SameBits(*chain.Process(none).ValueOrDie(), *stored.Process(none).ValueOrDie()));
  EXPECT_TRUE(SameSnapshots(chain, stored));
}

// Files.

class StoredFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!state::HasRocksDb()) GTEST_SKIP() << "no RocksDB";
  }
  TemporaryFolder folder_;
};

TEST_F(StoredFilesTest, TenTimesTheCache) {
  auto chain = ChainOf(kSeveral);
  auto stored = StoredChain(kSeveral, RocksDb(folder_ / "db"), 500);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const auto rows = SampleTicks({.rows = 6000, .symbols = 5000, .seed = seed});
    const auto batches = Cut(rows, seed, 2000);
    EXPECT_TRUE(SameBits(*RunAll(chain, batches), *RunAll(stored, batches)));
  }
  EXPECT_TRUE(SameSnapshots(chain, stored));
}

// Rows by the copy that has their key group: group * copies / 256.
std::vector<Batches> ByCopy(const Batches& batches, int copies) {
  std::vector<Batches> parts(static_cast<std::size_t>(copies));
  auto hasher = data::KeyHasher::Make(*batches.front()->schema(), {"symbol"}).ValueOrDie();
  for (const auto& batch : batches) {
    std::vector<uint32_t> hashes(static_cast<std::size_t>(batch->num_rows()));
    EXPECT_TRUE(hasher.Hash(*batch, hashes).ok());
    for (int copy = 0; copy < copies; ++copy) {
      Batches rows{batch->Slice(0, 0)};
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        const uint32_t group = data::KeyGroups(256).Of(hashes[static_cast<std::size_t>(row)]);
        if (static_cast<int>(group) * copies / 256 == copy) rows.push_back(batch->Slice(row, 1));
      }
      parts[static_cast<std::size_t>(copy)].push_back(Concatenate(rows));
    }
  }
  return parts;
}

TEST_F(StoredFilesTest, GoOnInAnyNumberOfCopies) {
  const auto rows = SampleTicks({.rows = 1500, .symbols = 60});
  std::mt19937_64 random(11);
  const auto stop = static_cast<int64_t>(300 + random() % 900);
  const auto head = Cut(rows->Slice(0, stop), 1, 90), tail = Cut(rows->Slice(stop), 2, 90);
  std::vector<std::string> one_folder;
  for (const int before : {1, 3}) {
    std::vector<std::string> folders;
    const auto parts = ByCopy(head, before);
    std::vector<KernelChain> running;
    for (int copy = 0; copy < before; ++copy) {
      const std::string name = std::to_string(before) + "-" + std::to_string(copy);
      running.push_back(StoredChain(kSeveral, RocksDb(folder_ / ("db" + name))));
      RunAll(running.back(), parts[static_cast<std::size_t>(copy)]);
      folders.push_back(folder_ / ("frozen" + name));
      const auto files = running.back().FreezeFiles(folders.back()).ValueOrDie();
      EXPECT_TRUE(std::any_of(files.begin(), files.end(), [](const auto& file) { return file.kept; }));
      for (const auto& file : files) {
        EXPECT_EQ(std::filesystem::file_size(folders.back() + "/" + file.name), static_cast<uint64_t>(file.bytes));
      }
      RunAll(running.back(), ByCopy(tail, before)[static_cast<std::size_t>(copy)]);  // Going on changes no frozen file.
    }
    for (const int after : {1, 2, 5}) {
      const auto rest = ByCopy(tail, after);
      for (int copy = 0; copy < after; ++copy) {
        auto expected = ChainOf(kSeveral);
        RunAll(expected, ByCopy(head, after)[static_cast<std::size_t>(copy)]);
        auto restored = StoredChain(kSeveral, std::make_shared<MapStore>());
        const auto owned = [&](uint16_t group) { return group * after / 256 == copy; };
        ASSERT_TRUE(restored.RestoreFiles(OpenAll(folders), owned).ok());
        EXPECT_TRUE(SameSnapshots(expected, restored));
        EXPECT_TRUE(SameBits(*RunAll(expected, rest[static_cast<std::size_t>(copy)]),
                             *RunAll(restored, rest[static_cast<std::size_t>(copy)])))
            << before << " to " << after << ", copy " << copy;
      }
    }
  }
}

TEST_F(StoredFilesTest, FrozenFilesAreAStoreAgain) {
  const auto rows = SampleTicks({.rows = 1500, .symbols = 60});
  auto chain = ChainOf(kSeveral);
  auto stored = StoredChain(kSeveral, RocksDb(folder_ / "db"));
  RunAll(chain, {rows->Slice(0, 700)});
  RunAll(stored, {rows->Slice(0, 700)});
  ASSERT_TRUE(stored.FreezeFiles(folder_ / "frozen").ok());
  auto again = StoredChain(kSeveral, RocksDb(folder_ / "frozen"));
  EXPECT_TRUE(SameSnapshots(chain, again));
  EXPECT_TRUE(SameBits(*RunAll(chain, {rows->Slice(700)}), *RunAll(again, {rows->Slice(700)})));
}

TEST_F(StoredFilesTest, ASecondCheckpointSharesTheFilesOfTheFirst) {
  const auto rows = SampleTicks({.rows = 1500, .symbols = 60});
  auto stored = StoredChain(kSeveral, RocksDb(folder_ / "db"));
  RunAll(stored, {rows->Slice(0, 700)});
  const auto first = stored.FreezeFiles(folder_ / "first").ValueOrDie();
  RunAll(stored, {rows->Slice(700, 10)});
  const auto second = stored.FreezeFiles(folder_ / "second").ValueOrDie();
  const auto shared = std::find_if(first.begin(), first.end(), [](const auto& file) { return file.kept; });
  ASSERT_NE(shared, first.end());
  const auto again =
      std::find_if(second.begin(), second.end(), [&](const auto& file) { return file.name == shared->name; });
  ASSERT_NE(again, second.end());
  EXPECT_TRUE(std::filesystem::equivalent(folder_ / ("first/" + shared->name), folder_ / ("second/" + again->name)));
}

TEST_F(StoredFilesTest, AreReadWithoutTheChain) {
  auto chain = ChainOf(kSeveral);
  auto stored = StoredChain(kSeveral, RocksDb(folder_ / "db"));
  const auto rows = SampleTicks({.rows = 30'000, .symbols = 20'000});
  RunAll(chain, {rows});
  RunAll(stored, {rows});
  ASSERT_TRUE(stored.FreezeFiles(folder_ / "frozen").ok());
  auto files = OpenAll({folder_ / "frozen"});
  const auto tables = ReadStateFiles(*files[0]).ValueOrDie();
  files.clear();
  for (std::size_t index = 0; index < kSeveral.size(); ++index) {
    EXPECT_TRUE(SameRows(ByKey(chain.Snapshot(index).ValueOrDie()), ByKey(tables[index]->ToTable().ValueOrDie())));
    const auto [spec, by] = KernelChain::SpecOf(*tables[index]->schema()).ValueOrDie();
    EXPECT_EQ(spec.kernel, kSeveral[index].kernel);
    EXPECT_EQ(by, std::vector<std::string>{"symbol"});
  }
}

// As an operator.

struct Rows final : Output {
  arrow::Result<Progress> Emit(data::Batch batch, int /*port*/) override {
    batches.push_back(std::move(batch.rows));
    return Progress::kDone;
  }
  Batches batches;
};

TEST_F(StoredFilesTest, AnOperatorKeepsItsStateInTheStoreOfItsContext) {
  const auto rows = SampleTicks({.rows = 1500, .symbols = 60});
  const auto head = rows->Slice(0, 700), tail = rows->Slice(700);
  auto expected = ChainOf(kSeveral);
  RunAll(expected, {head});
  const auto operator_of = [&](const std::string& name) {
    OperatorContext context;
    context.open_store = [=, this]() -> arrow::Result<StateStore> {
      ARROW_ASSIGN_OR_RAISE(auto store, state::OpenRocksDb(folder_ / name));
      return StateStore{.store = std::move(store), .cached_bytes = 4096};
    };
    auto made = std::make_unique<KernelOperator>(ChainOf(kSeveral), context);
    EXPECT_TRUE(made->Bind({rows->schema()}).ok());
    return made;
  };
  auto first = operator_of("first");
  EXPECT_TRUE(first->state_in_files());
  Rows none;
  ASSERT_TRUE(first->Process(0, {.rows = head}, none).ok());
  ASSERT_TRUE(first->FreezeFiles(folder_ / "frozen").ok());
  const auto tables = first->Freeze().ValueOrDie();
  for (std::size_t index = 0; index < kSeveral.size(); ++index) {
    EXPECT_TRUE(SameRows(ByKey(expected.Snapshot(index).ValueOrDie()), ByKey(tables[index]->ToTable().ValueOrDie())));
  }
  first = nullptr;

  auto second = operator_of("second");
  ASSERT_TRUE(second->RestoreFiles(OpenAll({folder_ / "frozen"}), Everything).ok());
  Rows output;
  ASSERT_TRUE(second->Process(0, {.rows = tail}, output).ok());
  EXPECT_TRUE(SameBits(*RunAll(expected, {tail}), *output.batches[0]));

  KernelOperator in_memory(ChainOf(kSeveral), OperatorContext());
  EXPECT_FALSE(in_memory.state_in_files());
  EXPECT_EQ(data::KindOf(in_memory.FreezeFiles(folder_ / "no").status()), data::ErrorKind::kOption);
}

}  // namespace
}  // namespace sabot::operators
