#include "sabot/engine/row_digest.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <set>

#include "sabot/data/errors.h"

namespace sabot::engine {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

ArrayPtr Json(const std::shared_ptr<arrow::DataType>& type, const std::string& values) {
  return arrow::json::ArrayFromJSONString(type, values).ValueOrDie();
}

std::shared_ptr<arrow::RecordBatch> Batch(const ArrayPtr& column, const std::string& name = "x") {
  return arrow::RecordBatch::Make(arrow::schema({arrow::field(name, column->type())}), column->length(), {column});
}

std::string DigestOf(const ArrayPtr& column, int64_t batch_rows = 100, const std::string& name = "x") {
  const auto batch = Batch(column, name);
  RowDigest digest(batch->schema());
  for (int64_t row = 0; row < batch->num_rows(); row += batch_rows) {
    EXPECT_TRUE(digest.Add(*batch->Slice(row, batch_rows)).ok());
  }
  EXPECT_EQ(digest.rows(), column->length());
  return digest.Hex();
}

ArrayPtr Doubles(const std::vector<double>& values) {
  arrow::DoubleBuilder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

std::vector<ArrayPtr> OneOfEachKind() {
  const auto text = arrow::utf8();
  return {
      Json(arrow::int32(), "[1, null, 3, 0]"),
      Json(arrow::boolean(), "[true, false, null, true]"),
      Json(text, R"(["a", "", null, "a much longer text"])"),
      Json(arrow::dictionary(arrow::int8(), text), R"(["b", "a", null, "b"])"),
      Json(arrow::list(arrow::float64()), "[[1, 2], [], null, [null]]"),
      Json(arrow::large_list(text), R"([["a"], [], null, [null]])"),
      Json(arrow::fixed_size_list(arrow::int8(), 2), "[[1, 2], null, [3, null], [1, 2]]"),
      Json(arrow::map(text, arrow::int8()), R"([[["a", 1]], [], null, [["b", null]]])"),
      Json(arrow::struct_({arrow::field("a", text), arrow::field("b", arrow::list(arrow::int8()))}),
           R"([{"a": "x", "b": [1]}, null, {"a": null, "b": null}, {"a": "x", "b": []}])"),
      Json(arrow::null(), "[null, null, null, null]"),
      Json(arrow::timestamp(arrow::TimeUnit::NANO, "UTC"), "[1, 2, null, 4]"),
      Json(arrow::fixed_size_binary(3), R"(["abc", null, "abd", "abc"])"),
  };
}

TEST(RowDigest, RefusesOtherColumns) {
  RowDigest digest(Batch(Doubles({1}))->schema());
  const auto status = digest.Add(*Batch(Json(arrow::int8(), "[1]")));
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_NE(status.message().find("at row 0 has the columns x: int8; expected x: double"), std::string::npos);
}

TEST(RowDigest, DoesNotDependOnBatches) {
  for (const auto& column : OneOfEachKind()) {
    SCOPED_TRACE(column->type()->ToString());
    const std::string whole = DigestOf(column);
    EXPECT_EQ(whole.size(), 32U);
    for (const int64_t rows : {1, 2, 3}) EXPECT_EQ(DigestOf(column, rows), whole);
  }
}

TEST(RowDigest, DoesNotDependOnEncodingOrWhatLiesUnderNulls) {
  const auto text = Json(arrow::utf8(), R"(["b", "a", null, "b"])");
  EXPECT_EQ(DigestOf(text),
            DigestOf(Json(arrow::dictionary(arrow::int8(), arrow::utf8()), R"(["b", "a", null, "b"])")));
  EXPECT_EQ(DigestOf(text), DigestOf(Json(arrow::large_utf8(), R"(["b", "a", null, "b"])")));
  const std::string zero("\0\0\0\0\0\0\0\0", 8), seven("\7\0\0\0\0\0\0\0", 8);
  const std::string no_row(1, '\0');
  const auto null_over = [&](const std::string& bytes) {
    return arrow::MakeArray(arrow::ArrayData::Make(
        arrow::int64(), 1, {arrow::Buffer::FromString(no_row), arrow::Buffer::FromString(bytes)}));
  };
  EXPECT_EQ(DigestOf(null_over(zero)), DigestOf(null_over(seven)));
}

TEST(RowDigest, TellsBitsApartButNotNans) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto other_nan = std::bit_cast<double>(std::bit_cast<uint64_t>(nan) | 1U << 31);
  EXPECT_EQ(DigestOf(Doubles({nan})), DigestOf(Doubles({other_nan})));
  EXPECT_EQ(DigestOf(Doubles({nan})), DigestOf(Doubles({-nan})));
  EXPECT_NE(DigestOf(Doubles({0.0})), DigestOf(Doubles({-0.0})));
  EXPECT_NE(DigestOf(Doubles({nan})), DigestOf(Json(arrow::float64(), "[null]")));
}

TEST(RowDigest, TellsValuesRowsAndColumnsApart) {
  std::set<std::string> digests;
  std::size_t count = 0;
  const auto add = [&](const std::string& digest) {
    digests.insert(digest);
    EXPECT_EQ(digests.size(), ++count) << "a digest that was there before";
  };
  for (const auto& column : OneOfEachKind()) add(DigestOf(column));
  for (const std::string values : {"[]", "[0]", "[0, 0]", "[1, 0]", "[0, 1]", "[null, 0]", "[0, null]", "[null]"}) {
    add(DigestOf(Json(arrow::int64(), values)));
  }
  for (const std::string values : {R"(["ab", "c"])", R"(["a", "bc"])", R"(["", "abc"])", R"(["", ""])"}) {
    add(DigestOf(Json(arrow::utf8(), values)));
  }
  for (const std::string values : {"[[1], [2]]", "[[1, 2], []]", "[[], [1, 2]]", "[null, [1, 2]]", "[[1, 2], null]"}) {
    add(DigestOf(Json(arrow::list(arrow::int8()), values)));
  }
  add(DigestOf(Json(arrow::int32(), "[0]")));
  add(DigestOf(Json(arrow::int64(), "[0]"), 1, "y"));
}

}  // namespace
}  // namespace sabot::engine
