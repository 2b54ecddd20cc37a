#include "sabot/kernels/volatility.h"

#include <gtest/gtest.h>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

TEST(RealizedVar, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<RealizedVar>({.window = 0}), "realized_var: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<RealizedVar>({.window = 5, .min_periods = 6}),
            "realized_var: option 'min_periods' must be at most the window of 5 rows, found 6.");
}

TEST(RealizedVar, FollowsTheDefinition) {  // Eighths: squares and sums are exact.
  KernelProbe<RealizedVar> realized_var({.window = 2});
  EXPECT_EQ(realized_var.Update({.x = 0.125}), std::nullopt);
  EXPECT_EQ(realized_var.Update({.x = -0.25}), 5 / 64.0);
  EXPECT_EQ(realized_var.Update({.x = 0.5}), 20 / 64.0);
  EXPECT_EQ(realized_var.Update({.x = 0}), 16 / 64.0);
  EXPECT_EQ(realized_var.Update({.x = 0}), 0.0);
}

TEST(RealizedVar, StartsWithMinPeriods) {
  KernelProbe<RealizedVar> realized_var({.window = 3, .min_periods = 1});
  EXPECT_EQ(realized_var.Update({.x = 0.5}), 0.25);
  EXPECT_EQ(realized_var.Update({.x = 0.5}), 0.5);
}

TEST(RealizedVar, ForgetsAnOverflow) {
  KernelProbe<RealizedVar> realized_var({.window = 2});
  realized_var.Update({.x = 1});
  EXPECT_EQ(realized_var.Update({.x = 1e200}), std::nullopt);
  EXPECT_EQ(realized_var.Update({.x = 1}), std::nullopt);
  EXPECT_EQ(realized_var.Update({.x = 1}), 2.0);
}

}  // namespace
}  // namespace sabot::kernels
