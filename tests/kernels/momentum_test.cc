#include "sabot/kernels/momentum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

TEST(Ema, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Ema>({.period = 0}), "ema: option 'period' must be in [1, 16777216], found 0.");
}

TEST(Ema, FollowsTheDefinition) {  // k = 1/2, seeded with (1 + 2 + 6) / 3.
  KernelProbe<Ema> ema({.period = 3});
  EXPECT_EQ(ema.Update({.x = 1}), std::nullopt);
  EXPECT_EQ(ema.Update({.x = 2}), std::nullopt);
  EXPECT_EQ(ema.Update({.x = 6}), 3.0);
  EXPECT_EQ(ema.Update({.x = 5}), 4.0);
  EXPECT_EQ(ema.Update({.x = 0}), 2.0);
}

TEST(Ema, OfOneRowIsTheRow) {
  KernelProbe<Ema> ema({.period = 1});
  EXPECT_EQ(ema.Update({.x = 7}), 7.0);
  EXPECT_EQ(ema.Update({.x = 9}), 9.0);
}

TEST(Sma, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Sma>({.window = 2, .min_periods = 3}),
            "sma: option 'min_periods' must be at most the window of 2 rows, found 3.");
}

TEST(Sma, FollowsTheDefinition) {
  KernelProbe<Sma> sma({.window = 2}), early({.window = 2, .min_periods = 1});
  EXPECT_EQ(sma.Update({.x = 1}), std::nullopt);
  EXPECT_EQ(early.Update({.x = 1}), 1.0);
  EXPECT_EQ(sma.Update({.x = 2}), 1.5);
  EXPECT_EQ(early.Update({.x = 2}), 1.5);
  EXPECT_EQ(sma.Update({.x = 6}), 4.0);
}

TEST(Sma, AgreesWithTwoPasses) {
  auto prices = TickPrices(2000, 1);
  for (std::size_t row = 0; row < prices.size(); row += 131) prices[row] = -1e12;
  KernelProbe<Sma> sma;
  WorstError error;
  for (std::size_t row = 0; row < prices.size(); ++row) {
    const auto found = sma.Update({.x = prices[row]});
    const auto last = WindowAt(prices, row, 20);
    if (row >= 19) error.See(found.value(), MeanOf(last), LargestOf(last));
  }
  EXPECT_LE(error.worst(), 1);
}

TEST(Macd, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Macd>({.fast = 26}), "macd: option 'fast' must be below option 'slow' (26), found 26.");
  EXPECT_EQ(Refusal<Macd>({.signal = 0}), "macd: option 'signal' must be in [1, 16777216], found 0.");
}

TEST(Macd, FollowsTheDefinition) {
  // Averages of 2 rows (k = 2/3) and 3 rows (k = 1/2), both from row 3 on: fast 3, 19/3, 115/9 (seeded with the mean of
  // 2 and 4), slow 7/3, 31/6, 127/12. Their difference is 2/3, 7/6, 79/36, and its average of 2 rows 11/12, 191/108.
  KernelProbe<Macd> macd({.fast = 2, .slow = 3, .signal = 2});
  for (const double x : {1, 2, 4}) {
    const auto found = macd.Update({.x = x});
    EXPECT_EQ(Shown(found.line), std::nullopt);
    EXPECT_EQ(Shown(found.signal), std::nullopt);
    EXPECT_EQ(Shown(found.histogram), std::nullopt);
  }
  const auto first = macd.Update({.x = 8});
  EXPECT_NEAR(first.line, 7.0 / 6, 1e-14);
  EXPECT_NEAR(first.signal, 11.0 / 12, 1e-14);
  EXPECT_NEAR(first.histogram, 1.0 / 4, 1e-14);
  const auto second = macd.Update({.x = 16});
  EXPECT_NEAR(second.line, 79.0 / 36, 1e-14);
  EXPECT_NEAR(second.signal, 191.0 / 108, 1e-14);
  EXPECT_NEAR(second.histogram, 23.0 / 54, 1e-14);
}

TEST(Macd, IsNullBeforeSlowAndSignalAreThere) {
  KernelProbe<Macd> macd;
  for (int row = 1; row < 26 + 9 - 1; ++row) EXPECT_EQ(Shown(macd.Update({.x = 1.0 * row}).line), std::nullopt) << row;
  // On a line of slope 1 an average of n rows, seeded with their mean, stays (n - 1) / 2 behind.
  const auto first = macd.Update({.x = 34});
  EXPECT_NEAR(first.line, 12.5 - 5.5, 1e-12);
  EXPECT_NEAR(first.signal, 7, 1e-12);
  EXPECT_NEAR(first.histogram, 0, 1e-12);
}

TEST(Macd, WithASignalOfOneRowIsItsOwnSignal) {
  KernelProbe<Macd> macd({.fast = 1, .slow = 2, .signal = 1});
  macd.Update({.x = 1});
  const auto first = macd.Update({.x = 2});
  EXPECT_EQ(first.line, 0.5);
  EXPECT_EQ(first.signal, 0.5);
  EXPECT_EQ(first.histogram, 0.0);
}

TEST(Rsi, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Rsi>({.period = 1}), "rsi: option 'period' must be in [2, 16777216], found 1.");
}

TEST(Rsi, FollowsTheDefinition) {
  KernelProbe<Rsi> rsi({.period = 2});
  EXPECT_EQ(rsi.Update({.x = 10}), std::nullopt);
  EXPECT_EQ(rsi.Update({.x = 11}), std::nullopt);
  EXPECT_DOUBLE_EQ(rsi.Update({.x = 10.5}).value(), 100 * 0.5 / 0.75);  // Up 1, down 0.5: means 0.5 and 0.25.
  EXPECT_DOUBLE_EQ(rsi.Update({.x = 12}).value(), 100 * 1.0 / 1.125);  // Up 1.5: (0.5 + 1.5) / 2 and 0.25 / 2.
  EXPECT_DOUBLE_EQ(rsi.Update({.x = 12}).value(), 100 * 0.5 / 0.5625);  // No change: both halve.
}

TEST(Rsi, IsNullWhereNothingMoves) {
  KernelProbe<Rsi> rsi({.period = 2});
  for (int row = 0; row < 5; ++row) EXPECT_EQ(rsi.Update({.x = 10}), std::nullopt);
  EXPECT_EQ(rsi.Update({.x = 11}), 100.0);
}

TEST(Rsi, StaysWithinZeroAndHundred) {
  KernelProbe<Rsi> rising({.period = 3}), falling({.period = 3});
  for (int row = 0; row < 2000; ++row) {
    const double x = std::sqrt(1.0 + row);
    const auto up = rising.Update({.x = x}), down = falling.Update({.x = -x});
    ASSERT_LE(up.value_or(100), 100);  // The product may round up to where the quotient exceeds 100.
    ASSERT_GE(down.value_or(0), 0);
  }
}

TEST(BollingerBands, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<BollingerBands>({.k = -1}), "bollinger_bands: option 'k' must be >= 0 and finite, found -1.");
  EXPECT_EQ(Refusal<BollingerBands>({.ddof = 2}), "bollinger_bands: option 'ddof' must be in [0, 1], found 2.");
  EXPECT_EQ(Refusal<BollingerBands>({.window = 2, .min_periods = 3}),
            "bollinger_bands: option 'min_periods' must be at most the window of 2 rows, found 3.");
}

TEST(BollingerBands, FollowTheDefinition) {
  KernelProbe<BollingerBands> population({.window = 2}), sample({.window = 2, .k = 3, .ddof = 1});
  EXPECT_EQ(Shown(population.Update({.x = 1}).mid), std::nullopt);
  const auto bands = population.Update({.x = 3});  // Mean 2, deviation 1.
  EXPECT_EQ(bands.mid, 2);
  EXPECT_EQ(bands.upper, 4);
  EXPECT_EQ(bands.lower, 0);
  sample.Update({.x = 1});
  EXPECT_DOUBLE_EQ(sample.Update({.x = 3}).upper, 2 + 3 * std::sqrt(2.0));
}

TEST(BollingerBands, HaveNoWidthWhereOneValueHasNoDeviation) {
  KernelProbe<BollingerBands> sample({.window = 2, .min_periods = 1, .ddof = 1});
  const auto sample_bands = sample.Update({.x = 5});
  EXPECT_EQ(Shown(sample_bands.mid), 5.0);
  EXPECT_EQ(Shown(sample_bands.upper), std::nullopt);
  EXPECT_EQ(Shown(sample_bands.lower), std::nullopt);
  KernelProbe<BollingerBands> population({.window = 2, .min_periods = 1});
  EXPECT_EQ(population.Update({.x = 5}).upper, 5.0);
}

TEST(BollingerBands, CloseOnEqualValues) {
  KernelProbe<BollingerBands> bollinger_bands({.window = 3});
  BollingerBands::Outputs last;
  for (const double x : {1e12, 0.1, 0.1, 0.1}) last = bollinger_bands.Update({.x = x});
  EXPECT_EQ(last.mid, 0.1);
  EXPECT_EQ(last.upper, 0.1);
  EXPECT_EQ(last.lower, 0.1);
}

TEST(BollingerBands, AgreeWithTwoPasses) {
  const auto prices = TickPrices(2000, 2);
  KernelProbe<BollingerBands> bollinger_bands;
  WorstError error;
  for (std::size_t row = 0; row < prices.size(); ++row) {
    const auto found = bollinger_bands.Update({.x = prices[row]});
    if (row < 19) continue;
    const auto last = WindowAt(prices, row, 20);
    error.See(found.upper, MeanOf(last) + 2 * StdOf(last, 0), LargestOf(last));
    error.See(found.lower, MeanOf(last) - 2 * StdOf(last, 0), LargestOf(last));
  }
  EXPECT_LE(error.worst(), 1);
}

TEST(Kalman1d, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Kalman1d>({.q = -1}), "kalman_1d: option 'q' must be >= 0 and finite, found -1.");
  EXPECT_EQ(Refusal<Kalman1d>({.r = 0}), "kalman_1d: option 'r' must be > 0 and finite, found 0.");
}

TEST(Kalman1d, FollowsTheDefinition) {
  KernelProbe<Kalman1d> kalman({.q = 2, .r = 1});
  auto found = kalman.Update({.x = 10});
  EXPECT_EQ(found.level, 10.0);
  EXPECT_EQ(found.variance, 1.0);
  found = kalman.Update({.x = 18});  // P = 3, K = 0.75.
  EXPECT_EQ(found.level, 16.0);
  EXPECT_EQ(found.variance, 0.75);
  found = kalman.Update({.x = 1});  // P = 11 / 4, K = 11 / 15.
  EXPECT_DOUBLE_EQ(found.level, 5);
  EXPECT_DOUBLE_EQ(found.variance, 11.0 / 15);
}

TEST(Kalman1d, OfALevelThatStaysIsTheMean) {  // q = 0: K = 1 / n.
  KernelProbe<Kalman1d> kalman({.q = 0, .r = 2});
  Kalman1d::Outputs last;
  for (const double x : {3, 5, 4, 12}) last = kalman.Update({.x = x});
  EXPECT_DOUBLE_EQ(last.level, 6);
  EXPECT_DOUBLE_EQ(last.variance, 0.5);
}

}  // namespace
}  // namespace sabot::kernels
