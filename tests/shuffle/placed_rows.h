// Random rows with places, in columns of every kind that a merge knows, and ways to cut them into what channels bring.
#pragma once

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "sabot/data/batch.h"
#include "sabot/data/gather.h"
#include "sabot/data/selection.h"

namespace sabot::shuffle {

class Random {
 public:
  explicit Random(uint32_t seed) : bits_(seed) {}
  int64_t Below(int64_t bound) { return static_cast<int64_t>(bits_() % static_cast<uint64_t>(bound)); }
  bool OneIn(int64_t n) { return Below(n) == 0; }

 private:
  std::mt19937_64 bits_;
};

inline data::Selection Select(const std::vector<int32_t>& rows) {
  return {arrow::Buffer::FromVector(rows), 0, static_cast<int64_t>(rows.size())};
}

// Rows in place order, no place twice.
struct PlacedRows {
  std::shared_ptr<arrow::RecordBatch> columns;  // The dictionary column as text, the last.
  std::vector<data::Place> places;
  std::shared_ptr<arrow::DataType> index_type = arrow::int32();

  int64_t size() const { return columns->num_rows(); }

  // Some rows as a batch: sliced out of a larger one now and then, and with a dictionary of its own.
  data::Batch Pick(const std::vector<int32_t>& rows, Random& random) const {
    const auto before = static_cast<int32_t>(random.OneIn(3) ? random.Below(9) : 0);
    std::vector<int32_t> all(static_cast<std::size_t>(before), 0);
    all.insert(all.end(), rows.begin(), rows.end());
    std::vector<data::Place> of;
    for (const int32_t row : all) of.push_back(places[static_cast<std::size_t>(row)]);
    auto picked = *data::Gather(*columns, all);
    auto arrays = picked->columns();
    const auto encoded = arrow::compute::DictionaryEncode(arrays.back())->make_array();
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*encoded);
    arrays.back() = std::make_shared<arrow::DictionaryArray>(
        DictionaryType(), *arrow::compute::Cast(*dictionary.indices(), index_type), dictionary.dictionary());
    picked = arrow::RecordBatch::Make(Schema(), picked->num_rows(), arrays);
    auto made = *data::Places::Of(of);
    const bool one_source = std::all_of(of.begin(), of.end(), [&](const auto& p) { return p.source == of[0].source; });
    if (one_source && !of.empty() && random.OneIn(2)) {
      auto kept = made.columns();
      kept.source = of[0].source;
      kept.sources = nullptr;
      const bool counts_up = of.back().offset - of[0].offset + 1 == static_cast<int64_t>(of.size()) && !kept.paths &&
                             std::adjacent_find(of.begin(), of.end(), [](const auto& a, const auto& b) {
                               return a.offset >= b.offset;
                             }) == of.end();
      if (counts_up) {
        kept.offset = of[0].offset;
        kept.offsets = nullptr;
      }
      made = data::Places(std::move(kept));
    }
    const data::Batch batch{.rows = picked, .places = made};
    return batch.Slice(before, static_cast<int64_t>(rows.size()));
  }

  std::shared_ptr<arrow::DataType> DictionaryType() const { return arrow::dictionary(index_type, arrow::utf8()); }
  std::shared_ptr<arrow::Schema> Schema() const {
    auto fields = columns->schema()->fields();
    fields.back() = fields.back()->WithType(DictionaryType());
    return arrow::schema(fields);
  }

  // All batches one behind the other are the rows `order`, and have their places.
  void ExpectAre(const std::vector<data::Batch>& batches, const std::vector<int32_t>& order,
                 const std::string& what) const {
    std::vector<data::Place> got;
    arrow::RecordBatchVector parts;
    for (const data::Batch& batch : batches) {
      ASSERT_TRUE(batch.rows->ValidateFull().ok()) << what << ": " << batch.rows->ValidateFull();
      ASSERT_EQ(batch.places.rows(), batch.num_rows()) << what;
      for (int64_t row = 0; row < batch.num_rows(); ++row) got.push_back(batch.places.at(row));
      auto arrays = batch.rows->columns();
      arrays.back() = *arrow::compute::Cast(*arrays.back(), arrow::utf8());
      parts.push_back(arrow::RecordBatch::Make(columns->schema(), batch.num_rows(), arrays));
    }
    std::vector<data::Place> want;
    for (const int32_t row : order) want.push_back(places[static_cast<std::size_t>(row)]);
    ASSERT_EQ(got, want) << what;
    if (order.empty()) return;
    const auto expected = *data::Gather(*columns, order);
    for (int column = 0; column < columns->num_columns(); ++column) {
      arrow::ArrayVector arrays;
      for (const auto& part : parts) arrays.push_back(part->column(column));
      const auto all = *arrow::Concatenate(arrays);
      ASSERT_TRUE(all->Equals(*expected->column(column), arrow::EqualOptions::Defaults().nans_equal(true)))
          << what << ", column " << columns->column_name(column);
    }
  }
};

// The columns of `rows` random rows.
inline std::shared_ptr<arrow::RecordBatch> RandomColumns(int64_t rows, Random& random) {
  arrow::Int64Builder number;
  arrow::DoubleBuilder real;
  arrow::Int8Builder tiny;
  arrow::Int16Builder small;
  arrow::Int32Builder middle;
  arrow::BooleanBuilder flag;
  arrow::StringBuilder text;
  arrow::LargeStringBuilder large;
  arrow::StringViewBuilder view;
  arrow::Decimal128Builder decimal(arrow::decimal128(20, 2));
  arrow::FixedSizeBinaryBuilder five(arrow::fixed_size_binary(5));
  arrow::NullBuilder nothing;
  auto items = std::make_shared<arrow::Int32Builder>();
  arrow::ListBuilder list(arrow::default_memory_pool(), items);
  arrow::StringBuilder symbol;
  const bool nulls = random.OneIn(2);
  const auto add = [&](auto& builder, const auto& value) {
    EXPECT_TRUE((nulls && random.OneIn(5) ? builder.AppendNull() : builder.Append(value)).ok());
  };
  for (int64_t row = 0; row < rows; ++row) {
    const std::string words(static_cast<std::size_t>(random.Below(30)), static_cast<char>('a' + random.Below(26)));
    EXPECT_TRUE(number.Append(row).ok());
    add(real, static_cast<double>(random.Below(1000)) / 8);
    add(tiny, static_cast<int8_t>(random.Below(100)));
    add(small, static_cast<int16_t>(random.Below(1000)));
    add(middle, static_cast<int32_t>(random.Below(100'000)));
    add(flag, random.OneIn(2));
    add(text, words);
    add(large, words);
    add(view, words);
    add(decimal, arrow::Decimal128(random.Below(100'000)));
    add(five, std::string(5, static_cast<char>('a' + random.Below(26))));
    EXPECT_TRUE(nothing.AppendNull().ok());
    EXPECT_TRUE((random.OneIn(4) ? list.AppendNull() : list.Append()).ok());
    for (int64_t items_left = random.Below(3); items_left > 0; --items_left) {
      EXPECT_TRUE(items->Append(static_cast<int32_t>(random.Below(10))).ok());
    }
    add(symbol, "S" + std::to_string(random.Below(20)));
  }
  const arrow::ArrayVector arrays = {*number.Finish(), *real.Finish(),    *tiny.Finish(), *small.Finish(),
                                     *middle.Finish(), *flag.Finish(),    *text.Finish(), *large.Finish(),
                                     *view.Finish(),   *decimal.Finish(), *five.Finish(), *nothing.Finish(),
                                     *list.Finish(),   *symbol.Finish()};
  const std::vector<std::string> names = {"number", "real", "tiny",    "small", "middle",  "flag", "text",
                                          "large",  "view", "decimal", "five",  "nothing", "list", "symbol"};
  arrow::FieldVector fields;
  for (std::size_t at = 0; at < arrays.size(); ++at) fields.push_back(arrow::field(names[at], arrays[at]->type()));
  return arrow::RecordBatch::Make(arrow::schema(fields), rows, arrays);
}

// Rows of up to `sources` sources: times of a source never fall, offsets rise with or without gaps, and one row may be
// several that an operator made.
inline PlacedRows RandomRows(int64_t rows, int64_t sources, Random& random) {
  const int64_t gap = random.OneIn(4) ? int64_t{1} << 50 : random.OneIn(2) ? 1 : 1 + random.Below(30);
  const int64_t pause = random.OneIn(4) ? int64_t{1} << 58 : 1 + random.Below(5);  // Too far apart for short keys.
  const bool multiplied = random.OneIn(3);
  const int64_t first_time = random.OneIn(3) ? INT64_MIN : random.Below(1000);
  std::vector<data::Place> next;
  for (int64_t source = 0; source < sources; ++source) {
    next.push_back({.time = first_time, .source = static_cast<int32_t>(source), .offset = random.Below(1000)});
  }
  std::vector<data::Place> places;
  while (static_cast<int64_t>(places.size()) < rows) {
    data::Place& place = next[static_cast<std::size_t>(random.Below(sources))];
    places.push_back(place);
    if (multiplied && random.OneIn(2)) {
      place.path += random.OneIn(3) ? 1 : int64_t{1} << 32;
    } else {
      if (place.time < INT64_MAX - (int64_t{1} << 60)) place.time += random.Below(pause);
      place.offset += 1 + random.Below(gap);
      place.path = 0;
    }
  }
  std::sort(places.begin(), places.end());
  const std::shared_ptr<arrow::DataType> indices[] = {arrow::int8(), arrow::uint16(), arrow::int32(), arrow::int64()};
  return {.columns = RandomColumns(rows, random), .places = std::move(places), .index_type = indices[random.Below(4)]};
}

}  // namespace sabot::shuffle
