#include "sabot/kernels/cross_correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

TEST(XcorrLeadlag, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<XcorrLeadlag>({.max_lag = -1}),
            "xcorr_leadlag: option 'max_lag' must be in [0, 16777216], found -1.");
  EXPECT_EQ(Refusal<XcorrLeadlag>({.window = 1}), "xcorr_leadlag: option 'window' must be in [2, 16777216], found 1.");
  EXPECT_EQ(Refusal<XcorrLeadlag>({.window = 5, .max_rows = 9}),
            "xcorr_leadlag: option 'max_rows' bounds a window of time. The window is of 5 rows: leave max_rows out, or "
            "give window as a duration such as \"5s\".");
}

TEST(XcorrLeadlag, RefusesMoreThanASymbolCanRemember) {
  EXPECT_EQ(Refusal<XcorrLeadlag>({.max_lag = 1 << 12, .window = 1 << 12}),
            "xcorr_leadlag: window * (max_lag + 1) must be at most 16777216, found 4096 * 4097: choose a smaller one.");
  EXPECT_EQ(
      Refusal<XcorrLeadlag>({.max_lag = 256, .window = Window::Time(1)}),
      "xcorr_leadlag: max_rows * (max_lag + 1) must be at most 16777216, found 65536 * 257: choose a smaller one.");
  EXPECT_EQ(Refusal<XcorrLeadlag>({.max_lag = 256, .window = Window::Time(1), .max_rows = 1000}), "");
}

// A series that does not repeat itself.
double Noise(int64_t row) { return std::fmod(static_cast<double>(row * row % 101) * 0.37, 1.0); }

TEST(XcorrLeadlag, FindsWhoLeadsAndByHowMuch) {
  for (const int64_t lead : {-3, -1, 0, 2, 3}) {
    KernelProbe<XcorrLeadlag> xcorr({.max_lag = 3, .window = 20});
    for (int64_t row = 10; row < 80; ++row) {
      const double x = Noise(row), y = -2 * Noise(row - lead) + 5;  // y is what x was `lead` rows before.
      const auto found = xcorr.Update({.x = x, .y = y});
      if (row < 10 + 20 + 3 - 1) {
        ASSERT_EQ(found.leadlag, std::nullopt) << row;
        ASSERT_TRUE(std::isnan(found.correlation)) << row;
      } else {
        ASSERT_EQ(found.leadlag, lead) << row;
        ASSERT_NEAR(found.correlation, -1, 1e-12) << row;
        ASSERT_GE(found.correlation, -1) << row;
      }
    }
  }
}

TEST(XcorrLeadlag, WithoutLagsIsACorrelation) {
  KernelProbe<XcorrLeadlag> xcorr({.max_lag = 0, .window = 3});
  xcorr.Update({.x = 2, .y = 1});
  EXPECT_EQ(xcorr.Update({.x = 4, .y = 2}).leadlag, std::nullopt);
  const auto found = xcorr.Update({.x = 3, .y = 4});
  EXPECT_EQ(found.leadlag, 0);
  EXPECT_DOUBLE_EQ(found.correlation, 1 / std::sqrt(28.0 / 3));  // As of autocorr's example.
}

TEST(XcorrLeadlag, SkipsLagsWithoutVariance) {
  // x moved once, five rows ago: of three pairs it is constant except where it is looked at two or more rows later.
  KernelProbe<XcorrLeadlag> xcorr({.max_lag = 3, .window = 3});
  for (int64_t row = 0; row < 5; ++row) {
    EXPECT_EQ(xcorr.Update({.x = 0.1, .y = 0.7}).leadlag, std::nullopt) << row;
  }
  EXPECT_EQ(xcorr.Update({.x = 0.1, .y = 0.7}).leadlag, std::nullopt);  // All of them are constant.
  EXPECT_EQ(xcorr.Update({.x = 5, .y = 0.7}).leadlag, std::nullopt);    // Still one of each two.
  for (const double y : {0.6, 0.9, 0.8}) xcorr.Update({.x = 0.1, .y = y});
  const auto found = xcorr.Update({.x = 0.1, .y = 0.2});  // x of lag 2: 5 0.1 0.1, of lag 3: 0.1 5 0.1.
  ASSERT_TRUE(found.leadlag.has_value());
  EXPECT_GE(*found.leadlag, 2);
}

TEST(XcorrLeadlag, OfATimeCountsThePairsCompletedInIt) {
  KernelProbe<XcorrLeadlag> xcorr({.max_lag = 1, .window = Window::Time(10)});
  EXPECT_EQ(xcorr.Update({.x = 1, .y = 9, .timestamp = 0}).leadlag, std::nullopt);  // No row before it.
  EXPECT_EQ(xcorr.Update({.x = 5, .y = 1, .timestamp = 0}).leadlag, std::nullopt);  // One pair a lag.
  const auto found = xcorr.Update({.x = 2, .y = 5, .timestamp = 9});                // Two always fit.
  EXPECT_EQ(found.leadlag, 0);
  EXPECT_NEAR(found.correlation, -1, 1e-15);
  EXPECT_EQ(xcorr.Update({.x = 9, .y = 9, .timestamp = 8}).leadlag, std::nullopt);  // Late.
  EXPECT_EQ(xcorr.Update({.x = 4, .y = 2, .timestamp = 9}).leadlag, 1);  // y repeats x: (1,1) (5,5) (2,2).
  EXPECT_EQ(xcorr.Update({.x = 4, .y = 2, .timestamp = 19}).leadlag, std::nullopt);
}

TEST(XcorrLeadlag, AgreesWithTwoPasses) {
  constexpr int64_t kWindow = 20, kMaxLag = 3;
  auto x = TickPrices(1200, 3), y = TickPrices(1200, 4);
  for (std::size_t row = 100; row < x.size(); row += 97) (row % 2 == 0 ? x : y)[row] = -1e12;
  KernelProbe<XcorrLeadlag> xcorr({.max_lag = kMaxLag, .window = kWindow});
  WorstError error;
  for (std::size_t row = 0; row < x.size(); ++row) {
    const auto found = xcorr.Update({.x = x[row], .y = y[row]});
    if (row < kWindow + kMaxLag - 1) continue;
    long double strongest = 0, chosen = 0;
    for (int64_t lag = -kMaxLag; lag <= kMaxLag; ++lag) {
      const auto last_x = WindowAt(x, row - static_cast<std::size_t>(std::max<int64_t>(lag, 0)), kWindow);
      const auto last_y = WindowAt(y, row - static_cast<std::size_t>(std::max<int64_t>(-lag, 0)), kWindow);
      const long double of_both = CodeviationOf(last_x, last_x) * CodeviationOf(last_y, last_y);
      if (of_both == 0) continue;
      const long double rho = CodeviationOf(last_x, last_y) / std::sqrt(of_both);
      strongest = std::max(strongest, std::abs(rho));
      if (found.leadlag == lag) chosen = rho;
    }
    ASSERT_TRUE(found.leadlag.has_value());
    error.See(found.correlation, chosen, 1);
    error.See(std::abs(found.correlation), strongest, 1);
  }
  EXPECT_LE(error.worst(), 1);
}

}  // namespace
}  // namespace sabot::kernels
