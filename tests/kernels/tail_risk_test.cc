#include "sabot/kernels/tail_risk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

using Values = std::vector<std::optional<double>>;

template <class K>
Values ValuesOf(const typename K::Options& options, const std::vector<double>& series) {
  KernelProbe<K> probe(options);
  Values values;
  for (const double x : series) values.push_back(probe.Update({.x = x}));
  return values;
}

TEST(HistoricalVar, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<HistoricalVar>({.alpha = 0}), "historical_var: option 'alpha' must be in (0, 1), found 0.");
  EXPECT_EQ(Refusal<HistoricalVar>({.alpha = 1}), "historical_var: option 'alpha' must be in (0, 1), found 1.");
  EXPECT_EQ(Refusal<HistoricalVar>({.window = 3, .min_periods = 4}),
            "historical_var: option 'min_periods' must be at most the window of 3 rows, found 4.");
  EXPECT_EQ(Refusal<HistoricalCvar>({.window = 0}),
            "historical_cvar: option 'window' must be in [1, 16777216], found 0.");
}

TEST(HistoricalVar, IsTheQuantileOfTheWindow) {
  EXPECT_EQ(ValuesOf<HistoricalVar>({.window = 5, .alpha = 0.25}, {8, -16, 2, -4, 1, -32}),
            (Values{std::nullopt, std::nullopt, std::nullopt, std::nullopt, 4, 16}));
  EXPECT_EQ(ValuesOf<HistoricalVar>({.window = 3, .min_periods = 1, .alpha = 0.25}, {-8, -16, 2}), (Values{8, 14, 12}));
}

TEST(HistoricalVar, OfGainsAloneIsNegative) {
  EXPECT_EQ(ValuesOf<HistoricalVar>({.window = 2, .alpha = 0.5}, {3, 5}), (Values{std::nullopt, -4}));
  EXPECT_EQ(ValuesOf<HistoricalCvar>({.window = 2, .alpha = 0.5}, {3, 5}), (Values{std::nullopt, -3}));
}

TEST(HistoricalVar, IsNullBeyondTheLargestNumber) {
  EXPECT_EQ(ValuesOf<HistoricalVar>({.window = 2, .alpha = 0.5}, {-1.7e308, 1.7e308, 1.7e308}),
            (Values{std::nullopt, std::nullopt, -1.7e308}));
}

TEST(HistoricalCvar, IsTheMeanOfTheTail) {
  // 5 * 0.5 = 2.5 values: the two lowest, and half of the third.
  EXPECT_EQ(ValuesOf<HistoricalCvar>({.window = 5, .alpha = 0.5}, {8, -16, 2, -4, 1, -32}),
            (Values{std::nullopt, std::nullopt, std::nullopt, std::nullopt, 19.5 / 2.5, 50 / 2.5}));
  // Less than one value.
  EXPECT_EQ(ValuesOf<HistoricalCvar>({.window = 5, .alpha = 0.125}, {8, -16, 2, -4, 1}).back(), 16);
}

TEST(HistoricalCvar, IsNeverBelowValueAtRisk) {
  auto losses = TickPrices(3000, 1);
  for (std::size_t row = 0; row < losses.size(); ++row) {
    losses[row] -= 100;
    if (row / 500 % 2 == 1) losses[row] = 0.1;  // A mean of equal values is rounded, the quantile is not.
  }
  for (const double alpha : {1e-9, 0.003, 0.05, 0.5, 0.97, std::nextafter(1.0, 0.0)}) {
    const auto value_at_risk = ValuesOf<HistoricalVar>({.window = 30, .min_periods = 1, .alpha = alpha}, losses);
    const auto shortfall = ValuesOf<HistoricalCvar>({.window = 30, .min_periods = 1, .alpha = alpha}, losses);
    for (std::size_t row = 0; row < losses.size(); ++row) ASSERT_GE(*shortfall[row], *value_at_risk[row]) << row;
  }
}

TEST(TailRisk, OfTheLastWhile) {
  KernelProbe<HistoricalVar> historical_var({.window = Window::Time(10), .alpha = 0.5});
  KernelProbe<HistoricalCvar> historical_cvar({.window = Window::Time(10), .min_periods = 2, .alpha = 0.5});
  Values quantiles, shortfalls;
  for (const auto& row : std::vector<HistoricalVar::Input>{{-8, 0}, {2, 5}, {-4, 9}, {-99, 8}, {6, 10}, {1, 40}}) {
    quantiles.push_back(historical_var.Update(row));
    shortfalls.push_back(historical_cvar.Update(row));
  }
  EXPECT_EQ(quantiles, (Values{8, 3, 4, std::nullopt, -2, -1}));  // The fourth row is late.
  EXPECT_EQ(shortfalls, (Values{std::nullopt, 8, 10 / 1.5, std::nullopt, 3 / 1.5, std::nullopt}));
}

TEST(TailRisk, AgreesWithSortingEachWindow) {
  auto losses = TickPrices(2000, 2);
  for (std::size_t row = 0; row < losses.size(); row += 131) losses[row] = -1e12;
  KernelProbe<HistoricalVar> historical_var;
  KernelProbe<HistoricalCvar> historical_cvar;
  WorstError error;
  for (std::size_t row = 0; row < losses.size(); ++row) {
    const auto quantile = historical_var.Update({.x = losses[row]});
    const auto shortfall = historical_cvar.Update({.x = losses[row]});
    if (row < 249) continue;
    const auto last = WindowAt(losses, row, 250);
    std::vector<double> sorted(last.begin(), last.end());
    std::sort(sorted.begin(), sorted.end());
    // 249 * 0.05 = 12.45, 250 * 0.05 = 12.5.
    error.See(*quantile, -(sorted[12] + 0.45L * (sorted[13] - sorted[12])), LargestOf(last));
    const auto tail = SumOf(std::span(sorted).first(12)) + 0.5L * sorted[12];
    error.See(*shortfall, -tail / 12.5L, LargestOf(last));
  }
  EXPECT_LE(error.worst(), 1);
}

}  // namespace
}  // namespace sabot::kernels
