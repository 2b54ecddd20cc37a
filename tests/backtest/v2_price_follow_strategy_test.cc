#include "sabot/backtest/v2_price_follow_strategy.h"

#include <gtest/gtest.h>

#include "tests/backtest/strategy_probe.h"

namespace sabot::backtest {
namespace {

// Quotes of 10, blocked for 60 s, whatever is shown.
StrategyProbe Probe(Settings::Values parameters = {}) {
  Settings::Values all{{"quote_size", 10.0}, {"refill_interval_sec", 60.0}, {"min_local_currency_before_quote", 0.0}};
  parameters.merge(all);
  return StrategyProbe("v2_price_follow", parameters);
}

TEST(V2PriceFollow, MovesWhereTheBestPriceChanged) {
  auto probe = Probe();
  EXPECT_EQ(probe.Trade(0, 100, 5), "");
  EXPECT_EQ(probe.Bid(1, 100, 80), "#1: buy 10 @ 100");
  EXPECT_EQ(probe.Bid(2, 100, 90), "");  // Another size at the same price.
  EXPECT_EQ(probe.Trade(3, 100, 5), "");
  EXPECT_EQ(probe.Bid(4, 100.5, 90), "#2 for #1: buy 10 @ 100.5");
  EXPECT_EQ(probe.Ask(5, 101, 90), "#3: sell 10 @ 101");
  EXPECT_EQ(probe.Bid(1'000, 100.5, 90), "");  // The interval is no reason to move.
  EXPECT_EQ(probe.Bid(1'001, 99, 90), "#4 for #2: buy 10 @ 99");
}

TEST(V2PriceFollow, AfterAFillQuotesWhatRemainedUntilTheIntervalHasPassed) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Fill(1, 4);
  EXPECT_EQ(probe.Trade(1, 100, 5), "");  // 6 are left, at the best price.
  EXPECT_EQ(probe.Bid(2, 99, 80), "#2 for #1: buy 6 @ 99");
  EXPECT_EQ(probe.Bid(59.999999999, 98, 80), "#3 for #2: buy 6 @ 98");
  EXPECT_EQ(probe.Trade(60, 98, 1), "#4 for #3: buy 10 @ 98");
  EXPECT_EQ(probe.Trade(61, 98, 1), "");
}

TEST(V2PriceFollow, EachFillBlocksAnew) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Fill(1, 4);
  EXPECT_EQ(probe.Bid(30, 99, 80), "#2 for #1: buy 6 @ 99");
  probe.Fill(2, 1);
  EXPECT_EQ(probe.Bid(60, 98, 80), "#3 for #2: buy 5 @ 98");
  EXPECT_EQ(probe.Bid(90, 98, 80), "#4 for #3: buy 10 @ 98");
}

TEST(V2PriceFollow, AWholeFillLeavesTheSideEmptyUntilTheIntervalHasPassed) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Ask(0, 101, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Bid(1, 99, 80), "");
  EXPECT_EQ(probe.Ask(2, 100, 80), "#3 for #2: sell 10 @ 100");  // The other side is not blocked.
  EXPECT_EQ(probe.Bid(60, 99, 80), "#4: buy 10 @ 99");
}

TEST(V2PriceFollow, CancelsWhereTheQueueIsWorthTooLittle) {
  auto probe = Probe({{"min_local_currency_before_quote", 8'000.0}});
  EXPECT_EQ(probe.Bid(0, 100, 79), "");
  EXPECT_EQ(probe.Bid(1, 100, 80), "#1: buy 10 @ 100");
  EXPECT_EQ(probe.Bid(2, 100, 10), "");  // It stands already.
  EXPECT_EQ(probe.Bid(3, 101, 10), "#1: cancel");
  EXPECT_EQ(probe.Bid(4, 101, 10), "");
  EXPECT_EQ(probe.Bid(5, 101, 80), "#2: buy 10 @ 101");
}

TEST(V2PriceFollow, QuotesNoMoreThanItsLimitLeaves) {
  auto probe = Probe({{"max_position", 15.0}, {"refill_interval_sec", 0.0}});
  probe.Bid(0, 100, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Bid(0, 100, 80), "#2: buy 5 @ 100");
  probe.Fill(2, 5);
  EXPECT_EQ(probe.Bid(1, 99, 80), "");
  EXPECT_EQ(probe.Ask(2, 101, 80), "#3: sell 10 @ 101");
  probe.Fill(3, 3);
  EXPECT_EQ(probe.Ask(3, 101, 80), "#4: buy 3 @ 99, #5 for #3: sell 10 @ 101");
}

// A quote that is small because of the limit is not made larger while its price stays.
TEST(V2PriceFollow, OnlyAFillIsAReasonToRefill) {
  auto probe = Probe({{"max_position", 15.0}, {"refill_interval_sec", 0.0}});
  probe.Bid(0, 100, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Ask(0, 101, 80), "#2: buy 5 @ 100, #3: sell 10 @ 101");
  probe.Fill(3, 10);
  EXPECT_EQ(probe.Trade(1, 101, 80), "#4: sell 10 @ 101");  // Room for 10 to buy again, but 5 stand there.
  EXPECT_EQ(probe.Bid(2, 100.5, 80), "#5 for #2: buy 10 @ 100.5");
}

// With latency an order may be on its way when the one that it replaces is filled.
TEST(V2PriceFollow, AnOrderOnItsWayDoesNotAddWhileTheSideIsBlocked) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Bid(1, 101, 80);  // #2 for #1.
  probe.FillGone(Side::kBuy, 1, 100, 4, 6);
  EXPECT_EQ(probe.Trade(1, 100, 4), "#3 for #2: buy 6 @ 101");
  EXPECT_EQ(probe.Trade(2, 100, 4), "");
}

TEST(V2PriceFollow, FillsThatAreNoneOfItsQuotesChangeNothing) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.strategy().OnFill(
      {.timestamp = 0, .side = Side::kBuy, .price = 100, .quantity = 5, .kind = FillKind::kFlatten});
  EXPECT_EQ(probe.Bid(1, 99, 80), "#2 for #1: buy 10 @ 99");
}

TEST(V2PriceFollow, MovesWholeLots) {
  auto probe = Probe({{"lot_size", 4.0}});
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 8 @ 100");
  probe.Fill(1, 1);
  EXPECT_EQ(probe.Trade(1, 100, 5), "");  // 7 stand where they are.
  EXPECT_EQ(probe.Bid(2, 99, 80), "#2 for #1: buy 4 @ 99");
}

TEST(V2PriceFollow, ANewDateBeginsAnew) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Fill(1, 10);
  probe.NewDate();
  EXPECT_EQ(probe.Bid(1, 100, 80), "#2: buy 10 @ 100");
}

}  // namespace
}  // namespace sabot::backtest
