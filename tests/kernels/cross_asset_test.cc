#include "sabot/kernels/cross_asset.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

// --- pairs_spread ---

std::optional<double> Spread(const PairsSpread::Input& row, const PairsSpread::Options& options = {}) {
  return KernelProbe<PairsSpread>(options).Update(row);
}

TEST(PairsSpread, RefusesTheHedgeRatioTwice) {
  EXPECT_EQ(Refusal<PairsSpread>({.hedge_ratio = 2, .use_hedge_column = true}),
            "pairs_spread: option 'hedge_ratio' and option 'use_hedge_column' were both given. Give the ratio as a "
            "number or as a column.");
  EXPECT_EQ(Refusal<PairsSpread>({.hedge_ratio = NAN}),
            "pairs_spread: option 'hedge_ratio' must be finite, found nan.");
  EXPECT_EQ(Refusal<PairsSpread>({.intercept = INFINITY}),
            "pairs_spread: option 'intercept' must be finite, found inf.");
}

TEST(PairsSpread, IsNullWhereALogarithmIsNot) {
  EXPECT_EQ(Spread({.price_a = 0, .price_b = 1}, {.log = true}), std::nullopt);
  EXPECT_EQ(Spread({.price_a = 1, .price_b = 0}, {.log = true}), std::nullopt);
  EXPECT_EQ(Spread({.price_a = 0, .price_b = 0}, {.log = true}), std::nullopt);
  EXPECT_EQ(Spread({.price_a = 1, .price_b = -2}, {.log = true}), std::nullopt);
  EXPECT_EQ(Spread({.price_a = 1, .price_b = 0}, {.hedge_ratio = 0, .log = true}), std::nullopt);
  EXPECT_EQ(Spread({.price_a = -1, .price_b = 0}), -1);
  EXPECT_EQ(Spread({.price_a = 1e308, .price_b = -1e308}), std::nullopt);
}

TEST(PairsSpread, IsWhatIsLeftAfterTheHedge) {
  EXPECT_EQ(Spread({.price_a = 10, .price_b = 3}), 7);
  EXPECT_EQ(Spread({.price_a = 10, .price_b = 3}, {.hedge_ratio = 2, .intercept = 1}), 3);
  EXPECT_EQ(Spread({.price_a = 10, .price_b = 3, .hedge_ratio = 3}, {.intercept = 0.5, .use_hedge_column = true}), 0.5);
  EXPECT_EQ(Spread({.price_a = std::exp(3.0), .price_b = std::exp(2.0)}, {.hedge_ratio = 1.5, .log = true}), 0);
  EXPECT_TRUE(PairsSpread::Needs({.use_hedge_column = true}, "hedge_ratio"));
  EXPECT_FALSE(PairsSpread::Needs({}, "hedge_ratio"));
}

// --- kalman_hedge_ratio ---

TEST(KalmanHedgeRatio, RefusesVariancesThatAreNone) {
  EXPECT_EQ(Refusal<KalmanHedgeRatio>({.q = -1}), "kalman_hedge_ratio: option 'q' must be >= 0 and finite, found -1.");
  EXPECT_EQ(Refusal<KalmanHedgeRatio>({.r = 0}), "kalman_hedge_ratio: option 'r' must be > 0 and finite, found 0.");
  EXPECT_EQ(Refusal<KalmanHedgeRatio>({.p0 = 0}), "kalman_hedge_ratio: option 'p0' must be > 0 and finite, found 0.");
}

// Two rows worked by hand. After the first one P = [[3/4, -1/4], [-1/4, 3/4]].
TEST(KalmanHedgeRatio, FollowsTheDefinition) {
  KernelProbe<KalmanHedgeRatio> filter({.q = 0, .r = 2, .p0 = 1});
  const auto first = filter.Update({.price_a = 8, .price_b = 1});  // s = (1, 1), Q = 4, K = (1/4, 1/4).
  EXPECT_EQ(first.hedge_ratio, 2);
  EXPECT_EQ(first.intercept, 2);
  EXPECT_EQ(first.spread, 8);
  EXPECT_EQ(first.spread_std, 2);
  const auto second = filter.Update({.price_a = 10.75, .price_b = 2});  // s = (5/4, 1/4), Q = 4.75, e = 10.75 - 6.
  EXPECT_NEAR(second.hedge_ratio, 3.25, 1e-15);
  EXPECT_NEAR(second.intercept, 2.25, 1e-15);
  EXPECT_EQ(second.spread, 4.75);
  EXPECT_EQ(second.spread_std, std::sqrt(4.75));
}

TEST(KalmanHedgeRatio, HasNoInterceptUnlessWanted) {
  KernelProbe<KalmanHedgeRatio> filter({.q = 0.5, .r = 2, .p0 = 1, .intercept = false});
  const auto first = filter.Update({.price_a = 12, .price_b = 2});  // P = 3/2, s = 3, Q = 8, K = 3/8.
  EXPECT_EQ(first.hedge_ratio, 4.5);
  EXPECT_EQ(first.intercept, 0);
  EXPECT_EQ(first.spread, 12);
  EXPECT_EQ(first.spread_std, std::sqrt(8.0));
  const auto second = filter.Update({.price_a = 4.5, .price_b = 1});  // P = 3/8 + 1/2, Q = 2 7/8.
  EXPECT_EQ(second.hedge_ratio, 4.5);
  EXPECT_EQ(second.intercept, 0);
  EXPECT_EQ(second.spread, 0);
  EXPECT_EQ(second.spread_std, std::sqrt(2.875));
}

// With P - K * s' the variance of the first row would lose half its digits, or turn negative.
TEST(KalmanHedgeRatio, StaysPositiveWhereTheShortFormWouldNot) {
  KernelProbe<KalmanHedgeRatio> filter({.q = 0, .r = 1e-10, .p0 = 1e10, .intercept = false});
  filter.Update({.price_a = 3, .price_b = 1});
  const auto second = filter.Update({.price_a = 3, .price_b = 1});
  EXPECT_NEAR(second.spread_std, std::sqrt(2e-10), 1e-14);  // P = r after the first row, to 20 digits.
}

}  // namespace
}  // namespace sabot::kernels
