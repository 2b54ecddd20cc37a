#include "sabot/backtest/deflated_sharpe.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace sabot::backtest {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// --- what has no answer ---

TEST(MomentsOf, NeedTwoDifferentPeriods) {
  EXPECT_FALSE(MomentsOf({}));
  EXPECT_FALSE(MomentsOf(std::array{1.0}));
  EXPECT_FALSE(MomentsOf(std::array{0.1, 0.1, 0.1}));  // Their sum over 3 is not 0.1.
  EXPECT_FALSE(MomentsOf(std::array{1.0, kNaN}));
  EXPECT_FALSE(MomentsOf(std::array{1e200, -1e200}));  // Their squares are not finite.
}

TEST(ExpectedMaximumSharpe, NeedsATrialAndAVariance) {
  EXPECT_TRUE(std::isnan(ExpectedMaximumSharpe(1, 0)));
  EXPECT_TRUE(std::isnan(ExpectedMaximumSharpe(-1, 10)));
  EXPECT_TRUE(std::isnan(ExpectedMaximumSharpe(kNaN, 10)));
}

TEST(DeflatedSharpe, NeedsAStandardError) {
  // 1 - 4 x 0.5 + (1 - 1) / 4 x 0.25 = -1 under the root.
  EXPECT_FALSE(DeflatedSharpe({.periods = 100, .sharpe = 0.5, .skewness = 4, .kurtosis = 1}, 0.1, 10));
  EXPECT_FALSE(DeflatedSharpe({.periods = 1, .sharpe = 0.5, .skewness = 0, .kurtosis = 3}, 0.1, 10));
  EXPECT_FALSE(DeflatedSharpe({.periods = 100, .sharpe = 0.5, .skewness = 0, .kurtosis = 3}, 0.1, 0));
}

// --- edges ---

TEST(ExpectedMaximumSharpe, OfOneTrialIsNone) {
  EXPECT_EQ(ExpectedMaximumSharpe(4, 1), 0);
  EXPECT_EQ(ExpectedMaximumSharpe(0, 1000), 0);
}

TEST(VarianceOf, IsASamples) {
  EXPECT_EQ(VarianceOf({}), 0);
  EXPECT_EQ(VarianceOf(std::array{3.0}), 0);
  EXPECT_EQ(VarianceOf(std::array{1.0, 2.0, 6.0}), 7);  // (4 + 1 + 9) / 2.
}

// --- values ---

TEST(MomentsOf, FollowTheirDefinitions) {
  // Mean 2, deviations -1, -1, 2: squares 6, cubes 6, fourths 18.
  const auto moments = MomentsOf(std::array{1.0, 1.0, 4.0}).value();
  EXPECT_EQ(moments.periods, 3);
  EXPECT_DOUBLE_EQ(moments.sharpe, 2 / std::sqrt(3.0));
  EXPECT_DOUBLE_EQ(moments.skewness, 2 / (2 * std::sqrt(2.0)));
  EXPECT_DOUBLE_EQ(moments.kurtosis, 1.5);
}

// The numerical example of the paper: 100 trials whose annualised Sharpe ratios have variance 1/2, the best with 2.5
// over five years of 250 days, skewness -3, kurtosis 10; it prints 0.1132 and 0.9004, and 0.9505 for 46 trials, or for
// 88 if the returns were normal. More digits by scipy.stats.norm.
TEST(DeflatedSharpe, GivesThePapersExample) {
  const double variance = 0.5 / 250;
  const ProfitMoments best{.periods = 1250, .sharpe = 2.5 / std::sqrt(250), .skewness = -3, .kurtosis = 10};
  ProfitMoments normal = best;
  normal.skewness = 0;
  normal.kurtosis = 3;
  EXPECT_NEAR(ExpectedMaximumSharpe(variance, 100), 0.11317200186513214, 1e-15);
  EXPECT_NEAR(DeflatedSharpe(best, variance, 100).value(), 0.9003968344493903, 1e-14);
  EXPECT_NEAR(DeflatedSharpe(best, variance, 46).value(), 0.9505, 5e-5);
  EXPECT_NEAR(DeflatedSharpe(normal, variance, 88).value(), 0.9505, 5e-5);
}

TEST(DeflatedSharpe, FallsWithTrials) {
  const ProfitMoments moments{.periods = 250, .sharpe = 0.1, .skewness = 0.2, .kurtosis = 4};
  double before = 1;
  for (const int64_t trials : {1, 2, 10, 1'000, 1'000'000, 1'000'000'000}) {
    const double now = DeflatedSharpe(moments, 0.01, trials).value();
    EXPECT_LT(now, before);
    before = now;
  }
}

TEST(ProbabilisticSharpe, IsAHalfAtTheBenchmark) {
  EXPECT_EQ(ProbabilisticSharpe({.periods = 250, .sharpe = 0.1, .skewness = 1, .kurtosis = 5}, 0.1), 0.5);
}

}  // namespace
}  // namespace sabot::backtest
