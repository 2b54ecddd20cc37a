// Expressions bound and run. Expected values are worked by hand, or by plain C++ on each row.
#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/registry.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <thread>

#include "sabot/data/errors.h"
#include "sabot/kernels/math.h"
#include "sabot/operators/expression.h"
#include "sabot/operators/expression_functions.h"

namespace sabot::operators {
namespace {

namespace math = kernels::math;

std::shared_ptr<arrow::Array> FromJson(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

struct Named {
  std::string name;
  std::shared_ptr<arrow::Array> array;
};
std::shared_ptr<arrow::RecordBatch> Batch(const std::vector<Named>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  const int64_t rows = arrays.empty() ? 0 : arrays[0]->length();
  return arrow::RecordBatch::Make(arrow::schema(fields), rows, arrays);
}

std::shared_ptr<arrow::RecordBatch> Trades() {
  return Batch({
      {"price", FromJson(arrow::float64(), "[1.5, null, -2.0, 4.0]")},
      {"volume", FromJson(arrow::int32(), "[10, 3, null, -7]")},
      {"big", FromJson(arrow::int64(), "[1, 2, 9223372036854775807, 4]")},
      {"side", FromJson(arrow::int8(), "[1, -1, 1, null]")},
      {"symbol", FromJson(arrow::utf8(), R"(["A", "B", null, "btc"])")},
      {"venue", FromJson(arrow::dictionary(arrow::int8(), arrow::utf8()), R"(["X", "Y", null, "X"])")},
      {"flag", FromJson(arrow::boolean(), "[true, false, null, true]")},
      {"timestamp", FromJson(arrow::int64(), "[0, 1000000000, 1704101400123456789, null]")},
      {"time", FromJson(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), "[0, 1000000, 1704101400123456, null]")},
  });
}

arrow::Result<std::shared_ptr<arrow::Array>> TryRun(std::string_view text, const arrow::RecordBatch& batch) {
  ARROW_ASSIGN_OR_RAISE(const auto tree, ParseExpression(text));
  ARROW_ASSIGN_OR_RAISE(const auto bound, BoundExpression::Bind(*tree, *batch.schema(), "filter"));
  ARROW_ASSIGN_OR_RAISE(auto array, bound.Run(batch));
  EXPECT_TRUE(array->type()->Equals(bound.type())) << text << ": " << array->type()->ToString();
  EXPECT_TRUE(array->ValidateFull().ok());
  EXPECT_EQ(array->length(), batch.num_rows());
  return array;
}
std::shared_ptr<arrow::Array> RunOn(std::string_view text, const arrow::RecordBatch& batch) {
  const auto array = TryRun(text, batch);
  EXPECT_TRUE(array.ok()) << text << ": " << array.status();
  return array.ok() ? *array : arrow::MakeArrayOfNull(arrow::null(), batch.num_rows()).ValueOrDie();
}
std::string ErrorOf(std::string_view text, data::ErrorKind kind, const arrow::RecordBatch& batch = *Trades()) {
  const auto array = TryRun(text, batch);
  if (array.ok()) {
    ADD_FAILURE() << text << " gave " << (*array)->ToString();
    return "";
  }
  EXPECT_EQ(data::KindOf(array.status()), kind) << array.status();
  return array.status().message();
}

void Gives(std::string_view text, const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  const auto found = RunOn(text, *Trades());
  const auto expected = FromJson(type, json);
  EXPECT_TRUE(found->Equals(*expected, arrow::EqualOptions().nans_equal(true).signed_zeros_equal(false)))
      << text << " gave " << found->type()->ToString() << " " << found->ToString() << ", not " << expected->ToString();
}

bool SameBits(const arrow::Array& left, const arrow::Array& right) {
  if (!left.type()->Equals(right.type()) || left.length() != right.length()) return false;
  for (int64_t row = 0; row < left.length(); ++row) {
    if (left.IsNull(row) != right.IsNull(row)) return false;
    if (left.IsNull(row)) continue;
    if (left.type_id() == arrow::Type::DOUBLE) {
      const auto bits = [row](const arrow::Array& array) {
        return std::bit_cast<uint64_t>(static_cast<const arrow::DoubleArray&>(array).Value(row));
      };
      if (bits(left) != bits(right)) return false;
    } else if (!left.Slice(row, 1)->Equals(right.Slice(row, 1))) {
      return false;
    }
  }
  return true;
}

// --- Wrong use. ---

TEST(BoundExpression, RefusesMissingColumnsWithTheNearestNames) {
  EXPECT_EQ(ErrorOf("prise > 1", data::ErrorKind::kSchema),
            "filter: column 'prise' is missing. Nearest names: 'price'.");
  EXPECT_EQ(ErrorOf("prise", data::ErrorKind::kSchema), "filter: column 'prise' is missing. Nearest names: 'price'.");
  const auto twice = Batch({{"a", FromJson(arrow::int64(), "[1]")}, {"a", FromJson(arrow::int64(), "[1]")}});
  EXPECT_EQ(ErrorOf("a + 1", data::ErrorKind::kSchema, *twice),
            "filter: column 'a' exists 2 times. Rename them apart.");
}

TEST(BoundExpression, RefusesTypesThatAFunctionCannotTake) {
  const auto kind = data::ErrorKind::kSchema;
  EXPECT_EQ(ErrorOf("price + symbol", kind),
            "filter: price + symbol: add takes two numbers, or a timestamp and a duration, found float64 and string.");
  EXPECT_EQ(ErrorOf("symbol > 1", kind),
            "filter: symbol > 1: greater takes two values of one kind, found string and int64.");
  EXPECT_EQ(ErrorOf("venue == 1", kind),
            "filter: venue == 1: equal takes two values of one kind, found string and int64.");
  EXPECT_EQ(ErrorOf("price and flag", kind), "filter: price and flag: and takes two bools, found float64 and bool.");
  EXPECT_EQ(
      ErrorOf("time > '2024-01-01'", kind),
      "filter: time > \"2024-01-01\": greater takes two values of one kind, found timestamp[us, tz=UTC] and string. "
      "Write a time as timestamp(\"2024-01-31T09:30:00Z\").");
  for (const char* text : {"ln(symbol)",
                           "ln(flag)",
                           "-symbol",
                           "lower(price)",
                           "hour(price)",
                           "hour(symbol)",
                           "price in ['A']",
                           "if_else(price, 1, 2)",
                           "if_else(flag, 1, 'a')",
                           "coalesce(price, symbol)",
                           "not price",
                           "time + time",
                           "time * 2",
                           "time / 2",
                           "sqrt(time)",
                           "concat(symbol, price)",
                           "is_nan(symbol)",
                           "case_when(price, 1, 2)",
                           "cast(flag, 'timestamp[ns]')",
                           "time + 5",
                           "flag + 1",
                           "flag < 1"}) {
    ErrorOf(text, kind);
  }
}

TEST(BoundExpression, RefusesKernels) {
  EXPECT_NE(ErrorOf("ewma(price) > 1", data::ErrorKind::kOption).find("a kernel keeps state"), std::string::npos);
}

TEST(BoundExpression, NamesTheFirstRowThatCannotBeComputed) {
  EXPECT_EQ(ErrorOf("big * 2 + volume", data::ErrorKind::kData),
            "filter: big * 2 + volume: row 2 of the batch: overflow (big = 9223372036854775807, volume = null). "
            "Integers are computed as int64: cast(x, \"float64\") has no such limit.");
  EXPECT_EQ(ErrorOf("quotient(big, volume - 3)", data::ErrorKind::kData),
            "filter: quotient(big, volume - 3): row 1 of the batch: divide by zero (big = 2, volume = 3).");
  EXPECT_NE(ErrorOf("cast(price, 'int64')", data::ErrorKind::kData).find("row 0 of the batch: "), std::string::npos);
  EXPECT_NE(ErrorOf("cast(symbol, 'float64')", data::ErrorKind::kData).find("(symbol = A)"), std::string::npos);
}

// --- Edges. ---

TEST(BoundExpression, AColumnAloneIsThatColumn) {
  const auto batch = Trades();
  EXPECT_EQ(RunOn("venue", *batch)->data().get(), batch->GetColumnByName("venue")->data().get());
}

TEST(BoundExpression, OfNoRowsAndOfLiteralsOnly) {
  const auto none = Trades()->Slice(0, 0);
  for (const char* text :
       {"price * 2", "ln(price)", "venue == 'X'", "1 + 2", "venue in ['X']", "price", "lower(venue)"}) {
    EXPECT_EQ(RunOn(text, *none)->length(), 0) << text;
  }
  Gives("100 + 100", arrow::int64(), "[200, 200, 200, 200]");
  Gives("null", arrow::null(), "[null, null, null, null]");
  Gives("'a'", arrow::utf8(), R"(["a", "a", "a", "a"])");
  Gives("ln(1)", arrow::float64(), "[0, 0, 0, 0]");
  Gives("null + 1", arrow::int64(), "[null, null, null, null]");
  Gives("2 ** 0.5 > 1", arrow::boolean(), "[true, true, true, true]");
}

TEST(BoundExpression, ReadsSlices) {
  const auto trades = Trades();
  for (const char* text :
       {"price * volume", "ln(price + 3)", "venue == 'X'", "venue in ['Y']", "symbol == 'B'", "lower(venue)",
        "price ** side", "flag or price > 1", "coalesce(price, 0)", "least(price, 1)"}) {
    const auto whole = RunOn(text, *trades);
    for (int64_t begin = 0; begin < 4; ++begin) {
      EXPECT_TRUE(SameBits(*RunOn(text, *trades->Slice(begin)), *whole->Slice(begin))) << text << " from " << begin;
    }
  }
}

// --- Values. ---

TEST(BoundExpression, Arithmetic) {
  Gives("price * volume", arrow::float64(), "[15, null, null, -28]");
  Gives("volume + 1", arrow::int64(), "[11, 4, null, -6]");
  Gives("side * 100", arrow::int64(), "[100, -100, 100, null]");
  Gives("volume - price", arrow::float64(), "[8.5, null, null, -11]");
  Gives("-volume", arrow::int64(), "[-10, -3, null, 7]");
  Gives("abs(price)", arrow::float64(), "[1.5, null, 2, 4]");
  Gives("sign(volume)", arrow::int64(), "[1, 1, null, -1]");
  Gives("volume / 4", arrow::float64(), "[2.5, 0.75, null, -1.75]");
  Gives("quotient(volume, 4)", arrow::int64(), "[2, 0, null, -1]");
  Gives("quotient(price, 2)", arrow::float64(), "[0.75, null, -1, 2]");
  Gives("price / 0", arrow::float64(), "[Inf, null, -Inf, Inf]");
  Gives("0 / (volume - 3)", arrow::float64(), "[0, NaN, null, -0.0]");
  Gives("volume ** 2", arrow::float64(), "[100, 9, null, 49]");
  Gives("sqrt(price)", arrow::float64(), "[1.224744871391589, null, NaN, 2]");
  Gives("round(price)", arrow::float64(), "[2, null, -2, 4]");
  Gives("round(price + 1)", arrow::float64(), "[2, null, -1, 5]");
  Gives("round(price + 1, mode='half_away_from_zero')", arrow::float64(), "[3, null, -1, 5]");
  Gives("round(volume, -1)", arrow::int64(), "[10, 0, null, -10]");
  Gives("floor(price)", arrow::float64(), "[1, null, -2, 4]");
  Gives("floor(volume)", arrow::int64(), "[10, 3, null, -7]");
  Gives("ceil(price)", arrow::float64(), "[2, null, -2, 4]");
  Gives("trunc(price)", arrow::float64(), "[1, null, -2, 4]");
  Gives("least(price, 2, volume)", arrow::float64(), "[1.5, 2, -2, -7]");
  Gives("least(price, 0 / (volume - 3), 100)", arrow::float64(), "[0, 100, -2, -0.0]");
  Gives("least(-0.0, 0)", arrow::float64(), "[-0.0, -0.0, -0.0, -0.0]");
  Gives("greatest(0, -0.0, null)", arrow::float64(), "[0, 0, 0, 0]");
  Gives("greatest(price, null)", arrow::float64(), "[1.5, null, -2, 4]");
  Gives("is_nan(greatest(nan, null))", arrow::boolean(), "[true, true, true, true]");
  Gives("greatest(symbol, venue)", arrow::utf8(), R"(["X", "Y", null, "btc"])");
  Gives("greatest(volume, 5)", arrow::int64(), "[10, 5, 5, 5]");
}

TEST(BoundExpression, ComparisonsAndLogic) {
  Gives("price > 1", arrow::boolean(), "[true, null, false, true]");
  Gives("volume == 3.0", arrow::boolean(), "[false, true, null, false]");
  Gives("side == 1", arrow::boolean(), "[true, false, true, null]");
  Gives("side < 1000", arrow::boolean(), "[true, true, true, null]");
  Gives("symbol >= 'B'", arrow::boolean(), "[false, true, null, true]");
  Gives("flag and price > 0", arrow::boolean(), "[true, false, false, true]");
  Gives("flag or true", arrow::boolean(), "[true, true, true, true]");
  Gives("flag and null", arrow::boolean(), "[null, false, null, null]");
  Gives("not flag", arrow::boolean(), "[false, true, null, false]");
  Gives("volume in [3, 10]", arrow::boolean(), "[true, true, null, false]");
  Gives("volume not in [3, 10]", arrow::boolean(), "[false, false, null, true]");
  Gives("side in [1, 1000]", arrow::boolean(), "[true, false, true, null]");
  Gives("volume in [3.0, 0.5]", arrow::boolean(), "[false, true, null, false]");
  Gives("symbol in ['A', 'btc']", arrow::boolean(), "[true, false, null, true]");
  Gives("symbol in []", arrow::boolean(), "[false, false, null, false]");
  Gives("is_in(symbol, ['A', null], 'match')", arrow::boolean(), "[true, false, true, false]");
  Gives("is_in(symbol, ['A'], 'skip')", arrow::boolean(), "[true, false, false, false]");
  Gives("if_else(side == 1, volume, -volume)", arrow::int64(), "[10, -3, null, null]");
  Gives("if_else(flag, price, 0)", arrow::float64(), "[1.5, 0, null, 4]");
  Gives("case_when(side == 1, 'buy', side == -1, 'sell', 'none')", arrow::utf8(), R"(["buy", "sell", "buy", "none"])");
  Gives("case_when(side == 1, price)", arrow::float64(), "[1.5, null, -2, null]");
}

TEST(BoundExpression, MissingValues) {
  Gives("price is null", arrow::boolean(), "[false, true, false, false]");
  Gives("venue is not null", arrow::boolean(), "[true, true, false, true]");
  Gives("fill_null(price, 0)", arrow::float64(), "[1.5, 0, -2, 4]");
  Gives("coalesce(venue, symbol, '?')", arrow::utf8(), R"(["X", "Y", "?", "X"])");
  Gives("is_nan(0 / (volume - 3))", arrow::boolean(), "[false, true, null, false]");
  Gives("is_finite(price / 0)", arrow::boolean(), "[false, null, false, false]");
}

TEST(BoundExpression, TypesAndText) {
  Gives("cast(volume, 'string')", arrow::utf8(), R"(["10", "3", null, "-7"])");
  Gives("cast(trunc(price), 'int64')", arrow::int64(), "[1, null, -2, 4]");
  Gives("cast(big, 'float64')", arrow::float64(), "[1, 2, 9223372036854775808, 4]");
  Gives("cast(venue, 'string')", arrow::utf8(), R"(["X", "Y", null, "X"])");
  Gives("upper(symbol)", arrow::utf8(), R"(["A", "B", null, "BTC"])");
  Gives("lower(venue)", arrow::utf8(), R"(["x", "y", null, "x"])");
  Gives("length(symbol)", arrow::int32(), "[1, 1, null, 3]");
  Gives("starts_with(symbol, 'b')", arrow::boolean(), "[false, false, null, true]");
  Gives("starts_with(symbol, 'b', ignore_case=true)", arrow::boolean(), "[false, true, null, true]");
  Gives("ends_with(symbol, 'c')", arrow::boolean(), "[false, false, null, true]");
  Gives("contains(symbol, 'tc')", arrow::boolean(), "[false, false, null, true]");
  Gives("replace(symbol, 'b', 'xx')", arrow::utf8(), R"(["A", "B", null, "xxtc"])");
  Gives("slice(symbol, 1)", arrow::utf8(), R"(["", "", null, "tc"])");
  Gives("slice(symbol, -2, -1)", arrow::utf8(), R"(["", "", null, "t"])");
  Gives("concat(symbol, '-', venue)", arrow::utf8(), R"(["A-X", "B-Y", null, "btc-X"])");
  Gives("trim(' a ')", arrow::utf8(), R"(["a", "a", "a", "a"])");
}

TEST(BoundExpression, Times) {
  Gives("timestamp >= timestamp('2024-01-01T00:00:00Z')", arrow::boolean(), "[false, false, true, null]");
  Gives("time >= timestamp('2024-01-01T00:00:00')", arrow::boolean(), "[false, false, true, null]");
  Gives("timestamp + duration('5s')", arrow::int64(), "[5000000000, 6000000000, 1704101405123456789, null]");
  Gives("time - time", arrow::duration(arrow::TimeUnit::MICRO), "[0, 0, 0, null]");
  Gives("(timestamp - time) / duration('1ns')", arrow::float64(), "[0, 0, 789, null]");
  Gives("(time + duration('90s') - time) == duration('90s')", arrow::boolean(), "[true, true, true, null]");
  Gives("duration('90s') / duration('1m')", arrow::float64(), "[1.5, 1.5, 1.5, 1.5]");
  Gives("year(timestamp)", arrow::int64(), "[1970, 1970, 2024, null]");
  Gives("hour(time)", arrow::int64(), "[0, 0, 9, null]");
  Gives("minute(time)", arrow::int64(), "[0, 0, 30, null]");
  Gives("weekday(timestamp)", arrow::int64(), "[3, 3, 0, null]");
  Gives("nanosecond(timestamp)", arrow::int64(), "[0, 0, 789, null]");
  Gives("floor_temporal(time, 1, 'hour') == timestamp('2024-01-01T09:00:00Z')", arrow::boolean(),
        "[false, false, true, null]");
}

// --- Dictionaries. ---

TEST(Dictionaries, GiveWhatPlainStringsGive) {
  const auto dictionary =
      FromJson(arrow::dictionary(arrow::int32(), arrow::utf8()), R"(["A", "B", null, "btc", "B", "", "A"])");
  const auto encoded =
      Batch({{"s", dictionary}, {"t", dictionary}, {"n", FromJson(arrow::int64(), "[1,2,3,4,5,6,7]")}});
  const auto decoded_array = arrow::compute::Cast(*dictionary, arrow::utf8()).ValueOrDie();
  const auto plain = Batch({{"s", decoded_array}, {"t", decoded_array}, {"n", encoded->column(2)}});
  for (const char* text : {"s == 'B'",
                           "'B' != s",
                           "s < 'B'",
                           "s in ['A', 'btc']",
                           "s not in ['A']",
                           "is_in(s, ['A', null], 'match')",
                           "contains(lower(s), 'b')",
                           "s == 'A' or s == 'B'",
                           "s == 'A' or true",
                           "s == 'A' and n > 2",
                           "s == t",
                           "s is null",
                           "fill_null(s, 'x')",
                           "if_else(s == 'A', s, t)",
                           "length(s) + n",
                           "concat(s, t)",
                           "s == null",
                           "upper(s) == 'BTC' or n == 2",
                           "not (s == 'A')",
                           "cast(s, 'string')",
                           "s == 'A' or null",
                           "case_when(s == 'A', 1, 2)",
                           "greatest(s, 'B')"}) {
    EXPECT_TRUE(SameBits(*RunOn(text, *encoded), *RunOn(text, *plain))) << text;
    EXPECT_TRUE(SameBits(*RunOn(text, *encoded->Slice(2, 3)), *RunOn(text, *plain->Slice(2, 3)))) << text;
  }
}

TEST(Dictionaries, MayChangeFromBatchToBatchAndHoldNulls) {
  const auto type = arrow::dictionary(arrow::int8(), arrow::utf8());
  const auto with = [&](const std::string& entries, const std::string& indices) {
    return Batch({{"s", arrow::DictionaryArray::FromArrays(type, FromJson(arrow::int8(), indices),
                                                           FromJson(arrow::utf8(), entries))
                            .ValueOrDie()}});
  };
  const auto first = with(R"(["A", "B", null])", "[0, 1, 2, null]"), second = with(R"(["B", "A"])", "[0, 1, 0, 1]");
  const auto bound =
      BoundExpression::Bind(*ParseExpression("s == 'A'").ValueOrDie(), *first->schema(), "").ValueOrDie();
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(bound.Run(*first).ValueOrDie()->Equals(FromJson(arrow::boolean(), "[true, false, null, null]")));
    EXPECT_TRUE(bound.Run(*second).ValueOrDie()->Equals(FromJson(arrow::boolean(), "[false, true, false, true]")));
  }
}

TEST(Dictionaries, OfEveryIndexTypeAndLength) {
  for (const auto& index : {arrow::int8(), arrow::uint8(), arrow::int16(), arrow::uint16(), arrow::int32(),
                            arrow::uint32(), arrow::int64(), arrow::uint64()}) {
    std::string indices;
    for (int row = 0; row < 200; ++row) indices += (row == 0 ? "" : ", ") + std::to_string(row * 7 % 3);
    const auto dictionary = arrow::DictionaryArray::FromArrays(arrow::dictionary(index, arrow::utf8()),
                                                               FromJson(index, "[" + indices + "]"),
                                                               FromJson(arrow::utf8(), R"(["A", "B", "C"])"))
                                .ValueOrDie();
    const auto batch = Batch({{"s", dictionary}});
    for (const int64_t begin : {0, 1, 63, 64, 130}) {
      for (const int64_t length : {0, 1, 63, 64, 65, 70}) {
        const auto found = RunOn("s == 'B'", *batch->Slice(begin, length));
        for (int64_t row = 0; row < length; ++row) {
          ASSERT_EQ(static_cast<const arrow::BooleanArray&>(*found).Value(row), (begin + row) * 7 % 3 == 1);
        }
      }
    }
  }
}

TEST(Dictionaries, OfAnEntryThatNoRowHasCannotFail) {
  const auto type = arrow::dictionary(arrow::int8(), arrow::utf8());
  const auto batch = Batch({{"s", arrow::DictionaryArray::FromArrays(type, FromJson(arrow::int8(), "[1, 1]"),
                                                                     FromJson(arrow::utf8(), R"(["x", "5"])"))
                                      .ValueOrDie()}});
  EXPECT_TRUE(RunOn("cast(s, 'int64') + 1", *batch)->Equals(FromJson(arrow::int64(), "[6, 6]")));
}

TEST(BoundExpression, IsSharedByThreads) {
  const auto batch = Trades();
  const auto bound = BoundExpression::Bind(
                         *ParseExpression("venue == 'X' and ln(price + 5) > 0 and symbol in ['A', 'B']").ValueOrDie(),
                         *batch->schema(), "")
                         .ValueOrDie();
  const auto expected = bound.Run(*batch).ValueOrDie();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([copy = bound, &batch, &expected] {
      for (int round = 0; round < 200; ++round) EXPECT_TRUE(copy.Run(*batch).ValueOrDie()->Equals(expected));
    });
  }
  for (auto& thread : threads) thread.join();
}

// --- The same bits. ---

struct MathCase {
  const char* text;
  double (*of)(double x, double y);
};
const MathCase kMathCases[] = {
    {"ln(x)", [](double x, double) { return math::Log(x); }},
    {"log2(x)", [](double x, double) { return math::Log2(x); }},
    {"log10(x)", [](double x, double) { return math::Log10(x); }},
    {"log1p(x)", [](double x, double) { return math::Log1p(x); }},
    {"exp(x)", [](double x, double) { return math::Exp(x); }},
    {"expm1(x)", [](double x, double) { return math::Expm1(x); }},
    {"erfc(x)", [](double x, double) { return math::Erfc(x); }},
    {"x ** y", [](double x, double y) { return math::Pow(x, y); }},
    {"x ** 1.5", [](double x, double) { return math::Pow(x, 1.5); }},
    {"2 ** y", [](double, double y) { return math::Pow(2, y); }},
};

TEST(SameBits, MathematicsIsOursHoweverABatchIsCutAndOnEveryInstructionSet) {
  std::mt19937_64 random(7);
  arrow::DoubleBuilder x, y;
  for (int row = 0; row < 1003; ++row) {
    const auto draw = [&] {
      return row % 17 == 0 ? std::bit_cast<double>(random()) : static_cast<double>(random() % 4000) / 100 - 10;
    };
    if (row % 11 == 3) {
      ASSERT_TRUE(x.AppendNull().ok());
    } else {
      ASSERT_TRUE(x.Append(draw()).ok());
    }
    ASSERT_TRUE(y.Append(draw()).ok());
  }
  const auto batch = Batch({{"x", x.Finish().ValueOrDie()}, {"y", y.Finish().ValueOrDie()}});
  const auto& xs = static_cast<const arrow::DoubleArray&>(*batch->column(0));
  const auto& ys = static_cast<const arrow::DoubleArray&>(*batch->column(1));
  for (const auto& [text, of] : kMathCases) {
    const auto whole = RunOn(text, *batch);
    const auto& found = static_cast<const arrow::DoubleArray&>(*whole);
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      const bool null = xs.IsNull(row) && std::string_view(text).find('x') != std::string_view::npos && text[0] != '2';
      ASSERT_EQ(found.IsNull(row), null) << text;
      if (null) continue;
      const double expected =
          of(xs.Value(row), ys.Value(row));  // One by one, by the plain C form: any instruction set.
      ASSERT_EQ(std::bit_cast<uint64_t>(found.Value(row)), std::bit_cast<uint64_t>(expected)) << text << " row " << row;
    }
    for (const int64_t cut : {1, 64, 777}) {
      const auto parts = arrow::Concatenate({RunOn(text, *batch->Slice(0, cut)), RunOn(text, *batch->Slice(cut))});
      EXPECT_TRUE(SameBits(*parts.ValueOrDie(), *whole)) << text;
    }
  }
}

TEST(SameBits, ThereIsOneNan) {
  const double other = std::bit_cast<double>(uint64_t{0xFFF8000000000123});
  arrow::DoubleBuilder values;
  ASSERT_TRUE(values.AppendValues({other, 0.0, 1.0}).ok());
  const auto batch = Batch({{"x", values.Finish().ValueOrDie()}});
  for (const char* text :
       {"x + 1", "0 / x", "-x", "if_else(true, x, x + 1)", "x ** 2", "abs(x)", "fill_null(x, 0.0)"}) {
    const auto array = RunOn(text, *batch);
    for (int64_t row = 0; row < 3; ++row) {
      const double value = static_cast<const arrow::DoubleArray&>(*array).Value(row);
      const uint64_t bits = std::bit_cast<uint64_t>(value);
      EXPECT_TRUE(!std::isnan(value) || bits == uint64_t{0x7FF8000000000000}) << text << ": " << std::hex << bits;
    }
  }
}

TEST(SameBits, NoFunctionOfTheCLibraryIsAllowed) {
  // What Arrow computes with it.
  for (const auto& function : ExpressionFunctions()) {
    for (const char* name :
         {"ln",  "log10", "log2", "log1p", "logb", "exp",   "expm1", "power", "power_checked", "sin",
          "cos", "tan",   "asin", "acos",  "atan", "atan2", "sinh",  "cosh",  "tanh",          "ln_checked"}) {
      EXPECT_NE(function.computed_by, name) << function.name;
    }
  }
  EXPECT_FALSE(arrow::compute::GetFunctionRegistry()->GetFunction("sabot.ln").ok());
}

}  // namespace
}  // namespace sabot::operators
