#include "sabot/engine/diff.h"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "sabot/data/errors.h"

namespace sabot::engine {
namespace {

using Fields = std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>;

std::shared_ptr<arrow::Array> Json(const std::shared_ptr<arrow::DataType>& type, const std::string& values) {
  return arrow::json::ArrayFromJSONString(type, values).ValueOrDie();
}
std::shared_ptr<arrow::Array> Doubles(const std::vector<double>& values) {
  arrow::DoubleBuilder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Table> Table(const Fields& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  return arrow::Table::Make(arrow::schema(fields), arrays);
}

arrow::Result<DiffResult> Compare(const std::shared_ptr<arrow::Table>& left, const std::shared_ptr<arrow::Table>& right,
                                  const DiffOptions& options = {}, int64_t left_rows = 100, int64_t right_rows = 100) {
  arrow::TableBatchReader a(left), b(right);
  a.set_chunksize(left_rows);
  b.set_chunksize(right_rows);
  return Diff(a, b, options);
}

ColumnDiff OnlyColumn(const DiffResult& result) {
  EXPECT_EQ(result.columns.size(), 1U);
  return result.columns.empty() ? ColumnDiff() : result.columns[0];
}

TEST(Diff, RefusesWhatCannotBeMatched) {
  const auto table = Table({{"price", Doubles({1})}});
  const auto twice = Table({{"price", Doubles({1})}, {"price", Doubles({1})}});
  const auto status = Compare(table, twice).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_EQ(status.message(), "diff: B has two columns called 'price', and columns are matched by name. Rename one.");
  EXPECT_EQ(Compare(table, table, {.by = "prices"}).status().message(),
            "diff: column 'prices', which by= names, is missing on both sides. Nearest names: 'price'.");
  EXPECT_TRUE(Compare(table, table).ValueOrDie().equal()) << "the default one may be missing";
}

TEST(Diff, PassesOnWhatAReaderRaises) {
  class Broken final : public arrow::RecordBatchReader {
   public:
    std::shared_ptr<arrow::Schema> schema() const override { return arrow::schema({}); }
    arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>*) override { return data::DataError("a damaged page"); }
  } broken;
  arrow::TableBatchReader right(Table({}));
  EXPECT_EQ(Diff(broken, right).status().message(), "a damaged page");
}

TEST(Diff, StopsWhenAsked) {
  class Stop final : public env::Interrupt {
    arrow::Status Check() override { return arrow::Status::Cancelled("interrupted"); }
  };
  arrow::TableBatchReader left(Table({})), right(Table({}));
  EXPECT_TRUE(Diff(left, right, {}, std::make_shared<Stop>()).status().IsCancelled());
}

TEST(Diff, NoRowsAreEqual) {
  const auto none = Table({{"symbol", Json(arrow::utf8(), "[]")}, {"price", Doubles({})}});
  const auto result = Compare(none, none).ValueOrDie();
  EXPECT_TRUE(result.equal());
  EXPECT_EQ(result.columns_compared, 2);
  EXPECT_EQ(result.rows_left, 0);
  EXPECT_TRUE(Compare(Table({}), Table({})).ValueOrDie().equal());
}

TEST(Diff, SaysWhatDiffersInTheSchemas) {
  const auto left = Table({{"a", Doubles({1})}, {"b", Json(arrow::int32(), "[1]")}, {"c", Doubles({1})}});
  const auto right = Table({{"b", Json(arrow::int64(), "[2]")}, {"a", Doubles({1})}, {"d", Doubles({1})}});
  const auto result = Compare(left, right).ValueOrDie();
  EXPECT_EQ(result.schema,
            (std::vector<std::string>{"column 'b' is int32 in A and int64 in B, so its values were not compared",
                                      "column 'c' is in A only", "column 'd' is in B only",
                                      "the columns are in another order"}));
  EXPECT_EQ(result.columns_compared, 1);
  EXPECT_TRUE(result.columns.empty());
  EXPECT_FALSE(result.equal());
}

TEST(Diff, CountsRowsThatOneSideLacks) {
  const auto left = Table({{"x", Doubles({1, 2, 3})}}), right = Table({{"x", Doubles({1, 2})}});
  for (const int64_t rows : {1, 2, 100}) {
    const auto result = Compare(left, right, {}, rows).ValueOrDie();
    EXPECT_EQ(std::pair(result.rows_left, result.rows_right), std::pair(int64_t{3}, int64_t{2}));
    EXPECT_TRUE(result.columns.empty());
    EXPECT_FALSE(result.equal());
    EXPECT_EQ(Compare(right, left, {}, rows).ValueOrDie().rows_right, 3);
  }
}

TEST(Diff, NamesTheFirstRowItsSymbolAndBothValues) {
  const auto symbols = Json(arrow::utf8(), R"(["A", "B", "A", "C"])");
  const auto left = Table({{"symbol", symbols}, {"x", Doubles({1, 2, 3, 4})}, {"y", Doubles({0, 0.1, 0, 0})}});
  const auto right =
      Table({{"symbol", symbols}, {"x", Doubles({1, 2, 3.5, 8})}, {"y", Doubles({0, 0.1 + 0x1p-56, 0, 0})}});
  for (const int64_t rows : {1, 2, 3, 100}) {
    for (const int64_t others : {1, 3, 100}) {
      const auto result = Compare(left, right, {}, rows, others).ValueOrDie();
      ASSERT_EQ(result.columns.size(), 2U);
      const auto &x = result.columns[0], &y = result.columns[1];
      EXPECT_EQ(result.first, 1U) << "y differs in an earlier row";
      EXPECT_EQ(std::tuple(x.column, x.values, x.first_row, x.key, x.left, x.right),
                std::tuple("x", 2, 2, "'A'", "3", "3.5"));
      EXPECT_EQ(x.max_difference, 4.0);
      EXPECT_EQ(std::tuple(y.column, y.values, y.first_row, y.key, y.left, y.right),
                std::tuple("y", 1, 1, "'B'", "0.1", "0.10000000000000002"));
      EXPECT_EQ(y.max_difference, 0x1p-56);
    }
  }
}

TEST(Diff, SaysBothSymbolsWhereTheyDiffer) {
  const auto left = Table({{"symbol", Json(arrow::utf8(), R"(["A"])")}});
  const auto right = Table({{"symbol", Json(arrow::utf8(), R"(["B"])")}});
  EXPECT_EQ(OnlyColumn(Compare(left, right).ValueOrDie()).key, "'A' in A, 'B' in B");
}

TEST(Diff, ZerosHaveSignsAndNullIsNoNumber) {
  const auto different = [](const std::string& left, const std::string& right) {
    const auto result =
        Compare(Table({{"x", Json(arrow::float64(), left)}}), Table({{"x", Json(arrow::float64(), right)}}))
            .ValueOrDie();
    return result.columns.empty() ? "" : result.columns[0].left + " " + result.columns[0].right;
  };
  EXPECT_EQ(different("[0.0]", "[-0.0]"), "0 -0");
  EXPECT_EQ(different("[null, 0.0]", "[null, null]"), "0 null");
  EXPECT_EQ(different("[NaN]", "[null]"), "nan null");
  EXPECT_EQ(different("[null, NaN, Inf]", "[null, NaN, Inf]"), "");
  EXPECT_EQ(different("[Inf]", "[-Inf]"), "inf -inf");
}

TEST(Diff, ANanEqualsAnyOtherUnlessTheirBitsAreAskedFor) {
  const auto left = Table({{"x", Doubles({std::bit_cast<double>(0x7ff8000000000000)})}});
  const auto right = Table({{"x", Doubles({std::bit_cast<double>(0x7ff8000000000001)})}});
  EXPECT_TRUE(Compare(left, right).ValueOrDie().equal());
  const auto column = OnlyColumn(Compare(left, right, {.nan_bits = true}).ValueOrDie());
  EXPECT_EQ(column.left, "nan (0x7ff8000000000000)");
  EXPECT_EQ(column.right, "nan (0x7ff8000000000001)");
  EXPECT_EQ(column.max_difference, std::nullopt);
  EXPECT_TRUE(Compare(left, left, {.nan_bits = true}).ValueOrDie().equal());
}

// Values beneath a null are nobody's.
TEST(Diff, DoesNotLookBeneathNulls) {
  const auto valid = arrow::Buffer::FromString(std::string(1, '\x01'));
  const auto make = [&](double hidden) {
    const auto values = Doubles({1, hidden});
    return Table(
        {{"x", arrow::MakeArray(arrow::ArrayData::Make(arrow::float64(), 2, {valid, values->data()->buffers[1]}))}});
  };
  EXPECT_TRUE(Compare(make(5), make(7)).ValueOrDie().equal());
}

TEST(Diff, StringsAreEqualByValue) {
  const std::string values = R"(["AAPL", null, "", "a longer symbol than fits in a view"])";
  const auto plain = Json(arrow::utf8(), values);
  const auto other = Json(arrow::utf8(), R"(["AAPL", null, "", "a longer symbol than fits in a vieW"])");
  const auto indices = Json(arrow::int8(), "[2, 1, 0, 3]");
  const auto dictionary = Json(arrow::utf8(), R"(["", null, "AAPL", "a longer symbol than fits in a view", "unused"])");
  const std::vector<std::shared_ptr<arrow::Array>> forms = {
      plain,
      Json(arrow::large_utf8(), values),
      Json(arrow::utf8_view(), values),
      arrow::DictionaryArray::FromArrays(indices, dictionary).ValueOrDie(),
      Json(arrow::dictionary(arrow::uint16(), arrow::large_utf8()), values),
  };
  for (const auto& left : forms) {
    for (const auto& right : forms) {
      const auto result = Compare(Table({{"symbol", left}}), Table({{"symbol", right}}), {}, 3, 100).ValueOrDie();
      EXPECT_TRUE(result.equal()) << left->type()->ToString() << " and " << right->type()->ToString();
    }
    const auto result = Compare(Table({{"symbol", left}}), Table({{"symbol", other}})).ValueOrDie();
    const auto column = OnlyColumn(result);
    EXPECT_EQ(std::pair(column.values, column.first_row), std::pair(int64_t{1}, int64_t{3}));
    EXPECT_EQ(column.right, "'a longer symbol than fits in a vieW'");
  }
}

TEST(Diff, ADictionaryMayChangeFromBatchToBatch) {
  const auto type = arrow::dictionary(arrow::int32(), arrow::utf8());
  const auto chunks = std::make_shared<arrow::ChunkedArray>(
      arrow::ArrayVector{Json(type, R"(["A", "B"])"), Json(type, R"(["B", "A", "C"])")});
  const auto left = arrow::Table::Make(arrow::schema({arrow::field("symbol", type)}), {chunks});
  EXPECT_TRUE(Compare(left, Table({{"symbol", Json(arrow::utf8(), R"(["A", "B", "B", "A", "C"])")}}), {}, 100, 1)
                  .ValueOrDie()
                  .equal());
}

TEST(Diff, EveryTypeIsCompared) {
  struct Case {
    std::shared_ptr<arrow::DataType> type;
    std::string left, right;
    std::optional<double> difference;
  };
  const auto ns = arrow::timestamp(arrow::TimeUnit::NANO);
  const std::vector<Case> cases = {
      {arrow::boolean(), "[true, true]", "[true, false]", std::nullopt},
      {arrow::int8(), "[1, -128]", "[1, 127]", 255},
      {arrow::uint8(), "[1, 0]", "[1, 255]", 255},
      {arrow::int16(), "[1, 2]", "[1, 4]", 2},
      {arrow::uint16(), "[1, 2]", "[1, 4]", 2},
      {arrow::int32(), "[1, 2]", "[1, 4]", 2},
      {arrow::uint32(), "[1, 2]", "[1, 4]", 2},
      {arrow::int64(), "[1, 9007199254740993]", "[1, 9007199254740992]", 1},
      {arrow::uint64(), "[1, 18446744073709551615]", "[1, 18446744073709551614]", 1},
      {arrow::float32(), "[1, 0.5]", "[1, 0.25]", 0.25},
      {ns, "[1, 1700000000000000000]", "[1, 1700000000000000001]", 1},
      {arrow::date32(), "[1, 2]", "[1, 3]", 1},
      {arrow::decimal128(10, 2), R"(["1.00", "2.00"])", R"(["1.00", "2.01"])", std::nullopt},
      {arrow::binary(), R"(["a", "b"])", R"(["a", "c"])", std::nullopt},
      {arrow::fixed_size_binary(2), R"(["aa", "bb"])", R"(["aa", "bc"])", std::nullopt},
      {arrow::list(arrow::float64()), "[[1], [1, 2]]", "[[1], [1]]", std::nullopt},
      {arrow::struct_({arrow::field("x", arrow::float64())}), R"([{"x": 1}, {"x": 0.0}])", R"([{"x": 1}, {"x": -0.0}])",
       std::nullopt},
      {arrow::dictionary(arrow::int8(), arrow::int64()), "[1, 2]", "[1, 5]", 3},
  };
  for (const Case& entry : cases) {
    const auto left = Json(entry.type, entry.left), right = Json(entry.type, entry.right);
    EXPECT_TRUE(Compare(Table({{"x", left}}), Table({{"x", Json(entry.type, entry.left)}}), {}, 1).ValueOrDie().equal())
        << entry.type->ToString();
    for (const int64_t rows : {1, 100}) {
      const auto column = OnlyColumn(Compare(Table({{"x", left}}), Table({{"x", right}}), {}, rows).ValueOrDie());
      EXPECT_EQ(std::pair(column.values, column.first_row), std::pair(int64_t{1}, int64_t{1}))
          << entry.type->ToString();
      EXPECT_EQ(column.max_difference, entry.difference) << entry.type->ToString();
      EXPECT_NE(column.left, column.right) << entry.type->ToString();
    }
  }
}

TEST(Diff, LongTextIsCut) {
  const auto left = Table({{"x", Json(arrow::utf8(), "[\"" + std::string(1000, 'a') + "\"]")}});
  const auto column = OnlyColumn(Compare(left, Table({{"x", Json(arrow::utf8(), R"(["b"])")}})).ValueOrDie());
  EXPECT_EQ(column.left, "'" + std::string(120, 'a') + "'... (1000 bytes)");
}

}  // namespace
}  // namespace sabot::engine
