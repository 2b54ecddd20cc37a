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

constexpr auto kOrders = ImplementationShortfall::Mode::kOrder;

TEST(ImplementationShortfall, RefusesWrongOptions) {
  EXPECT_EQ(ParseOptions<ImplementationShortfall::Options>("implementation_shortfall", {{"mode", std::string("fill")}})
                .status()
                .message(),
            "implementation_shortfall: option 'mode' must be 'fills' or 'order', found 'fill'.");
}

TEST(ImplementationShortfall, ReadsQuantitiesForOrdersAlone) {
  for (const auto role : {"side", "exec_price", "arrival_price"}) EXPECT_TRUE(ImplementationShortfall::Needs({}, role));
  for (const auto role : {"filled_qty", "order_qty", "close_price", "fees"}) {
    EXPECT_FALSE(ImplementationShortfall::Needs({}, role));
    EXPECT_TRUE(ImplementationShortfall::Needs({.mode = kOrders}, role));
  }
}

TEST(ImplementationShortfall, OfAFillIsNullWithoutASideOrAPrice) {
  KernelProbe<ImplementationShortfall> shortfall;
  EXPECT_EQ(shortfall.Update({.side = 0, .exec_price = 1, .arrival_price = 1}), std::nullopt);
  EXPECT_EQ(shortfall.Update({.side = -2, .exec_price = 1, .arrival_price = 1}), std::nullopt);
  EXPECT_EQ(shortfall.Update({.side = kNull, .exec_price = 1, .arrival_price = 1}), std::nullopt);
  EXPECT_EQ(shortfall.Update({.side = 1, .exec_price = 1, .arrival_price = 0}), std::nullopt);
  EXPECT_EQ(shortfall.Update({.side = 1, .exec_price = 1, .arrival_price = -1}), std::nullopt);
  EXPECT_EQ(shortfall.Update({.side = 1, .exec_price = kNull, .arrival_price = 1}), std::nullopt);
  EXPECT_EQ(shortfall.Update({.side = 1, .exec_price = 1, .arrival_price = kNull}), std::nullopt);
}

TEST(ImplementationShortfall, OfAFillIsACostForEitherSide) {
  KernelProbe<ImplementationShortfall> shortfall;
  EXPECT_EQ(shortfall.Update({.side = 1, .exec_price = 125, .arrival_price = 100}), 2500.0);
  EXPECT_EQ(shortfall.Update({.side = -1, .exec_price = 75, .arrival_price = 100}), 2500.0);
  EXPECT_EQ(shortfall.Update({.side = 1, .exec_price = 75, .arrival_price = 100}), -2500.0);
}

ImplementationShortfall::Input Order() {
  return {.side = 1,
          .exec_price = 110,
          .arrival_price = 100,
          .filled_qty = 6,
          .order_qty = 8,
          .close_price = 120,
          .fees = 4};
}

TEST(ImplementationShortfall, OfAnOrderHasWhatItMissedAndPaid) {
  KernelProbe<ImplementationShortfall> shortfall({.mode = kOrders});
  auto order = Order();
  EXPECT_EQ(shortfall.Update(order), 1300.0);  // 1e4 * (6 * 10 + 2 * 20 + 4) / 800
  order.side = -1;
  EXPECT_EQ(shortfall.Update(order), -1200.0);  // Fees cost a seller as well.
  order.filled_qty = 8;
  EXPECT_EQ(shortfall.Update(order), -950.0);  // 1e4 * (-80 + 4) / 800
}

TEST(ImplementationShortfall, OfAnOrderWithoutAFillNeedsNoPrice) {
  KernelProbe<ImplementationShortfall> shortfall({.mode = kOrders});
  auto order = Order();
  order.filled_qty = 0;
  for (const double price : {kNull, 110.0}) {
    order.exec_price = price;
    EXPECT_EQ(shortfall.Update(order), 2050.0);  // 1e4 * (8 * 20 + 4) / 800
  }
  order.filled_qty = 1;
  order.exec_price = kNull;
  EXPECT_EQ(shortfall.Update(order), std::nullopt);
}

TEST(ImplementationShortfall, OfAnOrderIsNullWhereItIsNone) {
  KernelProbe<ImplementationShortfall> shortfall({.mode = kOrders});
  const auto with = [&](double ImplementationShortfall::Input::* member, double value) {
    auto order = Order();
    order.*member = value;
    return shortfall.Update(order);
  };
  using Input = ImplementationShortfall::Input;
  EXPECT_EQ(with(&Input::filled_qty, 9), std::nullopt);
  EXPECT_EQ(with(&Input::filled_qty, -1), std::nullopt);
  EXPECT_EQ(with(&Input::order_qty, 0), std::nullopt);
  EXPECT_EQ(with(&Input::order_qty, 1.7e308), std::nullopt);
  EXPECT_EQ(with(&Input::arrival_price, 0), std::nullopt);
  EXPECT_EQ(with(&Input::side, 0), std::nullopt);
  for (const auto member : {&Input::side, &Input::exec_price, &Input::arrival_price, &Input::filled_qty,
                            &Input::order_qty, &Input::close_price, &Input::fees}) {
    EXPECT_EQ(with(member, kNull), std::nullopt);
  }
  auto nothing = Order();
  nothing.filled_qty = nothing.order_qty = 0;
  EXPECT_EQ(shortfall.Update(nothing), std::nullopt);
}

TEST(ArrivalPriceImpact, IsNullWithoutASideOrAMid) {
  KernelProbe<ArrivalPriceImpact> impact;
  EXPECT_EQ(impact.Update({.side = 0, .exec_price = 1, .arrival_mid = 1}), std::nullopt);
  EXPECT_EQ(impact.Update({.side = 2, .exec_price = 1, .arrival_mid = 1}), std::nullopt);
  EXPECT_EQ(impact.Update({.side = 1, .exec_price = 1, .arrival_mid = 0}), std::nullopt);
  EXPECT_EQ(impact.Update({.side = 1, .exec_price = 1, .arrival_mid = -1}), std::nullopt);
}

TEST(ArrivalPriceImpact, IsACostForEitherSide) {
  KernelProbe<ArrivalPriceImpact> impact;
  EXPECT_EQ(impact.Update({.side = 1, .exec_price = 125, .arrival_mid = 100}), 2500.0);
  EXPECT_EQ(impact.Update({.side = -1, .exec_price = 75, .arrival_mid = 100}), 2500.0);
  EXPECT_EQ(impact.Update({.side = -1, .exec_price = 125, .arrival_mid = 100}), -2500.0);
}

}  // namespace
}  // namespace sabot::kernels
