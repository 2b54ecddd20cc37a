#include "sabot/connectors/tick_generator.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/table.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

BatchPtr AllRows(const TickGeneratorOptions& options) {
  const auto reader = GenerateTicks(options).ValueOrDie();
  const BatchPtr rows = reader->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  ARROW_CHECK_OK(rows->ValidateFull());
  return rows;
}

template <class Array = arrow::DoubleArray>
const Array& ColumnOf(const BatchPtr& batch, const std::string& name) {
  return dynamic_cast<const Array&>(*batch->GetColumnByName(name));
}

std::vector<int32_t> SymbolsOf(const BatchPtr& batch) {
  const auto& symbols = ColumnOf<arrow::DictionaryArray>(batch, "symbol");
  std::vector<int32_t> indices;
  for (int64_t row = 0; row < batch->num_rows(); ++row)
    indices.push_back(static_cast<int32_t>(symbols.GetValueIndex(row)));
  return indices;
}

void ExpectRefused(const TickGeneratorOptions& options, const std::string& message) {
  const arrow::Status status = GenerateTicks(options).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_EQ(status.message(), "tick generator: " + message);
}

// --- Wrong use. ---

TEST(TickGenerator, RefusesOptionsOutOfRange) {
  ExpectRefused({.rows = -1}, "rows is -1. Use at least 0.");
  ExpectRefused({.symbols = 0}, "symbols is 0. Use a value from 1 to 1000000.");
  ExpectRefused({.symbols = 1'000'001}, "symbols is 1000001. Use a value from 1 to 1000000.");
  ExpectRefused({.kind = "bars"}, "kind is 'bars'. Use 'ticks', 'trades' or 'quotes'.");
  ExpectRefused({.batch_rows = 0}, "batch_rows is 0. Use a value from 1 to 16777216.");
  ExpectRefused({.skew = -1}, "skew is -1. Use a value from 0 to 10.");
  ExpectRefused({.start_ns = -1}, "start_ns is -1. Use at least 0.");
  ExpectRefused({.mean_gap_ns = 0}, "mean_gap_ns is 0. Use at least 1.");
  ExpectRefused({.late = 1.5}, "late is 1.5. Use a value from 0 to 1.");
  ExpectRefused({.gaps = -0.5}, "gaps is -0.5. Use a value from 0 to 1.");
  ExpectRefused({.nulls = std::numeric_limits<double>::quiet_NaN()}, "nulls is nan. Use a value from 0 to 1.");
}

TEST(TickGenerator, RefusesTimesThatOverflow) {
  ExpectRefused(
      {.rows = 1'000'000'000, .mean_gap_ns = 1'000'000'000'000},
      "1000000000 rows with a mean gap of 1000000000000 ns from start_ns 1700000000000000000 on leave the range of "
      "timestamps (the year 2262). Lower rows, mean_gap_ns or gaps.");
}

// --- Edges. ---

TEST(TickGenerator, NoRowsAreAStreamWithASchema) {
  const auto reader = GenerateTicks({.rows = 0}).ValueOrDie();
  EXPECT_EQ(reader->schema()->num_fields(), 10);
  EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
}

TEST(TickGenerator, BatchesAreFullButTheLast) {
  const auto reader = GenerateTicks({.rows = 25, .batch_rows = 10}).ValueOrDie();
  for (const int64_t rows : {10, 10, 5}) EXPECT_EQ(reader->Next().ValueOrDie()->num_rows(), rows);
  EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
  EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
}

TEST(TickGenerator, OneSymbolIsEnough) {
  const BatchPtr rows = AllRows({.rows = 100, .symbols = 1});
  EXPECT_EQ(SymbolsOf(rows), std::vector<int32_t>(100, 0));
}

// --- Values. ---

TEST(TickGenerator, TheSchemaFollowsTheKind) {
  const auto text = [](const TickGeneratorOptions& options) { return AllRows(options)->schema()->ToString(); };
  const std::string times = "timestamp: timestamp[ns]\nlocal_timestamp: timestamp[ns]\n";
  const std::string trades = "price: double\nvolume: double\nside: double";
  const std::string quotes = "bid: double\nask: double\nbid_size: double\nask_size: double";
  const std::string dictionary = "symbol: dictionary<values=string, indices=int32, ordered=0>\n";
  EXPECT_EQ(text({.rows = 1}), dictionary + times + trades + "\n" + quotes);
  EXPECT_EQ(text({.rows = 1, .kind = "trades"}), dictionary + times + trades);
  EXPECT_EQ(text({.rows = 1, .kind = "quotes", .dictionary_symbols = false}), "symbol: string\n" + times + quotes);
}

TEST(TickGenerator, TheSameSeedGivesTheSameRowsHoweverTheyAreCut) {
  TickGeneratorOptions options = {.rows = 10'000, .symbols = 50, .seed = 7, .late = 0.05, .gaps = 0.01, .nulls = 0.1};
  const BatchPtr expected = AllRows(options);
  for (const int64_t batch_rows : {1, 3, 64, 1'000, 1'023, 1'025, 9'999, 100'000}) {
    options.batch_rows = batch_rows;
    EXPECT_TRUE(AllRows(options)->Equals(*expected)) << batch_rows;
  }
  options.seed = 8;
  EXPECT_FALSE(AllRows(options)->Equals(*expected));
}

// Written down, so that a demo shows the same market in every version and on every machine.
TEST(TickGenerator, RowsNeverChange) {
  const BatchPtr rows = AllRows({.rows = 10'000, .symbols = 50, .late = 0.05, .gaps = 0.01});
  uint64_t digest = 0;
  const auto add = [&digest](uint64_t word) { digest = (std::rotl(digest, 5) ^ word) * 0x9E3779B97F4A7C15; };
  for (const int32_t symbol : SymbolsOf(rows)) add(static_cast<uint64_t>(symbol));
  for (int column = 1; column < rows->num_columns(); ++column) {
    const auto* const words = rows->column_data(column)->GetValues<uint64_t>(1);
    for (int64_t row = 0; row < rows->num_rows(); ++row) add(words[row]);
  }
  EXPECT_EQ(digest, 0xE079F41652D8CA50) << "0x" << std::hex << digest;
}

TEST(TickGenerator, OptionsDisturbOnlyWhatTheyAreAbout) {
  const BatchPtr plain = AllRows({.rows = 5'000});
  const BatchPtr trades = AllRows({.rows = 5'000, .kind = "trades"});
  const BatchPtr quotes = AllRows({.rows = 5'000, .kind = "quotes"});
  const BatchPtr disturbed = AllRows({.rows = 5'000, .late = 0.1, .gaps = 0.1});
  const BatchPtr strings = AllRows({.rows = 5'000, .dictionary_symbols = false});
  const BatchPtr nulls = AllRows({.rows = 5'000, .nulls = 0.5});
  for (const std::string name : {"price", "volume", "side", "bid", "ask", "bid_size", "ask_size"}) {
    const auto expected = plain->GetColumnByName(name);
    for (const BatchPtr& other : {trades, quotes}) {
      const auto column = other->GetColumnByName(name);
      EXPECT_TRUE(column == nullptr || column->Equals(expected)) << name;
    }
    EXPECT_TRUE(disturbed->GetColumnByName(name)->Equals(expected)) << name;
    const auto& with_nulls = ColumnOf(nulls, name);
    for (int64_t row = 0; row < 5'000; ++row) {
      EXPECT_TRUE(with_nulls.IsNull(row) || with_nulls.Value(row) == ColumnOf(plain, name).Value(row));
    }
  }
  const auto& names = ColumnOf<arrow::StringArray>(strings, "symbol");
  const auto& indices = ColumnOf<arrow::DictionaryArray>(plain, "symbol");
  const auto& dictionary = dynamic_cast<const arrow::StringArray&>(*indices.dictionary());
  for (int64_t row = 0; row < 5'000; ++row)
    EXPECT_EQ(names.GetView(row), dictionary.GetView(indices.GetValueIndex(row)));
}

TEST(TickGenerator, SymbolsAreNamedWithEnoughDigits) {
  const auto dictionary_of = [](int32_t symbols) {
    const BatchPtr rows = AllRows({.rows = 1, .symbols = symbols});
    return std::dynamic_pointer_cast<arrow::StringArray>(ColumnOf<arrow::DictionaryArray>(rows, "symbol").dictionary());
  };
  EXPECT_EQ(dictionary_of(10)->GetView(9), "S0009");
  EXPECT_EQ(dictionary_of(10'000)->GetView(9'999), "S9999");
  EXPECT_EQ(dictionary_of(10'001)->GetView(10'000), "S10000");
  EXPECT_EQ(dictionary_of(10'001)->GetView(7), "S00007");
}

TEST(TickGenerator, PricesKeepTheRulesOfAMarket) {
  const BatchPtr rows = AllRows({.rows = 50'000, .symbols = 20});
  const auto on_grid = [](double price) { return price == std::round(price * 100) / 100; };
  int64_t buys = 0;
  std::vector<double> last_mid(20, std::numeric_limits<double>::quiet_NaN());
  const std::vector<int32_t> symbols = SymbolsOf(rows);
  for (int64_t row = 0; row < rows->num_rows(); ++row) {
    const double bid = ColumnOf(rows, "bid").Value(row);
    const double ask = ColumnOf(rows, "ask").Value(row);
    const double price = ColumnOf(rows, "price").Value(row);
    const double side = ColumnOf(rows, "side").Value(row);
    ASSERT_TRUE(on_grid(bid) && on_grid(ask) && on_grid(price)) << row;
    ASSERT_GT(bid, 0);
    const double spread_ticks = std::round((ask - bid) * 100);
    ASSERT_TRUE(spread_ticks >= 1 && spread_ticks <= 5) << spread_ticks;
    ASSERT_TRUE(side == 1 || side == -1);
    ASSERT_EQ(price, side > 0 ? ask : bid);
    buys += side > 0;
    for (const std::string size : {"volume", "bid_size", "ask_size"}) {
      const double value = ColumnOf(rows, size).Value(row);
      ASSERT_TRUE(value >= 100 && value <= 6'300 && std::fmod(value, 100) == 0) << value;
    }
    double& last = last_mid[static_cast<std::size_t>(symbols[static_cast<std::size_t>(row)])];
    ASSERT_TRUE(std::isnan(last) ||
                std::abs((bid + ask) / 2 - last) < 0.0201);  // A step, and half ticks of two spreads.
    last = (bid + ask) / 2;
  }
  EXPECT_NEAR(static_cast<double>(buys), 25'000, 500);
}

TEST(TickGenerator, ActivityFollowsZipf) {
  const auto counts_of = [](double skew) {
    std::vector<double> counts(10);
    for (const int32_t symbol : SymbolsOf(AllRows({.rows = 200'000, .symbols = 10, .skew = skew}))) {
      ++counts[static_cast<std::size_t>(symbol)];
    }
    return counts;
  };
  for (const double skew : {0.0, 1.0, 1.5}) {
    double sum = 0;
    for (int rank = 1; rank <= 10; ++rank) sum += std::pow(rank, -skew);
    const std::vector<double> counts = counts_of(skew);
    for (int rank = 1; rank <= 10; ++rank) {
      const double expected = 200'000 * std::pow(rank, -skew) / sum;
      EXPECT_NEAR(counts[static_cast<std::size_t>(rank - 1)], expected, 5 * std::sqrt(expected))
          << skew << ", " << rank;
    }
  }
}

TEST(TickGenerator, TimeAdvancesByTheMeanGap) {
  const BatchPtr rows = AllRows({.rows = 100'000, .start_ns = 5, .mean_gap_ns = 1'000});
  const auto& timestamps = ColumnOf<arrow::TimestampArray>(rows, "timestamp");
  const auto& local_timestamps = ColumnOf<arrow::TimestampArray>(rows, "local_timestamp");
  EXPECT_EQ(timestamps.Value(0), 5);
  int64_t longer_than_three_means = 0;
  for (int64_t row = 1; row < rows->num_rows(); ++row) {
    ASSERT_GE(timestamps.Value(row), timestamps.Value(row - 1));
    ASSERT_EQ(local_timestamps.Value(row), timestamps.Value(row) + 50'000);
    longer_than_three_means += timestamps.Value(row) - timestamps.Value(row - 1) > 3'000;
  }
  EXPECT_NEAR(static_cast<double>(timestamps.Value(99'999)), 1e8, 2e6);
  EXPECT_NEAR(static_cast<double>(longer_than_three_means), 1e5 * std::exp(-3.0),
              350);  // As an exponential law has it.
}

TEST(TickGenerator, LateRowsLieBehindTheNewest) {
  const BatchPtr rows = AllRows({.rows = 100'000, .mean_gap_ns = 1'000, .late = 0.1});
  const auto& timestamps = ColumnOf<arrow::TimestampArray>(rows, "timestamp");
  const auto& local_timestamps = ColumnOf<arrow::TimestampArray>(rows, "local_timestamp");
  int64_t late = 0;
  int64_t newest = timestamps.Value(0);
  for (int64_t row = 1; row < rows->num_rows(); ++row) {
    late += timestamps.Value(row) < newest;
    ASSERT_GE(timestamps.Value(row), newest - 100 * 1'000);
    newest = std::max(newest, timestamps.Value(row));
    ASSERT_GE(local_timestamps.Value(row), local_timestamps.Value(row - 1));  // It arrives in order all the same.
  }
  EXPECT_NEAR(static_cast<double>(late), 10'000, 500);
}

TEST(TickGenerator, GapsAreSilent) {
  const BatchPtr rows = AllRows({.rows = 100'000, .mean_gap_ns = 1'000, .gaps = 0.01});
  const auto& timestamps = ColumnOf<arrow::TimestampArray>(rows, "timestamp");
  int64_t gaps = 0;
  for (int64_t row = 1; row < rows->num_rows(); ++row)
    gaps += timestamps.Value(row) - timestamps.Value(row - 1) >= 1'000'000;
  EXPECT_NEAR(static_cast<double>(gaps), 1'000, 150);
}

TEST(TickGenerator, NullsHaveTheirShareInEachMarketColumn) {
  const BatchPtr rows = AllRows({.rows = 100'000, .nulls = 0.25});
  for (const std::string name : {"symbol", "timestamp", "local_timestamp"}) {
    EXPECT_EQ(rows->GetColumnByName(name)->null_count(), 0) << name;
  }
  for (const std::string name : {"price", "volume", "side", "bid", "ask", "bid_size", "ask_size"}) {
    EXPECT_NEAR(static_cast<double>(rows->GetColumnByName(name)->null_count()), 25'000, 700) << name;
  }
  const BatchPtr all = AllRows({.rows = 1'000, .nulls = 1});
  EXPECT_EQ(all->GetColumnByName("price")->null_count(), 1'000);
}

TEST(TickGenerator, BatchesShareOneDictionary) {
  const auto reader = GenerateTicks({.rows = 20, .batch_rows = 10}).ValueOrDie();
  const auto first = reader->Next().ValueOrDie();
  const auto second = reader->Next().ValueOrDie();
  EXPECT_EQ(first->column_data(0)->dictionary, second->column_data(0)->dictionary);
}

}  // namespace
}  // namespace sabot::connectors
