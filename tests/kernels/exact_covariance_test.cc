#include "sabot/kernels/exact_covariance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "tests/kernels/two_pass.h"
#include "tests/kernels/window_probe.h"

namespace sabot::kernels {
namespace {

TEST(DoubleDouble, KeepsWhatADoubleLoses) {
  const auto sum = DoubleDouble::SumOf(1e16, 1.0) + DoubleDouble::SumOf(-1e16, 0.25);
  EXPECT_EQ(sum.high, 1.25);
  EXPECT_EQ(sum.low, 0.0);
}

TEST(DoubleDouble, ProductsAreExact) {
  const double a = 1 + 0x1p-30, b = 1 - 0x1p-30;  // Their product is 1 - 2^-60.
  const auto product = DoubleDouble::ProductOf(a, b);
  EXPECT_EQ(product.high, 1.0);
  EXPECT_EQ(product.low, -0x1p-60);
}

TEST(DoubleDouble, DividesToTwiceTheDigits) {
  const auto third = DoubleDouble{1, 0} / 3;
  EXPECT_EQ(third.high, 1.0 / 3);
  const auto rest = third + third + third - DoubleDouble{1, 0};
  EXPECT_LE(std::abs(rest.high), 0x1p-104);
  EXPECT_EQ((DoubleDouble{0, 0} / 3).high, 0.0);
}

TEST(DoubleDouble, MultipliesToTwiceTheDigits) {
  const auto third = DoubleDouble{1, 0} / 3, ninth = DoubleDouble{1, 0} / 9;
  EXPECT_LE(std::abs((third * third - ninth).high), 0x1p-106);
}

TEST(ExactCoSums, DoNotDependOnWhereTheyAreMerged) {
  const std::vector<ExactCoSums::Value> pairs = {
      {{1}, {5}}, {{2}, {3}}, {{4}, {4}}, {{7}, {1}}};  // Means 3.5, 3.25: -11.5
  for (std::size_t first = 0; first <= pairs.size(); ++first) {
    EXPECT_EQ(MergedInTwo<ExactCoSums>(pairs, first).Codeviation(4), -11.5) << first;
  }
}

TEST(ExactCoSums, FindZeroWhereItIs) {  // Over thirds, which no double is.
  WindowProbe<ExactCoSums> probe(3);
  const std::vector<ExactCoSums::Value> pairs = {{{1}, {1}}, {{0}, {1}},  {{-1}, {1}}, {{1}, {0}},
                                                 {{0}, {0}}, {{-1}, {0}}, {{1}, {7}},  {{0}, {7}}};
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    const auto sums = probe.Push(pairs[row]);
    if (row % 3 != 2) continue;
    EXPECT_EQ(sums.Codeviation(3), 0.0) << row;
  }
}

TEST(ExactCoSums, HaveADigitLeftWhereDoublesHaveNone) {
  // The sum of x y is 0, those of x and of y are 2^-29 each: -2^-58 / 4, which is 2^-60 of either's squares.
  const std::vector<ExactCoSums::Value> pairs = {
      {{1}, {0x1p-30}}, {{-1}, {0x1p-30}}, {{0x1p-30}, {1}}, {{0x1p-30}, {-1}}};
  EXPECT_EQ(MergedInTwo<ExactCoSums>(pairs, 2).Codeviation(4), -0x1p-60);
}

TEST(ExactCoSums, ForgetOutliers) {
  constexpr int64_t kWindow = 7;
  for (std::size_t phase = 0; phase < 3 * kWindow; ++phase) {
    auto x = TickPrices(60, 1), y = SignedSizes(60, 2);
    (phase % 2 == 0 ? x : y)[phase] = 1e12;
    WindowProbe<ExactCoSums> probe(kWindow);
    for (std::size_t row = 0; row < x.size(); ++row) {
      const auto sums = probe.Push({{x[row]}, {y[row]}});
      if (row < phase + kWindow) continue;
      const auto want = CodeviationOf(WindowAt(x, row, kWindow), WindowAt(y, row, kWindow));
      ASSERT_NEAR(sums.Codeviation(kWindow), static_cast<double>(want), 1e-12) << phase << " " << row;
    }
  }
}

TEST(ExactCoSums, OfEqualValuesAreExactlyZero) {
  WindowProbe<ExactCoSums> probe(5);
  probe.Push({{1e12}, {-1e12}});
  for (int row = 0; row < 30; ++row) {
    const auto sums = probe.Push({{0.1}, {static_cast<double>(row)}});
    if (row < 4) continue;
    ASSERT_EQ(sums.Codeviation(5), 0.0) << row;
  }
}

TEST(ExactCoSums, ForgetAnOverflow) {
  WindowProbe<ExactCoSums> probe(2);
  probe.Push({{1}, {1}});
  EXPECT_FALSE(std::isfinite(probe.Push({{1e300}, {1e300}}).Codeviation(2)));
  probe.Push({{1}, {1}});
  EXPECT_EQ(probe.Push({{3}, {2}}).Codeviation(2), 1.0);
}

}  // namespace
}  // namespace sabot::kernels
