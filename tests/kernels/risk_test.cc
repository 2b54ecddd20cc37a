#include "sabot/kernels/risk.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

void ExpectSums(const Cusum::Outputs& found, double above, double below, int64_t alarm) {
  EXPECT_EQ(found.above, above);
  EXPECT_EQ(found.below, below);
  EXPECT_EQ(found.alarm, alarm);
}

TEST(Cusum, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Cusum>({.std = 0}), "cusum: option 'std' must be > 0 and finite, found 0.");
  EXPECT_EQ(Refusal<Cusum>({.k = -0.5}), "cusum: option 'k' must be >= 0 and finite, found -0.5.");
  EXPECT_EQ(Refusal<Cusum>({.h = 0}), "cusum: option 'h' must be > 0 and finite, found 0.");
  EXPECT_EQ(Refusal<Cusum>({.mean = NAN}), "cusum: option 'mean' must be finite, found nan.");
}

TEST(Cusum, FollowsTheDefinition) {
  KernelProbe<Cusum> cusum({.mean = 10, .std = 2, .k = 0.5, .h = 2});
  ExpectSums(cusum.Update({.x = 10}), 0, 0, 0);
  ExpectSums(cusum.Update({.x = 13}), 1, 0, 0);    // z = 1.5
  ExpectSums(cusum.Update({.x = 13}), 2, 0, 0);    // Not above h.
  ExpectSums(cusum.Update({.x = 12}), 2.5, 0, 1);  // z = 1: an alarm, with the sums as they were.
  ExpectSums(cusum.Update({.x = 12}), 0.5, 0, 0);  // Both began again.
  ExpectSums(cusum.Update({.x = 4}), 0, 2.5, -1);  // z = -3
}

TEST(Cusum, GoesOnWithoutReset) {
  KernelProbe<Cusum> cusum({.k = 0.5, .h = 2, .reset = false});
  ExpectSums(cusum.Update({.x = 4}), 3.5, 0, 1);
  ExpectSums(cusum.Update({.x = 1}), 4, 0, 1);
  ExpectSums(cusum.Update({.x = -4}), 0, 3.5, -1);
}

TEST(Cusum, TheLargerSumSigns) {
  KernelProbe<Cusum> slack_free({.k = 0, .h = 1, .reset = false});
  ExpectSums(slack_free.Update({.x = 3}), 3, 0, 1);
  ExpectSums(slack_free.Update({.x = -1.5}), 1.5, 1.5, 1);  // A tie is an alarm above.
  ExpectSums(slack_free.Update({.x = -0.25}), 1.25, 1.75, -1);
}

TEST(Cusum, ResetsBothSums) {
  KernelProbe<Cusum> cusum({.k = 0, .h = 2});
  ExpectSums(cusum.Update({.x = 2}), 2, 0, 0);
  ExpectSums(cusum.Update({.x = -1}), 1, 1, 0);
  ExpectSums(cusum.Update({.x = -2}), 0, 3, -1);
  ExpectSums(cusum.Update({.x = 0}), 0, 0, 0);
}

TEST(Cusum, RecoversFromAnOverflow) {
  KernelProbe<Cusum> cusum({.std = 1e-10});
  const auto found = cusum.Update({.x = 1e308});
  EXPECT_EQ(Shown(found.above), std::nullopt);
  EXPECT_EQ(found.alarm, 1);
  ExpectSums(cusum.Update({.x = 0}), 0, 0, 0);
}

TEST(CornishFisherVar, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<CornishFisherVar>({.alpha = 0}), "cornish_fisher_var: option 'alpha' must be in (0, 1), found 0.");
  EXPECT_EQ(Refusal<CornishFisherVar>({.alpha = 1}), "cornish_fisher_var: option 'alpha' must be in (0, 1), found 1.");
}

TEST(CornishFisherVar, IsNullWithANegativeDeviation) {
  EXPECT_EQ(KernelProbe<CornishFisherVar>().Update({.mean = 0, .stddev = -1}), std::nullopt);
  EXPECT_EQ(KernelProbe<CornishFisherVar>().Update({.mean = 3, .stddev = 0, .skew = 1, .kurt = 1}), -3.0);
}

TEST(CornishFisherVar, AtTheMedianHasTheSkewAlone) {  // z = 0: w = -skew / 6.
  KernelProbe<CornishFisherVar> median({.alpha = 0.5});
  EXPECT_EQ(median.Update({.mean = 1, .stddev = 2, .skew = 6, .kurt = 5}), 1.0);
}

TEST(CornishFisherVar, FollowsTheDefinition) {  // Worked out with 40 digits.
  KernelProbe<CornishFisherVar> var;
  EXPECT_DOUBLE_EQ(*var.Update({.mean = 0, .stddev = 1}), 1.6448536269514727);
  EXPECT_DOUBLE_EQ(*var.Update({.mean = 0, .stddev = 1, .skew = 1}), 1.3418136681597383);
  EXPECT_DOUBLE_EQ(*var.Update({.mean = 0, .stddev = 1, .kurt = 1}), 1.6246728803885243);
  EXPECT_DOUBLE_EQ(*var.Update({.mean = 0.125, .stddev = 2, .skew = -0.5, .kurt = 3}), 3.3184886586532417);
}

}  // namespace
}  // namespace sabot::kernels
