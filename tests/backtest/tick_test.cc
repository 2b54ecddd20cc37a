#include "sabot/backtest/tick.h"

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/backtest/tick_batches.h"

namespace sabot::backtest {
namespace {

std::shared_ptr<arrow::RecordBatch> Two() {
  return Batch({{1, 10.5, 3, TickType::kBid}, {2, 11.5, 4, TickType::kTrade, -1}}, true);
}

std::shared_ptr<arrow::RecordBatch> With(const std::string& name, const std::shared_ptr<arrow::Array>& column) {
  auto batch = Two();
  const int index = batch->schema()->GetFieldIndex(name);
  return batch->SetColumn(index, arrow::field(name, column->type()), column).ValueOrDie();
}

template <class Builder, class... Values>
std::shared_ptr<arrow::Array> Array(Values... values) {
  Builder builder;
  (void)(builder.Append(values).ok() && ...);
  return builder.Finish().ValueOrDie();
}

std::string ErrorOf(const std::shared_ptr<arrow::RecordBatch>& batch) {
  const auto ticks = Ticks::From(batch);
  return ticks.ok() ? "" : ticks.status().message();
}

TEST(Ticks, SayWhatIsWrongWithAColumn) {
  EXPECT_NE(ErrorOf(Two()->RemoveColumn(2).ValueOrDie()).find("'price'"), std::string::npos);
  EXPECT_NE(ErrorOf(With("price", Array<arrow::Int64Builder>(1, 2))).find("expected double"), std::string::npos);
  EXPECT_NE(ErrorOf(With("type", Array<arrow::Int64Builder>(1, 2))).find("expected utf8"), std::string::npos);
  EXPECT_NE(ErrorOf(With("side", Array<arrow::Int64Builder>(1, 2))).find("expected int8"), std::string::npos);
}

TEST(Ticks, SayWhichRowCannotBeUsed) {
  EXPECT_NE(ErrorOf(With("price", Array<arrow::DoubleBuilder>(1.0, HUGE_VAL))).find("row 1"), std::string::npos);
  EXPECT_NE(ErrorOf(With("price", Array<arrow::DoubleBuilder>(1.0, std::nan("")))).find("row 1"), std::string::npos);
  EXPECT_EQ(ErrorOf(With("price", Array<arrow::DoubleBuilder>(1.0, -2.0))),
            "ticks: row 1 has price -2.000000; expected a finite number above zero.");
  EXPECT_NE(ErrorOf(With("price", Array<arrow::DoubleBuilder>(0.0, 1.0))).find("row 0"), std::string::npos);
  EXPECT_NE(ErrorOf(With("volume", Array<arrow::DoubleBuilder>(-1.0, 1.0))).find("row 0"), std::string::npos);
  EXPECT_NE(ErrorOf(With("type", Array<arrow::StringBuilder>("bid", "offer"))).find("'offer'"), std::string::npos);
  EXPECT_NE(ErrorOf(With("side", Array<arrow::DoubleBuilder>(0.5, 1.0))).find("row 0"), std::string::npos);
  arrow::DoubleBuilder missing;
  ASSERT_TRUE(missing.Append(1).ok() && missing.AppendNull().ok());
  EXPECT_NE(ErrorOf(With("price", missing.Finish().ValueOrDie())).find("row 1"), std::string::npos);
}

TEST(Ticks, RowsCountFromWhereTheBatchBegins) {
  const auto error = [](const std::string& name, const std::shared_ptr<arrow::Array>& column) {
    return Ticks::From(With(name, column), 70).status().message();
  };
  EXPECT_NE(error("price", Array<arrow::DoubleBuilder>(1.0, HUGE_VAL)).find("row 71 has price inf"), std::string::npos);
  EXPECT_NE(error("type", Array<arrow::StringBuilder>("bid", "offer")).find("row 71 has type 'offer'"),
            std::string::npos);
  EXPECT_NE(error("type", Array<arrow::StringDictionary32Builder>("offer", "bid")).find("row 70 has type 'offer'"),
            std::string::npos);
  EXPECT_NE(error("side", Array<arrow::DoubleBuilder>(1.0, 0.5)).find("row 71 has side"), std::string::npos);
  arrow::StringBuilder missing;
  ASSERT_TRUE(missing.Append("bid").ok() && missing.AppendNull().ok());
  EXPECT_NE(error("type", missing.Finish().ValueOrDie()).find("row 71 has no type"), std::string::npos);
  const auto late = Ticks::From(Batch({{1, 10.5, 3}, {std::numeric_limits<int64_t>::max(), 10.5, 3}}), 70);
  EXPECT_NE(late.status().message().find("row 71 has timestamp"), std::string::npos) << late.status();
}

TEST(Ticks, SayWhichTimeIsOutOfAllBounds) {
  for (const int64_t time : {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    EXPECT_NE(ErrorOf(Batch({{time, 10.5, 3, TickType::kBid}})).find(std::to_string(time)), std::string::npos);
  }
}

TEST(Ticks, AreReadInPlace) {
  const auto ticks = Ticks::From(Two()).ValueOrDie();
  ASSERT_EQ(ticks.size(), 2);
  EXPECT_TRUE(ticks.has_sides());
  EXPECT_EQ(ticks[0].type, TickType::kBid);
  EXPECT_EQ(ticks[0].side, 0);
  EXPECT_EQ(ticks[1].side, -1);
  EXPECT_EQ(ticks[1].price, 11.5);
  EXPECT_EQ(ticks[1].volume, 4);
  EXPECT_EQ(Ticks::From(With("type", Array<arrow::StringBuilder>("ask", "trade"))).ValueOrDie()[0].type,
            TickType::kAsk);
}

}  // namespace
}  // namespace sabot::backtest
