// Random calls on columns of every type: they are refused in words, or give the same however a batch is cut.
#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/json/from_string.h>
#include <arrow/scalar.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "sabot/data/errors.h"
#include "sabot/operators/expression.h"
#include "sabot/operators/expression_functions.h"

namespace sabot::operators {
namespace {

std::shared_ptr<arrow::RecordBatch> EveryType() {
  const auto utf8 = arrow::utf8();
  const std::vector<std::pair<std::shared_ptr<arrow::DataType>, std::string>> columns = {
      {arrow::float64(), "[1.5, null, -2, 0, 1e300, -0.0, 7, 3]"},
      {arrow::float32(), "[1.5, null, -2, 0, 1e30, -0.0, 7, 3]"},
      {arrow::int64(), "[1, null, 9223372036854775807, -9223372036854775808, 0, 5, 6, 7]"},
      {arrow::int8(), "[1, null, -128, 127, 0, 5, 6, 7]"},
      {arrow::uint64(), "[1, null, 18446744073709551615, 0, 3, 5, 6, 7]"},
      {arrow::boolean(), "[true, false, null, true, true, false, null, true]"},
      {utf8, R"(["A", "", null, "5", "x", "2024-01-01", "A", "\u00e9"])"},
      {arrow::large_utf8(), R"(["A", "", null, "5", "x", "y", "A", "\u00e9"])"},
      {arrow::dictionary(arrow::int8(), utf8), R"(["A", "B", null, "A", "B", "C", "A", ""])"},
      {arrow::dictionary(arrow::int8(), arrow::int64()), "[1, 2, null, 1, 2, 3, 1, 1]"},
      {arrow::timestamp(arrow::TimeUnit::NANO), "[0, null, 1704101400123456789, -1, 1, 2, 3, 4]"},
      {arrow::timestamp(arrow::TimeUnit::SECOND, "UTC"), "[0, null, 1704101400, -1, 1, 2, 3, 4]"},
      {arrow::duration(arrow::TimeUnit::MILLI), "[0, null, 5, -5, 1, 2, 3, 4]"},
      {arrow::date32(), "[0, null, 19000, -1, 1, 2, 3, 4]"},
      {arrow::decimal128(10, 2), R"(["1.50", null, "-2.00", "0.00", "1.00", "9999.99", "3.00", "4.00"])"},
      {arrow::null(), "[null, null, null, null, null, null, null, null]"},
      {arrow::list(arrow::int64()), "[[1], [], null, [2], [3], [4], [5], [6]]"},
      {arrow::binary(), R"(["A", "", null, "5", "x", "y", "A", "b"])"},
  };
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [type, json] : columns) {
    fields.push_back(arrow::field("c" + std::to_string(fields.size()), type));
    arrays.push_back(arrow::json::ArrayFromJSONString(type, json).ValueOrDie());
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), arrays[0]->length(), arrays);
}

class Trees {
 public:
  Trees(uint64_t seed, int columns) : random_(seed), columns_(columns) {}

  ExpressionPtr Next(int depth) {
    if (depth == 0 || Below(5) == 0) return Leaf();
    for (;;) {  // Until the options fit.
      const auto& function = ExpressionFunctions()[Below(ExpressionFunctions().size())];
      std::vector<ExpressionPtr> arguments;
      const std::size_t extra = function.arguments_max() == function.arguments_min() ? 0 : Below(3);
      for (std::size_t at = 0; at < function.arguments_min() + extra; ++at) arguments.push_back(Next(depth - 1));
      if (function.name == "is_in") arguments[1] = Lists()[Below(Lists().size())];
      kernels::OptionMap options;
      for (const auto& option : function.options) {
        auto value = option.example;
        if (!option.choices.empty()) value = option.choices[Below(option.choices.size())];
        if (option.name == "type") value = std::string(kTypes[Below(std::size(kTypes))]);
        if (option.name == "pattern") value = std::string("A");
        if (option.name == "multiple") value = int64_t{1 + static_cast<int64_t>(Below(10))};
        if (option.name == "start" || option.name == "stop") value = static_cast<int64_t>(Below(7)) - 3;
        options.emplace_back(option.name, std::move(value));
      }
      if (auto made = MakeCall(function.name, std::move(arguments), std::move(options)); made.ok()) return *made;
    }
  }

 private:
  static constexpr const char* kTypes[] = {
      "int64",         "int8",        "uint64",       "float64",           "float32", "string",
      "timestamp[ns]", "duration[s]", "large_string", "decimal128(10, 2)", "bool",    "date32"};

  std::size_t Below(std::size_t count) { return random_() % count; }

  static const std::vector<ExpressionPtr>& Lists() {
    static const std::vector<ExpressionPtr> lists = [] {
      std::vector<ExpressionPtr> made;
      for (const char* text : {"[1, 2]", "['A', null]", "[1.5]", "[]", "[true]", "[null]", "[duration('5ms')]"}) {
        made.push_back(ParseExpression(text).ValueOrDie());
      }
      return made;
    }();
    return lists;
  }

  ExpressionPtr Leaf() {
    static const char* const kLiterals[] = {"1",
                                            "-1.5",
                                            "0",
                                            "null",
                                            "true",
                                            "'A'",
                                            "nan",
                                            "duration('5ms')",
                                            "timestamp('2024-01-01')",
                                            "timestamp('2024-01-01T00:00:00Z')"};
    if (Below(3) == 0) return ParseExpression(kLiterals[Below(std::size(kLiterals))]).ValueOrDie();
    return MakeColumn("c" + std::to_string(Below(static_cast<std::size_t>(columns_))));
  }

  std::mt19937_64 random_;
  int columns_;
};

TEST(Expression, AnyTreeIsRefusedOrGivesTheSameHoweverABatchIsCut) {
  const auto batch = EveryType();
  Trees trees(11, batch->num_columns());
  int bound_count = 0, run_count = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto tree = trees.Next(1 + round % 3);
    const auto text = ToString(*tree);
    const auto bound = BoundExpression::Bind(*tree, *batch->schema(), "test");
    if (!bound.ok()) {
      ASSERT_EQ(data::KindOf(bound.status()), data::ErrorKind::kSchema) << text << ": " << bound.status();
      continue;
    }
    ++bound_count;
    const auto whole = bound->Run(*batch);
    if (!whole.ok()) {
      ASSERT_EQ(data::KindOf(whole.status()), data::ErrorKind::kData) << text << ": " << whole.status();
      continue;
    }
    ++run_count;
    ASSERT_TRUE((*whole)->type()->Equals(bound->type())) << text << " " << (*whole)->type()->ToString();
    ASSERT_TRUE((*whole)->ValidateFull().ok()) << text << (*whole)->ValidateFull();
    const int64_t cut = round % 9;
    const auto first = bound->Run(*batch->Slice(0, cut)), second = bound->Run(*batch->Slice(cut));
    ASSERT_TRUE(first.ok() && second.ok()) << text << first.status() << second.status();
    if ((*whole)->type_id() == arrow::Type::DICTIONARY) continue;  // A column alone.
    const auto parts = arrow::Concatenate({*first, *second}).ValueOrDie();
    const auto exact = arrow::EqualOptions().nans_equal(true).signed_zeros_equal(false);
    ASSERT_TRUE(parts->Equals(**whole, exact))
        << text << " cut at " << cut << ": " << parts->ToString() << " and " << (*whole)->ToString();
  }
  EXPECT_GT(bound_count, 2000);
  EXPECT_GT(run_count, 1500);
}

}  // namespace
}  // namespace sabot::operators
