#include "sabot/backtest/tick_types.h"

#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "sabot/data/errors.h"
#include "tests/backtest/tick_batches.h"

namespace sabot::backtest {
namespace {

using arrow::TimeUnit;

std::shared_ptr<arrow::RecordBatch> Two() {
  return Batch({{1'000'000'000, 10.5, 3, TickType::kBid}, {2'000'000'000, 11.5, 4, TickType::kTrade, -1}}, true);
}

std::shared_ptr<arrow::RecordBatch> With(const std::string& name, const std::shared_ptr<arrow::Array>& column) {
  const auto batch = Two();
  const int index = batch->schema()->GetFieldIndex(name);
  return batch->SetColumn(index, arrow::field(name, column->type()), column).ValueOrDie();
}

std::shared_ptr<arrow::Array> Times(int64_t second, const std::shared_ptr<arrow::DataType>& type) {
  arrow::TimestampBuilder times(type, arrow::default_memory_pool());
  EXPECT_TRUE(times.Append(1).ok() && times.Append(second).ok());
  return times.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> Cast(const std::shared_ptr<arrow::Array>& column,
                                   const std::shared_ptr<arrow::DataType>& type) {
  return arrow::compute::Cast(*column, type).ValueOrDie();
}

arrow::Status ErrorOf(const std::string& name, const std::shared_ptr<arrow::Array>& column) {
  return ReadableTicks(With(name, column)).status();
}

TEST(ReadableTicks, RefuseAValueThatWouldBeAnother) {
  arrow::Int64Builder large;
  ASSERT_TRUE(large.Append(1).ok() && large.Append((int64_t{1} << 53) + 1).ok());
  const auto number = ErrorOf("price", large.Finish().ValueOrDie());
  EXPECT_EQ(data::KindOf(number), data::ErrorKind::kData);
  EXPECT_NE(number.message().find("column 'price' is int64; read as double a value would change"), std::string::npos);

  const auto late = ErrorOf("timestamp", Times(int64_t{1} << 40, arrow::timestamp(TimeUnit::SECOND)));
  EXPECT_EQ(data::KindOf(late), data::ErrorKind::kData);
  EXPECT_NE(late.message().find("column 'timestamp' is timestamp[s]"), std::string::npos);
}

TEST(ReadableTicks, RefuseTheTimeOfAZone) {
  const auto zoned = ErrorOf("timestamp", Times(2, arrow::timestamp(TimeUnit::SECOND, "Asia/Dubai")));
  EXPECT_EQ(data::KindOf(zoned), data::ErrorKind::kSchema);
  EXPECT_NE(zoned.message().find("tz=Asia/Dubai]; expected no time zone, or UTC"), std::string::npos);
}

TEST(ReadableTicks, LeaveWhatHasItsTypeAndWhatCannotHaveIt) {
  const auto ticks = Two();
  EXPECT_EQ(ReadableTicks(ticks).ValueOrDie()->column(2), ticks->column(2));
  const auto texts = With("price", Cast(ticks->column(2), arrow::utf8()));
  EXPECT_EQ(ReadableTicks(texts).ValueOrDie(), texts);
}

TEST(ReadableTicks, ReadTimesOfAnyUnit) {
  const auto expected = Two()->column(0);
  for (const std::string zone : {"", "UTC", "+00:00"}) {
    for (const auto unit : {TimeUnit::SECOND, TimeUnit::MILLI, TimeUnit::MICRO, TimeUnit::NANO}) {
      const auto given = Cast(expected, arrow::timestamp(unit))->View(arrow::timestamp(unit, zone)).ValueOrDie();
      const auto read = ReadableTicks(With("timestamp", given)).ValueOrDie();
      EXPECT_TRUE(read->column(0)->Equals(expected)) << given->type()->ToString();
    }
  }
}

TEST(ReadableTicks, ReadTextsAndNumbersOfAnyWidth) {
  const auto ticks = Two();
  const auto texts = Cast(ticks->column(1), arrow::utf8());
  for (const auto& type : {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view()}) {
    const auto read = ReadableTicks(With("type", Cast(texts, type))).ValueOrDie();
    EXPECT_TRUE(read->column(1)->Equals(texts)) << type->ToString();
    arrow::UInt64Builder indices;
    ASSERT_TRUE(indices.Append(0).ok() && indices.Append(1).ok());
    const auto dictionary =
        arrow::DictionaryArray::FromArrays(indices.Finish().ValueOrDie(), Cast(texts, type)).ValueOrDie();
    const auto encoded = ReadableTicks(With("type", dictionary)).ValueOrDie();
    EXPECT_EQ(Ticks::From(encoded).ValueOrDie()[1].type, TickType::kTrade) << type->ToString();
  }
  for (const auto& type : {arrow::int8(), arrow::uint64(), arrow::float32()}) {
    const auto read = ReadableTicks(With("volume", Cast(ticks->column(3), type))).ValueOrDie();
    EXPECT_TRUE(read->column(3)->Equals(ticks->column(3))) << type->ToString();
  }
  for (const auto& type : {arrow::int8(), arrow::int64(), arrow::float32(), arrow::float64()}) {
    const auto read = ReadableTicks(With("side", Cast(ticks->column(4), type))).ValueOrDie();
    EXPECT_EQ(Ticks::From(read).ValueOrDie()[1].side, -1) << type->ToString();
  }
}

}  // namespace
}  // namespace sabot::backtest
