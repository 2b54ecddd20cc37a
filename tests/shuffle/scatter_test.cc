// The parts of a batch against Arrow's Take of the same rows.
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/initialize.h>
#include <arrow/extension/uuid.h>

#include <random>

#include "sabot/shuffle/split.h"
#include "tests/shuffle/split_rows.h"

namespace sabot::shuffle {
namespace {

class ScatterOf : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(arrow::compute::Initialize().ok()); }
};

Split SplitBy(const std::vector<uint16_t>& partition_of_row, int partitions) {
  RowCounts counts(partitions);
  return SplitRows(partition_of_row, counts.Of(partition_of_row)).ValueOrDie();
}

void ExpectRows(const arrow::RecordBatch& batch, const Split& split) {
  const auto scattered = Scatter(batch, split).ValueOrDie();
  const RowLists lists = RowsOf(split, batch.num_rows());
  ASSERT_EQ(scattered.size(), lists.size());
  for (std::size_t part = 0; part < lists.size(); ++part) {
    if (lists[part].empty()) {
      EXPECT_EQ(scattered[part], nullptr);
      continue;
    }
    ASSERT_NE(scattered[part], nullptr);
    ASSERT_TRUE(scattered[part]->ValidateFull().ok()) << scattered[part]->ValidateFull().ToString();
    EXPECT_TRUE(scattered[part]->schema()->Equals(*batch.schema()));
    ASSERT_EQ(scattered[part]->num_rows(), static_cast<int64_t>(lists[part].size()));
    for (int column = 0; column < batch.num_columns(); ++column) {
      for (std::size_t at = 0; at < lists[part].size(); ++at) {
        const auto row = static_cast<int64_t>(at);
        ASSERT_TRUE(scattered[part]->column(column)->RangeEquals(*batch.column(column), row, row + 1, lists[part][at],
                                                                 arrow::EqualOptions().nans_equal(true)))
            << batch.schema()->field(column)->ToString() << ", part " << part << ", row " << at;
      }
    }
  }
}

std::vector<std::shared_ptr<arrow::DataType>> Types() {
  return {arrow::boolean(),
          arrow::int8(),
          arrow::uint16(),
          arrow::int32(),
          arrow::int64(),
          arrow::float16(),
          arrow::float32(),
          arrow::float64(),
          arrow::date32(),
          arrow::timestamp(arrow::TimeUnit::NANO, "UTC"),
          arrow::decimal32(5, 2),
          arrow::decimal128(20, 2),
          arrow::decimal256(50, 2),
          arrow::utf8(),
          arrow::large_utf8(),
          arrow::binary(),
          arrow::utf8_view(),
          arrow::dictionary(arrow::int16(), arrow::utf8()),
          arrow::month_day_nano_interval()};
}

ArrayPtr Random(const std::shared_ptr<arrow::DataType>& type, int64_t rows, bool nulls, std::mt19937_64& random) {
  arrow::StringBuilder texts;
  arrow::Int64Builder numbers;
  for (int64_t row = 0; row < rows; ++row) {
    const bool null = nulls && random() % 4 == 0;
    const auto number = static_cast<int64_t>(random() % 100);
    EXPECT_TRUE(
        (null ? texts.AppendNull() : texts.Append(std::string(random() % 40, 'x') + std::to_string(number))).ok());
    EXPECT_TRUE((null ? numbers.AppendNull() : numbers.Append(number)).ok());
  }
  const ArrayPtr text = texts.Finish().ValueOrDie();
  const ArrayPtr number = numbers.Finish().ValueOrDie();
  if (type->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO) return arrow::MakeArrayOfNull(type, rows).ValueOrDie();
  if (type->id() == arrow::Type::DATE32) {
    return arrow::compute::Cast(*arrow::compute::Cast(*number, arrow::int32()).ValueOrDie(), type).ValueOrDie();
  }
  if (arrow::is_decimal(type->id())) {
    return arrow::compute::Cast(*arrow::compute::Cast(*number, arrow::float64()).ValueOrDie(), type).ValueOrDie();
  }
  const bool is_text = arrow::is_base_binary_like(type->id()) || arrow::is_binary_view_like(type->id()) ||
                       type->id() == arrow::Type::DICTIONARY;
  return arrow::compute::Cast(is_text ? *text : *number, type).ValueOrDie();
}

TEST_F(ScatterOf, NothingIsNothing) {
  for (const auto& type : Types()) {
    const auto batch = BatchOf({arrow::MakeEmptyArray(type).ValueOrDie()});
    ExpectRows(*batch.rows, SplitBy({}, 3));
  }
}

TEST_F(ScatterOf, APartOfAllRowsIsTheBatch) {
  const auto batch = BatchOf({Of(arrow::utf8(), R"(["A", "B"])")});
  const auto scattered = Scatter(*batch.rows, SplitBy({1, 1}, 3)).ValueOrDie();
  EXPECT_EQ(scattered[0], nullptr);
  ASSERT_NE(scattered[1], nullptr);
  EXPECT_EQ(scattered[1]->column_data(0)->buffers[2]->data(), batch.rows->column_data(0)->buffers[2]->data());
}

TEST_F(ScatterOf, RowsWithoutColumnsKeepTheirNumber) {
  const auto batch = arrow::RecordBatch::Make(arrow::schema({}), 3, arrow::ArrayVector{});
  const auto scattered = Scatter(*batch, SplitBy({0, 1, 0}, 2)).ValueOrDie();
  EXPECT_EQ(scattered[0]->num_rows(), 2);
  EXPECT_EQ(scattered[1]->num_rows(), 1);
}

TEST_F(ScatterOf, ADictionaryIsShared) {
  const auto batch = BatchOf({Dictionary("[0, 1, null, 1]", Of(arrow::utf8(), R"(["A", "B"])"))});
  for (const auto& part : Scatter(*batch.rows, SplitBy({0, 1, 0, 1}, 2)).ValueOrDie())
    EXPECT_EQ(part->column_data(0)->dictionary, batch.rows->column_data(0)->dictionary);
}

TEST_F(ScatterOf, APartWithoutNullsHasNoBitmap) {
  const auto batch = BatchOf({Of(arrow::int32(), "[1, null, 3]")});
  const auto scattered = Scatter(*batch.rows, SplitBy({0, 1, 0}, 2)).ValueOrDie();
  EXPECT_EQ(scattered[0]->column_data(0)->buffers[0], nullptr);
  EXPECT_EQ(scattered[1]->column(0)->null_count(), 1);
}

// Memory that ends where the text does, so that a sanitizer sees who reads on.
TEST_F(ScatterOf, NothingIsReadBehindTheTexts) {
  const ArrayPtr texts = Of(arrow::utf8(), R"(["A", "BB", "a text of more than sixteen bytes", "", "CCC", "D"])");
  const auto tight = arrow::ArrayData::Make(
      arrow::utf8(), 6,
      {nullptr, texts->data()->buffers[1], arrow::Buffer::FromString(texts->data()->buffers[2]->ToString())});
  ExpectRows(*BatchOf({arrow::MakeArray(tight)}).rows, SplitBy({1, 0, 1, 0, 0, 1}, 2));
}

TEST_F(ScatterOf, OtherTypesGoByArrow) {
  const auto structs = arrow::struct_({arrow::field("a", arrow::int8()), arrow::field("b", arrow::utf8())});
  const auto batch = BatchOf(
      {Of(arrow::list(arrow::int16()), "[[1, 2], null, [], [3]]"),
       Of(structs, R"([{"a": 1, "b": "x"}, null, {"a": null, "b": "y"}, {"a": 4, "b": null}])"),
       Of(arrow::null(), "[null, null, null, null]"), Of(arrow::fixed_size_binary(3), R"(["abc", null, "ghi", "jkl"])"),
       Of(arrow::fixed_size_list(arrow::int8(), 2), "[[1, 2], null, [5, 6], [7, 8]]"),
       arrow::ExtensionType::WrapArray(
           arrow::extension::uuid(),
           Of(arrow::fixed_size_binary(16), R"(["0123456789abcdef", null, null, "fedcba9876543210"])"))});
  ExpectRows(*batch.rows, SplitBy({1, 0, 1, 0}, 3));
}

TEST_F(ScatterOf, RandomRowsOfEveryTypeArriveOnce) {
  for (uint64_t seed = 0; seed < 24; ++seed) {
    std::mt19937_64 random(seed);
    const auto rows = static_cast<int64_t>(random() % 400 + 1);
    const int partitions = static_cast<int>(random() % 17 + 1);
    arrow::ArrayVector columns;
    for (const auto& type : Types()) columns.push_back(Random(type, rows + 13, seed % 3 != 0, random)->Slice(13));
    std::vector<uint16_t> partition_of_row(static_cast<std::size_t>(rows));
    for (uint16_t& partition : partition_of_row)
      partition = static_cast<uint16_t>(random() % 3 == 0 ? 0 : random() % static_cast<uint64_t>(partitions));
    ExpectRows(*BatchOf(columns).rows, SplitBy(partition_of_row, partitions));
  }
}

}  // namespace
}  // namespace sabot::shuffle
