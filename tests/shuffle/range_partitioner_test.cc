#include "sabot/shuffle/range_partitioner.h"

#include <arrow/compute/initialize.h>

#include <cmath>

#include "tests/shuffle/split_rows.h"

namespace sabot::shuffle {
namespace {

using data::ErrorKind;

class Range : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(arrow::compute::Initialize().ok()); }  // For casts.

  static arrow::Result<std::unique_ptr<RangePartitioner>> Make(const ArrayPtr& column, const ArrayPtr& bounds) {
    return RangePartitioner::Make(*BatchOf({column}).rows->schema(), "c0", *bounds,
                                  static_cast<int>(bounds->length()) + 1);
  }
  static RowLists Split(const ArrayPtr& column, const ArrayPtr& bounds) {
    return Partition(*Make(column, bounds).ValueOrDie(), BatchOf({column}));
  }
};

TEST_F(Range, RefusesBoundsThatAreNone) {
  const ArrayPtr values = Of(arrow::int64(), "[1]");
  ExpectError(Make(values, Of(arrow::int64(), "[3, 5, 5]")).status(), ErrorKind::kOption,
              "range partitioner: bound 2, 5, is not above the one before it, 5. Sort the bounds.");
  ExpectError(Make(values, Of(arrow::int64(), "[3, null]")).status(), ErrorKind::kOption,
              "range partitioner: a bound is null. Give a value for each bound.");
  ExpectError(Make(Of(arrow::float64(), "[1]"), Of(arrow::float64(), "[3, NaN]")).status(), ErrorKind::kOption,
              "range partitioner: a bound is NaN, which has no place in an order.");
  EXPECT_EQ(data::KindOf(Make(values, Of(arrow::float64(), "[0.5]")).status()), ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(Make(values, Of(arrow::utf8(), R"(["x"])")).status()), ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(Make(Of(arrow::int8(), "[1]"), Of(arrow::int64(), "[1000]")).status()), ErrorKind::kOption);
  const auto schema = BatchOf({values}).rows->schema();
  ExpectError(RangePartitioner::Make(*schema, "c0", *Of(arrow::int64(), "[3]"), 3).status(), ErrorKind::kOption,
              "range partitioner: 3 partitions have 2 bounds between them, found 1.");
  ExpectError(RangePartitioner::Make(*schema, "c0", *Of(arrow::int64(), "[]"), 0).status(), ErrorKind::kOption,
              "shuffle: the number of partitions must be in [1, 32768], found 0.");
}

TEST_F(Range, RefusesColumnsWithoutOrder) {
  const auto schema =
      arrow::schema({arrow::field("price", arrow::float64()), arrow::field("book", arrow::list(arrow::float64())),
                     arrow::field("twice", arrow::int8()), arrow::field("twice", arrow::int8())});
  const auto error = [&](const std::string& column) {
    return RangePartitioner::Make(*schema, column, *Of(arrow::float64(), "[]"), 1).status();
  };
  ExpectError(error("pric"), ErrorKind::kSchema,
              "range partitioner: column 'pric' is missing. Nearest names: 'price'.");
  ExpectError(error("twice"), ErrorKind::kSchema,
              "range partitioner: column 'twice' exists 2 times. Rename all but one of them.");
  ExpectError(error("book"), ErrorKind::kSchema,
              "range partitioner: column 'book' has type list<item: double>; ranges are those of integers, float32, "
              "float64, dates, times, durations, text, binary, or a dictionary of these. Cast it at its source.");
}

TEST_F(Range, RefusesABatchOfAnotherSchemaAndABadDictionary) {
  const auto partitioner = Make(Of(arrow::int64(), "[]"), Of(arrow::int64(), "[3]")).ValueOrDie();
  ExpectError(partitioner->Partition(BatchOf({Of(arrow::int32(), "[1]")})).status(), ErrorKind::kSchema,
              "range partitioner: column 'c0': a batch has another schema than the stream it belongs to.");
  const ArrayPtr bad = Dictionary("[0, null, 2]", Of(arrow::utf8(), R"(["A", "B"])"));
  ExpectError(Make(bad, Of(arrow::utf8(), R"(["B"])")).ValueOrDie()->Partition(BatchOf({bad})).status(),
              ErrorKind::kData,
              "range partitioner: column 'c0', row 2: dictionary index 2 lies outside its dictionary of 2 entries. "
              "Validate the batch where it is made.");
}

TEST_F(Range, ABoundBelongsToTheRangeAboveIt) {
  EXPECT_EQ(Split(Of(arrow::int32(), "[-5, 10, 9, 20, 19, 30, null, 99]"), Of(arrow::int64(), "[10, 20, 30]")),
            (RowLists{{0, 2}, {1, 4}, {3}, {5, 6, 7}}));
  EXPECT_EQ(Split(Of(arrow::uint64(), "[0, 18446744073709551615]"), Of(arrow::uint64(), "[18446744073709551615]")),
            (RowLists{{0}, {1}}));
}

TEST_F(Range, WithoutBoundsAllIsOneRange) {
  const auto batch = BatchOf({Of(arrow::int32(), "[1, null]")});
  const auto partitioner = Make(batch.rows->column(0), Of(arrow::int32(), "[]")).ValueOrDie();
  EXPECT_TRUE(partitioner->Partition(batch)->parts[0].all);
  EXPECT_EQ(Split(Of(arrow::int32(), "[]"), Of(arrow::int32(), "[1, 2]")), RowLists(3));
}

TEST_F(Range, NullAndNanStandLastAndThereIsOneZero) {
  EXPECT_EQ(Split(Of(arrow::float64(), "[NaN, null, -0.0, 0.0, -1, Inf, -Inf]"), Of(arrow::float64(), "[0, 1]")),
            (RowLists{{4, 6}, {2, 3}, {0, 1, 5}}));
  EXPECT_EQ(Split(Of(arrow::float32(), "[NaN, 2.5]"), Of(arrow::float64(), "[-0.0, 3]")), (RowLists{{}, {1}, {0}}));
}

TEST_F(Range, TextIsComparedByteByByte) {
  const RowLists expected = {{0, 2}, {1, 5}, {3, 4}};
  const std::string values = R"(["A", "M", "Lz", "b", null, "Z"])";
  const ArrayPtr bounds = Of(arrow::utf8(), R"(["M", "a"])");
  for (const auto& type : {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view(), arrow::binary()})
    EXPECT_EQ(Split(Of(type, values), bounds), expected) << type->ToString();
  EXPECT_EQ(Split(Dictionary("[3, 1, 4, 0, null, 2]", Of(arrow::utf8(), R"(["b", "M", "Z", "A", "Lz"])")), bounds),
            expected);
  EXPECT_EQ(Split(Dictionary("[0, 1]", Of(arrow::utf8(), R"([null, "A"])")), bounds), (RowLists{{1}, {}, {0}}));
}

TEST_F(Range, TimesTakeBoundsOfTheirOwnAndOtherTypes) {
  const ArrayPtr times = Of(arrow::timestamp(arrow::TimeUnit::NANO), R"(["2024-01-01", "2024-01-02", "2024-01-03"])");
  EXPECT_EQ(Split(times, Of(arrow::timestamp(arrow::TimeUnit::SECOND), R"(["2024-01-02"])")), (RowLists{{0}, {1, 2}}));
  EXPECT_EQ(Split(times, Of(arrow::utf8(), R"(["2024-01-03"])")), (RowLists{{0, 1}, {2}}));
  EXPECT_EQ(Split(times, Of(arrow::int64(), "[1704153600000000000]")), (RowLists{{0}, {1, 2}}));
}

TEST_F(Range, AgreesWithCountingTheBounds) {
  for (int bounds = 1; bounds < 40; ++bounds) {
    std::string json;
    for (int bound = 0; bound < bounds; ++bound) json += (bound == 0 ? "" : ", ") + std::to_string(bound * 3);
    std::string values;
    RowLists expected(static_cast<std::size_t>(bounds) + 1);
    for (int value = -2; value < bounds * 3 + 2; ++value) {
      values += (value == -2 ? "" : ", ") + std::to_string(value);
      const int below = value < 0 ? 0 : std::min(value / 3 + 1, bounds);
      expected[static_cast<std::size_t>(below)].push_back(value + 2);
    }
    ASSERT_EQ(Split(Of(arrow::int16(), "[" + values + "]"), Of(arrow::int32(), "[" + json + "]")), expected);
  }
}

}  // namespace
}  // namespace sabot::shuffle
