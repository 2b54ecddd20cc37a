#include "sabot/kernels/features.h"

#include <gtest/gtest.h>

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

TEST(Lag, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Lag>({.k = 0}), "lag: option 'k' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<Diff>({.k = -1}), "diff: option 'k' must be in [1, 16777216], found -1.");
}

TEST(Lag, FollowsTheDefinition) {
  EXPECT_EQ(ValuesOf<Lag>({}, {1, 2, 4, 8}), (Values{std::nullopt, 1, 2, 4}));
  EXPECT_EQ(ValuesOf<Lag>({.k = 3}, {1, 2, 4, 8, 16, 32, 64}),
            (Values{std::nullopt, std::nullopt, std::nullopt, 1, 2, 4, 8}));
}

TEST(Lag, CountsRowsWhoseValueIsMissing) {
  EXPECT_EQ(ValuesOf<Lag>({.k = 2}, {1, kNull, 4, 8, kNull, 32}),
            (Values{std::nullopt, std::nullopt, 1, std::nullopt, 4, 8}));
}

TEST(Diff, FollowsTheDefinition) {
  EXPECT_EQ(ValuesOf<Diff>({}, {1, 2, 4, 8}), (Values{std::nullopt, 1, 2, 4}));
  EXPECT_EQ(ValuesOf<Diff>({.k = 2}, {1, 2, 4, 8}), (Values{std::nullopt, std::nullopt, 3, 6}));
}

TEST(Diff, IsNullWhereEitherValueIsMissing) {
  EXPECT_EQ(ValuesOf<Diff>({}, {1, kNull, 4, 8}), (Values{std::nullopt, std::nullopt, std::nullopt, 4}));
}

TEST(Diff, IsNullBeyondTheLargestNumber) {
  EXPECT_EQ(ValuesOf<Diff>({}, {-1e308, 1e308, 1e308}), (Values{std::nullopt, std::nullopt, 0}));
}

TEST(RollingMin, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<RollingMin>({.window = 0}), "rolling_min: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<RollingMax>({.window = 3, .min_periods = 4}),
            "rolling_max: option 'min_periods' must be at most the window of 3 rows, found 4.");
}

TEST(RollingMin, FollowsTheDefinition) {
  EXPECT_EQ(ValuesOf<RollingMin>({.window = 3}, {4, 6, 5, 7, 8, 2}), (Values{std::nullopt, std::nullopt, 4, 5, 5, 2}));
  EXPECT_EQ(ValuesOf<RollingMin>({.window = 1}, {4, 6}), (Values{4, 6}));
}

TEST(RollingMin, StartsWithMinPeriods) {
  EXPECT_EQ(ValuesOf<RollingMin>({.window = 3, .min_periods = 1}, {4, 6, 3}), (Values{4, 4, 3}));
}

TEST(RollingMax, FollowsTheDefinition) {
  EXPECT_EQ(ValuesOf<RollingMax>({.window = 3}, {4, 6, 5, 3, 1, 7}), (Values{std::nullopt, std::nullopt, 6, 6, 5, 7}));
  EXPECT_EQ(ValuesOf<RollingMax>({.window = 3, .min_periods = 2}, {-4, -6, -5}), (Values{std::nullopt, -4, -4}));
}

TEST(RollingMax, ForgetsAnOutlierWhenItLeaves) {
  EXPECT_EQ(ValuesOf<RollingMax>({.window = 2}, {1, 1e308, 1, 2, 1}), (Values{std::nullopt, 1e308, 1e308, 2, 2}));
}

TEST(RollingMax, OfTheLastWhile) {
  KernelProbe<RollingMax> greatest({.window = Window::Time(10)});
  KernelProbe<RollingMin> least({.window = Window::Time(10), .min_periods = 2});
  Values greatest_found, least_found;
  for (const auto& row : std::vector<RollingMin::Input>{{5, 0}, {3, 4}, {9, 3}, {4, 4}, {1, 10}, {2, 30}}) {
    greatest_found.push_back(greatest.Update(row));
    least_found.push_back(least.Update(row));
  }
  EXPECT_EQ(greatest_found, (Values{5, 5, std::nullopt, 5, 4, 2}));  // The third row is late.
  EXPECT_EQ(least_found, (Values{std::nullopt, 3, std::nullopt, 3, 1, std::nullopt}));
}

TEST(RollingStd, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<RollingStd>({.window = 16'777'217}),
            "rolling_std: option 'window' must be in [1, 16777216], found 16777217.");
  EXPECT_EQ(Refusal<RollingStd>({.window = 3, .min_periods = 4}),
            "rolling_std: option 'min_periods' must be at most the window of 3 rows, found 4.");
  EXPECT_EQ(Refusal<RollingStd>({.ddof = 2}), "rolling_std: option 'ddof' must be in [0, 1], found 2.");
}

TEST(RollingStd, FollowsTheDefinition) {
  EXPECT_EQ(ValuesOf<RollingStd>({.window = 3}, {4, 5, 6, 7}), (Values{std::nullopt, std::nullopt, 1, 1}));
  EXPECT_EQ(ValuesOf<RollingStd>({.window = 2, .ddof = 0}, {1, 3, 7}), (Values{std::nullopt, 1, 2}));
}

TEST(RollingStd, OfEqualValuesIsZero) {
  EXPECT_EQ(ValuesOf<RollingStd>({.window = 2}, {0.1, 0.1, 1e12, 0.1, 0.1}),
            (Values{std::nullopt, 0, (1e12 - 0.1) / std::sqrt(2.0), (1e12 - 0.1) / std::sqrt(2.0), 0}));
}

TEST(RollingStd, StartsWithMinPeriods) {
  EXPECT_EQ(ValuesOf<RollingStd>({.window = 3, .min_periods = 1}, {1, 3}), (Values{std::nullopt, std::sqrt(2.0)}));
  EXPECT_EQ(ValuesOf<RollingStd>({.window = 3, .min_periods = 1, .ddof = 0}, {1, 3}), (Values{0, 1}));
  EXPECT_EQ(ValuesOf<RollingStd>({.window = 1}, {1, 3}), (Values{std::nullopt, std::nullopt}));
}

TEST(RollingStd, AgreesWithTwoPasses) {
  auto prices = TickPrices(2000, 1);
  for (std::size_t row = 0; row < prices.size(); row += 131) prices[row] = -1e12;
  KernelProbe<RollingStd> rolling_std;
  WorstError error;
  for (std::size_t row = 0; row < prices.size(); ++row) {
    const auto found = rolling_std.Update({.x = prices[row]});
    const auto last = WindowAt(prices, row, 20);
    if (row >= 19) error.See(found.value(), StdOf(last, 1), LargestOf(last));
  }
  EXPECT_LE(error.worst(), 1);
}

}  // namespace
}  // namespace sabot::kernels
