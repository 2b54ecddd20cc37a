// Bounds of RANGE edges as values of a column.
#include "sabot/graph/range_bounds.h"

#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <string>

#include "sabot/data/errors.h"

namespace sabot::graph {
namespace {

using arrow::TimeUnit;

std::string MessageOf(const std::string& json, const std::shared_ptr<arrow::DataType>& type) {
  const auto bounds = RangeBounds(json, arrow::Field("at", type));
  EXPECT_EQ(data::KindOf(bounds.status()), data::ErrorKind::kOption) << json << " " << *type;
  return bounds.status().message();
}

void ExpectValues(const std::string& json, const std::shared_ptr<arrow::DataType>& type, const std::string& expected) {
  const auto bounds = RangeBounds(json, arrow::Field("at", type));
  ASSERT_TRUE(bounds.ok()) << bounds.status();
  const auto wanted = arrow::json::ArrayFromJSONString(type, expected).ValueOrDie();
  EXPECT_TRUE((*bounds)->Equals(*wanted)) << json << " " << *type << ": " << (*bounds)->ToString();
}

TEST(RangeBounds, WhatTheTypeDoesNotHoldIsNamedWithColumnBoundAndType) {
  EXPECT_NE(MessageOf("[1, \"a\"]", arrow::float64())
                .find("ranges of column 'at': bound 1 is \"a\", which is no double (it is text). Give numbers"),
            std::string::npos);
  EXPECT_NE(MessageOf("[1]", arrow::utf8()).find("bound 0 is 1, which is no string"), std::string::npos);
  EXPECT_NE(MessageOf("[1.5]", arrow::int64()).find("bound 0 is 1.5, which is no int64"), std::string::npos);
  EXPECT_NE(MessageOf("[-1]", arrow::uint8()).find("which is no uint8"), std::string::npos);
  EXPECT_NE(MessageOf("[300]", arrow::int8()).find("which is no int8"), std::string::npos);
  EXPECT_NE(MessageOf("[1.5]", arrow::duration(TimeUnit::NANO)).find("whole numbers"), std::string::npos);
  EXPECT_NE(MessageOf("[\"1s\"]", arrow::duration(TimeUnit::NANO)).find("no duration[ns]"), std::string::npos);
  EXPECT_NE(MessageOf("[\"noon\"]", arrow::timestamp(TimeUnit::NANO)).find("no timestamp[ns]"), std::string::npos);
  EXPECT_NE(MessageOf("[\"2024-01-31\"]", arrow::timestamp(TimeUnit::NANO, "UTC")).find("zone"), std::string::npos);
  EXPECT_NE(MessageOf("[5000000000]", arrow::date32()).find("no date32"), std::string::npos);
  EXPECT_NE(MessageOf("[true]", arrow::int64()).find("neither a number nor text"), std::string::npos);
  EXPECT_NE(MessageOf("{}", arrow::int64()).find("no array"), std::string::npos);
  EXPECT_NE(MessageOf("[1,", arrow::int64()).find("no JSON"), std::string::npos);
}

TEST(RangeBounds, NumbersAreExact) {
  ExpectValues("[]", arrow::int64(), "[]");
  ExpectValues("[-9223372036854775808, 3.0]", arrow::int64(), "[-9223372036854775808, 3]");
  ExpectValues("[18446744073709551615]", arrow::uint64(), "[18446744073709551615]");
  ExpectValues("[1, 0.1, 1e300]", arrow::float64(), "[1, 0.1, 1e300]");
  ExpectValues("[10]", arrow::duration(TimeUnit::MILLI), "[10]");
}

TEST(RangeBounds, TextIsOfTheDictionarysValues) {
  ExpectValues("[\"\", \"ü\"]", arrow::utf8(), "[\"\", \"ü\"]");
  ExpectValues("[\"ab\"]", arrow::fixed_size_binary(2), "[\"ab\"]");
  const auto coded = RangeBounds("[\"a\"]", arrow::Field("at", arrow::dictionary(arrow::int8(), arrow::large_utf8())));
  EXPECT_TRUE((*coded)->type()->Equals(arrow::large_utf8()));
}

TEST(RangeBounds, TimesAreTextOrCountedUnits) {
  const auto utc = arrow::timestamp(TimeUnit::NANO, "UTC");
  ExpectValues("[\"1970-01-01T00:00:01Z\", \"1970-01-01T02:00:01.5+01:00\", 7]", utc, "[1000000000, 3601500000000, 7]");
  ExpectValues("[\"1970-01-02\", 3]", arrow::date32(), "[1, 3]");
  ExpectValues("[\"00:01\"]", arrow::time32(TimeUnit::SECOND), "[60]");
}

TEST(RangeBounds, ATypeWithoutRangesIsLeftToThePartitioner) {
  EXPECT_EQ((*RangeBounds("[1, 2]", arrow::Field("at", arrow::boolean())))->length(), 2);
}

}  // namespace
}  // namespace sabot::graph
