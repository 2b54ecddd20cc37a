#include "sabot/backtest/v2_1_stop_loss_strategy.h"

#include <gtest/gtest.h>

#include "tests/backtest/strategy_probe.h"

namespace sabot::backtest {
namespace {

// Quotes of 10, blocked for 60 s, whatever is shown; a stop at 2 %.
StrategyProbe Probe(Settings::Values parameters = {}) {
  Settings::Values all{{"quote_size", 10.0}, {"refill_interval_sec", 60.0}, {"min_local_currency_before_quote", 0.0}};
  parameters.merge(all);
  return StrategyProbe("v2_1_stop_loss", parameters);
}

TEST(V21StopLoss, WithoutALossFollowsPrices) {
  auto probe = Probe();
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 10 @ 100");
  EXPECT_EQ(probe.Bid(1, 1, 80), "#2 for #1: buy 10 @ 1");  // No position, no loss.
  probe.Fill(2, 10);
  EXPECT_EQ(probe.Bid(2, 0.9801, 80), "");  // 1.99 %.
  EXPECT_EQ(probe.Bid(62, 3, 80), "#3: buy 10 @ 3");
}

TEST(V21StopLoss, ClosesALongPositionByWhatIsShown) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Fill(1, 8);
  EXPECT_EQ(probe.Bid(1, 98.01, 80), "#2 for #1: buy 2 @ 98.01");
  // 2 %: what it quotes on the side that opened goes first.
  EXPECT_EQ(probe.Bid(2, 98, 5), "#2: cancel, #3: sell 5 @ 98 market reduce-only stop");
  EXPECT_EQ(probe.Trade(2, 98, 1), "");  // On its way.
  probe.Fill(3, 5);
  EXPECT_EQ(probe.Bid(3, 99.9, 2), "#4: sell 2 @ 99.9 market reduce-only stop");  // It goes on though the loss is less.
  probe.Fill(4, 2);
  EXPECT_EQ(probe.Bid(4, 99, 70), "#5: sell 1 @ 99 market reduce-only stop");
  probe.Fill(5, 1);
  EXPECT_EQ(probe.Bid(5, 97, 80), "");
  EXPECT_EQ(probe.Bid(63.999999999, 96, 80), "");  // 60 s since the last of its fills, at 4.
  EXPECT_EQ(probe.Bid(64, 95, 80), "#6: buy 10 @ 95");
}

TEST(V21StopLoss, ClosesAShortPositionByWhatIsShown) {
  auto probe = Probe();
  probe.Ask(0, 100, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Ask(1, 102, 4), "#2: buy 4 @ 102 market reduce-only stop");
  probe.Fill(2, 4, 101);
  EXPECT_EQ(probe.Bid(2, 101, 80), "#3: buy 4 @ 102 market reduce-only stop, #4: buy 10 @ 101");
}

TEST(V21StopLoss, TheOtherSideGoesOnQuoting) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Bid(1, 90, 4), "#2: sell 4 @ 90 market reduce-only stop");
  EXPECT_EQ(probe.Ask(2, 91, 80), "#3: sell 10 @ 91");
  probe.Fill(3, 10);  // Flat by its own quote, and no fill of the stop: the side that opened need not wait for one.
  probe.orders.Remove(2);
  EXPECT_EQ(probe.Bid(61, 90, 80), "#4: buy 10 @ 90");
}

TEST(V21StopLoss, WhereNothingIsShownItWaits) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Bid(1, 90, 0), "");
  probe.book.bid.consumed = 3;
  EXPECT_EQ(probe.Bid(2, 90, 3), "#2: sell 3 @ 90 market reduce-only stop");
  probe.Fill(2, 3);
  probe.book.bid.consumed = 3;
  EXPECT_EQ(probe.Trade(3, 90, 3), "");  // All that is shown was taken.
}

TEST(V21StopLoss, AStopThatDidNotFillIsSentAgain) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Bid(1, 90, 4), "#2: sell 4 @ 90 market reduce-only stop");
  probe.orders.Remove(2);
  EXPECT_EQ(probe.Bid(2, 89, 4), "#3: sell 4 @ 89 market reduce-only stop");
}

TEST(V21StopLoss, APositionThatWasOpenedAnewIsNoLongerClosed) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Fill(1, 10);
  probe.Ask(0, 91, 80);
  EXPECT_EQ(probe.Bid(1, 90, 4), "#3: sell 4 @ 90 market reduce-only stop");
  probe.orders.Remove(3);
  probe.Fill(2, 10);
  EXPECT_EQ(probe.Trade(2, 91, 10), "");
  probe.ledger.Apply(Side::kSell, 91, 5, 0);  // Short: another position, without a loss.
  EXPECT_EQ(probe.Trade(3, 91, 10), "");
}

TEST(V21StopLoss, ANewDateBeginsAnew) {
  auto probe = Probe();
  probe.Bid(0, 100, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Bid(1, 90, 4), "#2: sell 4 @ 90 market reduce-only stop");
  probe.Fill(2, 4);
  probe.NewDate();
  EXPECT_EQ(probe.Bid(2, 90, 4), "#3: buy 10 @ 90");
}

TEST(V21StopLoss, ClosesWholeLots) {
  auto probe = Probe({{"lot_size", 4.0}, {"refill_interval_sec", 0.0}});
  EXPECT_EQ(probe.Bid(0, 100, 80), "#1: buy 8 @ 100");
  probe.Fill(1, 7);
  EXPECT_EQ(probe.Bid(1, 90, 6), "#1: cancel, #2: sell 4 @ 90 market reduce-only stop");
  probe.Fill(2, 4);
  EXPECT_EQ(probe.Bid(2, 90, 6), "#3: buy 8 @ 90");  // 3 are left, which is no lot: the stop is over.
}

TEST(V21StopLoss, HasAThresholdOfItsOwn) {
  auto probe = Probe({{"stop_loss_threshold_pct", 0.5}});
  probe.Bid(0, 100, 80);
  probe.Fill(1, 10);
  EXPECT_EQ(probe.Bid(1, 99.51, 80), "");
  EXPECT_EQ(probe.Bid(2, 99.5, 80), "#2: sell 10 @ 99.5 market reduce-only stop");
}

}  // namespace
}  // namespace sabot::backtest
