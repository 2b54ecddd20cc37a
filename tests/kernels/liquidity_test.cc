#include "sabot/kernels/liquidity.h"

#include <gtest/gtest.h>

#include <optional>
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

TEST(AmihudIlliquidity, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<AmihudIlliquidity>({.window = 0}),
            "amihud_illiquidity: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<AmihudIlliquidity>({.scale = 0}),
            "amihud_illiquidity: option 'scale' must be > 0 and finite, found 0.");
  EXPECT_EQ(Refusal<AmihudIlliquidity>({.window = 5, .min_periods = 6}),
            "amihud_illiquidity: option 'min_periods' must be at most the window of 5 rows, found 6.");
}

TEST(AmihudIlliquidity, FollowsTheDefinition) {
  // Returns 1/2 over 3 * 4 units of money, -1/3 over 2 * 8, 0 over 2 * 1.
  KernelProbe<AmihudIlliquidity> amihud({.window = 2, .scale = 1000});
  EXPECT_EQ(amihud.Update({.price = 2, .volume = 9}), std::nullopt);  // Makes no return.
  EXPECT_EQ(amihud.Update({.price = 3, .volume = 4}), std::nullopt);
  EXPECT_DOUBLE_EQ(amihud.Update({.price = 2, .volume = 8}).value(), 1000 * (1.0 / 24 + 1.0 / 48) / 2);
  EXPECT_DOUBLE_EQ(amihud.Update({.price = 2, .volume = 1}).value(), 1000 * (1.0 / 48) / 2);
}

TEST(AmihudIlliquidity, SkipsRowsWithoutATrade) {  // The next return spans them.
  KernelProbe<AmihudIlliquidity> amihud({.window = 1});
  amihud.Update({.price = 2, .volume = 1});
  EXPECT_EQ(amihud.Update({.price = 9, .volume = 0}), std::nullopt);
  EXPECT_EQ(amihud.Update({.price = 9, .volume = -1}), std::nullopt);
  EXPECT_EQ(amihud.Update({.price = 0, .volume = 1}), std::nullopt);
  EXPECT_DOUBLE_EQ(amihud.Update({.price = 3, .volume = 4}).value(), 1.0 / 24);
}

TEST(AmihudIlliquidity, OfATimeAveragesTheReturnsCompletedInIt) {
  KernelProbe<AmihudIlliquidity> amihud({.window = Window::Time(10)});
  EXPECT_EQ(amihud.Update({.price = 2, .volume = 1, .timestamp = 0}), std::nullopt);
  EXPECT_DOUBLE_EQ(amihud.Update({.price = 3, .volume = 4, .timestamp = 50}).value(), 1.0 / 24);
  EXPECT_DOUBLE_EQ(amihud.Update({.price = 2, .volume = 8, .timestamp = 59}).value(), (1.0 / 24 + 1.0 / 48) / 2);
  EXPECT_EQ(amihud.Update({.price = 7, .volume = 8, .timestamp = 58}), std::nullopt);  // Late.
  EXPECT_DOUBLE_EQ(amihud.Update({.price = 2, .volume = 1, .timestamp = 60}).value(), (1.0 / 48) / 2);
}

TEST(AmihudIlliquidity, ForgetsAnOutlier) {
  KernelProbe<AmihudIlliquidity> amihud({.window = 2});
  const std::vector<double> prices = {2, 3, 1e12, 3, 2, 3};
  std::optional<double> last;
  for (const double price : prices) last = amihud.Update({.price = price, .volume = 1});
  EXPECT_DOUBLE_EQ(*last, (1.0 / 6 + 1.0 / 6) / 2);
}

}  // namespace
}  // namespace sabot::kernels
