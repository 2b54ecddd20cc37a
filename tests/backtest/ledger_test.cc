#include "sabot/backtest/ledger.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sabot::backtest {
namespace {

TEST(Ledger, ExtendsAndReducesAtAverageCost) {
  Ledger ledger;
  EXPECT_EQ(ledger.Apply(Side::kBuy, 100, 10, 0), 0);
  EXPECT_EQ(ledger.Apply(Side::kBuy, 102, 30, 0), 0);
  EXPECT_EQ(ledger.average(), 101.5);
  EXPECT_EQ(ledger.Apply(Side::kSell, 103, 20, 0), 30);
  EXPECT_EQ(ledger.average(), 101.5);
  EXPECT_EQ(ledger.realized(), 30);
  EXPECT_EQ(ledger.Unrealized(101), -10);
  EXPECT_EQ(ledger.Equity(101), 20);
}

TEST(Ledger, AFillThatCrossesZeroOpensTheRestAtItsPrice) {
  Ledger ledger;
  ledger.Apply(Side::kSell, 101, 10, 0);
  EXPECT_EQ(ledger.Apply(Side::kBuy, 100, 25, 0), 10);
  EXPECT_EQ(ledger.position(), 15);
  EXPECT_EQ(ledger.average(), 100);
}

TEST(Ledger, ARebateIsANegativeFee) {
  Ledger ledger;
  const auto rebate = [](double price) { return -(10 * price * 0.5) / 1e4; };
  ledger.Apply(Side::kBuy, 100, 10, rebate(100));
  ledger.Apply(Side::kSell, 100.02, 10, rebate(100.02));
  EXPECT_NEAR(ledger.turnover(), 2000.20, 1e-9);
  EXPECT_NEAR(ledger.realized(), 0.20, 1e-9);
  EXPECT_NEAR(ledger.pnl(), 0.300010, 1e-9);
}

TEST(Ledger, InverseContractsPayInTheCoin) {
  Ledger ledger({.type = ContractType::kInverse, .size = 100});
  ledger.Apply(Side::kBuy, 50'000, 100, 0);
  EXPECT_NEAR(ledger.Unrealized(51'000), 0.003921568627, 1e-12);
  EXPECT_NEAR(ledger.Apply(Side::kSell, 51'000, 100, 0), 0.003921568627, 1e-12);
  EXPECT_EQ(ledger.position(), 0);
}

TEST(Ledger, TheAverageOfInverseContractsKeepsTheCoinsWhole) {
  Ledger ledger({.type = ContractType::kInverse, .size = 1});
  ledger.Apply(Side::kSell, 40'000, 1'000, 0.001);
  ledger.Apply(Side::kSell, 60'000, 500, 0.001);
  EXPECT_NEAR(ledger.Equity(45'000), ledger.EquityByCash(45'000), 1e-15);
  ledger.Apply(Side::kBuy, 50'000, 2'000, 0.002);
  EXPECT_NEAR(ledger.Equity(45'000), ledger.EquityByCash(45'000), 1e-15);
  EXPECT_EQ(ledger.position(), 500);
}

TEST(Ledger, APositionOfLotsHasNoDust) {
  Ledger any;
  Ledger lots({}, LotGrid(0.1));
  for (auto* ledger : {&any, &lots}) {
    ledger->Apply(Side::kBuy, 7, 0.1, 0);
    ledger->Apply(Side::kBuy, 7, 0.2, 0);
  }
  EXPECT_NE(any.position(), 0.3);
  EXPECT_EQ(lots.position(), 0.3);
  lots.Apply(Side::kSell, 7, 0.1, 0);
  lots.Apply(Side::kSell, 7, 0.1, 0);
  lots.Apply(Side::kSell, 7, 0.1, 0);
  EXPECT_EQ(lots.position(), 0);
  EXPECT_FALSE(std::signbit(lots.position()));
  EXPECT_EQ(lots.average(), 0);
  lots.Apply(Side::kBuy, 7, 0.25, 0);  // An odd lot is what it is.
  EXPECT_EQ(lots.position(), 0.25);
}

TEST(LotGrid, SnapsNoiseOnly) {
  const LotGrid tenths(0.1);
  EXPECT_EQ(tenths.Snap(0.1 + 0.2), 0.3);
  EXPECT_EQ(tenths.Snap(-5e-17), 0);
  EXPECT_EQ(tenths.Snap(0.25), 0.25);
  EXPECT_EQ(tenths.Within(0.3 - 1e-17), 0.3);
  EXPECT_EQ(tenths.Within(0.29), 0.2);
  EXPECT_TRUE(tenths.Has(0.1 + 0.2));
  EXPECT_FALSE(tenths.Has(0.25));
  EXPECT_TRUE(LotGrid().Has(0.25));
  EXPECT_EQ(LotGrid(0.3).Snap(0.6 + 1e-16), 2 * 0.3);
  EXPECT_EQ(LotGrid().Snap(0.1 + 0.2), 0.1 + 0.2);
  EXPECT_EQ(LotGrid().Within(0.29), 0.29);
}

// Two hundred million lots: what is left of them is off by the last digits of all of them.
TEST(LotGrid, CountsTheLotsThatLargeSizesDifferBy) {
  constexpr double kLimit = 2e6;
  for (const double lot_size : {0.01, 0.001, 0.1}) {
    const LotGrid lots(lot_size);
    const double per_unit = std::round(1 / lot_size);
    for (int64_t left = 0; left < 20'000; ++left) {
      const double position = (kLimit * per_unit - static_cast<double>(left)) / per_unit;
      ASSERT_EQ(lots.Within(kLimit - position, kLimit), static_cast<double>(left) / per_unit) << lot_size;
      ASSERT_EQ(lots.Sum(kLimit, -position), static_cast<double>(left) / per_unit) << lot_size;
      const double large = static_cast<double>(100'000'003 + 9'973 * left) / per_unit;
      ASSERT_EQ(lots.Within(large), large) << lot_size;
      ASSERT_EQ(lots.Within(large + 0.9 * lot_size), large) << lot_size;
    }
  }
  // A billion lots are not one more.
  EXPECT_EQ(LotGrid(0.01).Within(1e7), 1e7);
  EXPECT_EQ(LotGrid(1e-8).Within(100), 100);
}

TEST(Ledger, ALargePositionOfLotsHasNoDust) {
  Ledger ledger({}, LotGrid(0.001));
  for (int i = 1; i < 1'000; ++i) {
    const double kept = i / 1000.0;
    ledger.Apply(Side::kBuy, 7, 2e6 + kept, 0);
    ledger.Apply(Side::kSell, 7, 2e6, 0);
    ASSERT_EQ(ledger.position(), kept);
    ledger.Apply(Side::kSell, 7, kept, 0);
    ASSERT_EQ(ledger.position(), 0);
  }
}

// A closing fill at the average price realises 0, never -0, which would be written differently.
TEST(Ledger, NothingGainedIsPositiveZero) {
  for (const Side side : {Side::kBuy, Side::kSell}) {
    Ledger ledger;
    ledger.Apply(side, 7.1, 3, 0);
    EXPECT_FALSE(std::signbit(ledger.Apply(Opposite(side), 7.1, 3, 0)));
  }
}

}  // namespace
}  // namespace sabot::backtest
