#include "sabot/kernels/liquidity.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

TEST(KyleLambda, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<KyleLambda>({.window = 0}), "kyle_lambda: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<KyleLambda>({.window = 5, .min_periods = 6}),
            "kyle_lambda: option 'min_periods' must be at most the window of 5 rows, found 6.");
}

TEST(KyleLambda, FollowsTheDefinition) {
  // Changes 1, 2, 0 on volumes 1, 3, 2: covariance sums to 1, variance to 2. Then 2, 0, 3 on 3, 2, 1: -1.5 to 2.
  KernelProbe<KyleLambda> kyle_lambda({.window = 3});
  EXPECT_EQ(kyle_lambda.Update({.price = 100, .signed_volume = 50}), std::nullopt);  // Makes no pair.
  EXPECT_EQ(kyle_lambda.Update({.price = 101, .signed_volume = 1}), std::nullopt);
  EXPECT_EQ(kyle_lambda.Update({.price = 103, .signed_volume = 3}), std::nullopt);
  EXPECT_DOUBLE_EQ(kyle_lambda.Update({.price = 103, .signed_volume = 2}).value(), 0.5);
  EXPECT_DOUBLE_EQ(kyle_lambda.Update({.price = 106, .signed_volume = 1}).value(), -0.5);
}

TEST(KyleLambda, StartsWithMinPeriods) {
  KernelProbe<KyleLambda> kyle_lambda({.window = 3, .min_periods = 1});
  kyle_lambda.Update({.price = 100, .signed_volume = 0});
  EXPECT_EQ(kyle_lambda.Update({.price = 101, .signed_volume = 1}), std::nullopt);  // One pair has no slope.
  EXPECT_DOUBLE_EQ(kyle_lambda.Update({.price = 100, .signed_volume = -1}).value(), 1.0);
}

TEST(KyleLambda, IsNullWhereVolumesAreEqual) {
  KernelProbe<KyleLambda> kyle_lambda({.window = 3});
  kyle_lambda.Update({.price = 100, .signed_volume = 1e12});
  kyle_lambda.Update({.price = 101, .signed_volume = 1e12});
  for (const double price : {100.3, 100.1, 100.7}) kyle_lambda.Update({.price = price, .signed_volume = 0.1});
  EXPECT_EQ(kyle_lambda.Update({.price = 100.2, .signed_volume = 0.1}), std::nullopt);
}

TEST(KyleLambda, AgreesWithTwoPasses) {
  constexpr int64_t kWindow = 20;
  auto prices = TickPrices(1000, 1);
  auto volumes = SignedSizes(1000, 2);
  for (std::size_t row = 100; row < 1000; row += 97) (row % 2 == 0 ? prices : volumes)[row] = 1e12;
  KernelProbe<KyleLambda> kyle_lambda({.window = kWindow});
  kyle_lambda.Update({.price = prices[0], .signed_volume = volumes[0]});
  std::vector<double> changes, paired;
  WorstError error;
  for (std::size_t row = 1; row < prices.size(); ++row) {
    changes.push_back(prices[row] - prices[row - 1]);
    paired.push_back(volumes[row]);
    const auto found = kyle_lambda.Update({.price = prices[row], .signed_volume = volumes[row]});
    if (row < kWindow) continue;
    const auto x = WindowAt(changes, row - 1, kWindow), y = WindowAt(paired, row - 1, kWindow);
    error.See(found.value(), CodeviationOf(x, y) / CodeviationOf(y, y), std::max(LargestOf(x), LargestOf(y)));
  }
  EXPECT_LE(error.worst(), 1);
}

}  // namespace
}  // namespace sabot::kernels
