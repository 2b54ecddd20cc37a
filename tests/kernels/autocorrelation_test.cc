#include "sabot/kernels/autocorrelation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

using Values = std::vector<std::optional<double>>;

Values ValuesOf(const Autocorr::Options& options, const std::vector<double>& series) {
  KernelProbe<Autocorr> autocorr(options);
  Values values;
  for (const double x : series) values.push_back(autocorr.Update({.x = x}));
  return values;
}

TEST(Autocorr, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Autocorr>({.lag = 0}), "autocorr: option 'lag' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<Autocorr>({.window = 3, .min_periods = 4}),
            "autocorr: option 'min_periods' must be at most the window of 3 rows, found 4.");
}

TEST(Autocorr, FollowsTheDefinition) {
  // Pairs (2, 1), (4, 2), (3, 4): deviations -1 1 0 and -4/3 -1/3 5/3; 1 / sqrt(2 * 14/3).
  const auto found = ValuesOf({.window = 3}, {1, 2, 4, 3});
  EXPECT_EQ((Values{found.begin(), found.end() - 1}), Values(3));
  EXPECT_DOUBLE_EQ(found.back().value(), 1 / std::sqrt(28.0 / 3));
}

TEST(Autocorr, LooksSoManyRowsBack) {
  EXPECT_EQ(ValuesOf({.lag = 2, .window = 3}, {1, 5, 2, 6, 3, 7}).back(), 1.0);    // Grows by 1 in two rows.
  EXPECT_EQ(ValuesOf({.lag = 2, .window = 3}, {1, 2, -1, -2, 1, 2}).back(), -1.0);  // Changes its sign in two rows.
  const auto found = ValuesOf({.lag = 3, .window = 2}, {1, 2, 3, 1, 2});
  EXPECT_EQ((Values{found.begin(), found.end() - 1}), Values(4));
  EXPECT_EQ(found.back(), 1.0);
}

TEST(Autocorr, StartsWithMinPeriods) {
  const auto found = ValuesOf({.window = 9, .min_periods = 1}, {1, 2, 4, 3});
  EXPECT_EQ(found[1], std::nullopt);  // One pair.
  EXPECT_EQ(found[2], 1.0);
  EXPECT_TRUE(found[3].has_value());
}

TEST(Autocorr, OfAConstantSideIsNull) {
  EXPECT_EQ(ValuesOf({.window = 3}, {0.1, 0.1, 0.1, 0.1, 0.1}), Values(5));
  const auto found = ValuesOf({.window = 3}, {1e12, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 0.1, 0.1, 0.1});
  for (const std::size_t row : {3, 4, 5, 6}) EXPECT_EQ(found[row], std::nullopt) << row;  // One side is, or both are.
  EXPECT_TRUE(found[7].has_value());
}

TEST(Autocorr, IsNeverBeyondOne) {
  std::vector<double> series(400);
  for (std::size_t row = 0; row < series.size(); ++row) series[row] = row % 2 == 0 ? 0.1 : 0.7;
  for (const auto& value : ValuesOf({.window = 7, .min_periods = 2}, series)) {
    if (!value) continue;
    EXPECT_GE(*value, -1);
    EXPECT_NEAR(*value, -1, 1e-12);
  }
}

TEST(Autocorr, OfATimeCountsThePairsCompletedInIt) {
  KernelProbe<Autocorr> autocorr({.window = Window::Time(10)});
  EXPECT_EQ(autocorr.Update({.x = 1, .timestamp = 0}), std::nullopt);
  EXPECT_EQ(autocorr.Update({.x = 2, .timestamp = 100}), std::nullopt);
  EXPECT_EQ(autocorr.Update({.x = 4, .timestamp = 100}), 1.0);
  EXPECT_EQ(autocorr.Update({.x = 9, .timestamp = 99}), std::nullopt);  // Late.
  EXPECT_DOUBLE_EQ(autocorr.Update({.x = 3, .timestamp = 109}).value(), 1 / std::sqrt(28.0 / 3));
  EXPECT_EQ(autocorr.Update({.x = 3, .timestamp = 110}), std::nullopt);  // (3, 4), (3, 3).
}

TEST(Correlation, IsNullWithoutVarianceAndAtHomeInEveryRange) {
  EXPECT_FALSE(std::isfinite(Correlation(0, 0, 0)));
  EXPECT_FALSE(std::isfinite(Correlation(0, 0, 5)));
  EXPECT_FALSE(std::isfinite(Correlation(1e-300, 0, 5)));
  EXPECT_FALSE(std::isfinite(Correlation(NAN, 1, 1)));
  for (const double size : {1e-200, 1e-140, 1.0, 1e150, 1e200}) {
    EXPECT_DOUBLE_EQ(Correlation(size, size, 4 * size), 0.5) << size;
    EXPECT_EQ(Correlation(-1.5 * size, size, size), -1.0) << size;
  }
}

TEST(Autocorr, AgreesWithTwoPasses) {
  for (const int64_t lag : {1, 4}) {
    constexpr int64_t kWindow = 20;
    auto series = TickPrices(1500, 3);
    for (std::size_t row = 100; row < series.size(); row += 97) series[row] = -1e12;
    KernelProbe<Autocorr> autocorr({.lag = lag, .window = kWindow});
    std::vector<double> now, before;
    WorstError error;
    for (std::size_t row = 0; row < series.size(); ++row) {
      const auto found = autocorr.Update({.x = series[row]});
      if (row < static_cast<std::size_t>(lag)) continue;
      now.push_back(series[row]), before.push_back(series[row - static_cast<std::size_t>(lag)]);
      const auto x = WindowAt(now, now.size() - 1, kWindow), y = WindowAt(before, now.size() - 1, kWindow);
      if (x.size() < kWindow) continue;
      const long double want = CodeviationOf(x, y) / std::sqrt(CodeviationOf(x, x) * CodeviationOf(y, y));
      error.See(found.value(), want, std::max(LargestOf(x), LargestOf(y)));
    }
    EXPECT_LE(error.worst(), 1) << lag;
  }
}

}  // namespace
}  // namespace sabot::kernels
