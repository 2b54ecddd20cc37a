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

TEST(RiskMetricsVol, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<RiskMetricsVol>({.lambda = 1}), "riskmetrics_vol: option 'lambda' must be in [0, 1), found 1.");
  EXPECT_EQ(Refusal<RiskMetricsVol>({.lambda = 0}),
            "riskmetrics_vol: 'lambda' gives alpha = 1, which must be in (0, 1).");
  EXPECT_EQ(Refusal<RiskMetricsVol>({.alpha = 1}),
            "riskmetrics_vol: 'alpha' gives alpha = 1, which must be in (0, 1).");
  EXPECT_EQ(Refusal<RiskMetricsVol>({.span = 1}), "riskmetrics_vol: 'span' gives alpha = 1, which must be in (0, 1).");
}

TEST(RiskMetricsVol, DefaultsToLambda) {
  KernelProbe<RiskMetricsVol> riskmetrics_vol;
  EXPECT_EQ(riskmetrics_vol.Update({.x = -1}), 1.0);
  EXPECT_EQ(riskmetrics_vol.Update({.x = 0}), std::sqrt(0.94));
}

TEST(RiskMetricsVol, FollowsTheDefinition) {
  KernelProbe<RiskMetricsVol> by_lambda({.lambda = 0.75}), by_alpha({.alpha = 0.25}), by_com({.com = 3});
  for (auto* probe : {&by_lambda, &by_alpha, &by_com}) {
    EXPECT_EQ(probe->Update({.x = -2}), 2.0);
    EXPECT_EQ(probe->Update({.x = 2}), 2.0);
    EXPECT_EQ(probe->Update({.x = -6}), std::sqrt(12));  // 0.75 * 4 + 0.25 * 36
    EXPECT_EQ(probe->Update({.x = 0}), 3.0);             // 0.75 * 12
  }
}

TEST(RiskMetricsVol, TakesASmallLambdaAsItWasGiven) {
  KernelProbe<RiskMetricsVol> riskmetrics_vol({.lambda = 0.1});  // 1 - (1 - 0.1) is another number.
  riskmetrics_vol.Update({.x = 1});
  EXPECT_EQ(riskmetrics_vol.Update({.x = 0}), std::sqrt(0.1));
}

TEST(RiskMetricsVol, ForgetsByTime) {
  KernelProbe<RiskMetricsVol> riskmetrics_vol({.halflife = HalfLife{.ns = 10}});
  EXPECT_EQ(riskmetrics_vol.Update({.x = 4, .timestamp = 100}), 4.0);
  EXPECT_EQ(riskmetrics_vol.Update({.x = 9, .timestamp = 100}), 4.0);            // No time, no weight.
  EXPECT_EQ(riskmetrics_vol.Update({.x = 9, .timestamp = 99}), std::nullopt);    // Late.
  EXPECT_DOUBLE_EQ(riskmetrics_vol.Update({.x = 0, .timestamp = 120}).value(), 2.0);
  EXPECT_EQ(riskmetrics_vol.Update({.x = 3, .timestamp = 100'000}), 3.0);        // All forgotten.
  EXPECT_TRUE(RiskMetricsVol::Needs({.halflife = HalfLife{.ns = 5}}, "timestamp"));
  EXPECT_FALSE(RiskMetricsVol::Needs({.halflife = HalfLife{.rows = 5}}, "timestamp"));
}

}  // namespace
}  // namespace sabot::kernels
