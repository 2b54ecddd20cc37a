#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "sabot/backtest/csv_line_internal.h"

namespace sabot::backtest::internal {
namespace {

std::string Time(int64_t timestamp) { return CsvLines().Time(timestamp).text(); }
std::string Number(double value) { return CsvLines().Number(value).text(); }
std::string Text(const std::string& text) { return CsvLines().Text(text).text(); }

TEST(CsvLines, WhatIsMissingIsEmpty) {
  CsvLines lines;
  lines.Empty().Number(std::nan("")).Number(std::numeric_limits<double>::infinity()).Integer(-7).Empty().End();
  lines.Integer(0).End();
  EXPECT_EQ(lines.text(), ",,,-7,\n0\n");
}

TEST(CsvLines, TextIsOneLineAndQuotedWhereItMustBe) {
  EXPECT_EQ(Text("plain text"), "plain text");
  EXPECT_EQ(Text("a, b"), "\"a, b\"");
  EXPECT_EQ(Text("say \"no\"\nor\r\nyes"), "\"say \"\"no\"\" or  yes\"");
}

TEST(CsvLines, TimesHaveNineDigits) {
  EXPECT_EQ(Time(0), "1970-01-01T00:00:00.000000000");
  EXPECT_EQ(Time(-1), "1969-12-31T23:59:59.999999999");
  EXPECT_EQ(Time(1'723'109'400'000'000'005), "2024-08-08T09:30:00.000000005");
  EXPECT_EQ(Time(1'709'251'199'123'456'789), "2024-02-29T23:59:59.123456789");
  EXPECT_EQ(Time(std::numeric_limits<int64_t>::max()), "2262-04-11T23:47:16.854775807");
  EXPECT_EQ(Time(std::numeric_limits<int64_t>::min()), "1677-09-21T00:12:43.145224192");
}

TEST(CsvLines, NumbersAreTheShortestThatReadBackEqual) {
  EXPECT_EQ(Number(50000), "50000");
  EXPECT_EQ(Number(0.2), "0.2");
  EXPECT_EQ(Number(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(Number(1e20), "1e+20");
  EXPECT_EQ(Number(-2.5), "-2.5");
  EXPECT_EQ(Number(5e-324), "5e-324");
}

}  // namespace
}  // namespace sabot::backtest::internal
