#include "sabot/kernels/online_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(LogReturns, SkipPricesThatHaveNoLogarithm) {
  KernelProbe<LogReturns> log_returns;
  EXPECT_EQ(log_returns.Update({.price = 100}), std::nullopt);  // Nothing to compare with.
  EXPECT_EQ(log_returns.Update({.price = 0}), std::nullopt);
  EXPECT_EQ(log_returns.Update({.price = -5}), std::nullopt);
  EXPECT_NEAR(log_returns.Update({.price = 110}).value(), 0.09531017980432487, 1e-15);  // ln 1.1: it spans the two.
}

TEST(LogReturns, FollowTheDefinition) {
  KernelProbe<LogReturns> log_returns;
  log_returns.Update({.price = 100});
  EXPECT_DOUBLE_EQ(log_returns.Update({.price = 50}).value(), -0.69314718055994529);  // -ln 2
  EXPECT_EQ(log_returns.Update({.price = 50}), 0.0);
}

TEST(LogReturns, AreNullWhereTheRatioIsNoNumber) {
  KernelProbe<LogReturns> log_returns;
  log_returns.Update({.price = 1e-300});
  EXPECT_EQ(log_returns.Update({.price = 1e300}), std::nullopt);
  EXPECT_EQ(log_returns.Update({.price = 1e-300}), std::nullopt);
  EXPECT_EQ(log_returns.Update({.price = 1e-300}), 0.0);
}

TEST(Welford, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Welford>({.ddof = 2}), "welford_mean_var: option 'ddof' must be in [0, 1], found 2.");
  EXPECT_EQ(Refusal<Welford>({.ddof = -1}), "welford_mean_var: option 'ddof' must be in [0, 1], found -1.");
}

TEST(Welford, HasNoVarianceOnTheFirstRow) {
  KernelProbe<Welford> sample, population({.ddof = 0});
  const auto first = sample.Update({.x = 3});
  EXPECT_EQ(Shown(first.mean), 3.0);
  EXPECT_EQ(Shown(first.variance), std::nullopt);
  EXPECT_EQ(Shown(first.stddev), std::nullopt);
  EXPECT_EQ(Shown(population.Update({.x = 3}).variance), 0.0);
}

TEST(Welford, EqualValuesHaveNoVariance) {
  KernelProbe<Welford> welford;
  Welford::Outputs last;
  for (int row = 0; row < 1000; ++row) last = welford.Update({.x = 0.1});
  EXPECT_EQ(last.mean, 0.1);
  EXPECT_EQ(last.variance, 0.0);
}

TEST(Welford, FollowsTheDefinition) {  // Mean 5, squared deviations 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32.
  KernelProbe<Welford> sample, population({.ddof = 0});
  Welford::Outputs of_sample, of_population;
  for (const double x : {2, 4, 4, 4, 5, 5, 7, 9}) {
    of_sample = sample.Update({.x = x});
    of_population = population.Update({.x = x});
  }
  EXPECT_DOUBLE_EQ(of_sample.mean, 5);
  EXPECT_DOUBLE_EQ(of_sample.variance, 32.0 / 7);
  EXPECT_DOUBLE_EQ(of_sample.stddev, std::sqrt(32.0 / 7));
  EXPECT_DOUBLE_EQ(of_population.variance, 4);
  EXPECT_DOUBLE_EQ(of_population.stddev, 2);
}

TEST(Welford, AgreesWithTwoPasses) {
  const auto prices = TickPrices(5000, 1);
  KernelProbe<Welford> welford;
  WorstError error;
  for (std::size_t row = 0; row < prices.size(); ++row) {
    const auto found = welford.Update({.x = prices[row]});
    const auto all = WindowAt(prices, row, 5000);
    error.See(found.mean, MeanOf(all), LargestOf(all));
    if (row > 0) error.See(found.stddev, StdOf(all, 1), LargestOf(all));
  }
  EXPECT_LE(error.worst(), 1);
}

TEST(Ewma, RefusesWrongOptions) {  // The rest is in decay_test.cc.
  EXPECT_EQ(Refusal<Ewma>({.alpha = 0}), "ewma: option 'alpha' must be in (0, 1], found 0.");
}

TEST(Ewma, DefaultsToThePastOfRiskMetrics) {
  KernelProbe<Ewma> ewma;
  ewma.Update({.x = 0});
  EXPECT_EQ(ewma.Update({.x = 100}), 6.0);
}

TEST(Ewma, FollowsTheDefinition) {
  KernelProbe<Ewma> ewma({.alpha = 0.5});
  EXPECT_EQ(ewma.Update({.x = 10}), 10.0);  // Seeded with the first value.
  EXPECT_EQ(ewma.Update({.x = 20}), 15.0);
  EXPECT_EQ(ewma.Update({.x = 10}), 12.5);
}

TEST(Ewma, ForgetsAllWithAlphaOne) {
  KernelProbe<Ewma> ewma({.alpha = 1});
  ewma.Update({.x = 1});
  EXPECT_EQ(ewma.Update({.x = 5}), 5.0);
}

TEST(Ewma, ForgetsByTime) {
  KernelProbe<Ewma> ewma({.halflife = HalfLife{.ns = 10 * kSecond}});
  EXPECT_EQ(ewma.Update({.x = 0, .timestamp = 5 * kSecond}), 0.0);
  EXPECT_DOUBLE_EQ(ewma.Update({.x = 8, .timestamp = 15 * kSecond}).value(), 4.0);    // One half-life: half-way.
  EXPECT_DOUBLE_EQ(ewma.Update({.x = 8, .timestamp = 35 * kSecond}).value(), 7.0);  // Two: three quarters of the way.
  EXPECT_DOUBLE_EQ(ewma.Update({.x = 100, .timestamp = 35 * kSecond}).value(), 7.0);  // The same time: no weight.
}

TEST(Ewma, TakesALateRowAsMissing) {
  KernelProbe<Ewma> ewma({.halflife = HalfLife{.ns = 10 * kSecond}});
  ewma.Update({.x = 0, .timestamp = 20 * kSecond});
  EXPECT_EQ(ewma.Update({.x = 100, .timestamp = 19 * kSecond}), std::nullopt);
  EXPECT_DOUBLE_EQ(ewma.Update({.x = 8, .timestamp = 30 * kSecond}).value(), 4.0);
}

TEST(Ewma, TimeMaySpanAllOfInt64) {
  KernelProbe<Ewma> ewma({.halflife = HalfLife{.ns = 1}});
  ewma.Update({.x = 1, .timestamp = std::numeric_limits<int64_t>::min()});
  EXPECT_EQ(ewma.Update({.x = 2, .timestamp = std::numeric_limits<int64_t>::max()}), 2.0);
}

TEST(Ewma, ReadsTimeOnlyWithAHalfLifeInTime) {
  EXPECT_FALSE(Ewma::Needs({}, "timestamp"));
  EXPECT_FALSE(Ewma::Needs({.halflife = HalfLife{.rows = 5}}, "timestamp"));
  EXPECT_TRUE(Ewma::Needs({.halflife = HalfLife{.ns = 5}}, "timestamp"));
  EXPECT_TRUE(Ewma::Needs({}, "x"));
}

TEST(EwCov, RefusesWrongOptions) {  // The rest is in decay_test.cc.
  EXPECT_EQ(Refusal<EwCov>({.span = 0}), "ewcov: option 'span' must be >= 1 and finite, found 0.");
}

TEST(EwCov, DefaultsToThePastOfRiskMetrics) {
  KernelProbe<EwCov> ewcov;
  ewcov.Update({.x = 0, .y = 0});
  EXPECT_EQ(ewcov.Update({.x = 1, .y = 1}), (1 - 0.06) * 0.06);
}

TEST(EwCov, FollowsTheDefinition) {  // Means after each row: (0, 0), (1, 2), (1, 2), (2, 0).
  KernelProbe<EwCov> ewcov({.alpha = 0.5});
  EXPECT_EQ(ewcov.Update({.x = 0, .y = 0}), 0.0);
  EXPECT_EQ(ewcov.Update({.x = 2, .y = 4}), 2.0);  // 0.5 * (0 + 0.5 * 2 * 4)
  EXPECT_EQ(ewcov.Update({.x = 1, .y = 2}), 1.0);  // 0.5 * (2 + 0)
  EXPECT_EQ(ewcov.Update({.x = 3, .y = -2}), -1.5);  // 0.5 * (1 + 0.5 * 2 * -4): from the means before.
}

TEST(EwCov, ForgetsAllWithAlphaOne) {
  KernelProbe<EwCov> ewcov({.alpha = 1});
  ewcov.Update({.x = 1, .y = 1});
  EXPECT_EQ(ewcov.Update({.x = 5, .y = 7}), 0.0);
}

TEST(EwCov, ForgetsByTime) {
  KernelProbe<EwCov> ewcov({.halflife = HalfLife{.ns = 10 * kSecond}});
  EXPECT_EQ(ewcov.Update({.x = 0, .y = 0, .timestamp = 5 * kSecond}), 0.0);
  EXPECT_DOUBLE_EQ(ewcov.Update({.x = 2, .y = 4, .timestamp = 15 * kSecond}).value(), 2.0);
  EXPECT_DOUBLE_EQ(ewcov.Update({.x = 9, .y = 9, .timestamp = 15 * kSecond}).value(), 2.0);  // No time, no weight.
  EXPECT_EQ(ewcov.Update({.x = 9, .y = 9, .timestamp = 14 * kSecond}), std::nullopt);  // Late.
  EXPECT_DOUBLE_EQ(ewcov.Update({.x = 3, .y = -2, .timestamp = 25 * kSecond}).value(), -1.0);
  EXPECT_EQ(ewcov.Update({.x = 4, .y = 4, .timestamp = 2'000 * kSecond}), 0.0);  // Weight 1.
  EXPECT_TRUE(EwCov::Needs({.halflife = HalfLife{.ns = 5}}, "timestamp"));
  EXPECT_FALSE(EwCov::Needs({}, "timestamp"));
}

TEST(EwCov, OfASeriesWithItselfIsItsVariance) {  // Two passes over weights 0.8^k, of which the first row has the rest.
  KernelProbe<EwCov> ewcov({.alpha = 0.2});
  const auto prices = TickPrices(300, 4);
  std::optional<double> found;
  for (const double price : prices) found = ewcov.Update({.x = price, .y = price});
  long double mean = 0, variance = 0;
  const auto weight = [&](std::size_t row) {
    const auto ago = static_cast<int>(prices.size() - 1 - row);
    return std::pow(0.8L, ago) * (row == 0 ? 1.0L : 0.2L);
  };
  for (std::size_t row = 0; row < prices.size(); ++row) mean += weight(row) * prices[row];
  for (std::size_t row = 0; row < prices.size(); ++row) {
    variance += weight(row) * (prices[row] - mean) * (prices[row] - mean);
  }
  EXPECT_NEAR(*found, static_cast<double>(variance), 1e-10);
}

TEST(RollingZscore, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<RollingZscore>({.window = 0}),
            "rolling_zscore: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<RollingZscore>({.window = 3, .min_periods = 4}),
            "rolling_zscore: option 'min_periods' must be at most the window of 3 rows, found 4.");
  EXPECT_EQ(Refusal<RollingZscore>({.window = 3, .min_periods = 0}),
            "rolling_zscore: option 'min_periods' must be in [1, 16777216], found 0.");
}

TEST(RollingZscore, IsNullWhereNothingVaries) {
  KernelProbe<RollingZscore> zscore({.window = 3});
  zscore.Update({.x = 0.3});
  for (int row = 0; row < 3; ++row) zscore.Update({.x = 0.1});
  EXPECT_EQ(zscore.Update({.x = 0.1}), std::nullopt);
}

TEST(RollingZscore, StartsWithMinPeriods) {
  KernelProbe<RollingZscore> full({.window = 3}), early({.window = 3, .min_periods = 1});
  EXPECT_EQ(full.Update({.x = 1}), std::nullopt);
  EXPECT_EQ(early.Update({.x = 1}), std::nullopt);  // One value has no sample deviation.
  EXPECT_EQ(full.Update({.x = 3}), std::nullopt);
  EXPECT_DOUBLE_EQ(early.Update({.x = 3}).value(), std::sqrt(0.5));  // (3 - 2) / sqrt(2)
}

TEST(RollingZscore, FollowsTheDefinition) {
  KernelProbe<RollingZscore> sample({.window = 3}), population({.window = 3, .ddof = 0});
  for (const double x : {1, 2}) sample.Update({.x = x}), population.Update({.x = x});
  EXPECT_DOUBLE_EQ(sample.Update({.x = 3}).value(), 1.0);  // 1, 2, 3: mean 2, deviation 1.
  EXPECT_DOUBLE_EQ(population.Update({.x = 3}).value(), std::sqrt(1.5));  // Deviation sqrt(2/3).
  EXPECT_DOUBLE_EQ(sample.Update({.x = 2}).value(), -1.0 / 3 / std::sqrt(1.0 / 3));  // 2, 3, 2: mean 7/3, variance 1/3.
}

TEST(RollingZscore, AgreesWithTwoPasses) {
  for (const int64_t window : {2, 20, 100}) {
    auto prices = TickPrices(1000, 2);
    for (std::size_t row = 0; row < prices.size(); row += 271) prices[row] = 1e12;
    KernelProbe<RollingZscore> zscore({.window = window});
    WorstError error;
    for (std::size_t row = 0; row < prices.size(); ++row) {
      const auto found = zscore.Update({.x = prices[row]});
      const auto last = WindowAt(prices, row, window);
      const long double std = StdOf(last, 1);
      if (static_cast<int64_t>(last.size()) < window || std == 0) {
        EXPECT_EQ(found, std::nullopt);
      } else {
        error.See(found.value(), (prices[row] - MeanOf(last)) / std, LargestOf(last));
      }
    }
    EXPECT_LE(error.worst(), 1) << window;
  }
}

// Values a few units in the last place apart: the mean, rounded to a double, would be off by half a deviation.
TEST(RollingZscore, SeesTheLastPlaceOfItsInputs) {
  const double unit = std::ldexp(1.0, -33);
  std::vector<double> values;
  for (const int last : {0, 1, 1, 3, 0, 2, 2, 1}) values.push_back(1e6 + last * unit);
  KernelProbe<RollingZscore> zscore({.window = 4});
  for (std::size_t row = 0; row < values.size(); ++row) {
    const auto found = zscore.Update({.x = values[row]});
    const auto last = WindowAt(values, row, 4);
    if (row < 3) continue;
    EXPECT_DOUBLE_EQ(found.value(), static_cast<double>((values[row] - MeanOf(last)) / StdOf(last, 1)));
  }
}

}  // namespace
}  // namespace sabot::kernels
