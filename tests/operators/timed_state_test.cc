// Windows of time over many rows of some keys: rings that grow, and what happens when one may not.
#include "sabot/operators/timed_state.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api.h>
#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "sabot/operators/kernel_chain.h"
#include "tests/operators/sample_ticks.h"
#include "tests/state/map_store.h"

namespace sabot::operators {
namespace {

struct Tick {
  std::string symbol;
  int64_t time;
  double price;
};

std::shared_ptr<arrow::RecordBatch> Ticks(const std::vector<Tick>& ticks) {
  arrow::StringBuilder symbols;
  arrow::Int64Builder times;
  arrow::DoubleBuilder prices;
  for (const auto& tick : ticks) {
    EXPECT_TRUE(symbols.Append(tick.symbol).ok() && times.Append(tick.time).ok() && prices.Append(tick.price).ok());
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("timestamp", arrow::int64()),
                     arrow::field("price", arrow::float64())}),
      static_cast<int64_t>(ticks.size()),
      arrow::ArrayVector{symbols.Finish().ValueOrDie(), times.Finish().ValueOrDie(), prices.Finish().ValueOrDie()});
}
KernelChain Sma(kernels::OptionMap options) {
  return KernelChain::Make({{.kernel = "sma", .options = std::move(options)}}).ValueOrDie();
}
std::vector<std::optional<double>> Outputs(KernelChain& chain, const std::vector<Tick>& ticks) {
  const auto result = chain.Process(Ticks(ticks)).ValueOrDie();
  const auto& column = static_cast<const arrow::DoubleArray&>(*result->column(3));
  std::vector<std::optional<double>> values;
  for (const auto& value : column) values.push_back(value);
  return values;
}
using Values = std::vector<std::optional<double>>;
constexpr auto kNone = std::nullopt;

TEST(TimedState, OneRowTooManyIsAnErrorThatSaysWhereAndWhatToDo) {
  auto chain = Sma({{"window", std::string("10ns")}, {"max_rows", int64_t{3}}});
  const std::vector<Tick> full{{"A", 1, 1}, {"A", 2, 2}, {"B", 3, 9}, {"A", 3, 3}};
  EXPECT_EQ(Outputs(chain, full), (Values{1, 1.5, 9, 2}));
  const auto status = chain.Process(Ticks({{"B", 4, 9}, {"A", 10, 4}})).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_EQ(
      status.message(),
      "sma: the window '10ns' of key symbol='A' that ends at timestamp 10 holds more than max_rows = 3 rows. Give "
      "a larger max_rows (memory of a key grows with its rows) or a shorter window.");
}

TEST(TimedState, TheErrorNamesTheValueOfADictionaryKey) {
  auto chain = Sma({{"window", std::string("10ns")}, {"max_rows", int64_t{1}}});
  const auto ticks = Ticks({{"A", 1, 1}, {"B", 2, 2}, {"B", 3, 2}});
  const auto symbols = arrow::compute::DictionaryEncode(ticks->column(0)).ValueOrDie().make_array();
  const auto encoded = ticks->SetColumn(0, arrow::field("symbol", symbols->type()), symbols).ValueOrDie();
  EXPECT_TRUE(chain.Process(encoded).status().message().starts_with(
      "sma: the window '10ns' of key symbol='B' that ends at timestamp 3 holds more than max_rows = 1 rows."));
}

TEST(TimedState, RowsThatLeaveMakeRoom) {
  auto chain = Sma({{"window", std::string("10ns")}, {"max_rows", int64_t{3}}});
  EXPECT_EQ(Outputs(chain, {{"A", 1, 1}, {"A", 2, 2}, {"A", 3, 3}, {"A", 11, 7}, {"A", 13, 5}, {"A", 40, 4}}),
            (Values{1, 1.5, 2, 4, 6, 4}));
}

TEST(TimedState, ALateRowIsMissingAndTheNewestTimeIsThatOfValidRows) {
  auto chain = Sma({{"window", std::string("10ns")}});
  const double nan = std::nan("");
  EXPECT_EQ(Outputs(chain, {{"A", 20, 1}, {"A", 19, 100}, {"A", 90, nan}, {"A", 21, 3}, {"A", 21, 5}}),
            (Values{1, kNone, kNone, 2, 3}));
}

TEST(TimedState, TimesMayBeAnyInt64) {
  using Limits = std::numeric_limits<int64_t>;
  auto chain = Sma({{"window", std::string("106751d")}});
  EXPECT_EQ(Outputs(chain, {{"A", Limits::min(), 1}, {"A", -1, 3}, {"A", 0, 5}, {"A", Limits::max(), 7}}),
            (Values{1, 3, 4, 7}));
}

// Ten thousand rows of one key beside keys of one row: each has a ring of its own length.
std::vector<Tick> ManyRows() {
  std::vector<Tick> ticks;
  for (int64_t row = 0; row < 10'000; ++row) {
    ticks.push_back({"busy", row, static_cast<double>(row % 17)});
    if (row % 100 == 0) ticks.push_back({"quiet " + std::to_string(row), row, 1});
  }
  return ticks;
}

TEST(TimedState, ARingGrowsWithItsOwnRows) {
  auto chain = Sma({{"window", std::string("1s")}});
  ASSERT_TRUE(chain.Process(Ticks(ManyRows())).ok());
  const auto snapshot = chain.Snapshot(0).ValueOrDie();
  ASSERT_EQ(snapshot->num_rows(), 101);
  const auto batch = snapshot->CombineChunksToBatch().ValueOrDie();
  const auto& rings = static_cast<const arrow::ListArray&>(*batch->GetColumnByName("ring"));
  EXPECT_GE(rings.value_length(0), 2 * 10'000);  // A value and its time.
  EXPECT_LT(rings.value_length(0), 2 * 20'001);
  EXPECT_LE(rings.value_length(1), 16);
}

TEST(TimedState, GoesOnFromASnapshotOrAStoreWithTheSameBits) {
  const auto all = Ticks(ManyRows());
  const kernels::OptionMap options{{"window", std::string("3us")}};
  auto undisturbed = Sma(options), first = Sma(options), second = Sma(options), stored = Sma(options);
  ASSERT_TRUE(stored.UseStore(std::make_shared<state::MapStore>(), /*cached_keys=*/2).ok());
  const auto expected = undisturbed.Process(all).ValueOrDie();
  ASSERT_TRUE(first.Process(all->Slice(0, 5'000)).ok());
  ASSERT_TRUE(second.Restore(0, *first.Snapshot(0).ValueOrDie()).ok());
  EXPECT_TRUE(SameBits(*expected->Slice(5'000), *second.Process(all->Slice(5'000)).ValueOrDie()));
  arrow::RecordBatchVector parts;
  for (int64_t at = 0; at < all->num_rows(); at += 700)
    parts.push_back(stored.Process(all->Slice(at, 700)).ValueOrDie());
  EXPECT_TRUE(SameBits(*expected, *Concatenate(parts)));
}

// A snapshot whose counters would be read outside of the ring.
TEST(TimedState, ADamagedWindowIsRefused) {
  for (const kernels::OptionMap& options :
       {kernels::OptionMap{{"window", std::string("3us")}}, kernels::OptionMap{{"window", int64_t{3}}}}) {
    auto chain = Sma(options);
    ASSERT_TRUE(chain.Process(Ticks({{"A", 1, 1}, {"A", 2, 2}})).ok());
    const auto snapshot = chain.Snapshot(0).ValueOrDie();
    for (const std::string counter : {"values.size", "values.head", "values.front"}) {
      for (const int32_t value : {-1, 1'000}) {
        const int column = snapshot->schema()->GetFieldIndex(counter);
        ASSERT_GE(column, 0);
        arrow::Int32Builder builder;
        ASSERT_TRUE(builder.Append(value).ok());
        const auto values = std::make_shared<arrow::ChunkedArray>(builder.Finish().ValueOrDie());
        const auto damaged = snapshot->SetColumn(column, snapshot->schema()->field(column), values).ValueOrDie();
        auto other = Sma(options);
        const auto status = other.Restore(0, *damaged);
        EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSnapshot);
        EXPECT_TRUE(status.message().ends_with("It is damaged.")) << status;
      }
    }
  }
}

}  // namespace
}  // namespace sabot::operators
