#include "sabot/kernels/execution.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

TEST(Vwap, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Vwap>({.window = -1}), "vwap: option 'window' must be in [0, 16777216], found -1.");
  EXPECT_EQ(Refusal<Vwap>({.window = 5, .min_periods = 6}),
            "vwap: option 'min_periods' must be at most the window of 5 rows, found 6.");
  EXPECT_EQ(Refusal<Vwap>({.session_ns = -1}), "vwap: option 'session_ns' must be >= 0, found -1.");
  EXPECT_EQ(Refusal<Vwap>({.window = 0, .min_periods = 6}), "");  // No window: any number of rows.
}

TEST(Vwap, ReadsTimeOnlyWithSessions) {
  EXPECT_FALSE(Vwap::Needs({}, "timestamp"));
  EXPECT_TRUE(Vwap::Needs({.session_ns = 1}, "timestamp"));
  EXPECT_TRUE(Vwap::Needs({}, "price"));
}

TEST(Vwap, IsNullUntilVolumeTraded) {
  KernelProbe<Vwap> vwap;
  EXPECT_EQ(vwap.Update({.price = 10, .volume = 0}), std::nullopt);
  EXPECT_EQ(vwap.Update({.price = 10, .volume = -1}), std::nullopt);
  EXPECT_EQ(vwap.Update({.price = 12, .volume = 1}), 12.0);
}

TEST(Vwap, WeighsPricesByVolume) {
  KernelProbe<Vwap> vwap;
  EXPECT_EQ(vwap.Update({.price = 10, .volume = 1}), 10.0);
  EXPECT_EQ(vwap.Update({.price = 20, .volume = 3}), 17.5);
  EXPECT_EQ(vwap.Update({.price = 99, .volume = 0}), 17.5);  // Keeps the value.
  EXPECT_EQ(vwap.Update({.price = -5, .volume = 1}), 13.0);
}

TEST(Vwap, StartsWithMinPeriods) {
  KernelProbe<Vwap> vwap({.min_periods = 3});
  EXPECT_EQ(vwap.Update({.price = 10, .volume = 1}), std::nullopt);
  EXPECT_EQ(vwap.Update({.price = 20, .volume = 1}), std::nullopt);
  EXPECT_EQ(vwap.Update({.price = 30, .volume = 0}), 15.0);
}

TEST(Vwap, OfTheLastRows) {
  KernelProbe<Vwap> vwap({.window = 2});
  EXPECT_EQ(vwap.Update({.price = 10, .volume = 1}), 10.0);  // Given from the first row on.
  EXPECT_EQ(vwap.Update({.price = 20, .volume = 3}), 17.5);
  EXPECT_EQ(vwap.Update({.price = 12, .volume = 1}), 18.0);
  EXPECT_EQ(vwap.Update({.price = 99, .volume = 0}), 12.0);
  EXPECT_EQ(vwap.Update({.price = 99, .volume = 0}), std::nullopt);
}

TEST(Vwap, BeginsAnewWithEachSession) {
  for (const int64_t window : {0, 2}) {
    KernelProbe<Vwap> vwap({.window = window, .min_periods = 2, .session_ns = 100});
    EXPECT_EQ(vwap.Update({.price = 10, .volume = 1, .timestamp = -150}), std::nullopt);
    EXPECT_EQ(vwap.Update({.price = 20, .volume = 1, .timestamp = -101}), 15.0);
    EXPECT_EQ(vwap.Update({.price = 30, .volume = 1, .timestamp = -100}), std::nullopt);  // [-100, 0) is the next.
    EXPECT_EQ(vwap.Update({.price = 32, .volume = 1, .timestamp = -1}), 31.0);
    EXPECT_EQ(vwap.Update({.price = 50, .volume = 1, .timestamp = 0}), std::nullopt);
    EXPECT_EQ(vwap.Update({.price = 99, .volume = 9, .timestamp = -1}), std::nullopt);  // Of an older session: missing.
    EXPECT_EQ(vwap.Update({.price = 52, .volume = 1, .timestamp = 99}), 51.0);
    EXPECT_EQ(vwap.Update({.price = 54, .volume = 1, .timestamp = 50}), window == 0 ? 52.0 : 53.0);  // Late in its own.
  }
}

TEST(Vwap, SessionsSpanAllOfInt64) {
  KernelProbe<Vwap> vwap({.session_ns = std::numeric_limits<int64_t>::max()});
  EXPECT_EQ(vwap.Update({.price = 10, .volume = 1, .timestamp = std::numeric_limits<int64_t>::min()}), 10.0);
  EXPECT_EQ(vwap.Update({.price = 20, .volume = 1, .timestamp = -1}), 20.0);
  EXPECT_EQ(vwap.Update({.price = 30, .volume = 1, .timestamp = std::numeric_limits<int64_t>::max()}), 30.0);
}

TEST(Vwap, DoesNotDrift) {  // A plain sum would lose the ones beside 1e17.
  KernelProbe<Vwap> vwap;
  vwap.Update({.price = 1e17, .volume = 1});
  std::optional<double> last;
  for (int row = 0; row < 1000; ++row) vwap.Update({.price = 1, .volume = 1});
  last = vwap.Update({.price = -1e17, .volume = 1});
  EXPECT_DOUBLE_EQ(last.value(), 1000.0 / 1002);
}

TEST(Vwap, OfTheLastRowsAgreesWithTwoPasses) {
  constexpr int64_t kWindow = 20;
  const auto prices = TickPrices(1000, 1);
  auto volumes = SignedSizes(1000, 2);
  for (double& volume : volumes) volume = std::max(volume, 0.0);
  volumes[500] = 1e12;
  std::vector<double> turnover;
  KernelProbe<Vwap> vwap({.window = kWindow});
  WorstError error;
  for (std::size_t row = 0; row < prices.size(); ++row) {
    turnover.push_back(prices[row] * volumes[row]);
    const auto found = vwap.Update({.price = prices[row], .volume = volumes[row]});
    const auto last = WindowAt(volumes, row, kWindow);
    if (SumOf(last) == 0) {
      EXPECT_EQ(found, std::nullopt);
    } else {
      error.See(found.value(), SumOf(WindowAt(turnover, row, kWindow)) / SumOf(last), 100);
    }
  }
  EXPECT_LE(error.worst(), 1);
}

}  // namespace
}  // namespace sabot::kernels
