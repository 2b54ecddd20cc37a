// Every kind of column, sliced and with nulls, against Arrow's Take.
#include "sabot/data/gather.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sabot::data {
namespace {

constexpr int64_t kRows = 300;

std::shared_ptr<arrow::Array> Numbers(bool nulls) {
  arrow::Int64Builder builder;
  for (int64_t row = 0; row < kRows; ++row) {
    EXPECT_TRUE((nulls && row % 7 == 0 ? builder.AppendNull() : builder.Append(row % 100)).ok());
  }
  return *builder.Finish();
}

arrow::ArrayVector Columns(bool nulls) {
  const auto numbers = Numbers(nulls);
  arrow::ArrayVector columns;
  for (const auto& type : {arrow::int8(), arrow::uint16(), arrow::int32(), arrow::int64(), arrow::float32(),
                           arrow::float64(), arrow::boolean(), arrow::utf8()}) {
    columns.push_back((*arrow::compute::Cast(numbers, type)).make_array());
  }
  columns.push_back((*arrow::compute::Cast(numbers, arrow::timestamp(arrow::TimeUnit::NANO))).make_array());
  columns.push_back((*arrow::compute::Cast(columns[2], arrow::date32())).make_array());
  columns.push_back((*arrow::compute::DictionaryEncode(columns[7])).make_array());
  columns.push_back((*arrow::compute::Cast(columns[7], arrow::utf8_view())).make_array());
  return columns;
}

TEST(Gather, EqualsTake) {
  std::mt19937 random(1);
  for (const bool nulls : {false, true}) {
    for (const auto& whole : Columns(nulls)) {
      for (const auto& column : {whole, whole->Slice(13, 200)}) {
        std::vector<int32_t> rows;
        for (int i = 0; i < 150; ++i) {
          rows.push_back(static_cast<int32_t>(random() % static_cast<uint32_t>(column->length())));
        }
        const arrow::Int32Array indices(static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows));
        const auto gathered = Gather(*column, rows);
        ASSERT_TRUE(gathered.ok()) << gathered.status();
        EXPECT_TRUE((*gathered)->ValidateFull().ok());
        // Arrow's Take knows no views: their text is compared.
        const auto text = [](const std::shared_ptr<arrow::Array>& values) {
          return values->type_id() == arrow::Type::STRING_VIEW
                     ? (*arrow::compute::Cast(values, arrow::utf8())).make_array()
                     : values;
        };
        EXPECT_TRUE(text(*gathered)->Equals(**arrow::compute::Take(*text(column), indices)))
            << column->type()->ToString();
        EXPECT_EQ((*Gather(*column, {}))->length(), 0);
      }
    }
  }
}

TEST(TrueRows, SkipsFalseAndNull) {
  arrow::BooleanBuilder builder;
  std::vector<int32_t> expected;
  for (int32_t row = 0; row < kRows; ++row) {
    EXPECT_TRUE((row % 5 == 0 ? builder.AppendNull() : builder.Append(row % 3 == 0)).ok());
    if (row % 5 != 0 && row % 3 == 0 && row >= 11) expected.push_back(row - 11);
  }
  const auto values = (*builder.Finish())->Slice(11);
  EXPECT_EQ(TrueRows(static_cast<const arrow::BooleanArray&>(*values)), expected);
}

}  // namespace
}  // namespace sabot::data
