// The merge against the rows in their order, whatever the cuts.
#include "sabot/shuffle/merge.h"

#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "tests/shuffle/placed_rows.h"

namespace sabot::shuffle {
namespace {

using data::Place;

const auto kSchema = arrow::schema({arrow::field("value", arrow::int64())});

Piece MakePiece(int channel, const std::vector<Place>& places, const std::vector<int64_t>& values) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return {.channel = channel,
          .batch = {.rows = arrow::RecordBatch::Make(kSchema, static_cast<int64_t>(values.size()), {*builder.Finish()}),
                    .places = *data::Places::Of(places)}};
}

std::vector<int64_t> Values(const std::vector<data::Batch>& batches) {
  std::vector<int64_t> values;
  for (const auto& batch : batches) {
    const auto* const column = batch.rows->column_data(0)->GetValues<int64_t>(1);
    values.insert(values.end(), column, column + batch.num_rows());
  }
  return values;
}

// Base rows [0, rows) dealt to `channels` in turn.
std::vector<Piece> Deal(const data::Batch& base, int channels) {
  std::vector<Piece> pieces;
  for (int channel = 0; channel < channels; ++channel) {
    std::vector<int32_t> rows;
    for (auto row = static_cast<int32_t>(channel); row < base.num_rows(); row += channels) rows.push_back(row);
    pieces.push_back({.channel = channel, .batch = base, .selection = Select(rows)});
  }
  return pieces;
}

data::Batch CountingBatch(int64_t rows) {
  std::vector<int64_t> values(static_cast<std::size_t>(rows));
  std::iota(values.begin(), values.end(), 0);
  Piece piece = MakePiece(0, std::vector<Place>(values.size()), values);
  piece.batch.places = data::Places::OfSource(0, 500, rows);
  return piece.batch;
}

TEST(Merge, RowsWithoutPlacesAreAnError) {
  Piece piece = MakePiece(3, {{.offset = 1}, {.offset = 2}}, {1, 2});
  piece.batch.places = {};
  const auto status = Merge({piece}, kSchema).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_NE(status.message().find("input 3 of a merge has 2 rows and 0 places"), std::string::npos) << status;
}

TEST(Merge, RowsOutOfOrderAreAnErrorInEveryWayOfOrdering) {
  const std::vector<std::vector<Piece>> wrong = {
      // Counted, with and without gaps.
      {MakePiece(0, {{.offset = 4}, {.offset = 2}, {.offset = 6}}, {1, 2, 3}),
       MakePiece(1, {{.offset = 3}, {.offset = 5}}, {1, 2})},
      {MakePiece(0, {{.offset = 4}, {.offset = 2}, {.offset = 9}}, {1, 2, 3}),
       MakePiece(1, {{.offset = 3}, {.offset = 5}}, {1, 2})},
      // By keys of 64, of 128 bits, and by whole places. The time in the middle lies outside of first and last.
      {MakePiece(0, {{.time = 4}, {.time = 1}, {.time = 8}}, {1, 2, 3}), MakePiece(1, {{.time = 5, .source = 1}}, {1})},
      {MakePiece(0, {{.time = 4}, {.time = 1}, {.time = int64_t{1} << 62, .offset = int64_t{1} << 40}}, {1, 2, 3}),
       MakePiece(1, {{.time = 5, .source = 1}}, {1})},
      {MakePiece(0, {{.time = INT64_MIN}, {.time = INT64_MIN, .offset = -1}, {.time = INT64_MAX, .offset = INT64_MAX}},
                 {1, 2, 3}),
       MakePiece(1, {{.time = 5, .source = 1, .path = INT64_MAX}}, {1})},
  };
  for (std::size_t at = 0; at < wrong.size(); ++at) {
    const auto status = Merge(wrong[at], kSchema).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData) << at;
    EXPECT_NE(status.message().find("input 0 of a merge is not in place order"), std::string::npos) << at << status;
  }
}

TEST(Merge, EqualPlacesComeByChannelOrAreAnError) {
  const Place same{.time = 2, .source = 1, .offset = 7};
  const std::vector<Piece> pieces = {MakePiece(4, {same, {.time = 3}}, {41, 42}),
                                     MakePiece(1, {{.time = 1}, same}, {11, 12})};
  EXPECT_EQ(Values(*Merge(pieces, kSchema, {.equal_places_fail = false})), (std::vector<int64_t>{11, 12, 41, 42}));
  const auto status = Merge(pieces, kSchema, {.equal_places_fail = true}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_NE(status.message().find("inputs 1 and 4 of a merge both bring a row at offset 7 of source 1"),
            std::string::npos)
      << status;
  // Of one source, whose offsets alone are looked at.
  const std::vector<Piece> one = {MakePiece(0, {{.offset = 1}, {.offset = 2}}, {1, 2}),
                                  MakePiece(1, {{.offset = 2}, {.offset = 3}}, {12, 13})};
  EXPECT_EQ(Values(*Merge(one, kSchema, {.equal_places_fail = false})), (std::vector<int64_t>{1, 2, 12, 13}));
  EXPECT_FALSE(Merge(one, kSchema, {.equal_places_fail = true}).ok());
}

TEST(Merge, OfNothingIsNothing) { EXPECT_TRUE(Merge({}, kSchema)->empty()); }

TEST(Merge, PiecesThatLieApartAreNotCopied) {
  const data::Batch base = CountingBatch(4'000);
  const auto out = *Merge(
      {{.channel = 1, .batch = base.Slice(2'000, 2'000)}, {.channel = 0, .batch = base.Slice(0, 2'000)}}, kSchema);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].rows->column_data(0)->buffers[1], base.rows->column_data(0)->buffers[1]);
  EXPECT_EQ(out[1].places.at(0).offset, 2'500);
}

TEST(Merge, SmallPiecesThatLieApartBecomeOneBatch) {
  const data::Batch base = CountingBatch(100);
  std::vector<Piece> pieces;
  for (int row = 0; row < 100; ++row) pieces.push_back({.channel = row % 7, .batch = base.Slice(row, 1)});
  const auto out = *Merge(pieces, kSchema);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_TRUE(out[0].rows->Equals(*base.rows));
}

TEST(Merge, ADividedBatchComesTogetherUncopied) {
  const data::Batch base = CountingBatch(5'000);
  const auto out = *Merge(Deal(base, 8), kSchema);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].rows, base.rows);
  EXPECT_EQ(out[0].places.at(4'999).offset, 5'499);
}

TEST(Merge, APartOfADividedBatchIsASlice) {
  const data::Batch base = CountingBatch(5'000);
  auto pieces = Deal(base, 8);
  for (Piece& piece : pieces) piece = piece.Slice(0, 400);
  const auto out = *Merge(pieces, kSchema);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].num_rows(), 3'200);
  EXPECT_EQ(out[0].rows->column_data(0)->buffers[1], base.rows->column_data(0)->buffers[1]);
}

// What a receiver makes of its rows that appends a column: twice the value.
Piece WithTwice(const Piece& piece) {
  data::Batch batch = *piece.Dense();
  arrow::Int64Builder twice;
  for (const int64_t value : Values({batch})) EXPECT_TRUE(twice.Append(2 * value).ok());
  batch.rows = *batch.rows->AddColumn(1, arrow::field("twice", arrow::int64()), *twice.Finish());
  return {.channel = piece.channel, .batch = batch};
}

void ExpectTwice(const std::vector<data::Batch>& out, const std::vector<int64_t>& values) {
  EXPECT_EQ(Values(out), values);
  std::size_t at = 0;
  for (const auto& batch : out) {
    const auto* const twice = batch.rows->column_data(1)->GetValues<int64_t>(1);
    for (int64_t row = 0; row < batch.num_rows(); ++row) ASSERT_EQ(twice[row], 2 * values[at++]);
  }
}

const auto kTwiceSchema = arrow::schema({kSchema->field(0), arrow::field("twice", arrow::int64())});

TEST(Merge, ColumnsOfADividedBatchComeTogetherUncopiedBesideAppendedOnes) {
  const data::Batch base = CountingBatch(5'000);
  std::vector<Piece> pieces;
  for (const Piece& piece : Deal(base, 8)) pieces.push_back(WithTwice(piece));
  const auto out = *Merge(pieces, kTwiceSchema);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].rows->column_data(0)->buffers[1], base.rows->column_data(0)->buffers[1]);
  ExpectTwice(out, Values({base}));

  for (Piece& piece : pieces) piece = piece.Slice(100, 300);  // Rows 800 to 3,199.
  const auto middle = *Merge(pieces, kTwiceSchema, {.rows_max = 1'500});
  ASSERT_EQ(middle.size(), 2U);
  EXPECT_EQ(middle[1].rows->column_data(0)->buffers[1], base.rows->column_data(0)->buffers[1]);
  ExpectTwice(middle, Values({base.Slice(800, 2'400)}));
}

TEST(Merge, ColumnsOfADividedBatchInAnotherOrderAreCopied) {
  data::Batch base = CountingBatch(4'000);
  std::vector<Place> places;
  for (int64_t row = 0; row < 4'000; ++row) places.push_back({.offset = row ^ (row >> 1 & 1)});  // 0 1 3 2 4 5 7 6
  base.places = *data::Places::Of(places);
  std::vector<Piece> pieces;
  for (const Piece& piece : Deal(base, 2)) pieces.push_back(WithTwice(piece));
  std::vector<int64_t> values(4'000);
  for (int64_t row = 0; row < 4'000; ++row)
    values[static_cast<std::size_t>(places[static_cast<std::size_t>(row)].offset)] = row;
  ExpectTwice(*Merge(pieces, kTwiceSchema), values);
}

// Some rows are gone, as behind a filter, and a part is missing.
TEST(Merge, SomeRowsOfADividedBatchAreCopied) {
  const data::Batch base = CountingBatch(6'000);
  auto dealt = Deal(base, 3);
  std::vector<Piece> pieces = {WithTwice(dealt[0]), WithTwice(dealt[2])};
  std::vector<int64_t> values;
  for (int64_t row = 0; row < 6'000; ++row) {
    if (row % 3 != 1) values.push_back(row);
  }
  ExpectTwice(*Merge(pieces, kTwiceSchema), values);
}

// Rows of which some went to both: as many as the batch has, but not each once.
TEST(Merge, SelectionsThatOverlapAreNotTakenForTheWholeBatch) {
  const data::Batch base = CountingBatch(2'000);
  std::vector<int32_t> first(1'001), second(999);
  std::iota(first.begin(), first.end(), 0);
  std::iota(second.begin(), second.end(), 999);
  second.back() = 1'999;
  const auto out = *Merge({{.channel = 0, .batch = base, .selection = Select(first)},
                           {.channel = 1, .batch = base, .selection = Select(second)}},
                          kSchema, {.equal_places_fail = false});
  std::vector<int64_t> expected(first.begin(), first.end());
  expected.insert(expected.end(), second.begin(), second.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(Values(out), expected);
}

TEST(Merge, BatchesHaveABound) {
  const auto out = *Merge(Deal(CountingBatch(5'000), 3), kSchema, {.rows_max = 1'000});
  EXPECT_EQ(out.size(), 5U);
  std::vector<Piece> copied = Deal(CountingBatch(50'000), 3);
  for (Piece& piece : copied) {
    piece = {.channel = piece.channel, .batch = *piece.Dense()};
    piece.batch.origin = nullptr;
  }
  const auto merged = *Merge(copied, kSchema, {.rows_max = 20'000});
  ASSERT_EQ(merged.size(), 3U);
  EXPECT_EQ(merged[2].num_rows(), 10'000);
  EXPECT_EQ(Values(merged), Values({CountingBatch(50'000)}));
}

// More than is merged at once.
TEST(Merge, ManyRowsOfManySourcesKeepTheirOrder) {
  Random random(1);
  constexpr int64_t kRows = 40'000;
  std::vector<Piece> pieces;
  std::vector<std::pair<Place, int64_t>> expected;
  for (int channel = 0; channel < 5; ++channel) {
    std::vector<Place> places;
    std::vector<int64_t> values;
    int64_t time = 0;
    for (int64_t row = 0; row < kRows; ++row) {
      time += random.Below(channel == 0 ? 2 : 50);  // One lies at the beginning of the others.
      places.push_back({.time = time, .source = channel, .offset = row});
      values.push_back(static_cast<int64_t>(expected.size()));
      expected.emplace_back(places.back(), values.back());
    }
    pieces.push_back(MakePiece(channel, places, values));
  }
  std::sort(expected.begin(), expected.end());
  const auto out = *Merge(pieces, kSchema, {.equal_places_fail = true});
  std::vector<int64_t> order;
  for (const auto& [place, value] : expected) order.push_back(value);
  EXPECT_EQ(Values(out), order);
  EXPECT_EQ(out.back().places.at(out.back().num_rows() - 1), expected.back().first);
}

TEST(Merge, ManyRowsOfOnePlaceAreMergedAtOnce) {
  const std::vector<Place> same(50'000, Place{.time = 1, .source = 2, .offset = 3});
  const auto out = *Merge({MakePiece(0, same, std::vector<int64_t>(same.size(), 1)),
                           MakePiece(1, same, std::vector<int64_t>(same.size(), 2))},
                          kSchema, {.equal_places_fail = false});
  const auto values = Values(out);
  ASSERT_EQ(values.size(), 100'000U);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
}

TEST(Merge, TooManyValuesForADictionaryAreAnError) {
  const auto type = arrow::dictionary(arrow::int8(), arrow::int32());
  const auto schema = arrow::schema({arrow::field("value", type)});
  std::vector<Piece> pieces;
  for (int channel = 0; channel < 2; ++channel) {
    arrow::Int32Builder values;
    arrow::Int8Builder indices;
    for (int value = 0; value < 100; ++value) EXPECT_TRUE(values.Append(channel * 100 + value).ok());
    EXPECT_TRUE(indices.AppendValues({0, 99}).ok());
    const auto column = std::make_shared<arrow::DictionaryArray>(type, *indices.Finish(), *values.Finish());
    pieces.push_back(
        {.channel = channel,
         .batch = {.rows = arrow::RecordBatch::Make(schema, 2, {column}),
                   .places = *data::Places::Of(std::vector<Place>{{.offset = channel}, {.offset = 9 + channel}})}});
  }
  EXPECT_FALSE(Merge(pieces, schema).ok());
}

// Feeds whose dictionaries grow: the longest is the result's, so who knows its values need not look at them again.
TEST(Merge, TheLongestDictionaryStaysWhereOthersAreItsBeginnings) {
  const auto type = arrow::dictionary(arrow::int16(), arrow::utf8());
  const auto schema = arrow::schema({arrow::field("value", type)});
  std::shared_ptr<arrow::Array> longest;
  std::vector<Piece> pieces;
  for (int channel = 0; channel < 2; ++channel) {
    arrow::StringBuilder values;
    for (int value = 0; value <= channel + 1; ++value) EXPECT_TRUE(values.Append("S" + std::to_string(value)).ok());
    longest = *values.Finish();
    arrow::Int16Builder indices;
    EXPECT_TRUE(indices.AppendValues({0, static_cast<int16_t>(channel + 1)}).ok());
    const auto column = std::make_shared<arrow::DictionaryArray>(type, *indices.Finish(), longest);
    pieces.push_back(
        {.channel = channel,
         .batch = {.rows = arrow::RecordBatch::Make(schema, 2, {column}),
                   .places = *data::Places::Of(std::vector<Place>{{.offset = channel}, {.offset = 9 + channel}})}});
  }
  const auto out = *Merge(pieces, schema);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].rows->column_data(0)->dictionary, longest->data());
  EXPECT_EQ(out[0].rows->column(0)->ToString(), arrow::DictionaryArray(
                                                    type,
                                                    *[] {
                                                      arrow::Int16Builder builder;
                                                      EXPECT_TRUE(builder.AppendValues({0, 0, 1, 2}).ok());
                                                      return builder.Finish();
                                                    }(),
                                                    longest)
                                                    .ToString());
}

TEST(Merge, EqualsTheRowsInOrderWhateverTheCuts) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const int64_t count = 1 + random.Below(seed % 10 == 0 ? 5'000 : 300);
    const PlacedRows rows = RandomRows(count, 1 + random.Below(4), random);
    const int64_t channels = 1 + random.Below(9);
    const int64_t cut = 1 + random.Below(count);
    const int64_t runs = random.OneIn(3) ? 1 + random.Below(40) : 1;  // How long rows stay with a channel.
    std::vector<Piece> pieces;
    if (random.OneIn(2)) {  // Batches that were divided.
      for (int64_t begin = 0; begin < count; begin += cut) {
        std::vector<int32_t> all(static_cast<std::size_t>(std::min(cut, count - begin)));
        std::iota(all.begin(), all.end(), static_cast<int32_t>(begin));
        const data::Batch base = rows.Pick(all, random);
        std::vector<std::vector<int32_t>> parts(static_cast<std::size_t>(channels));
        for (int32_t row = 0; row < base.num_rows(); ++row)
          parts[static_cast<std::size_t>(random.Below(channels))].push_back(row);
        for (std::size_t channel = 0; channel < parts.size(); ++channel) {
          if (parts[channel].empty()) continue;
          pieces.push_back({.channel = static_cast<int>(channel), .batch = base, .selection = Select(parts[channel])});
        }
      }
    } else {
      std::vector<std::vector<int32_t>> parts(static_cast<std::size_t>(channels));
      for (int64_t row = 0, channel = 0; row < count; ++row) {
        if (row % runs == 0) channel = random.Below(channels);
        parts[static_cast<std::size_t>(channel)].push_back(static_cast<int32_t>(row));
      }
      for (std::size_t channel = 0; channel < parts.size(); ++channel) {
        for (auto begin = parts[channel].begin(); begin != parts[channel].end();) {
          const auto end = begin + std::min<int64_t>(1 + random.Below(cut), parts[channel].end() - begin);
          pieces.push_back({.channel = static_cast<int>(channel), .batch = rows.Pick({begin, end}, random)});
          begin = end;
        }
      }
    }
    std::vector<int32_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    const int64_t rows_max = random.OneIn(3) ? 1 + random.Below(count) : kMergedRowsMax;
    const auto out = Merge(pieces, rows.Schema(), {.rows_max = rows_max, .equal_places_fail = true});
    ASSERT_TRUE(out.ok()) << seed << out.status();
    for (const auto& batch : *out) ASSERT_LE(batch.num_rows(), rows_max) << seed;
    rows.ExpectAre(*out, order, "seed " + std::to_string(seed));
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sabot::shuffle
