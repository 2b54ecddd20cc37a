// Trees: what their constructors refuse, and what is asked of a tree.
#include "sabot/operators/expression.h"

#include <arrow/scalar.h>
#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "sabot/kernels/registry.h"
#include "sabot/operators/expression_functions.h"

namespace sabot::operators {
namespace {

std::string ErrorOf(const arrow::Result<ExpressionPtr>& made) {
  EXPECT_EQ(data::KindOf(made.status()), data::ErrorKind::kOption) << made.status();
  return made.status().message();
}
ExpressionPtr Price() { return MakeColumn("price"); }

TEST(MakeCall, RefusesUnknownFunctionsWithTheNearestNames) {
  EXPECT_EQ(ErrorOf(MakeCall("sqr", {Price()})), "unknown function 'sqr'. Nearest names: 'sqrt'.");
  EXPECT_EQ(ErrorOf(MakeCall("sin", {Price()})).substr(0, 23), "unknown function 'sin'.");
}

TEST(MakeCall, RefusesWrongArguments) {
  EXPECT_EQ(ErrorOf(MakeCall("add", {Price()})), "add takes 2 arguments (left, right), found 1.");
  EXPECT_EQ(ErrorOf(MakeCall("coalesce", {})), "coalesce takes at least 1 argument (x, ...), found 0.");
  EXPECT_EQ(ErrorOf(MakeCall("case_when", {Price()})),
            "case_when takes at least 2 arguments (condition, value, ...), found 1.");
  EXPECT_EQ(ErrorOf(MakeCall("fill_null", {Price()})), "fill_null takes 2 arguments (x, value), found 1.");
  EXPECT_EQ(ErrorOf(MakeCall("is_in", {Price(), Price()})),
            "is_in takes a list of literals as second argument, such as [1, 2].");
}

TEST(MakeCall, RefusesWrongOptions) {
  EXPECT_EQ(ErrorOf(MakeCall("round", {Price()}, {{"digit", int64_t{2}}})),
            "round: unknown option 'digit'. Nearest names: 'digits'.");
  EXPECT_EQ(ErrorOf(MakeCall("abs", {Price()}, {{"digit", int64_t{2}}})),
            "abs: unknown option 'digit'. It takes none.");
  EXPECT_EQ(ErrorOf(MakeCall("round", {Price()}, {{"digits", 2.0}})),
            "round: option 'digits' must be an integer, found 2.");
  EXPECT_EQ(ErrorOf(MakeCall("round", {Price()}, {{"digits", int64_t{400}}})),
            "round: option 'digits' must be in [-18, 18], found 400.");
  EXPECT_EQ(ErrorOf(MakeCall("round", {Price()}, {{"digits", int64_t{1}}, {"digits", int64_t{2}}})),
            "round: option 'digits' was given twice.");
  EXPECT_EQ(ErrorOf(MakeCall("replace", {Price()}, {{"pattern", std::string()}, {"replacement", std::string()}})),
            "replace: option 'pattern' must be some text, found ''.");
  EXPECT_EQ(ErrorOf(MakeCall("cast", {Price()})).substr(0, 31), "cast: option 'type' is missing.");
  EXPECT_EQ(ErrorOf(MakeCall("cast", {Price()}, {{"type", std::string("int46")}})).substr(0, 37),
            "unknown type 'int46'. Nearest names: ");
  EXPECT_NE(ErrorOf(MakeCall("floor_temporal", {Price()}, {{"unit", std::string("days")}})).find("'day', 'week'"),
            std::string::npos);
}

TEST(MakeKernel, RefusesWhatTheKernelDoesNotHave) {
  EXPECT_EQ(ErrorOf(MakeKernel({.kernel = "emwa"})).substr(0, 54),
            "unknown kernel 'emwa'. Nearest names: 'ema', 'ewma', '");
  EXPECT_EQ(ErrorOf(MakeKernel({.kernel = "ewma", .columns = {{"y", Price()}}})).substr(0, 27),
            "ewma: it has no input 'y' (");
  EXPECT_EQ(ErrorOf(MakeKernel({.kernel = "bollinger_bands", .output = "uper"})),
            "bollinger_bands: it has no output 'uper'. Known names: 'bb_mid', 'bb_upper', 'bb_lower'.");
}

TEST(Expression, IsNoDeeperThanItMayBe) {
  auto tree = Price();
  for (int level = 1; level < kExpressionDepthMax; ++level) tree = MakeCall("negate", {tree}).ValueOrDie();
  EXPECT_EQ(tree->depth, kExpressionDepthMax);
  EXPECT_EQ(ErrorOf(MakeCall("negate", {tree})).substr(0, 48), "the expression is nested more than 400 deep. Spl");
}

TEST(MakeLiteral, RefusesTypesThatCannotBeWritten) {
  EXPECT_FALSE(MakeLiteral(std::make_shared<arrow::UInt64Scalar>(~uint64_t{0})).ok());
  EXPECT_FALSE(MakeLiteral(std::make_shared<arrow::BinaryScalar>(arrow::Buffer::FromString("x"))).ok());
  EXPECT_FALSE(MakeLiteral(std::make_shared<arrow::StringScalar>("\xff")).ok());
  EXPECT_FALSE(MakeLiteral(std::make_shared<arrow::TimestampScalar>(int64_t{1} << 60, arrow::TimeUnit::SECOND)).ok());
}

TEST(MakeLiteral, MakesOneTypeOfMany) {
  const auto text = [](const std::shared_ptr<arrow::Scalar>& value) {
    return ToString(*MakeLiteral(value).ValueOrDie());
  };
  EXPECT_EQ(text(std::make_shared<arrow::Int8Scalar>(int8_t{-5})), "-5");
  EXPECT_EQ(text(std::make_shared<arrow::FloatScalar>(0.5F)), "0.5");
  EXPECT_EQ(text(std::make_shared<arrow::LargeStringScalar>("x")), "\"x\"");
  EXPECT_EQ(text(std::make_shared<arrow::Date32Scalar>(1)), "timestamp(\"1970-01-02T00:00:00\")");
  EXPECT_EQ(text(arrow::MakeNullScalar(arrow::int8())), "null");
}

TEST(Expression, KnowsItsColumnsAndKernels) {
  const auto tree = ParseExpression("a + b * a > ewma(c, alpha=0.5) and side in [1]").ValueOrDie();
  EXPECT_EQ(ColumnsOf(*tree), (std::vector<std::string>{"a", "b", "c", "side"}));
  EXPECT_TRUE(HasKernel(*tree));
  EXPECT_FALSE(HasKernel(*ParseExpression("a + b").ValueOrDie()));
}

// Text tells functions from kernels by their names.
TEST(Expression, NoKernelHasTheNameOfAFunction) {
  for (const auto& kernel : kernels::Registry()) EXPECT_EQ(FindFunction(kernel.doc.name), nullptr) << kernel.doc.name;
}

}  // namespace
}  // namespace sabot::operators
