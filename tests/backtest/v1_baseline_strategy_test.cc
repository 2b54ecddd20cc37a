#include "sabot/backtest/v1_baseline_strategy.h"

#include <gtest/gtest.h>

#include "tests/backtest/strategy_probe.h"

namespace sabot::backtest {
namespace {

// Quotes of 10 every 60 s, whatever is shown.
StrategyProbe Probe(Settings::Values parameters = {}) {
  Settings::Values all{{"quote_size", 10.0}, {"refill_interval_sec", 60.0}, {"min_local_currency_before_quote", 0.0}};
  parameters.merge(all);
  return StrategyProbe("v1_baseline", parameters);
}

TEST(V1Baseline, QuotesEachSideOnItsOwn) {
  auto probe = Probe();
  EXPECT_EQ(probe.Trade(0, 100, 5), "");  // Nothing is shown.
  EXPECT_EQ(probe.Ask(1, 101, 70), "#1: sell 10 @ 101");
  EXPECT_EQ(probe.Bid(2, 100, 80), "#2: buy 10 @ 100");
  EXPECT_EQ(probe.Ask(61, 101.5, 70), "#3 for #1: sell 10 @ 101.5");
  EXPECT_EQ(probe.Trade(62, 100, 1), "#4 for #2: buy 10 @ 100");  // The same price, at the back of the queue.
}

TEST(V1Baseline, LetsAQuoteStandUntilItsIntervalHasPassed) {
  auto probe = Probe();
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 10 @ 100");
  EXPECT_EQ(probe.Bid(1, 99, 80), "");
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Bid(59.999999999, 98, 80), "");
  EXPECT_EQ(probe.Bid(60, 97, 80), "#2 for #1: buy 10 @ 97");
  EXPECT_EQ(probe.Bid(119, 96, 80), "");
  EXPECT_EQ(probe.Bid(125, 95, 80), "#3 for #2: buy 10 @ 95");
  EXPECT_EQ(probe.Bid(180, 95, 80), "");  // 60 s from the placement at 125, not from 120.
  EXPECT_EQ(probe.Bid(185, 95, 80), "#4 for #3: buy 10 @ 95");
}

TEST(V1Baseline, AnIntervalMayBeAFractionOfASecond) {
  auto probe = Probe({{"refill_interval_sec", 0.0025}});
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 10 @ 100");
  EXPECT_EQ(probe.Bid(0.002499999, 100, 80), "");
  EXPECT_EQ(probe.Bid(0.0025, 100, 80), "#2 for #1: buy 10 @ 100");
}

TEST(V1Baseline, WithoutAnIntervalItQuotesAtEachTick) {
  auto probe = Probe({{"refill_interval_sec", 0.0}});
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 10 @ 100");
  EXPECT_EQ(probe.Trade(0, 100, 1), "#2 for #1: buy 10 @ 100");
}

TEST(V1Baseline, CancelsWhereTheQueueIsWorthTooLittleAndTriesAgainAtEachTick) {
  auto probe = Probe({{"min_local_currency_before_quote", 8'000.0}});
  EXPECT_EQ(probe.Bid(0, 100, 79.5), "");
  EXPECT_EQ(probe.Bid(1, 100, 80), "#1: buy 10 @ 100");  // 8,000 is enough.
  EXPECT_EQ(probe.Bid(60, 100, 10), "");
  EXPECT_EQ(probe.Bid(61, 100, 10), "#1: cancel");
  EXPECT_EQ(probe.Bid(62, 100, 79), "");  // Nothing left to cancel.
  EXPECT_EQ(probe.Bid(63, 100, 90), "#2: buy 10 @ 100");  // The time of the placement had stayed: it was due.
  EXPECT_EQ(probe.Bid(122, 100, 90), "");
  EXPECT_EQ(probe.Bid(123, 100, 90), "#3 for #2: buy 10 @ 100");
}

TEST(V1Baseline, QuotesNoMoreThanItsLimitLeaves) {
  auto probe = Probe({{"max_position", 15.0}});
  probe.Bid(0, 100, 80);
  probe.Ask(0, 101, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Trade(60, 100, 1), "#3 for #1: buy 5 @ 100, #4 for #2: sell 10 @ 101");  // 15 - 10; min(10, 25).
  probe.Fill(3, 5);
  EXPECT_EQ(probe.Trade(120, 100, 1), "#5 for #4: sell 10 @ 101");  // At the limit: none.
  probe.Fill(5, 10);
  EXPECT_EQ(probe.Trade(121, 100, 1), "#6: buy 10 @ 100");  // Due since 120.
}

TEST(V1Baseline, AShortPositionLimitsTheAsk) {
  auto probe = Probe({{"max_position", 15.0}});
  probe.Ask(0, 101, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Ask(60, 101, 80), "#2 for #1: sell 5 @ 101");
  EXPECT_EQ(probe.Bid(60, 100, 80), "#3: buy 10 @ 100");
}

TEST(V1Baseline, ANotionalLimitIsRoundedDownToWholeUnits) {
  auto probe = Probe({{"max_notional", 799.0}});
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 7 @ 100");  // floor(7.99).
  EXPECT_EQ(probe.Ask(0, 800, 80), "");  // floor(0.99875) = 0.
  auto both = Probe({{"max_notional", 799.0}, {"max_position", 4.0}});
  EXPECT_EQ(both.Bid(0, 100, 80), "#1: buy 4 @ 100");
  auto none = Probe({{"max_position", {}}});
  EXPECT_EQ(none.Bid(0, 100, 80), "#1: buy 10 @ 100");
}

TEST(V1Baseline, QuotesWholeLots) {
  auto probe = Probe({{"lot_size", 4.0}, {"max_position", 15.0}});
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 8 @ 100");
  probe.Fill(1, 8);
  EXPECT_EQ(probe.Bid(60, 100, 80), "#2 for #1: buy 4 @ 100");  // Of 7.
  probe.Fill(2, 4);
  EXPECT_EQ(probe.Bid(120, 100, 80), "");  // Of 3.
  auto tenths = Probe({{"lot_size", 0.1}, {"quote_size", 0.3}});
  EXPECT_EQ(tenths.Bid(0, 100, 80), "#1: buy 0.3 @ 100");
}

TEST(V1Baseline, ASideMayHaveASizeOfItsOwn) {
  auto probe = Probe({{"quote_size_bid", 3.0}});
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 3 @ 100");
  EXPECT_EQ(probe.Ask(0, 101, 80), "#2: sell 10 @ 101");
  auto bids = Probe({{"quote_size_ask", 0.0}});
  EXPECT_EQ(bids.Ask(0, 101, 80), "");
  EXPECT_EQ(bids.Bid(0, 100, 80), "#1: buy 10 @ 100");
}

TEST(V1Baseline, ANewDateBeginsAnew) {
  auto probe = Probe();
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 10 @ 100");
  probe.NewDate();
  EXPECT_EQ(probe.Ask(1, 101, 80), "#2: sell 10 @ 101");
  EXPECT_EQ(probe.Bid(2, 99, 80), "#3: buy 10 @ 99");
}

TEST(V1Baseline, AnOrderThatCannotBeSentIsNoPlacement) {
  auto probe = Probe();
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 10 @ 100");
  probe.orders.refuses = true;
  EXPECT_EQ(probe.Bid(60, 100, 80), "#1: cancel");
  probe.orders.refuses = false;
  EXPECT_EQ(probe.Bid(61, 100, 80), "#2: buy 10 @ 100");
}

TEST(V1Baseline, TheEndOfTimeIsNoTrouble) {
  auto probe = Probe({{"refill_interval_sec", 1e9}});
  EXPECT_EQ(probe.Bid(9'223'372'036, 100, 80), "#1: buy 10 @ 100");
  EXPECT_EQ(probe.Bid(9'223'372'036.5, 100, 80), "");
}

}  // namespace
}  // namespace sabot::backtest
