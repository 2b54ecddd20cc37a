#include "sabot/kernels/microstructure.h"

#include <gtest/gtest.h>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

TEST(Midprice, JudgesNoQuote) {
  KernelProbe<Midprice> midprice;
  EXPECT_EQ(midprice.Update({.bid = 99, .ask = 102}), 100.5);
  EXPECT_EQ(midprice.Update({.bid = 100, .ask = 100}), 100.0);   // Locked.
  EXPECT_EQ(midprice.Update({.bid = 102, .ask = 99}), 100.5);    // Crossed.
  EXPECT_EQ(midprice.Update({.bid = -40, .ask = -37}), -38.5);   // Power, or oil in April 2020.
}

TEST(Midprice, IsNullBeyondTheLargestNumber) {
  EXPECT_EQ(KernelProbe<Midprice>().Update({.bid = 1.5e308, .ask = 1.5e308}), std::nullopt);
}

TEST(QuotedSpread, FollowsTheDefinition) {
  const auto spread = KernelProbe<QuotedSpread>().Update({.bid = 99, .ask = 101});
  EXPECT_EQ(Shown(spread.spread), 2.0);
  EXPECT_EQ(Shown(spread.bps), 200.0);
}

TEST(QuotedSpread, IsNegativeInACrossedBook) {
  const auto spread = KernelProbe<QuotedSpread>().Update({.bid = 101, .ask = 99});
  EXPECT_EQ(Shown(spread.spread), -2.0);
  EXPECT_EQ(Shown(spread.bps), -200.0);
}

TEST(QuotedSpread, HasNoBasisPointsOfAMidNotAboveZero) {
  KernelProbe<QuotedSpread> quoted_spread;
  const auto around_zero = quoted_spread.Update({.bid = -1, .ask = 1});
  EXPECT_EQ(Shown(around_zero.spread), 2.0);
  EXPECT_EQ(Shown(around_zero.bps), std::nullopt);
  const auto below = quoted_spread.Update({.bid = -40, .ask = -37});
  EXPECT_EQ(Shown(below.spread), 3.0);
  EXPECT_EQ(Shown(below.bps), std::nullopt);
}

TEST(QuotedSpread, HasNoBasisPointsOfAMidBeyondTheLargestNumber) {
  const auto spread = KernelProbe<QuotedSpread>().Update({.bid = 1.7e308, .ask = 1.70000000001e308});
  EXPECT_TRUE(Shown(spread.spread).has_value());
  EXPECT_EQ(Shown(spread.bps), std::nullopt);
}

TEST(Microprice, IsNullWithoutSizes) {
  KernelProbe<Microprice> microprice;
  EXPECT_EQ(microprice.Update({.bid = 10, .ask = 11, .bid_size = 0, .ask_size = 0}), std::nullopt);
  EXPECT_EQ(microprice.Update({.bid = 10, .ask = 11, .bid_size = -1, .ask_size = 3}), std::nullopt);
  EXPECT_EQ(microprice.Update({.bid = 10, .ask = 11, .bid_size = 3, .ask_size = -1}), std::nullopt);
  EXPECT_EQ(microprice.Update({.bid = 1, .ask = 1, .bid_size = 1.5e308, .ask_size = 1e308}), std::nullopt);
  EXPECT_EQ(microprice.Update({.bid = 1e300, .ask = 1e300, .bid_size = 1e10, .ask_size = 1e10}), std::nullopt);
}

TEST(Microprice, LeansToTheSideWithLessSize) {
  KernelProbe<Microprice> microprice;
  EXPECT_EQ(microprice.Update({.bid = 10, .ask = 12, .bid_size = 3, .ask_size = 1}), 11.5);  // (10 * 1 + 12 * 3) / 4
  EXPECT_EQ(microprice.Update({.bid = 10, .ask = 12, .bid_size = 1, .ask_size = 3}), 10.5);
  EXPECT_EQ(microprice.Update({.bid = 10, .ask = 12, .bid_size = 0, .ask_size = 5}), 10.0);
  EXPECT_EQ(microprice.Update({.bid = 10, .ask = 12, .bid_size = 5, .ask_size = 0}), 12.0);
  EXPECT_EQ(microprice.Update({.bid = 12, .ask = 10, .bid_size = 3, .ask_size = 1}), 10.5);   // A crossed book.
  EXPECT_EQ(microprice.Update({.bid = -4, .ask = -2, .bid_size = 1, .ask_size = 1}), -3.0);
}

TEST(EffectiveSpread, HasNoBasisPointsOfAMidNotAboveZero) {
  KernelProbe<EffectiveSpread> effective_spread;
  const auto at_zero = effective_spread.Update({.exec_price = 1, .midprice = 0});
  EXPECT_EQ(Shown(at_zero.spread), 2.0);
  EXPECT_EQ(Shown(at_zero.bps), std::nullopt);
  const auto below = effective_spread.Update({.exec_price = -40, .midprice = -37});
  EXPECT_EQ(Shown(below.spread), 6.0);
  EXPECT_EQ(Shown(below.bps), std::nullopt);
}

TEST(EffectiveSpread, IsTwiceTheDistanceOnEitherSide) {
  KernelProbe<EffectiveSpread> effective_spread;
  for (const double price : {101.0, 99.0}) {
    const auto spread = effective_spread.Update({.exec_price = price, .midprice = 100});
    EXPECT_EQ(Shown(spread.spread), 2.0);
    EXPECT_EQ(Shown(spread.bps), 200.0);
  }
  EXPECT_EQ(Shown(effective_spread.Update({.exec_price = 100, .midprice = 100}).bps), 0.0);
}

TEST(L1Imbalance, IsNullWithoutSizes) {
  KernelProbe<L1Imbalance> imbalance;
  EXPECT_EQ(imbalance.Update({.bid_size = 0, .ask_size = 0}), std::nullopt);
  EXPECT_EQ(imbalance.Update({.bid_size = -1, .ask_size = 3}), std::nullopt);
  EXPECT_EQ(imbalance.Update({.bid_size = 3, .ask_size = -1}), std::nullopt);
  EXPECT_EQ(imbalance.Update({.bid_size = 1.5e308, .ask_size = 1e308}), std::nullopt);
}

TEST(L1Imbalance, FollowsTheDefinition) {
  KernelProbe<L1Imbalance> imbalance;
  EXPECT_EQ(imbalance.Update({.bid_size = 3, .ask_size = 1}), 0.5);
  EXPECT_EQ(imbalance.Update({.bid_size = 1, .ask_size = 3}), -0.5);
  EXPECT_EQ(imbalance.Update({.bid_size = 0.25, .ask_size = 0}), 1.0);
  EXPECT_EQ(imbalance.Update({.bid_size = 0, .ask_size = 7}), -1.0);
}

}  // namespace
}  // namespace sabot::kernels
