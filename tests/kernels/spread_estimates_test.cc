#include "sabot/kernels/spread_estimates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

using Values = std::vector<std::optional<double>>;

Values RollOf(const RollSpread::Options& options, const std::vector<double>& prices) {
  KernelProbe<RollSpread> roll(options);
  Values values;
  for (const double price : prices) values.push_back(roll.Update({.price = price}));
  return values;
}

TEST(RollSpread, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<RollSpread>({.window = 0}), "roll_spread: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<RollSpread>({.window = 5, .min_periods = 6}),
            "roll_spread: option 'min_periods' must be at most the window of 5 rows, found 6.");
}

TEST(RollSpread, FollowsTheDefinition) {
  // A bounce of 1: pairs (-1, 1), (1, -1), (-1, 1); means -1/3 and 1/3; c = (-3 + 1/3) / 2 = -4/3.
  const auto found = RollOf({.window = 3}, {10, 11, 10, 11, 10});
  EXPECT_EQ((Values{found.begin(), found.end() - 1}), Values(4));
  EXPECT_DOUBLE_EQ(found.back().value(), 2 * std::sqrt(4.0 / 3));
}

TEST(RollSpread, IsZeroWherePricesDoNotRevert) {
  EXPECT_EQ(RollOf({.window = 3}, {1, 2, 4, 7, 11}).back(), 0.0);  // c > 0.
  EXPECT_FALSE(std::signbit(RollOf({.window = 2}, {5, 5, 5, 5}).back().value()));
}

TEST(RollSpread, IsZeroWhereTheCovarianceIs) {  // The root of a rounding error of 1e-17 would be 3e-9.
  // Changes 1 1 0 -1 ...: pairs whose co-deviations cancel, with means of thirds.
  const auto found = RollOf({.window = 3}, {0, 1, 2, 2, 1});  // (1, 1), (0, 1), (-1, 0): 1 - 0 * 2/3 > 0.
  EXPECT_EQ(found.back(), 0.0);
  const auto flat = RollOf({.window = 3}, {0, 3, 3, 4, 6});  // (0, 3), (1, 0), (2, 1): 2 - 3 * 4/3 = -2.
  EXPECT_DOUBLE_EQ(flat.back().value(), 2.0);
  const auto none = RollOf({.window = 3}, {0, 2, 3, 3, 5});  // (1, 2), (0, 1), (2, 0): 2 - 3 * 3/3 = -1.
  EXPECT_DOUBLE_EQ(none.back().value(), 2 * std::sqrt(0.5));
  const auto zero = RollOf({.window = 3}, {0, 1, 2, 3, 2});  // (1, 1), (1, 1), (-1, 1): one side has no variance.
  EXPECT_EQ(zero.back(), 0.0);
}

TEST(RollSpread, NeedsTwoPairs) {
  const auto found = RollOf({.window = 5, .min_periods = 1}, {10, 11, 10, 11});
  EXPECT_EQ((Values{found.begin(), found.begin() + 3}), Values(3));
  EXPECT_DOUBLE_EQ(found[3].value(), 2 * std::sqrt(2.0));  // (-1, 1), (1, -1): -2 of one degree of freedom.
  for (const auto& value : RollOf({.window = 1}, {10, 11, 10, 11, 10})) EXPECT_EQ(value, std::nullopt);
}

TEST(RollSpread, OfATimeCountsThePairsCompletedInIt) {
  KernelProbe<RollSpread> roll({.window = Window::Time(10)});
  EXPECT_EQ(roll.Update({.price = 10, .timestamp = 0}), std::nullopt);
  EXPECT_EQ(roll.Update({.price = 11, .timestamp = 100}), std::nullopt);
  EXPECT_EQ(roll.Update({.price = 10, .timestamp = 200}), std::nullopt);  // A pair, of changes long ago.
  EXPECT_DOUBLE_EQ(roll.Update({.price = 11, .timestamp = 209}).value(), 2 * std::sqrt(2.0));
  EXPECT_EQ(roll.Update({.price = 99, .timestamp = 208}), std::nullopt);  // Late.
  EXPECT_DOUBLE_EQ(roll.Update({.price = 10, .timestamp = 210}).value(), 2 * std::sqrt(2.0));
  EXPECT_EQ(roll.Update({.price = 11, .timestamp = 300}), std::nullopt);
}

TEST(RollSpread, AgreesWithTwoPasses) {
  constexpr int64_t kWindow = 20;
  auto prices = TickPrices(2000, 1);
  for (std::size_t row = 100; row < prices.size(); row += 97) prices[row] = 1e12;
  std::vector<double> changes, before;
  KernelProbe<RollSpread> roll({.window = kWindow});
  WorstError error;
  for (std::size_t row = 0; row < prices.size(); ++row) {
    const auto found = roll.Update({.price = prices[row]});
    if (row < 2) continue;
    changes.push_back(prices[row] - prices[row - 1]);
    before.push_back(prices[row - 1] - prices[row - 2]);
    if (changes.size() < kWindow) continue;
    const auto x = WindowAt(changes, row - 2, kWindow), y = WindowAt(before, row - 2, kWindow);
    const long double c = CodeviationOf(x, y) / (kWindow - 1);
    error.See(found.value(), c < 0 ? 2 * std::sqrt(-c) : 0, LargestOf(WindowAt(prices, row, kWindow + 2)));
  }
  EXPECT_LE(error.worst(), 1);
}

// --- corwin_schultz_spread ---

using Options = CorwinSchultzSpread::Options;

double SpreadOf(double alpha) { return 2 * (std::exp(alpha) - 1) / (1 + std::exp(alpha)); }

TEST(CorwinSchultzSpread, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<CorwinSchultzSpread>({.window = 0}),
            "corwin_schultz_spread: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<CorwinSchultzSpread>({.min_periods = 2}),
            "corwin_schultz_spread: option 'min_periods' must be at most the window of 1 rows, found 2.");
}

TEST(CorwinSchultzSpread, OfTwoBarsWithTheSameRangeIsThatRange) {
  for (const double range : {1e-4, 0.01, 0.5, 3.0}) {
    KernelProbe<CorwinSchultzSpread> spread;
    const double high = 50 * std::exp(range);
    EXPECT_EQ(spread.Update({.high = high, .low = 50}), std::nullopt);
    EXPECT_NEAR(spread.Update({.high = high, .low = 50}).value(), SpreadOf(range), 1e-13);
  }
}

TEST(CorwinSchultzSpread, OfBarsWithoutARangeIsZero) {
  KernelProbe<CorwinSchultzSpread> spread;
  spread.Update({.high = 7, .low = 7});
  EXPECT_EQ(spread.Update({.high = 7, .low = 7}), 0.0);
}

TEST(CorwinSchultzSpread, FollowsTheDefinition) {
  // Bars of e^0.02 and e^0.01 that span e^0.03 together.
  const double beta = 0.02 * 0.02 + 0.01 * 0.01, gamma = 0.03 * 0.03, k = 3 - 2 * std::sqrt(2.0);
  const double want = SpreadOf((std::sqrt(2 * beta) - std::sqrt(beta)) / k - std::sqrt(gamma / k));
  ASSERT_LT(want, 0);
  const CorwinSchultzSpread::Input first{.high = 100 * std::exp(0.02), .low = 100};
  const CorwinSchultzSpread::Input second{.high = 100 * std::exp(0.03), .low = 100 * std::exp(0.02)};
  KernelProbe<CorwinSchultzSpread> zero, keep({.negative = CorwinSchultzSpread::Negative::kKeep});
  zero.Update(first), keep.Update(first);
  EXPECT_NEAR(keep.Update(second).value(), want, 1e-13);
  EXPECT_EQ(zero.Update(second), 0.0);
}

TEST(CorwinSchultzSpread, AveragesAfterNegativeOnesWereReplaced) {
  KernelProbe<CorwinSchultzSpread> spread({.window = 2});
  const double high = 100 * std::exp(0.02);
  spread.Update({.high = high, .low = 100});
  EXPECT_EQ(spread.Update({.high = high, .low = 100}), std::nullopt);
  EXPECT_NEAR(spread.Update({.high = 2 * high, .low = 200}).value(), SpreadOf(0.02) / 2, 1e-13);  // A gap: negative.
  EXPECT_NEAR(spread.Update({.high = 2 * high, .low = 200}).value(), SpreadOf(0.02) / 2, 1e-13);
  EXPECT_NEAR(spread.Update({.high = 2 * high, .low = 200}).value(), SpreadOf(0.02), 1e-13);
}

TEST(CorwinSchultzSpread, ClosesTheGapToTheCloseBefore) {
  for (const double gap : {-20.0, 0.0, 30.0, 1e12}) {
    // The later bar has the range of the first once it is moved to the close, which is the first one's low or high.
    KernelProbe<CorwinSchultzSpread> spread({.overnight_adjust = true});
    const double close = gap < 0 ? 110 : 100;
    spread.Update({.high = 110, .low = 100, .close = close});
    const auto found = spread.Update({.high = 110 + gap, .low = 100 + gap, .close = 105 + gap});
    EXPECT_NEAR(found.value(), SpreadOf(std::log(1.1)), gap < 1e6 ? 1e-13 : 1e-6) << gap;
  }
}

TEST(CorwinSchultzSpread, MovesABarForItsOwnPairOnly) {
  KernelProbe<CorwinSchultzSpread> spread({.overnight_adjust = true});
  spread.Update({.high = 110, .low = 100, .close = 100});
  spread.Update({.high = 220, .low = 200, .close = 200});  // Moved to 120 .. 100.
  EXPECT_NEAR(spread.Update({.high = 220, .low = 200, .close = 200}).value(), SpreadOf(std::log(1.1)), 1e-13);
}

TEST(CorwinSchultzSpread, SkipsBarsThatAreNone) {
  KernelProbe<CorwinSchultzSpread> spread, adjusted({.overnight_adjust = true});
  for (const CorwinSchultzSpread::Input& bar : {CorwinSchultzSpread::Input{.high = 1, .low = 2, .close = 1},
                                                {.high = 1, .low = 0, .close = 1},
                                                {.high = -1, .low = -2, .close = 1}}) {
    EXPECT_EQ(spread.Update(bar), std::nullopt);
    EXPECT_EQ(adjusted.Update(bar), std::nullopt);
  }
  EXPECT_EQ(adjusted.Update({.high = 7, .low = 7, .close = 0}), std::nullopt);
  EXPECT_EQ(spread.Update({.high = 7, .low = 7}), std::nullopt);  // The first one: close is not read.
  EXPECT_EQ(adjusted.Update({.high = 7, .low = 7, .close = 7}), std::nullopt);
  EXPECT_EQ(spread.Update({.high = 7, .low = 7}), 0.0);
  EXPECT_EQ(adjusted.Update({.high = 7, .low = 7, .close = 7}), 0.0);
}

TEST(CorwinSchultzSpread, OfATimeAveragesTheEstimatesCompletedInIt) {
  KernelProbe<CorwinSchultzSpread> spread({.window = Window::Time(10)});
  const double high = 100 * std::exp(0.02);
  EXPECT_EQ(spread.Update({.high = high, .low = 100, .timestamp = 0}), std::nullopt);
  EXPECT_NEAR(spread.Update({.high = high, .low = 100, .timestamp = 50}).value(), SpreadOf(0.02), 1e-13);
  EXPECT_NEAR(spread.Update({.high = 2 * high, .low = 200, .timestamp = 59}).value(), SpreadOf(0.02) / 2, 1e-13);
  EXPECT_EQ(spread.Update({.high = high, .low = 100, .timestamp = 58}), std::nullopt);  // Late.
  EXPECT_NEAR(spread.Update({.high = 2 * high, .low = 200, .timestamp = 60}).value(), SpreadOf(0.02) / 2, 1e-13);
}

TEST(CorwinSchultzSpread, ReadsCloseOnlyToAdjust) {
  Options adjusted{.overnight_adjust = true};
  EXPECT_FALSE(CorwinSchultzSpread::Needs({}, "close"));
  EXPECT_TRUE(CorwinSchultzSpread::Needs(adjusted, "close"));
  EXPECT_FALSE(CorwinSchultzSpread::Needs(adjusted, "timestamp"));
  EXPECT_TRUE(CorwinSchultzSpread::Needs({.window = Window::Time(1)}, "timestamp"));
  EXPECT_TRUE(CorwinSchultzSpread::Needs({}, "high"));
}

}  // namespace
}  // namespace sabot::kernels
