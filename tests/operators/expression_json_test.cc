// The JSON tree: what is refused, what else is read, and that writing is canonical.
#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "sabot/operators/expression.h"

namespace sabot::operators {
namespace {

std::string ErrorOf(std::string_view json) {
  const auto tree = ExpressionFromJson(json);
  if (tree.ok()) {
    ADD_FAILURE() << json << " was read as " << ToString(**tree);
    return "";
  }
  EXPECT_EQ(data::KindOf(tree.status()), data::ErrorKind::kOption) << tree.status();
  return tree.status().message();
}
std::string TextOf(std::string_view json) {
  const auto tree = ExpressionFromJson(json);
  EXPECT_TRUE(tree.ok()) << tree.status();
  return tree.ok() ? ToString(**tree) : "";
}

TEST(ExpressionFromJson, NamesThePathOfAMistake) {
  EXPECT_EQ(ErrorOf("{"), "the expression is no JSON: {. Text form is written as a JSON string.");
  EXPECT_EQ(ErrorOf("[]"), "expression at $: found an array. A list is written {\"literal\": [...]}.");
  EXPECT_EQ(ErrorOf("{}"), "expression at $: expected an object with \"column\", \"literal\", \"call\" or \"kernel\".");
  EXPECT_EQ(ErrorOf(R"({"call": "add", "arguments": [{"column": "a"}, {"column": 5}]})"),
            "expression at $.arguments[1].column: expected a name, found 5.");
  EXPECT_EQ(ErrorOf(R"({"call": "add", "arguments": [{"column": "a"}]})"),
            "expression at $: add takes 2 arguments (left, right), found 1.");
  EXPECT_EQ(ErrorOf(R"({"call": "ad", "arguments": []})"),
            "expression at $: unknown function 'ad'. Nearest names: 'add', 'and'.");
  EXPECT_EQ(ErrorOf(R"({"call": "add", "args": []})"),
            "expression at $: unknown member 'args'. Known names: 'call', 'arguments', 'options'.");
  EXPECT_EQ(ErrorOf(R"({"call": "abs", "arguments": {}})"),
            "expression at $.arguments: expected an array, found an object.");
  EXPECT_EQ(ErrorOf(R"({"call": "round", "arguments": [1.5], "options": [2]})"),
            "expression at $.options: expected an object, found an array.");
  EXPECT_EQ(ErrorOf(R"({"call": "round", "arguments": [1.5], "options": {"digits": "2"}})"),
            "expression at $: round: option 'digits' must be an integer, found '2'.");
  EXPECT_EQ(ErrorOf(R"({"kernel": "ewma", "columns": {"x": {"call": "ln"}}})"),
            "expression at $.columns.x: ln takes 1 argument (x), found 0.");
  EXPECT_EQ(ErrorOf(R"({"kernel": "ewma", "over": "symbol"})"),
            "expression at $.over: expected an array of names, found \"symbol\".");
  EXPECT_EQ(ErrorOf(R"({"kernel": "ewma", "over": [""]})"), "expression at $.over: expected a name, found \"\".");
  EXPECT_EQ(ErrorOf(R"({"literal": 5, "type": "int8"})").substr(0, 57),
            "expression at $.literal: unknown type 'int8' of a literal");
  EXPECT_EQ(ErrorOf(R"({"literal": "x", "type": "int64"})"),
            "expression at $.literal: found \"x\", which is no int64.");
  EXPECT_EQ(ErrorOf(R"({"literal": [1, {}]})"), "expression at $.literal[1]: found an object, which is no literal.");
  EXPECT_EQ(ErrorOf(R"({"literal": 9223372036854775808})"),
            "expression at $.literal: the integer 9223372036854775808 does not fit int64.");
  EXPECT_EQ(ErrorOf(R"({"literal": "2024-01-01", "type": "timestamp[ns, tz=UTC]"})"),
            "expression at $.literal: a timestamp with tz=UTC ends in Z.");
  EXPECT_NE(ErrorOf(R"({"call": "not", "arguments": ["a = 1"]})").find("at $.arguments[0]: expression: found '='"),
            std::string::npos);
}

TEST(ExpressionFromJson, BoundsDepth) {
  std::string nested = R"({"column": "a"})";
  for (int level = 0; level < 1000; ++level) nested = R"({"call": "negate", "arguments": [)" + nested + "]}";
  EXPECT_EQ(ErrorOf(nested), "the expression is nested more than 400 deep.");
  EXPECT_FALSE(ExpressionFromJson(std::string(1'000'000, '[')).ok());
}

TEST(ExpressionFromJson, ReadsTextAndPlainValuesWhereATreeStands) {
  EXPECT_EQ(TextOf(R"("price * 2 > 1")"), "price * 2 > 1");
  EXPECT_EQ(TextOf(R"({"call": "add", "arguments": ["a * b", 1.0]})"), "a * b + 1.0");
  EXPECT_EQ(TextOf(R"({"kernel": "ewma", "columns": {"x": "ask - bid"}, "options": {"alpha": 0.5}})"),
            "ewma(ask - bid, alpha=0.5)");
  EXPECT_EQ(TextOf("null"), "null");
  EXPECT_EQ(TextOf("true"), "true");
  EXPECT_EQ(TextOf(R"({"literal": 1500000000, "type": "duration[ns]"})"), "duration(\"1500ms\")");
  EXPECT_EQ(TextOf(R"({"literal": 0, "type": "timestamp[ns, tz=UTC]"})"), "timestamp(\"1970-01-01T00:00:00Z\")");
  EXPECT_EQ(TextOf(R"({"call": "fill_null", "arguments": ["a", 0]})"), "coalesce(a, 0)");
}

TEST(ExpressionFromJson, GivesBackWhatWasWritten) {
  for (const char* json : {
           R"({"column":"a b"})",
           R"({"literal":null})",
           R"({"literal":1.0})",
           R"({"literal":-0.0})",
           R"({"literal":0.1})",
           R"({"literal":"nan","type":"float64"})",
           R"({"literal":["inf",1.0],"type":"float64"})",
           R"({"literal":["5s","10s",null],"type":"duration[ns]"})",
           R"({"literal":[true,false]})",
           R"({"literal":[null]})",
           R"({"call":"round","arguments":[{"column":"a"}],"options":{"digits":2}})",
           R"({"kernel":"bollinger_bands","columns":{"x":{"column":"a"}},"over":["s","v"],"output":"bb_mid"})",
       }) {
    const auto tree = ExpressionFromJson(json);
    ASSERT_TRUE(tree.ok()) << json << tree.status();
    EXPECT_EQ(ToJson(**tree), json);
  }
  // Options at their default are left out, in the function's order.
  const auto tree =
      ExpressionFromJson(R"({"call":"starts_with","options":{"ignore_case":true,"pattern":"x"},"arguments":["a"]})");
  EXPECT_EQ(ToJson(**tree),
            R"({"call":"starts_with","arguments":[{"column":"a"}],"options":{"pattern":"x","ignore_case":true}})");
  EXPECT_EQ(ToJson(**ExpressionFromJson(R"({"call":"round","arguments":["a"],"options":{"digits":0}})")),
            R"({"call":"round","arguments":[{"column":"a"}]})");
}

}  // namespace
}  // namespace sabot::operators
