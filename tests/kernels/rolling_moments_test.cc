#include "sabot/kernels/rolling_moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

using Values = std::vector<std::optional<double>>;

template <class K>
Values ValuesOf(const RollingMomentOptions& options, const std::vector<double>& series) {
  KernelProbe<K> probe(options);
  Values values;
  for (const double x : series) values.push_back(probe.Update({.x = x}));
  return values;
}

TEST(RollingSkew, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<RollingSkew>({.window = 0}), "rolling_skew: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<RollingKurt>({.window = 3, .min_periods = 4}),
            "rolling_kurt: option 'min_periods' must be at most the window of 3 rows, found 4.");
}

TEST(RollingSkew, FollowsTheDefinition) {
  // 0 0 3: deviations -1 -1 2, M2 = 6, M3 = 6: g = 2 / 2^1.5.
  const double g = 2 / std::pow(2, 1.5);
  EXPECT_DOUBLE_EQ(ValuesOf<RollingSkew>({.window = 3, .bias = true}, {9, 0, 0, 3}).back().value(), g);
  EXPECT_DOUBLE_EQ(ValuesOf<RollingSkew>({.window = 3}, {9, 0, 0, 3}).back().value(), g * std::sqrt(6.0));
  EXPECT_DOUBLE_EQ(ValuesOf<RollingSkew>({.window = 3, .bias = true}, {9, 0, 0, -3}).back().value(), -g);
  EXPECT_DOUBLE_EQ(ValuesOf<RollingSkew>({.window = 4}, {1, 2, 3, 4}).back().value(), 0);
}

TEST(RollingKurt, FollowsTheDefinition) {
  // 0 0 0 4: deviations -1 -1 -1 3, M2 = 12, M4 = 84: b = 21 / 9.
  const double b = 21.0 / 9;
  EXPECT_DOUBLE_EQ(ValuesOf<RollingKurt>({.window = 4, .bias = true}, {9, 0, 0, 0, 4}).back().value(), b - 3);
  EXPECT_DOUBLE_EQ(ValuesOf<RollingKurt>({.window = 4}, {9, 0, 0, 0, 4}).back().value(), 3.0 / 2 * (5 * b - 9));
}

TEST(RollingSkew, NeedsThreeValuesAndKurtosisFour) {
  for (const bool bias : {false, true}) {
    const RollingMomentOptions options{.window = 5, .min_periods = 1, .bias = bias};
    const auto skew = ValuesOf<RollingSkew>(options, {1, 2, 4, 8}), kurt = ValuesOf<RollingKurt>(options, {1, 2, 4, 8});
    for (std::size_t row = 0; row < 4; ++row) {
      EXPECT_EQ(skew[row].has_value(), row >= 2);
      EXPECT_EQ(kurt[row].has_value(), row >= 3);
    }
    EXPECT_EQ(ValuesOf<RollingSkew>({.window = 2, .bias = bias}, {1, 2, 4}), Values(3));
    EXPECT_EQ(ValuesOf<RollingKurt>({.window = 3, .bias = bias}, {1, 2, 4, 8}), Values(4));
  }
}

TEST(RollingSkew, OfEqualValuesIsNull) {
  for (const bool bias : {false, true}) {
    const RollingMomentOptions options{.window = 4, .bias = bias};
    const std::vector<double> series = {1e12, -1e12, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    for (const auto& values : {ValuesOf<RollingSkew>(options, series), ValuesOf<RollingKurt>(options, series)}) {
      EXPECT_TRUE(values[4].has_value());
      EXPECT_EQ((Values{values.begin() + 5, values.end()}), Values(5));
    }
  }
}

TEST(RollingSkew, OfATimeHoldsWhatHasNotLeft) {
  KernelProbe<RollingSkew> skew({.window = Window::Time(10), .bias = true});
  KernelProbe<RollingKurt> kurt({.window = Window::Time(10), .bias = true});
  const std::vector<std::tuple<int64_t, double>> rows = {{0, 9}, {5, 0}, {10, 0}, {12, 0}, {11, 7}, {14, 4}};
  std::optional<double> last_skew, last_kurt;
  for (const auto& [time, x] : rows) {
    last_skew = skew.Update({.x = x, .timestamp = time}), last_kurt = kurt.Update({.x = x, .timestamp = time});
    EXPECT_EQ(last_skew.has_value(), time == 14) << time;
  }
  EXPECT_DOUBLE_EQ(last_skew.value(), 6 / std::pow(3, 1.5));  // 0 0 0 4: M3 = 24. 9 has left, 7 is late.
  EXPECT_DOUBLE_EQ(last_kurt.value(), 21.0 / 9 - 3);
}

TEST(RollingSkew, ForgetsAnOverflow) {
  const auto skew = ValuesOf<RollingSkew>({.window = 3, .bias = true}, {0, 0, 1e200, 0, 0, 3});
  EXPECT_EQ((Values{skew.begin(), skew.end() - 1}), Values(5));
  EXPECT_DOUBLE_EQ(skew.back().value(), 2 / std::pow(2, 1.5));
}

}  // namespace
}  // namespace sabot::kernels
