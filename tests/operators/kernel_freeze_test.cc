// Kernels that go on while their state is read: the state is that of the moment, and the rows do not notice.
#include <arrow/array/builder_primitive.h>
#include <arrow/compare.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "sabot/operators/kernel_chain.h"
#include "sabot/operators/kernel_operator.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::operators {
namespace {

constexpr int64_t kKeys = 150'000;  // Three batches, of many chunks.

// A ring, a nested struct, an integer, rings that grow: with ewma's slots of 24 bytes a batch has as many as it ever
// has.
KernelChain Fresh() {
  return KernelChain::Make({{.kernel = "sma", .options = {{"window", int64_t{4}}}},
                            {.kernel = "ewma", .options = {{"span", 5.0}}},
                            {.kernel = "midprice"},
                            {.kernel = "welford_mean_var"},
                            {.kernel = "rolling_std", .options = {{"window", std::string("100us")}}}},
                           {"account", "venue"})
      .ValueOrDie();
}

// Rows of random keys below `keys`; every key below `all` first.
std::shared_ptr<arrow::RecordBatch> Rows(std::mt19937_64& random, int64_t rows, int64_t keys, int64_t all = 0) {
  static int64_t now = 0;  // A nanosecond a row, from call to call.
  arrow::Int64Builder accounts, venues, times;
  arrow::DoubleBuilder prices;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t key = row < all ? row : static_cast<int64_t>(random() % static_cast<uint64_t>(keys));
    EXPECT_TRUE(accounts.Append(key / 3 * 17).ok() && venues.Append(key % 3).ok() && times.Append(++now).ok());
    EXPECT_TRUE(prices.Append(static_cast<double>(random() % 1000)).ok());
  }
  const auto price = prices.Finish().ValueOrDie();
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("account", arrow::int64()), arrow::field("venue", arrow::int64()),
                     arrow::field("price", arrow::float64()), arrow::field("bid", arrow::float64()),
                     arrow::field("ask", arrow::float64()), arrow::field("timestamp", arrow::int64())}),
      rows,
      {accounts.Finish().ValueOrDie(), venues.Finish().ValueOrDie(), price, price, price, times.Finish().ValueOrDie()});
}

bool Same(const arrow::Table& left, const arrow::Table& right) {
  return left.schema()->Equals(*right.schema(), /*check_metadata=*/true) &&
         left.Equals(right, arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false));
}

TEST(KernelFreeze, AnUnboundChainAndAKernelWithoutStateHaveNoRows) {
  auto chain = Fresh();
  for (std::size_t kernel = 0; kernel < 5; ++kernel) {
    const auto frozen = chain.Freeze(kernel).ValueOrDie();
    EXPECT_EQ(frozen->schema()->num_fields(), 0);
    EXPECT_EQ(frozen->ToTable().ValueOrDie()->num_rows(), 0);
  }
  std::mt19937_64 random(1);
  ASSERT_TRUE(chain.Process(Rows(random, 100, 10)).ok());
  EXPECT_EQ(chain.Freeze(2).ValueOrDie()->ToTable().ValueOrDie()->num_rows(), 0);
  EXPECT_EQ(chain.Freeze(1).ValueOrDie()->ToTable().ValueOrDie()->num_rows(), 10);
}

TEST(KernelFreeze, AKeyColumnNamedLikeTheStateIsRefused) {
  std::mt19937_64 random(1);
  auto rows = Rows(random, 10, 5);
  auto chain = KernelChain::Make({{.kernel = "sma"}}, {"ring"}).ValueOrDie();
  rows = rows->RenameColumns({"ring", "venue", "price", "bid", "ask", "timestamp"}).ValueOrDie();
  ASSERT_TRUE(chain.Process(rows).ok());
  EXPECT_EQ(chain.Freeze(0).status().message(),
            "sma: key column 'ring' has the name of a column of the state. Rename the key column.");
  EXPECT_TRUE(chain.Process(rows).ok());
}

TEST(KernelFreeze, KeysAddedLaterAreNotInIt) {
  std::mt19937_64 random(1);
  auto chain = Fresh();
  ASSERT_TRUE(chain.Process(Rows(random, 70, 70, 70)).ok());
  const auto first = chain.Freeze(0).ValueOrDie();
  ASSERT_TRUE(chain.Process(Rows(random, kKeys, kKeys, kKeys)).ok());
  const auto second = chain.Freeze(0).ValueOrDie();
  ASSERT_TRUE(chain.Process(Rows(random, 1000, 2 * kKeys)).ok());
  EXPECT_EQ(first->ToTable().ValueOrDie()->num_rows(), 70);
  EXPECT_EQ(second->ToTable().ValueOrDie()->num_rows(), kKeys);
}

TEST(KernelFreeze, OutlivesTheChainAndMayBeLeftHalfRead) {
  std::mt19937_64 random(1);
  auto chain = std::make_unique<KernelChain>(Fresh());
  ASSERT_TRUE(chain->Process(Rows(random, kKeys, kKeys, kKeys)).ok());
  const auto expected = chain->Snapshot(1).ValueOrDie();
  auto left = chain->Freeze(1).ValueOrDie(), read = chain->Freeze(1).ValueOrDie();
  std::shared_ptr<arrow::RecordBatch> batch;
  ASSERT_TRUE(left->ReadNext(&batch).ok());
  EXPECT_LT(batch->num_rows(), kKeys);
  left = nullptr;
  ASSERT_TRUE(chain->Process(Rows(random, 10'000, kKeys)).ok());
  chain = nullptr;
  EXPECT_TRUE(Same(*read->ToTable().ValueOrDie(), *expected));
}

// Readers of several moments, read a batch at a time between batches of rows, some dropped.
TEST(KernelFreeze, ReadInBetweenItIsTheMomentAndTheRowsDoNotNotice) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    std::mt19937_64 random(seed);
    auto chain = Fresh(), undisturbed = Fresh();
    struct Moment {
      std::shared_ptr<arrow::RecordBatchReader> frozen;
      std::shared_ptr<arrow::Table> expected;
      arrow::RecordBatchVector found;
    };
    std::vector<Moment> moments;
    for (int step = 0; step < 30; ++step) {
      const auto rows = step == 0 ? Rows(random, 100'000, kKeys, 100'000)
                                  : Rows(random, static_cast<int64_t>(random() % 20'000), kKeys);
      EXPECT_TRUE(SameBits(*undisturbed.Process(rows).ValueOrDie(), *chain.Process(rows).ValueOrDie()));
      if (random() % 4 == 0 && moments.size() < 6) {
        const std::size_t kernel = random() % 5;
        moments.push_back({chain.Freeze(kernel).ValueOrDie(), chain.Snapshot(kernel).ValueOrDie(), {}});
      }
      for (auto& moment : moments) {
        if (random() % 3 != 0) continue;
        std::shared_ptr<arrow::RecordBatch> batch;
        ASSERT_TRUE(moment.frozen->ReadNext(&batch).ok());
        if (batch != nullptr) moment.found.push_back(batch);
      }
      if (moments.size() > 1 && random() % 10 == 0) moments.erase(moments.begin());
    }
    for (auto& moment : moments) {
      std::shared_ptr<arrow::RecordBatch> batch;
      while (moment.frozen->ReadNext(&batch).ok() && batch != nullptr) moment.found.push_back(batch);
      const auto found = arrow::Table::FromRecordBatches(moment.frozen->schema(), moment.found).ValueOrDie();
      EXPECT_TRUE(Same(*found, *moment.expected)) << "seed " << seed;
    }
    for (std::size_t kernel = 0; kernel < 5; ++kernel) {
      EXPECT_TRUE(Same(*chain.Snapshot(kernel).ValueOrDie(), *undisturbed.Snapshot(kernel).ValueOrDie()));
    }
  }
}

class Discard final : public Output {
 public:
  arrow::Result<Progress> Emit(data::Batch /*batch*/, int /*port*/) override { return Progress::kDone; }
};

TEST(KernelFreeze, AThreadReadsAnOperatorThatGoesOn) {
  std::mt19937_64 random(1);
  KernelOperator op(Fresh(), OperatorContext{});
  const auto all = Rows(random, kKeys, kKeys, kKeys);
  ASSERT_TRUE(op.Bind({all->schema()}).ok());
  Discard output;
  ASSERT_TRUE(op.Process(0, {.rows = all}, output).ok());
  for (int round = 0; round < 5; ++round) {
    const auto expected = op.Snapshot().ValueOrDie();
    auto frozen = op.Freeze().ValueOrDie();
    ASSERT_EQ(frozen.size(), expected.size());
    std::atomic<bool> read = false;
    std::vector<std::shared_ptr<arrow::Table>> found;
    std::thread reader([&, frozen = std::move(frozen)] {
      for (const auto& table : frozen) found.push_back(table->ToTable().ValueOrDie());
      read = true;
    });
    while (!read) EXPECT_TRUE(op.Process(0, {.rows = Rows(random, 500, kKeys + 100 * round)}, output).ok());
    reader.join();
    for (std::size_t table = 0; table < found.size(); ++table) EXPECT_TRUE(Same(*found[table], *expected[table]));
  }
}

// A frozen state of several batches restores as a whole, in any chunks.
TEST(KernelFreeze, RestoresWhatWasFrozen) {
  std::mt19937_64 random(1);
  auto chain = Fresh(), restored = Fresh();
  ASSERT_TRUE(chain.Process(Rows(random, kKeys, kKeys, kKeys)).ok());
  for (const std::size_t kernel : {0, 1, 2, 3, 4}) {
    const auto frozen = chain.Freeze(kernel).ValueOrDie()->ToTable().ValueOrDie();
    EXPECT_EQ(frozen->num_rows() == 0, kernel == 2);
    if (kernel != 2) {
      EXPECT_GT(frozen->column(0)->num_chunks(), 1);
    }
    ASSERT_TRUE(restored.Restore(kernel, *frozen).ok());
  }
  const auto next = Rows(random, 20'000, kKeys + 1000);
  EXPECT_TRUE(SameBits(*chain.Process(next).ValueOrDie(), *restored.Process(next).ValueOrDie()));
  const auto once = chain.Freeze(0).ValueOrDie()->ToTable().ValueOrDie();
  const auto twice = arrow::ConcatenateTables({once, once->Slice(kKeys - 1, 1)}).ValueOrDie();
  auto other = Fresh();
  EXPECT_EQ(other.Restore(0, *twice).message(), "the snapshot holds a key twice.");
}

}  // namespace
}  // namespace sabot::operators
