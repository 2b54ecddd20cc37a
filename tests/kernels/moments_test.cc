#include "sabot/kernels/moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/two_pass.h"
#include "tests/kernels/window_probe.h"

namespace sabot::kernels {
namespace {

constexpr double kOutlier = 1e12;

double SkewOf(const Moments::Node& moments, double n) { return moments.m3 / n / std::pow(moments.m2 / n, 1.5); }
double KurtosisOf(const Moments::Node& moments, double n) { return moments.m4 / n / std::pow(moments.m2 / n, 2); }

long double WantedSkew(std::span<const double> values) {
  const auto n = static_cast<long double>(values.size());
  return PowerOfDeviationsOf(values, 3) / n / std::pow(PowerOfDeviationsOf(values, 2) / n, 1.5L);
}
long double WantedKurtosis(std::span<const double> values) {
  const auto n = static_cast<long double>(values.size());
  return PowerOfDeviationsOf(values, 4) / n / std::pow(PowerOfDeviationsOf(values, 2) / n, 2);
}

// Windows around powers of two; 600 is beyond what is tabulated.
class RollingMoments : public testing::TestWithParam<int64_t> {
 protected:
  int64_t window() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Windows, RollingMoments, testing::Values(3, 4, 20, 100, 600),
                         testing::PrintToStringParamName());

TEST(Moments, OfOneValueAreNone) {
  const auto node = MergedInTwo<Moments>({7}, 1);
  EXPECT_EQ(node.mean, 0);
  EXPECT_EQ(node.m2, 0);
  EXPECT_EQ(node.m3, 0);
  EXPECT_EQ(node.m4, 0);
}

TEST(Moments, DoNotDependOnWhereTheyAreMerged) {
  // Mean 4, deviations -3 -2 -1 0 6: powers sum to 50, 180, 1394.
  const std::vector<double> values = {1, 2, 3, 4, 10};
  for (std::size_t first = 0; first <= values.size(); ++first) {
    const auto node = MergedInTwo<Moments>(values, first);
    EXPECT_DOUBLE_EQ(node.mean + values[0], 4) << first;
    EXPECT_DOUBLE_EQ(node.m2, 50) << first;
    EXPECT_DOUBLE_EQ(node.m3, 180) << first;
    EXPECT_DOUBLE_EQ(node.m4, 1394) << first;
  }
}

TEST(Moments, AreTheSameByTableAndByFormula) {
  const auto& after = internal::kRatiosOfOne</*kAfter=*/true>;
  const auto count = static_cast<int64_t>(after.size());
  const std::vector<double> values = TickPrices(after.size() + 1, 5);
  for (const int64_t others : {count - 1, count}) {
    const auto rows = std::vector(values.begin(), values.begin() + others + 1);
    const auto one_after = MergedInTwo<Moments>(rows, static_cast<std::size_t>(others));
    const auto one_before = MergedInTwo<Moments>(rows, 1);
    EXPECT_NEAR(one_after.m4 / one_before.m4, 1, 1e-12) << others;
    EXPECT_NEAR(one_after.m4 / static_cast<double>(PowerOfDeviationsOf(rows, 4)), 1, 1e-12) << others;
  }
}

TEST_P(RollingMoments, ForgetOutliers) {
  // An outlier matters where it meets a rebuild: it stands in every place of the cycle in turn.
  WorstError error;
  const int64_t step = std::max<int64_t>(1, window() / 25);
  for (int64_t phase = 0; phase <= 2 * window(); phase += step) {
    auto prices = TickPrices(static_cast<std::size_t>(4 * window() + 10), 1 + static_cast<uint64_t>(phase));
    prices[static_cast<std::size_t>(phase)] = phase % 2 == 0 ? kOutlier : -kOutlier;
    WindowProbe<Moments> probe(window());
    for (std::size_t row = 0; row < prices.size(); ++row) {
      const auto moments = probe.Push(prices[row]);
      const auto last = WindowAt(prices, row, window());
      if (last.size() < 3 || CodeviationOf(last, last) == 0) continue;
      if (row % static_cast<std::size_t>(step) != 0) continue;
      const auto n = static_cast<double>(last.size());
      error.See(std::sqrt(moments.m2 / n), StdOf(last, 0), LargestOf(last));
      error.See(SkewOf(moments, n), WantedSkew(last), LargestOf(last));
      error.See(KurtosisOf(moments, n), WantedKurtosis(last), LargestOf(last));
    }
  }
  EXPECT_LE(error.worst(), 1);
}

TEST_P(RollingMoments, DoNotDriftOverAMillionRows) {
  constexpr std::size_t kRows = 1'000'000;
  auto prices = TickPrices(kRows, 3);
  for (std::size_t row = 500; row < kRows; row += 1'999) prices[row] = row % 2 == 0 ? kOutlier : -kOutlier;
  WindowProbe<Moments> probe(window());
  WorstError error;
  for (std::size_t row = 0; row < kRows; ++row) {
    const auto moments = probe.Push(prices[row]);
    if (row < 995'000 || row % 7 != 0) continue;
    const auto last = WindowAt(prices, row, window());
    if (CodeviationOf(last, last) == 0) continue;
    const auto n = static_cast<double>(window());
    error.See(SkewOf(moments, n), WantedSkew(last), LargestOf(last));
    error.See(KurtosisOf(moments, n), WantedKurtosis(last), LargestOf(last));
  }
  EXPECT_LE(error.worst(), 1);
}

TEST_P(RollingMoments, OfEqualValuesAreExactlyZero) {
  for (int64_t phase = 0; phase <= 2 * window(); phase += std::max<int64_t>(1, window() / 10)) {
    auto prices = TickPrices(static_cast<std::size_t>(4 * window() + 10), 2);
    prices[static_cast<std::size_t>(phase)] = kOutlier;
    std::fill(prices.begin() + phase + 1, prices.end(), 0.1);  // No binary fraction.
    WindowProbe<Moments> probe(window());
    for (std::size_t row = 0; row < prices.size(); ++row) {
      const auto moments = probe.Push(prices[row]);
      if (static_cast<int64_t>(row) < phase + window()) continue;
      ASSERT_EQ(moments.m2, 0.0) << row;
      ASSERT_EQ(moments.m3, 0.0) << row;
      ASSERT_EQ(moments.m4, 0.0) << row;
    }
  }
}

TEST(Moments, ForgetAnOverflow) {
  WindowProbe<Moments> probe(3);
  probe.Push(1);
  EXPECT_FALSE(std::isfinite(probe.Push(1e200).m4));
  probe.Push(1);
  probe.Push(2);
  EXPECT_EQ(probe.Push(3).m4, 2.0);
}

}  // namespace
}  // namespace sabot::kernels
