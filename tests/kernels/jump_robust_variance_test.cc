#include "sabot/kernels/jump_robust_variance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

constexpr double kHalfPi = std::numbers::pi / 2;
const double kMedianScale = std::numbers::pi / (6 - 4 * std::sqrt(3.0) + std::numbers::pi);

TEST(BipowerVar, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<BipowerVar>({.window = 0}), "bipower_var: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<BipowerVar>({.window = 5, .min_periods = 6}),
            "bipower_var: option 'min_periods' must be at most the window of 5 rows, found 6.");
  EXPECT_EQ(Refusal<MedRv>({.window = 5, .max_rows = 9}),
            "medrv: option 'max_rows' bounds a window of time. The window is of 5 rows: leave max_rows out, or give "
            "window as a duration such as \"5s\".");
}

TEST(BipowerVar, FollowsTheDefinition) {
  // 1*2 + 2*3 of three returns, then 2*3 + 3*0.
  KernelProbe<BipowerVar> scaled({.window = 3}), plain({.window = 3, .finite_sample = false});
  for (const double x : {1.0, -2.0}) {
    EXPECT_EQ(scaled.Update({.x = x}), std::nullopt);
    plain.Update({.x = x});
  }
  EXPECT_DOUBLE_EQ(scaled.Update({.x = 3}).value(), kHalfPi * 1.5 * 8);
  EXPECT_DOUBLE_EQ(plain.Update({.x = 3}).value(), kHalfPi * 8);
  EXPECT_DOUBLE_EQ(scaled.Update({.x = 0}).value(), kHalfPi * 1.5 * 6);
  EXPECT_DOUBLE_EQ(plain.Update({.x = 0}).value(), kHalfPi * 6);
}

TEST(BipowerVar, NeedsTwoReturns) {
  KernelProbe<BipowerVar> early({.window = 3, .min_periods = 1}), never({.window = 1});
  EXPECT_EQ(early.Update({.x = 1}), std::nullopt);
  EXPECT_DOUBLE_EQ(early.Update({.x = 2}).value(), kHalfPi * 2 * 2);
  for (int row = 0; row < 5; ++row) EXPECT_EQ(never.Update({.x = 1}), std::nullopt);
}

TEST(BipowerVar, OfATimeNeedsBothReturnsInside) {
  KernelProbe<BipowerVar> bipower({.window = Window::Time(10), .finite_sample = false});
  EXPECT_EQ(bipower.Update({.x = 1, .timestamp = 0}), std::nullopt);
  EXPECT_DOUBLE_EQ(bipower.Update({.x = 2, .timestamp = 9}).value(), kHalfPi * 2);
  EXPECT_DOUBLE_EQ(bipower.Update({.x = 3, .timestamp = 10}).value(), kHalfPi * 6);  // Without 1*2: 1 has left.
  EXPECT_EQ(bipower.Update({.x = 9, .timestamp = 8}), std::nullopt);                 // Late.
  EXPECT_EQ(bipower.Update({.x = 4, .timestamp = 20}), std::nullopt);                // Alone.
  EXPECT_DOUBLE_EQ(bipower.Update({.x = 5, .timestamp = 20}).value(), kHalfPi * 20);
}

TEST(BipowerVar, HardlyCountsAJump) {
  KernelProbe<BipowerVar> bipower({.window = 100});
  KernelProbe<MedRv> medrv({.window = 100});
  std::optional<double> products, medians;
  for (int row = 0; row < 100; ++row) {
    const double x = row == 50 ? 1.0 : 1e-3;  // Its square is 10,000 times the sum of all others.
    products = bipower.Update({.x = x}), medians = medrv.Update({.x = x});
  }
  EXPECT_LT(*products, 5e-3);
  EXPECT_LT(*medians, 2e-4);
}

TEST(BipowerVar, ForgetsAnOutlier) {
  for (int phase = 0; phase < 12; ++phase) {
    KernelProbe<BipowerVar> bipower({.window = 4, .finite_sample = false});
    KernelProbe<MedRv> medrv({.window = 4, .finite_sample = false});
    for (int row = 0; row < 30; ++row) {
      const double x = row == phase ? 1e12 : 0.125;
      const auto products = bipower.Update({.x = x}), medians = medrv.Update({.x = x});
      if (row < phase + 4) continue;
      ASSERT_DOUBLE_EQ(products.value(), kHalfPi * 3 / 64);
      ASSERT_DOUBLE_EQ(medians.value(), kMedianScale * 2 / 64);
    }
  }
}

TEST(MedRv, FollowsTheDefinition) {
  // Medians of 1 3 2 and 3 2 2, then of 3 2 2 and 2 2 8.
  KernelProbe<MedRv> scaled({.window = 4}), plain({.window = 4, .finite_sample = false});
  for (const double x : {1.0, -3.0, 2.0}) {
    EXPECT_EQ(scaled.Update({.x = x}), std::nullopt);
    plain.Update({.x = x});
  }
  EXPECT_DOUBLE_EQ(scaled.Update({.x = -2}).value(), kMedianScale * 2 * 8);
  EXPECT_DOUBLE_EQ(plain.Update({.x = -2}).value(), kMedianScale * 8);
  EXPECT_DOUBLE_EQ(scaled.Update({.x = 8}).value(), kMedianScale * 2 * 8);
}

TEST(MedRv, NeedsThreeReturns) {
  KernelProbe<MedRv> early({.window = 5, .min_periods = 1}), never({.window = 2});
  EXPECT_EQ(early.Update({.x = 1}), std::nullopt);
  EXPECT_EQ(early.Update({.x = 1}), std::nullopt);
  EXPECT_DOUBLE_EQ(early.Update({.x = 1}).value(), kMedianScale * 3);
  for (int row = 0; row < 5; ++row) EXPECT_EQ(never.Update({.x = 1}), std::nullopt);
}

TEST(MedRv, OfATimeNeedsAllThreeInside) {
  KernelProbe<MedRv> medrv({.window = Window::Time(10), .finite_sample = false});
  for (const int64_t time : {0, 1}) EXPECT_EQ(medrv.Update({.x = 1, .timestamp = time}), std::nullopt);
  EXPECT_DOUBLE_EQ(medrv.Update({.x = 2, .timestamp = 5}).value(), kMedianScale * 1);
  EXPECT_DOUBLE_EQ(medrv.Update({.x = 3, .timestamp = 10}).value(), kMedianScale * 4);  // 1 2 3: the first 1 has left.
  EXPECT_EQ(medrv.Update({.x = 3, .timestamp = 15}), std::nullopt);  // Two are left.
}

}  // namespace
}  // namespace sabot::kernels
