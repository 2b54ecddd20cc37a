// The merge against a sort of everything: whatever the cuts, and whoever is faster, the same rows in the same order.
#include "sabot/shuffle/gate.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/util/checked_cast.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "sabot/data/errors.h"

namespace sabot::shuffle {
namespace {

using data::Batch;
using data::Place;

const auto kSchema = arrow::schema({arrow::field("value", arrow::int64())});

Batch MakeBatch(const std::vector<Place>& places, const std::vector<int64_t>& values) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return {.rows = arrow::RecordBatch::Make(kSchema, static_cast<int64_t>(values.size()), {*builder.Finish()}),
          .places = *data::Places::Of(places)};
}

void Append(const Batch& batch, std::vector<int64_t>& values) {
  const auto& column = arrow::internal::checked_cast<const arrow::Int64Array&>(*batch.rows->column(0));
  for (int64_t row = 0; row < column.length(); ++row) values.push_back(column.Value(row));
}

TEST(Gate, RowsThatGoBackAreAnError) {
  Gate gate(2, kSchema);
  ASSERT_TRUE(gate.Push(0, MakeBatch({{.time = 5, .source = 0, .offset = 1}}, {1})).ok());
  const auto status = gate.Push(0, MakeBatch({{.time = 5, .source = 0, .offset = 0}}, {2}));
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_NE(status.message().find("offset 0 of source 0 came after offset 1 of source 0"), std::string::npos);
}

TEST(Gate, WithoutRowsItEnds) {
  Gate gate(2, kSchema);
  EXPECT_FALSE(gate.ended());
  gate.End(gate.wanted());
  EXPECT_FALSE(gate.ended());
  gate.End(gate.wanted());
  EXPECT_TRUE(gate.ended());
  EXPECT_EQ(*gate.Next(), std::nullopt);
}

TEST(Gate, GivesNothingBeforeEachChannelHasSpoken) {
  Gate gate(2, kSchema);
  ASSERT_TRUE(gate.Push(1, MakeBatch({{.time = 1}}, {1})).ok());
  EXPECT_EQ(*gate.Next(), std::nullopt);
  EXPECT_EQ(gate.wanted(), 0);
  EXPECT_EQ(gate.rows_held(), 1);
}

// The same place on two channels: a source that came by two ways.
TEST(Gate, EqualPlacesComeByChannel) {
  Gate gate(2, kSchema);
  ASSERT_TRUE(gate.Push(1, MakeBatch({{.time = 1}, {.time = 2}}, {11, 12})).ok());
  ASSERT_TRUE(gate.Push(0, MakeBatch({{.time = 1}}, {1})).ok());
  std::vector<int64_t> values;
  Append(**gate.Next(), values);
  EXPECT_EQ(values, (std::vector<int64_t>{1}));  // Channel 0 may bring another row of this place.
  gate.End(0);
  Append(**gate.Next(), values);
  EXPECT_EQ(values, (std::vector<int64_t>{1, 11, 12}));
}

TEST(Gate, OneChannelsRowsAreNotCopied) {
  Gate gate(2, kSchema);
  gate.End(1);
  const Batch batch = MakeBatch({{.time = 1}, {.time = 2}}, {1, 2});
  ASSERT_TRUE(gate.Push(0, batch).ok());
  const auto out = *gate.Next();
  EXPECT_EQ(out->rows->column_data(0)->buffers[1], batch.rows->column_data(0)->buffers[1]);
}

TEST(Gate, EqualsASortWhateverTheCuts) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&](int64_t bound) { return static_cast<int64_t>(random() % static_cast<uint64_t>(bound)); };
    const int channels = 1 + static_cast<int>(draw(5));
    std::vector<std::vector<Place>> places(static_cast<std::size_t>(channels));
    std::vector<std::tuple<Place, int, int64_t>> sorted;  // With the channel and the row's number.
    int64_t value = 0;
    for (int channel = 0; channel < channels; ++channel) {
      auto& mine = places[static_cast<std::size_t>(channel)];
      for (int64_t rows = draw(40); rows > 0; --rows) {
        mine.push_back({.time = draw(8), .source = static_cast<int32_t>(draw(2)), .offset = draw(3)});
      }
      std::sort(mine.begin(), mine.end());
      for (const Place& place : mine) sorted.emplace_back(place, channel, value++);
    }
    std::sort(sorted.begin(), sorted.end());

    Gate gate(channels, kSchema);
    std::vector<std::size_t> next(static_cast<std::size_t>(channels));
    std::vector<int64_t> first(static_cast<std::size_t>(channels));
    for (std::size_t channel = 1; channel < first.size(); ++channel) {
      first[channel] = first[channel - 1] + static_cast<int64_t>(places[channel - 1].size());
    }
    std::vector<int64_t> values;
    std::vector<Place> order;
    while (!gate.ended()) {
      const auto out = gate.Next();
      ASSERT_TRUE(out.ok()) << out.status();
      if (*out) {
        Append(**out, values);
        for (int64_t row = 0; row < (*out)->num_rows(); ++row) order.push_back((*out)->places.at(row));
        continue;
      }
      if (gate.ended()) break;
      // Mostly the one that is asked for, sometimes any.
      auto channel = static_cast<std::size_t>(draw(3) == 0 ? draw(channels) : gate.wanted());
      if (next[channel] > places[channel].size()) channel = static_cast<std::size_t>(gate.wanted());
      if (next[channel] == places[channel].size()) {
        ++next[channel];
        gate.End(static_cast<int>(channel));
        continue;
      }
      const auto rows =
          std::min<std::size_t>(static_cast<std::size_t>(draw(6)), places[channel].size() - next[channel]);
      std::vector<int64_t> numbers(rows);
      for (std::size_t i = 0; i < rows; ++i) numbers[i] = first[channel] + static_cast<int64_t>(next[channel] + i);
      const auto begin = places[channel].begin() + static_cast<std::ptrdiff_t>(next[channel]);
      ASSERT_TRUE(
          gate.Push(static_cast<int>(channel), MakeBatch({begin, begin + static_cast<std::ptrdiff_t>(rows)}, numbers))
              .ok());
      next[channel] += rows;
    }
    ASSERT_EQ(values.size(), sorted.size()) << "seed " << seed;
    for (std::size_t row = 0; row < values.size(); ++row) {
      ASSERT_EQ(values[row], std::get<2>(sorted[row])) << "seed " << seed << ", row " << row;
      ASSERT_EQ(order[row], std::get<0>(sorted[row])) << "seed " << seed << ", row " << row;
    }
    EXPECT_EQ(gate.rows_held(), 0);
  }
}

}  // namespace
}  // namespace sabot::shuffle
