// The strategies in the simulation: scenarios worked by hand, trade by trade.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sabot/backtest/registry.h"
#include "tests/backtest/scripted.h"

namespace sabot::backtest {
namespace {

constexpr int64_t kDay = 20'000 * kDayNs;

constexpr int64_t At(int64_t hour, int64_t minute, double second = 0) {
  return kDay + (hour * 3600 + minute * 60) * kSecondNs + static_cast<int64_t>(second * 1e9);
}

// The rows of the trades file without their times.
std::vector<std::string> Trades(std::string_view strategy, const std::string& config, const std::vector<Tick>& ticks) {
  const StrategyInfo* info = FindStrategy(strategy).ValueOrDie();
  const auto parsed =
      StrategyConfig::Parse(config, info->parameters, info->name).ValueOrDie().For("EMAAR").ValueOrDie();
  auto simulation = Simulation::Make({.venue = parsed.venue}, info->make(parsed.settings).ValueOrDie()).ValueOrDie();
  EXPECT_TRUE(simulation->Push(Ticks::From(Batch(ticks)).ValueOrDie()).ok());
  EXPECT_TRUE(simulation->Finish().ok());
  std::vector<std::string> rows;
  for (const TradeRow& row : simulation->TakeTrades()) {
    std::ostringstream text;
    text << (row.side == Side::kBuy ? "buy " : "sell ") << row.quantity << " @ " << row.price << " -> " << row.position;
    if (row.kind != FillKind::kFill) text << (row.kind == FillKind::kStop ? " stop" : " flatten");
    rows.push_back(text.str());
  }
  return rows;
}

using Rows = std::vector<std::string>;

const std::string kSmall = R"("quote_size": 10, "min_local_currency_before_quote": 0)";

TEST(Strategies, V1WaitsForItsQueueAndItsInterval) {
  const std::string config = R"({"DEFAULT": {)" + kSmall + R"(, "refill_interval_sec": 60}})";
  EXPECT_EQ(Trades("v1_baseline", config,
                   {Bid(At(10, 0), 100, 80), Trade(At(10, 0, 1), 100, 50), Trade(At(10, 0, 2), 100, 34),
                    Trade(At(10, 0, 3), 100, 10), Trade(At(10, 0, 4), 100, 500),  // Filled, and not due.
                    Bid(At(10, 1), 100, 20), Trade(At(10, 1, 1), 100, 20), Trade(At(10, 1, 2), 99.99, 1)}),
            (Rows{"buy 4 @ 100 -> 4", "buy 6 @ 100 -> 10", "buy 10 @ 100 -> 20"}));
}

// A quote that is placed anew at its own price goes to the back of the queue.
TEST(Strategies, V1LosesItsPlaceWhenItRefills) {
  const std::string config = R"({"DEFAULT": {)" + kSmall + R"(, "refill_interval_sec": 60}})";
  EXPECT_EQ(Trades("v1_baseline", config,
                   {Bid(At(10, 0), 100, 80), Trade(At(10, 0, 1), 100, 80),  // All of the queue is gone.
                    Trade(At(10, 1), 100, 1),  // Matched, then decided: this one takes 1 of the old order.
                    Trade(At(10, 1, 1), 100, 80), Trade(At(10, 1, 2), 100, 3)}),
            (Rows{"buy 1 @ 100 -> 1", "buy 3 @ 100 -> 4"}));
}

TEST(Strategies, V1DoesNotQuoteWhereTheQueueIsWorthLittle) {
  const std::string config = R"({"DEFAULT": {"quote_size": 10, "refill_interval_sec": 0}})";
  EXPECT_EQ(Trades("v1_baseline", config, {Bid(At(10, 0), 100, 249), Trade(At(10, 0, 1), 99, 1)}), Rows{});
  EXPECT_EQ(Trades("v1_baseline", config, {Bid(At(10, 0), 100, 250), Trade(At(10, 0, 1), 99, 1)}),
            Rows{"buy 10 @ 100 -> 10"});
}

TEST(Strategies, V1StaysWithinItsLimits) {
  const std::string config = R"({"DEFAULT": {)" + kSmall + R"(, "refill_interval_sec": 0, "max_notional": 1599}})";
  const std::vector<Tick> ticks{Bid(At(10, 0), 100, 80),     Trade(At(10, 0, 1), 99, 1),  Trade(At(10, 0, 2), 99, 1),
                                Trade(At(10, 0, 3), 99, 1),  Ask(At(10, 0, 4), 101, 80),  Trade(At(10, 0, 5), 102, 1),
                                Trade(At(10, 0, 6), 102, 1), Trade(At(10, 0, 7), 102, 1), Trade(At(10, 0, 8), 102, 1)};
  // floor(1599 / 100) and floor(1599 / 101) are both 15.
  EXPECT_EQ(Trades("v1_baseline", config, ticks), (Rows{"buy 10 @ 100 -> 10", "buy 5 @ 100 -> 15", "sell 10 @ 101 -> 5",
                                                        "sell 10 @ 101 -> -5", "sell 10 @ 101 -> -15"}));
}

TEST(Strategies, V1QuotesInTheContinuousSessionAndIsFlattened) {
  const std::string config = R"({"DEFAULT": {"market": "adx", )" + kSmall + "}}";
  EXPECT_EQ(
      Trades("v1_baseline", config,
             {Bid(At(10, 4), 100, 80), Trade(At(10, 4, 1), 99, 1),  // Before the session.
              Bid(At(10, 5), 100, 80), Trade(At(10, 6), 99, 1), Bid(At(14, 44), 98, 80),
              Trade(At(14, 45), 97, 1),  // The session is over: the order is gone before it.
              Bid(At(14, 55), 97, 80), Trade(At(14, 56), 96.5, 1), Bid(At(14, 57), 96, 80), Trade(At(14, 58), 95, 1)}),
      (Rows{"buy 10 @ 100 -> 10", "sell 10 @ 96.5 -> 0 flatten"}));
}

TEST(Strategies, V2FollowsThePriceAndLosesItsPlace) {
  const std::string config = R"({"DEFAULT": {)" + kSmall + "}}";
  EXPECT_EQ(Trades("v2_price_follow", config,
                   {Bid(At(10, 0), 100, 80), Bid(At(10, 0, 1), 101, 40), Trade(At(10, 0, 3), 101, 40),
                    Trade(At(10, 0, 4), 101, 3), Bid(At(10, 0, 5), 100, 0),
                    Trade(At(10, 0, 6), 100, 100),  // 7 were left, and none may be added.
                    Trade(At(10, 0, 7), 100, 100), Trade(At(10, 3, 6), 100, 100), Trade(At(10, 3, 7), 100, 100)}),
            (Rows{"buy 3 @ 101 -> 3", "buy 7 @ 100 -> 10", "buy 10 @ 100 -> 20"}));
}

TEST(Strategies, V21ClosesInStepsOfWhatIsShown) {
  const std::string config = R"({"DEFAULT": {)" + kSmall + R"(, "refill_interval_sec": 60}})";
  EXPECT_EQ(Trades("v2_1_stop_loss", config,
                   {Bid(At(10, 0), 100, 0), Trade(At(10, 0, 1), 100, 10), Bid(At(10, 0, 2), 98, 4),
                    Trade(At(10, 0, 3), 98, 1),  // The stop takes 4 first; nothing more is shown.
                    Trade(At(10, 0, 4), 98, 1), Bid(At(10, 0, 5), 97.5, 100), Trade(At(10, 0, 6), 97.5, 1),
                    Bid(At(10, 1, 5), 97, 0), Trade(At(10, 1, 5.5), 97, 50),  // 59.5 s after the stop's last fill.
                    Trade(At(10, 1, 6), 97, 50), Trade(At(10, 1, 7), 97, 50)}),
            (Rows{"buy 10 @ 100 -> 10", "sell 4 @ 98 -> 6 stop", "sell 6 @ 97.5 -> 0 stop", "buy 10 @ 97 -> 10"}));
}

TEST(Strategies, AvellanedaStoikovTradesInASimulation) {
  const std::string config =
      R"({"DEFAULT": {"quote_size": 1, "volatility_window_sec": 1, "horizon_sec": 1, "gamma": 0.1, "kappa": 15}})";
  std::vector<Tick> ticks;
  for (int64_t i = 0; i < 40; ++i) {  // The mid jumps by 0.01 to and fro, ten times a second.
    ticks.push_back(Bid(At(10, 0) + i * kSecondNs / 10, i % 2 == 0 ? 99.99 : 100.01, 80));
    ticks.push_back(Ask(At(10, 0) + i * kSecondNs / 10, i % 2 == 0 ? 100.01 : 100.03, 80));
  }
  ticks.push_back(Trade(At(10, 0, 5), 99.9, 1));
  ticks.push_back(Trade(At(10, 0, 6), 100.2, 1));
  // The spread is about 2 / 0.1 ln(1 + 0.1 / 15) = 0.1329 and, with sigma^2 of 20 x 0.01^2, next to no more.
  EXPECT_EQ(Trades("avellaneda_stoikov", config, ticks), (Rows{"buy 1 @ 99.95 -> 1", "sell 1 @ 100.09 -> 0"}));
}

}  // namespace
}  // namespace sabot::backtest
