// Arrow's own expressions as trees.
#include <arrow/array.h>
#include <arrow/compute/api_scalar.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/expression.h>
#include <arrow/json/from_string.h>
#include <arrow/scalar.h>
#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "sabot/operators/expression.h"
#include "sabot/operators/expression_math.h"

namespace sabot::operators {
namespace {

namespace cp = arrow::compute;

arrow::Result<ExpressionPtr> Convert(const cp::Expression& expression) {
  ExpressionContext();
  return ExpressionFromArrow(*cp::Serialize(expression).ValueOrDie());
}
std::string TextOf(const cp::Expression& expression) {
  const auto tree = Convert(expression);
  EXPECT_TRUE(tree.ok()) << tree.status();
  return tree.ok() ? ToString(**tree) : "";
}
std::string ErrorOf(const cp::Expression& expression) {
  const auto tree = Convert(expression);
  EXPECT_EQ(data::KindOf(tree.status()), data::ErrorKind::kOption) << tree.status();
  return tree.status().message();
}
const cp::Expression kA = cp::field_ref("a");
const cp::Expression kB = cp::field_ref("b");

TEST(ExpressionFromArrow, RefusesWhatIsNotAllowed) {
  EXPECT_EQ(ErrorOf(cp::call("sin", {kA})).substr(0, 73),
            "pyarrow expression: sin: this function is not one of those allowed in exp");
  EXPECT_NE(ErrorOf(cp::call("make_struct", {kA}, cp::MakeStructOptions({"x"}))).find("make_struct"),
            std::string::npos);
  EXPECT_NE(ErrorOf(cp::call("cast", {kA}, cp::CastOptions::Unsafe(arrow::int64()))).find("unsafe casts"),
            std::string::npos);
  EXPECT_NE(ErrorOf(cp::call("round", {kA}, cp::RoundOptions(2, cp::RoundMode::UP))).find("known modes"),
            std::string::npos);
  EXPECT_NE(ErrorOf(cp::field_ref(arrow::FieldRef("a", "b"))).find("is no column by name"), std::string::npos);
  EXPECT_NE(
      ErrorOf(cp::call("min_element_wise", {kA, kB}, cp::ElementWiseAggregateOptions(false))).find("are not taken"),
      std::string::npos);
}

TEST(ExpressionFromArrow, RefusesBytesThatAreNoExpression) {
  EXPECT_FALSE(ExpressionFromArrow(*arrow::Buffer::FromString("")).ok());
  EXPECT_FALSE(ExpressionFromArrow(*arrow::Buffer::FromString("nothing of the kind")).ok());
  const auto whole = cp::Serialize(cp::greater(kA, cp::literal(1))).ValueOrDie();
  EXPECT_FALSE(ExpressionFromArrow(*arrow::SliceBuffer(whole, 0, whole->size() / 2)).ok());
}

TEST(ExpressionFromArrow, HasOurNames) {
  EXPECT_EQ(TextOf(cp::and_(cp::greater(cp::call("multiply_checked", {kA, kB}), cp::literal(1.5)),
                            cp::not_(cp::equal(kA, cp::literal("x"))))),
            "a * b > 1.5 and not a == \"x\"");
  EXPECT_EQ(TextOf(cp::call("subtract", {cp::call("add_checked", {kA, cp::literal(int8_t{1})}), kB})), "a + 1 - b");
  EXPECT_EQ(TextOf(cp::call("divide_checked", {kA, kB})), "quotient(a, b)");
  EXPECT_EQ(TextOf(cp::call("power_checked", {cp::call("ln", {kA}), cp::literal(2)})), "ln(a) ** 2");
  EXPECT_EQ(TextOf(cp::call("is_valid", {kA})), "a is not null");
  EXPECT_EQ(TextOf(cp::is_null(kA)), "a is null");
  EXPECT_EQ(TextOf(cp::is_null(kA, true)), "a is null or is_nan(a)");
  EXPECT_EQ(TextOf(cp::call("coalesce", {kA, kB})), "coalesce(a, b)");
  EXPECT_EQ(TextOf(cp::call("if_else", {kA, kB, cp::literal(0)})), "if_else(a, b, 0)");
  EXPECT_EQ(TextOf(cp::call("case_when", {cp::call("make_struct", {kA, kB}, cp::MakeStructOptions({"", ""})),
                                          cp::literal(1), cp::literal(2), cp::literal(3)})),
            "case_when(a, 1, b, 2, 3)");
  EXPECT_EQ(TextOf(cp::call("cast", {kA}, cp::CastOptions::Safe(arrow::timestamp(arrow::TimeUnit::NANO)))),
            "cast(a, \"timestamp[ns]\")");
  EXPECT_EQ(TextOf(cp::call("round", {kA}, cp::RoundOptions(2))), "round(a, 2)");
  EXPECT_EQ(TextOf(cp::call("floor_temporal", {kA}, cp::RoundTemporalOptions(5, cp::CalendarUnit::MINUTE))),
            "floor_temporal(a, 5, \"minute\")");
  EXPECT_EQ(TextOf(cp::call("match_substring", {kA}, cp::MatchSubstringOptions("x", true))),
            "contains(a, \"x\", true)");
  EXPECT_EQ(TextOf(cp::call("utf8_slice_codeunits", {kA}, cp::SliceOptions(1, 3))), "slice(a, 1, 3)");
  EXPECT_EQ(TextOf(cp::call("day_of_week", {kA}, cp::DayOfWeekOptions())), "weekday(a)");
  EXPECT_EQ(TextOf(cp::call("binary_join_element_wise", {kA, kB, cp::literal("")}, cp::JoinOptions())), "concat(a, b)");
  EXPECT_EQ(TextOf(cp::field_ref("a b")), "col(\"a b\")");
}

TEST(ExpressionFromArrow, KeepsValues) {
  const auto set = arrow::json::ArrayFromJSONString(arrow::int32(), "[1, null, 3]").ValueOrDie();
  EXPECT_EQ(TextOf(cp::call("is_in", {kA}, cp::SetLookupOptions(set))), "is_in(a, [1, null, 3], \"match\")");
  EXPECT_EQ(TextOf(cp::call("is_in", {kA}, cp::SetLookupOptions(set, cp::SetLookupOptions::EMIT_NULL))),
            "a in [1, null, 3]");
  EXPECT_EQ(TextOf(cp::literal(arrow::Datum(arrow::MakeNullScalar(arrow::int8())))), "null");
  EXPECT_EQ(TextOf(cp::literal(
                arrow::Datum(std::make_shared<arrow::TimestampScalar>(1500, arrow::TimeUnit::MILLI, "Asia/Tokyo")))),
            "timestamp(\"1970-01-01T00:00:01.5Z\")");
  EXPECT_EQ(TextOf(cp::literal(arrow::Datum(
                std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128("1.50"), arrow::decimal128(10, 2))))),
            "cast(\"1.50\", \"decimal128(10, 2)\")");
}

}  // namespace
}  // namespace sabot::operators
