#include "sabot/kernels/extremes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sabot/kernels/rolling.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

// Equal, and zeros of the same sign.
bool Same(double left, double right) { return left == right && std::signbit(left) == std::signbit(right); }

class Extremes : public testing::TestWithParam<int64_t> {};

INSTANTIATE_TEST_SUITE_P(Windows, Extremes, testing::Values(1, 2, 3, 20, 100), testing::PrintToStringParamName());

// Small integers of either sign: many ties, and zeros of both signs.
std::vector<double> Ties(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> values(3000);
  for (std::size_t row = 0; row < values.size(); ++row) {
    values[row] = static_cast<double>(random() % 3) * (random() % 2 == 0 ? -1 : 1);
    if (row / 200 % 3 == 1) values[row] = std::abs(values[row]) * (random() % 8 == 0 ? -0.0 : 1);
    if (row / 200 % 3 == 2) values[row] = -std::abs(values[row]);
  }
  return values;
}

TEST_P(Extremes, AreThoseOfTheWindowAndTheNewestOfEqualOnes) {
  const auto highs = Ties(1), lows = Ties(2);
  std::vector<double> least_ring(static_cast<std::size_t>(TwoStack<Least>::Cells(GetParam(), GetParam())));
  std::vector<double> greatest_ring(static_cast<std::size_t>(TwoStack<Greatest>::Cells(GetParam(), GetParam())));
  std::vector<double> both_ring(static_cast<std::size_t>(TwoStack<HighLow>::Cells(GetParam(), GetParam())));
  TwoStack<Least>::Counters least;
  TwoStack<Greatest>::Counters greatest;
  TwoStack<HighLow>::Counters both;
  for (std::size_t row = 0; row < highs.size(); ++row) {
    double high = highs[row], low = lows[row];
    const auto last_highs = WindowAt(highs, row, GetParam()), last_lows = WindowAt(lows, row, GetParam());
    for (std::size_t back = last_highs.size(); back-- > 0;) {  // From the newest on: an equal one does not replace it.
      if (last_highs[back] > high) high = last_highs[back];
      if (last_lows[back] < low) low = last_lows[back];
    }
    ASSERT_TRUE(Same(TwoStack<Greatest>::Push(greatest, greatest_ring, GetParam(), 0, highs[row]).value, high)) << row;
    ASSERT_TRUE(Same(TwoStack<Least>::Push(least, least_ring, GetParam(), 0, lows[row]).value, low)) << row;
    const auto range = TwoStack<HighLow>::Push(both, both_ring, GetParam(), 0, {highs[row], lows[row]});
    ASSERT_TRUE(Same(range.high, high) && Same(range.low, low)) << row;
  }
}

TEST(Extremes, OfNothingYieldToAnyValue) {
  EXPECT_EQ(Least::Merge(Least::Node{}, 0, {1e308}, 1).value, 1e308);
  EXPECT_EQ(Least::Merge({1e308}, 1, Least::Node{}, 0).value, 1e308);
  EXPECT_EQ(Greatest::Merge(Greatest::Node{}, 0, {-1e308}, 1).value, -1e308);
  EXPECT_EQ(Greatest::Merge({-1e308}, 1, Greatest::Node{}, 0).value, -1e308);
}

}  // namespace
}  // namespace sabot::kernels
