// The order of work of a tick and the matching of orders, by hand. Ticks of 0.01; no fees unless said.
#include "sabot/backtest/simulation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/backtest/scripted.h"

namespace sabot::backtest {
namespace {

const OrderRequest kBuyTen{.side = Side::kBuy, .price = 100, .size = 10};

class Latency final : public LatencyModel {
 public:
  explicit Latency(int64_t nanoseconds) : nanoseconds_(nanoseconds) {}
  int64_t Entry(int64_t) const override { return nanoseconds_; }

 private:
  int64_t nanoseconds_;
};

class Fifo final : public QueueModel {
 public:
  double Ahead(double ahead, double, double, double) const override { return ahead; }
};

class Fees final : public FeeModel {
 public:
  Fees(double maker, double taker) : maker_(maker), taker_(taker) {}
  double Fee(double notional, bool maker) const override { return notional * (maker ? maker_ : taker_) / 1e4; }

 private:
  double maker_;
  double taker_;
};

// --- Wrong use

TEST(Simulation, RefusesTimesThatGoBack) {
  auto simulation = Simulation::Make({}, std::make_unique<Scripted>(Script{})).ValueOrDie();
  ASSERT_TRUE(simulation->Push(Ticks::From(Batch({Bid(10, 100, 1)})).ValueOrDie()).ok());
  const auto status = simulation->Push(Ticks::From(Batch({Bid(9, 100, 1)})).ValueOrDie());
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("row 1, from 10 to 9"), std::string::npos);
}

TEST(Simulation, RefusesOptionsThatCannotBe) {
  const auto make = [](VenueOptions venue) {
    return Simulation::Make({.venue = std::move(venue)}, std::make_unique<Scripted>(Script{})).status();
  };
  EXPECT_FALSE(make({.tick_size = -1}).ok());
  EXPECT_FALSE(make({.limits = {.max_position = std::numeric_limits<double>::infinity()}}).ok());
  EXPECT_FALSE(make({.contract = {.size = 0}}).ok());
  EXPECT_FALSE(make({.orders_max = 0}).ok());
}

TEST(Simulation, OrdersThatCannotBeAreCountedAndNotSent) {
  const auto played = Play({Bid(0, 100, 1), Trade(1, 99, 100)},
                           {{0,
                             [](const Moment&, Orders& orders) {
                               EXPECT_EQ(orders.Send({.price = 100, .size = 0}), kNoOrder);
                               EXPECT_EQ(orders.Send({.price = 0, .size = 1}), kNoOrder);
                               EXPECT_EQ(orders.Send({.price = std::nan(""), .size = 1}), kNoOrder);
                               EXPECT_EQ(orders.Send({.price = 100.005, .size = 1}), kNoOrder);
                               EXPECT_EQ(orders.Send({.price = 100.01, .size = 1.5}), kNoOrder);
                               EXPECT_NE(orders.Send({.price = 100.01, .size = 2}), kNoOrder);
                               EXPECT_EQ(orders.Send({.price = 100.01, .size = 2}), kNoOrder);  // The second open one.
                             }}},
                           {.tick_size = 0.01, .lot_size = 1, .orders_max = 1});
  EXPECT_EQ(played.outcome.orders_rejected, 6);
  EXPECT_EQ(played.quantities(), std::vector<double>({2}));
}

// --- Known answers

TEST(Simulation, MakerBuysAndSells) {
  const std::vector<Tick> ticks{Bid(0, 100, 0), Ask(1, 100.02, 0), Trade(2, 100, 10), Trade(3, 100.02, 10)};
  const Script script{{1, [](const Moment&, Orders& orders) {
                         orders.Send(kBuyTen);
                         orders.Send({.side = Side::kSell, .price = 100.02, .size = 10});
                       }}};
  EXPECT_NEAR(Play(ticks, script).outcome.realized_pnl, 0.20, 1e-9);
  const auto rebate = Play(ticks, script, {.fees = std::make_shared<Fees>(-0.5, 0)});
  EXPECT_NEAR(rebate.trades.back().pnl, 0.300010, 1e-9);
  EXPECT_NEAR(rebate.outcome.fees, -0.10001, 1e-9);
}

TEST(Simulation, TheQueueInFrontIsEatenFirst) {
  std::vector<Tick> ticks{Bid(0, 100, 80), Trade(1, 100, 50), Trade(2, 100, 40), Trade(3, 100, 10)};
  const Script script{{0, Sends({.price = 100, .size = 20})}};
  EXPECT_EQ(Play(ticks, script).quantities(), std::vector<double>({10, 10}));
  ticks = {Bid(0, 100, 80), Trade(1, 100, 50), Trade(2, 100, 40), Trade(3, 99.99, 1)};
  EXPECT_EQ(Play(ticks, script).quantities(), std::vector<double>({10, 10}));  // What remains, whole, at our price.
  EXPECT_EQ(Play(ticks, script).trades.back().price, 100);
  EXPECT_EQ(Play(ticks, script, {.through_fill = ThroughFill::kCapped}).quantities(), std::vector<double>({10, 1}));
}

TEST(Simulation, ABuyAggressorNeverFillsABuy) {
  const Script script{{0, Sends(kBuyTen)}};
  EXPECT_TRUE(Play({Bid(0, 100, 0), Trade(1, 100, 500, +1)}, script).trades.empty());
  EXPECT_TRUE(Play({Bid(0, 100, 0), Trade(1, 99, 500, +1)}, script).trades.empty());
  EXPECT_EQ(Play({Bid(0, 100, 0), Trade(1, 100, 500, -1)}, script).quantities(), std::vector<double>({10}));
}

TEST(Simulation, WithoutAnAggressorTheQuoteRuleDecides) {
  const Script script{{1, Sends(kBuyTen)}};
  const auto bought = [&](double price) {  // The last tick only tells that the source knows sides.
    return !Play({Bid(0, 100, 0), Ask(1, 104, 5), Trade(2, price, 50), Trade(3, 500, 1, +1)}, script).trades.empty();
  };
  EXPECT_TRUE(bought(100));
  EXPECT_TRUE(bought(99));
  EXPECT_FALSE(bought(101));  // Below the mid, so a sell, but above our price.
  EXPECT_FALSE(bought(102));  // At the mid: not known.
  const Script high{{1, Sends({.price = 103, .size = 10})}};
  EXPECT_EQ(Play({Bid(0, 100, 0), Ask(1, 104, 5), Trade(2, 101, 5), Trade(3, 500, 1, +1)}, high).quantities(),
            std::vector<double>({10}));
  EXPECT_TRUE(Play({Bid(0, 100, 0), Ask(1, 104, 5), Trade(2, 102, 5), Trade(3, 500, 1, +1)}, high).trades.empty());
}

TEST(Simulation, OwnOrdersAtOnePriceShareOneQueue) {
  const Script script{{0, [](const Moment&, Orders& orders) {
                         orders.Send(kBuyTen);
                         orders.Send(kBuyTen);
                       }}};
  EXPECT_EQ(Play({Bid(0, 100, 0), Trade(1, 100, 12)}, script).quantities(), std::vector<double>({10, 2}));
  // With 5 others in front of both, the first 5 of the trade go to them, once.
  EXPECT_EQ(Play({Bid(0, 100, 5), Trade(1, 100, 12)}, script).quantities(), std::vector<double>({7}));
  EXPECT_EQ(Play({Bid(0, 100, 5), Trade(1, 100, 12), Trade(2, 100, 100)}, script).quantities(),
            std::vector<double>({7, 3, 10}));
}

TEST(Simulation, OthersBetweenOwnOrdersKeepTheirPlace) {
  const Script script{{0, Sends(kBuyTen)}, {1, Sends(kBuyTen)}};
  // 4 in front of the first; 9 when the second came, so 5 joined between. 16 eat 4, fill 10 and eat 2 of the 5; 8 eat
  // the other 3 and fill 5.
  const std::vector<Tick> ticks{Bid(0, 100, 4), Bid(1, 100, 9), Trade(2, 100, 16), Trade(3, 100, 8)};
  EXPECT_EQ(Play(ticks, script, {.queue = std::make_shared<Fifo>()}).quantities(), std::vector<double>({10, 5}));
}

TEST(Simulation, AnOrderInFlightMissesWhatTradesBeforeItArrives) {
  const std::vector<Tick> ticks{Bid(0, 100, 0), Trade(4 * kMillisecondNs, 100, 7), Trade(6 * kMillisecondNs, 100, 3)};
  const auto played = Play(ticks, {{0, Sends(kBuyTen)}}, {.latency = std::make_shared<Latency>(5 * kMillisecondNs)});
  EXPECT_EQ(played.quantities(), std::vector<double>({3}));
}

TEST(Simulation, ACancelInFlightComesTooLate) {
  const std::vector<Tick> ticks{Bid(0, 100, 0), Bid(10 * kMillisecondNs, 100, 0), Trade(12 * kMillisecondNs, 100, 10),
                                Trade(20 * kMillisecondNs, 100, 10)};
  const auto played = Play(
      ticks, {{0, Sends(kBuyTen)}, {1, [](const Moment&, Orders& orders) { orders.Cancel(orders.open().front().id); }}},
      {.latency = std::make_shared<Latency>(5 * kMillisecondNs)});
  EXPECT_EQ(played.quantities(), std::vector<double>({10}));
}

TEST(Simulation, NothingFillsOnTheTickItWasDecidedOn) {
  const Script script{{0, Sends(kBuyTen)}};
  EXPECT_TRUE(Play({Trade(0, 90, 100)}, script).trades.empty());
  EXPECT_EQ(Play({Trade(0, 90, 100), Trade(0, 90, 100)}, script).trades.size(), 1U);  // The next tick, same time.
}

// --- The queue

TEST(Simulation, RiskAverseTakesWhatIsShownForWhatIsInFront) {
  const std::vector<Tick> ticks{Bid(0, 100, 80), Bid(1, 100, 30), Bid(2, 100, 90), Trade(3, 100, 35)};
  const Script script{{0, Sends(kBuyTen)}};
  EXPECT_EQ(Play(ticks, script).quantities(), std::vector<double>({5}));
  EXPECT_TRUE(Play(ticks, script, {.queue = std::make_shared<Fifo>()}).trades.empty());
}

TEST(Simulation, ABetterPriceHasNobodyInFront) {
  EXPECT_EQ(Play({Bid(0, 99, 80), Trade(1, 100, 4)}, {{0, Sends(kBuyTen)}}).quantities(), std::vector<double>({4}));
}

TEST(Simulation, BehindTheBestEverybodyShownThereIsInFront) {
  const Script script{{0, Sends(kBuyTen)}};
  // Nothing was ever shown at 100, so a trade there says nothing about us; one below it does.
  EXPECT_TRUE(Play({Bid(0, 101, 80), Trade(1, 100, 500)}, script).trades.empty());
  EXPECT_EQ(Play({Bid(0, 101, 80), Trade(1, 99.99, 1)}, script).quantities(), std::vector<double>({10}));
  EXPECT_EQ(Play({Bid(0, 101, 80), Bid(1, 100, 30), Trade(2, 100, 33)}, script).quantities(), std::vector<double>({3}));
}

TEST(Simulation, ALargerSizeLosesThePlaceASmallerOneKeepsIt) {
  const auto resized = [](double size) {
    return Play({Bid(0, 100, 5), Bid(1, 100, 5), Bid(2, 100, 50), Trade(3, 100, 20)},
                {{0, Sends(kBuyTen)},
                 {2, [size](const Moment&, Orders& orders) { orders.Resize(orders.open().front().id, size); }}})
        .quantities();
  };
  EXPECT_EQ(resized(8), std::vector<double>({8}));
  EXPECT_TRUE(resized(12).empty());
}

// 0.1 and 0.1 leave 0.9 of 1.1 one after the other, and more in binary at once.
TEST(Simulation, TheSameSizeKeepsThePlace) {
  const auto resized = [](double size, double lot_size) {
    return Play({Bid(0, 100, 0), Trade(1, 100, 0.1), Trade(2, 100, 0.1), Bid(3, 100, 50), Bid(4, 100, 50),
                 Trade(5, 100, 20)},
                {{0, Sends({.price = 100, .size = 1.1})},
                 {3, [size](const Moment&, Orders& orders) { orders.Resize(orders.open().front().id, size); }}},
                {.lot_size = lot_size})
        .trades.size();
  };
  for (const double lot_size : {0.0, 0.1}) {
    EXPECT_EQ(resized(1.1, lot_size), 3U) << lot_size;
    EXPECT_EQ(resized(1.0, lot_size), 3U) << lot_size;
    EXPECT_EQ(resized(1.2, lot_size), 2U) << lot_size;
  }
}

TEST(Simulation, TheOppositeBestFillsWhereAsked) {
  const std::vector<Tick> ticks{Bid(0, 100, 80), Ask(1, 99.5, 4)};
  const Script script{{0, Sends(kBuyTen)}};
  EXPECT_TRUE(Play(ticks, script).trades.empty());
  EXPECT_EQ(Play(ticks, script, {.quote_cross = true}).quantities(), std::vector<double>({10}));
  EXPECT_EQ(Play(ticks, script, {.through_fill = ThroughFill::kCapped, .quote_cross = true}).quantities(),
            std::vector<double>({4}));
}

TEST(Simulation, ALotSizeLeavesNoDust) {
  const std::vector<Tick> ticks{Bid(0, 100, 0.3), Trade(1, 100, 0.1), Trade(2, 100, 0.1), Trade(3, 100, 0.1),
                                Trade(4, 100, 0.7)};
  const Script script{{0, Sends({.price = 100, .size = 0.7})}};
  const auto exact = Play(ticks, script);
  EXPECT_EQ(exact.quantities().size(), 2U);  // 0.3 - 0.1 - 0.1 - 0.1 is not 0.
  EXPECT_LT(exact.quantities().front(), 1e-15);
  EXPECT_EQ(Play(ticks, script, {.lot_size = 0.1}).trades.size(), 1U);
}

TEST(Simulation, ALotSizeChangesNothingButDust) {
  const Script script{{0, Sends({.price = 100, .size = 100})}};
  // An odd lot fills as what it is.
  EXPECT_EQ(Play({Bid(0, 100, 0), Trade(1, 100, 60), Trade(2, 100, 30)}, script, {.lot_size = 100}).quantities(),
            std::vector<double>({60, 30}));
  std::vector<Tick> ticks{Bid(0, 100, 0)};
  for (int64_t i = 1; i <= 8; ++i) ticks.push_back(Trade(i, 99, 30));
  const auto capped = Play(ticks, script, {.through_fill = ThroughFill::kCapped, .lot_size = 100});
  EXPECT_EQ(capped.quantities(), std::vector<double>({30, 30, 30, 10}));
  // What the limit leaves is cut to whole lots.
  const Script large{{0, Sends({.price = 100, .size = 200})}};
  EXPECT_EQ(
      Play({Bid(0, 100, 0), Trade(1, 99, 1)}, large, {.lot_size = 100, .limits = {.max_position = 150}}).quantities(),
      std::vector<double>({100}));
}

// 2,000,000 - 1,989,999.87 is 1,000,013 lots, and 1,000,012.9999999888 in binary.
TEST(Simulation, LimitsOfManyLotsLeaveEachOfThem) {
  const VenueOptions venue{.lot_size = 0.01, .limits = {.max_position = 2e6}};
  const auto rest_of = [&](double position) {
    const double room = (200'000'000 - std::round(position * 100)) / 100;
    const auto played = Play({Ask(0, 101, 3e6), Trade(1, 99, 1), Ask(2, 101, 3e6)},
                             {{0, Sends({.price = 100, .size = position})},
                              {1, Sends({.price = 101, .size = room, .type = OrderType::kFillOrKill})}},
                             venue);
    EXPECT_EQ(played.outcome.activity.orders.cut, 0) << position;
    EXPECT_EQ(played.outcome.orders_rejected, 0) << position;
    EXPECT_EQ(played.quantities(), std::vector<double>({position, room}));
    EXPECT_EQ(played.outcome.final_position, 2e6);
  };
  for (int64_t lots = 1; lots < 200'000'000; lots += 1'234'567) rest_of(static_cast<double>(lots) / 100);
  for (int64_t lots = 199'999'800; lots < 200'000'000; ++lots) rest_of(static_cast<double>(lots) / 100);
}

TEST(Simulation, AResizeCountsWhatWasFilled) {
  const std::vector<Tick> ticks{Bid(0, 100, 0), Bid(10 * kMillisecondNs, 100, 0), Trade(12 * kMillisecondNs, 100, 4),
                                Trade(20 * kMillisecondNs, 100, 50)};
  const auto filled = [&](double size) {
    return Play(ticks,
                {{0, Sends(kBuyTen)},
                 {1, [size](const Moment&, Orders& orders) { orders.Resize(orders.open().front().id, size); }}},
                {.latency = std::make_shared<Latency>(5 * kMillisecondNs)})
        .quantities();
  };
  EXPECT_EQ(filled(8), std::vector<double>({4, 4}));
  EXPECT_EQ(filled(4), std::vector<double>({4}));
  EXPECT_EQ(filled(15), std::vector<double>({4, 11}));
}

// The order stays what it was, so it is no refused one.
TEST(Simulation, AResizeThatCannotBeChangesNothing) {
  const auto played = Play({Bid(0, 100, 0), Bid(1, 100, 0), Trade(2, 99, 1)},
                           {{0, Sends(kBuyTen)},
                            {1,
                             [](const Moment&, Orders& orders) {
                               for (const double size : {0.0, 1.5, std::nan("")}) {
                                 orders.Resize(orders.open().front().id, size);
                               }
                             }}},
                           {.lot_size = 1});
  EXPECT_EQ(played.quantities(), std::vector<double>({10}));
  EXPECT_EQ(played.outcome.activity.orders.sent, 1);
  EXPECT_EQ(played.outcome.orders_rejected, 0);
}

// --- Orders that take

TEST(Simulation, TakingRemembersWhatItConsumed) {
  const OrderRequest take{.side = Side::kBuy, .price = 101, .size = 8, .type = OrderType::kImmediateOrCancel};
  const auto played = Play({Ask(0, 100.5, 10), Trade(1, 90, 1), Trade(2, 90, 1), Ask(3, 100.5, 10), Trade(4, 90, 1)},
                           {{0, Sends(take)}, {1, Sends(take)}, {2, Sends(take)}, {3, Sends(take)}},
                           {.fees = std::make_shared<Fees>(0, 1)});
  EXPECT_EQ(played.quantities(), std::vector<double>({8, 2, 8}));  // The third finds nothing left.
  EXPECT_EQ(played.trades[0].timestamp, 1);
  EXPECT_EQ(played.trades[0].price, 100.5);
  EXPECT_NEAR(played.outcome.fees, 18 * 100.5 / 1e4, 1e-12);
}

TEST(Simulation, KindsOfOrders) {
  const auto filled = [](OrderType type, double price, double size) {
    return Play({Ask(0, 100, 10), Trade(1, 200, 1), Trade(2, 100, 1000)},
                {{0, Sends({.side = Side::kBuy, .price = price, .size = size, .type = type})}})
        .quantities();
  };
  EXPECT_EQ(filled(OrderType::kPostOnly, 100, 5), std::vector<double>());  // It would have crossed.
  EXPECT_EQ(filled(OrderType::kMaker, 100, 5), std::vector<double>({5}));  // It rests and trades.
  EXPECT_EQ(filled(OrderType::kLimit, 100, 15), std::vector<double>({10, 5}));
  EXPECT_EQ(filled(OrderType::kImmediateOrCancel, 100, 15), std::vector<double>({10}));
  EXPECT_EQ(filled(OrderType::kImmediateOrCancel, 99, 15), std::vector<double>());
  EXPECT_EQ(filled(OrderType::kFillOrKill, 100, 15), std::vector<double>());
  EXPECT_EQ(filled(OrderType::kFillOrKill, 100, 10), std::vector<double>({10}));
  EXPECT_EQ(filled(OrderType::kMarket, 0, 15), std::vector<double>({10}));
}

TEST(Simulation, OwnOrdersDoNotTradeWithEachOther) {
  const auto filled = [](SelfTrade rule) {
    return Play({Ask(0, 100, 10), Bid(1, 90, 1), Ask(2, 100, 10), Bid(3, 90, 1), Trade(4, 101, 50)},
                {{0, Sends({.side = Side::kSell, .price = 100, .size = 4})},
                 {2, Sends({.side = Side::kBuy, .price = 100, .size = 6, .type = OrderType::kImmediateOrCancel})}},
                {.self_trade = rule})
        .quantities();
  };
  EXPECT_EQ(filled(SelfTrade::kCancelNewest), std::vector<double>({4}));
  EXPECT_EQ(filled(SelfTrade::kCancelOldest), std::vector<double>({6}));
  EXPECT_EQ(filled(SelfTrade::kDecrement), std::vector<double>({2}));
}

TEST(Simulation, LimitsHoldOnArrival) {
  const Script two{{0, [](const Moment&, Orders& orders) {
                      orders.Send({.price = 100, .size = 60});
                      orders.Send({.price = 100, .size = 60});
                      orders.Send({.price = 100, .size = 60});
                    }}};
  const std::vector<Tick> ticks{Bid(0, 100, 0), Trade(1, 99, 1)};
  const auto played = Play(ticks, two, {.limits = {.max_position = 100}});
  EXPECT_EQ(played.quantities(), std::vector<double>({60, 40}));
  EXPECT_EQ(played.outcome.orders_rejected, 1);
  EXPECT_EQ(Play(ticks, two, {.limits = {.max_notional = 7'050}}).quantities(), std::vector<double>({60, 10}));
}

TEST(Simulation, ReducingOrdersCloseAndNoMore) {
  const OrderRequest close{
      .side = Side::kSell, .size = 50, .type = OrderType::kMarket, .reduce_only = true, .kind = FillKind::kStop};
  const auto played = Play({Bid(0, 100, 0), Trade(1, 100, 10), Bid(2, 98, 6), Bid(3, 97, 100), Bid(4, 97, 100)},
                           {{0, Sends(kBuyTen)}, {2, Sends(close)}, {3, Sends(close)}});
  EXPECT_EQ(played.quantities(), std::vector<double>({10, 6, 4}));
  EXPECT_EQ(played.trades[1].kind, FillKind::kStop);
  EXPECT_EQ(played.trades[2].price, 97);
  EXPECT_EQ(played.outcome.final_position, 0);
}

TEST(Simulation, ReducingOrdersNeverOpenAPositionAtRest) {
  const OrderRequest close{.side = Side::kSell, .price = 101, .size = 10, .reduce_only = true};
  const std::vector<Tick> ticks{Bid(0, 100, 9),   Ask(1, 101, 0),   Trade(2, 99, 10), Ask(3, 101, 0),
                                Trade(4, 101, 4), Trade(5, 102, 5), Trade(6, 102, 5)};
  const Script script{{0, Sends(kBuyTen)},
                      {2,
                       [&](const Moment&, Orders& orders) {
                         orders.Send(close);
                         orders.Send(close);
                       }},
                      {6, [](const Moment&, Orders& orders) { EXPECT_TRUE(orders.open().empty()); }}};
  const auto played = Play(ticks, script);
  EXPECT_EQ(played.quantities(), std::vector<double>({10, 4, 6}));  // Each alone would close all of it.
  EXPECT_EQ(played.outcome.final_position, 0);
  EXPECT_EQ(played.outcome.activity.orders.refused[static_cast<std::size_t>(Refusal::kNothingToReduce)], 1);
  // What trades at its price goes to the next in the queue, where the first has nothing to reduce.
  const auto passed_on =
      Play({Bid(0, 100, 9), Trade(1, 99, 10), Ask(2, 101, 0), Bid(3, 100, 20), Trade(4, 101, 3)},
           {{0, Sends(kBuyTen)},
            {1,
             [&](const Moment&, Orders& orders) {
               orders.Send(close);
               orders.Send({.side = Side::kSell, .price = 101, .size = 10});
             }},
            {2, Sends({.side = Side::kSell, .price = 100, .size = 10, .type = OrderType::kMarket})}});
  EXPECT_EQ(passed_on.quantities(), std::vector<double>({10, 9, 1, 2}));  // The bid of 9 was all that was shown.
}

TEST(Simulation, ReducingAndOtherOrdersTogetherStayWithinTheLimits) {
  // The reduce_only order came last, so the other one counted on the position that it closes first.
  const auto played = Play({Bid(0, 100, 0), Trade(1, 99, 1), Ask(2, 101, 0), Trade(3, 105, 1), Trade(4, 105, 1)},
                           {{0, Sends(kBuyTen)},
                            {1,
                             [](const Moment&, Orders& orders) {
                               orders.Send({.side = Side::kSell, .price = 102, .size = 20});
                               orders.Send({.side = Side::kSell, .price = 101, .size = 10, .reduce_only = true});
                             }}},
                           {.limits = {.max_position = 10}});
  EXPECT_EQ(played.quantities(), std::vector<double>({10, 10, 10}));
  EXPECT_EQ(played.outcome.final_position, -10);
}

TEST(Simulation, AResizedReducingOrderIsNotCutByTheLimits) {
  const auto played = Play({Bid(0, 100, 0), Trade(1, 99, 1), Ask(2, 101, 0), Ask(3, 101, 0), Trade(4, 105, 1)},
                           {{0, Sends(kBuyTen)},
                            {1,
                             [](const Moment&, Orders& orders) {
                               orders.Send({.side = Side::kSell, .price = 102, .size = 20});
                               orders.Send({.side = Side::kSell, .price = 101, .size = 5, .reduce_only = true});
                             }},
                            {2, [](const Moment&, Orders& orders) { orders.Resize(orders.open().back().id, 8); }}},
                           {.limits = {.max_position = 10}});
  EXPECT_EQ(played.quantities(), std::vector<double>({10, 8, 12}));
}

TEST(Simulation, FillOrKillIsAllOrNothing) {
  const OrderRequest all{.price = 100, .size = 10, .type = OrderType::kFillOrKill};
  const std::vector<Tick> ticks{Ask(0, 100, 20), Ask(1, 100, 20), Trade(2, 200, 1), Trade(3, 200, 1)};
  EXPECT_EQ(Play(ticks, {{1, Sends(all)}}).quantities(), std::vector<double>({10}));
  EXPECT_TRUE(Play(ticks, {{1, Sends(all)}}, {.limits = {.max_position = 6}}).trades.empty());
  // An own order in its way: a part of it cannot go, and one that is killed takes nothing along.
  const Script own{{0, Sends({.side = Side::kSell, .price = 100, .size = 4})}, {1, Sends(all)}};
  EXPECT_EQ(Play(ticks, own, {.self_trade = SelfTrade::kDecrement}).quantities(), std::vector<double>({4}));
  EXPECT_EQ(Play(ticks, own, {.self_trade = SelfTrade::kCancelOldest}).quantities(), std::vector<double>({10}));
  const std::vector<Tick> few{Ask(0, 100, 5), Ask(1, 100, 5), Trade(2, 99, 1), Trade(3, 200, 1)};
  EXPECT_EQ(Play(few, own, {.self_trade = SelfTrade::kCancelOldest}).quantities(), std::vector<double>({4}));
}

TEST(Simulation, ALotSizeLeavesNoDustOfWhatIsShown) {
  const auto take = [](double size) { return Sends({.price = 100, .size = size, .type = OrderType::kFillOrKill}); };
  const auto played =
      Play({Ask(0, 100, 0.3), Bid(1, 90, 1), Bid(2, 90, 1)}, {{0, take(0.2)}, {1, take(0.1)}}, {.lot_size = 0.1});
  EXPECT_EQ(played.quantities(), std::vector<double>({0.2, 0.1}));  // 0.3 - 0.2 is less than 0.1.
}

TEST(Simulation, APositionOfLotsClosesWhole) {
  const std::vector<Tick> ticks{Ask(0, 100, 50), Bid(1, 100, 50), Bid(2, 100, 50), Bid(3, 100, 50), Bid(4, 100, 50)};
  const auto order = [](Side side, double size) {
    return Sends({.side = side, .price = 100, .size = size, .type = OrderType::kLimit});
  };
  const Script script{{0, order(Side::kBuy, 0.1)}, {1, order(Side::kBuy, 0.2)}, {2, order(Side::kSell, 0.3)}};
  EXPECT_NE(Play(ticks, script).outcome.final_position, 0);
  const auto played = Play(ticks, script, {.lot_size = 0.1});
  EXPECT_EQ(played.trades[1].position, 0.3);
  EXPECT_EQ(played.outcome.final_position, 0);
}

// --- Dates and sessions

constexpr int64_t kHourNs = 3600 * kSecondNs;

Market Adx() { return FindMarket("adx").ValueOrDie(); }

TEST(Simulation, OrdersLiveInTheContinuousSessionOnly) {
  int64_t calls = 0;
  const auto count = [&calls](const Moment&, Orders&) { ++calls; };
  const auto at = [](double hours) { return static_cast<int64_t>(hours * static_cast<double>(kHourNs)); };
  const auto played =
      Play({Bid(at(9.75), 100, 0), Bid(at(10.5), 100, 0), Trade(at(14.8), 99, 100), Trade(at(14.85), 99, 100)},
           {{0, Sends(kBuyTen)}, {1, count}, {2, count}}, {.market = Adx()});
  EXPECT_TRUE(played.trades.empty());  // Decided at 10:30, cancelled at 14:45.
  EXPECT_EQ(calls, 0);
}

TEST(Simulation, TheFirstTradeAfterTheFlattenTimeClosesThePosition) {
  const auto at = [](double hours) { return static_cast<int64_t>(hours * static_cast<double>(kHourNs)); };
  const auto played = Play({Bid(at(11), 100, 0), Trade(at(11.5), 100, 10), Bid(at(14.95), 101, 1),
                            Trade(at(14.96), 103, 1), Trade(at(14.97), 105, 1)},
                           {{0, Sends(kBuyTen)}}, {.market = Adx()});
  ASSERT_EQ(played.trades.size(), 2U);
  EXPECT_EQ(played.trades[1].kind, FillKind::kFlatten);
  EXPECT_EQ(played.trades[1].price, 103);
  EXPECT_EQ(played.trades[1].realized_pnl, 30);
  EXPECT_EQ(played.trades[1].position, 0);
}

TEST(Simulation, ADateWithoutFlatteningIsClosedAtItsLastTrade) {
  const auto at = [](double hours) { return static_cast<int64_t>(hours * static_cast<double>(kHourNs)); };
  const std::vector<Tick> first{Bid(at(11), 100, 0), Trade(at(11.5), 100, 10), Trade(at(12), 98, 1)};
  auto second = first;
  second.push_back(Bid(at(35), 90, 1));
  for (const auto& ticks : {first, second}) {  // The end of the data counts as a date change.
    const auto played = Play(ticks, {{0, Sends(kBuyTen)}}, {.market = Adx()});
    ASSERT_EQ(played.trades.size(), 2U);
    EXPECT_EQ(played.trades[1].timestamp, at(12));
    EXPECT_EQ(played.trades[1].realized_pnl, -20);
    EXPECT_EQ(played.outcome.market_dates, 1);
    EXPECT_EQ(played.outcome.strategy_dates, 1);
  }
}

TEST(Simulation, ACryptoMarketGoesOnOverMidnight) {
  const auto played =
      Play({Bid(kDayNs - 2, 100, 0), Trade(kDayNs + 5, 100, 4), Trade(2 * kDayNs, 100, 2)}, {{0, Sends(kBuyTen)}});
  EXPECT_EQ(played.quantities(), std::vector<double>({4, 2}));
  EXPECT_EQ(played.outcome.final_position, 6);
  EXPECT_EQ(played.outcome.market_dates, 2);
}

// --- What it came to

TEST(Simulation, CountsWhatItCameTo) {
  const auto played = Play({Bid(0, 100, 0), Ask(1, 102, 0), Trade(2, 100, 10), Trade(3, 102, 10), Bid(4, 103, 0)},
                           {{1, [](const Moment&, Orders& orders) {
                               orders.Send(kBuyTen);
                               orders.Send({.side = Side::kSell, .price = 102, .size = 10});
                             }}});
  EXPECT_EQ(played.outcome.trades, 2);
  EXPECT_EQ(played.outcome.rows, 5);
  EXPECT_EQ(played.outcome.volume, 20);
  EXPECT_EQ(played.outcome.crossed, 1);
  EXPECT_EQ(played.outcome.win_rate, 1.0);
  EXPECT_EQ(played.outcome.sharpe, std::nullopt);
  ASSERT_EQ(played.fills.size(), 2U);
  EXPECT_TRUE(played.fills[0].maker);
  EXPECT_EQ(played.fills[0].remaining, 0);
}

TEST(Simulation, CountsWhatThereWasToDo) {
  const auto at = [](double hours) { return static_cast<int64_t>(hours * static_cast<double>(kHourNs)); };
  const auto played =
      Play({Bid(at(10), 100, 5), Trade(at(10.02), 100, 1), Bid(at(10.5), 100, 5), Trade(at(10.6), 101, 1),
            Ask(at(10.7), 102, 5), Trade(at(10.8), 101, 1), Trade(at(15), 101, 1), Bid(at(15.1), 103, 1)},
           {{0,
             [](const Moment&, Orders& orders) {
               EXPECT_EQ(orders.Send({.price = 100, .size = 1.5}), kNoOrder);
               EXPECT_EQ(orders.Send({.price = 100.5, .size = 1}), kNoOrder);
               orders.Send({.price = 99, .size = 20});
               orders.Send({.price = 99, .size = 20});
             }},
            {2,
             [](const Moment&, Orders& orders) {
               orders.Send({.side = Side::kSell, .price = 101, .size = 1, .type = OrderType::kImmediateOrCancel});
               orders.Send({.side = Side::kSell, .price = 100, .size = 1, .type = OrderType::kPostOnly});
               orders.Send({.side = Side::kSell, .price = 103, .size = 1, .reduce_only = true});
             }}},
           {.market = FindMarket("adx").ValueOrDie(), .tick_size = 1, .lot_size = 1, .limits = {.max_position = 12}});
  const Activity& activity = played.outcome.activity;
  EXPECT_EQ(activity.session, "10:05-14:45");
  EXPECT_EQ(activity.outside_session, 4);
  EXPECT_EQ(activity.book_missing, 2);
  EXPECT_EQ(activity.market_trades, 2);
  EXPECT_EQ(played.outcome.crossed, 1);
  EXPECT_EQ(activity.orders.sent, 7);
  EXPECT_EQ(activity.orders.cut, 1);
  OrderCounts expected;
  for (const Refusal each : {Refusal::kLotSize, Refusal::kTickSize, Refusal::kLimits, Refusal::kNothingToTake,
                             Refusal::kPostOnly, Refusal::kNothingToReduce}) {
    expected.Refuse(each);
  }
  EXPECT_EQ(activity.orders.refused, expected.refused);
  EXPECT_EQ(played.outcome.orders_rejected, 6);
}

// Of an order that keeps something, or has filled something, it is a cut; of another one a refusal.
TEST(Simulation, WhatTheLimitsTakeIsCountedWhereverTheyDo) {
  const auto counts = [](const Played& played) {
    return std::pair{played.outcome.activity.orders.cut,
                     played.outcome.activity.orders.refused[static_cast<std::size_t>(Refusal::kLimits)]};
  };
  using Counts = std::pair<int64_t, int64_t>;
  const OrderRequest sell{.side = Side::kSell, .price = 102, .size = 10};
  OrderRequest large = sell;
  large.size = 20;
  OrderRequest second = sell;
  second.price = 103;
  OrderRequest reduce = sell;
  reduce.price = 101;
  reduce.reduce_only = true;
  OrderRequest reduce_now = reduce;
  reduce_now.type = OrderType::kMarket;
  // From a long position of 10, which is the limit: room for sales of 20, until it is closed.
  const auto after = [&](std::vector<OrderRequest> first, std::optional<double> resized, std::vector<Tick> trades) {
    std::vector<Tick> ticks{Bid(0, 100, 20), Trade(1, 99, 1), Ask(2, 101, 0)};
    ticks.insert(ticks.end(), trades.begin(), trades.end());
    return counts(Play(ticks,
                       {{0, Sends(kBuyTen)},
                        {1,
                         [&](const Moment&, Orders& orders) {
                           for (const OrderRequest& request : first) orders.Send(request);
                         }},
                        {3,
                         [&](const Moment&, Orders& orders) {
                           if (resized) orders.Resize(orders.open().back().id, *resized);
                         }}},
                       {.limits = {.max_position = 10}}));
  };
  const Tick closes = Trade(3, 101, 10);
  const Tick through = Trade(3, 105, 1);
  // On arrival.
  EXPECT_EQ(after({sell, large}, {}, {}), Counts(1, 0));
  EXPECT_EQ(after({large, sell}, {}, {}), Counts(0, 1));
  // At rest, where another one took.
  EXPECT_EQ(after({large, reduce_now}, {}, {}), Counts(1, 0));
  EXPECT_EQ(after({sell, second, reduce_now}, {}, {}), Counts(0, 1));
  // At a fill.
  EXPECT_EQ(after({large, reduce}, {}, {through}), Counts(1, 0));
  EXPECT_EQ(after({sell, second, reduce}, {}, {through}), Counts(0, 1));
  // At another size.
  EXPECT_EQ(after({large, reduce}, 15, {closes, Bid(4, 100, 20)}), Counts(1, 0));
  EXPECT_EQ(after({sell, second, reduce}, 5, {closes, Bid(4, 100, 20)}), Counts(0, 1));
  EXPECT_EQ(after({sell, second, reduce}, {}, {closes, Bid(4, 100, 20)}), Counts(0, 0));
}

TEST(Simulation, SamplesTheEquityOnceAnInterval) {
  constexpr int64_t kMinute = 60 * kSecondNs;
  const auto played = Play(
      {Bid(10 * kSecondNs, 100, 0), Trade(11 * kSecondNs, 100, 10), Ask(kMinute + 1, 104, 0), Ask(kMinute + 2, 106, 0)},
      {{0, Sends(kBuyTen)}}, {}, 1'000, kMinute);
  ASSERT_EQ(played.equity.size(), 3U);  // At the first tick, in the second minute, at the end.
  EXPECT_EQ(played.equity[0].position, 0);
  EXPECT_EQ(played.equity[1].timestamp, kMinute + 1);
  EXPECT_EQ(played.equity[1].mid, 102);
  EXPECT_EQ(played.equity[1].equity, 20);
  EXPECT_EQ(played.equity[2].timestamp, kMinute + 2);
  EXPECT_EQ(played.equity[2].equity, 30);
}

TEST(Simulation, TicksOfLessThanAnHourAreSampledOnceASecond) {
  constexpr int64_t kBegin = 7 * kSecondNs + kMillisecondNs;
  std::vector<Tick> ticks;
  for (int64_t at = 0; at < kHourNs; at += 700 * kMillisecondNs) ticks.push_back(Bid(kBegin + at, 100, 1));
  const auto sampled = [&](std::optional<int64_t> interval_ns, int64_t chunk) {
    std::vector<int64_t> times;
    for (const EquityRow& row : Play(ticks, {}, {}, chunk, interval_ns).equity) times.push_back(row.timestamp);
    return times;
  };
  const auto automatic = sampled(std::nullopt, 1'000);
  EXPECT_EQ(automatic, sampled(kSecondNs, 1'000));
  EXPECT_EQ(automatic.size(), 3'601U);  // One a second, and the end.
  ticks.push_back(Bid(kBegin + kHourNs - 1, 100, 1));
  EXPECT_EQ(sampled(std::nullopt, 7), sampled(kSecondNs, 1'000));
  ticks.back().timestamp += 1;
  for (int64_t more = 0; more < 3; ++more) {  // The tick that makes it an hour is the last one, or is not.
    for (const int64_t chunk : {1, 7, 10'000}) {
      EXPECT_EQ(sampled(std::nullopt, chunk), sampled(60 * kSecondNs, 1'000)) << more << " more, chunk " << chunk;
    }
    ticks.push_back(Bid(kBegin + kHourNs + more * 40 * kSecondNs, 100, 1));
  }
  EXPECT_TRUE(sampled(0, 1'000).empty());
}

TEST(Simulation, TheIntervalChangesNothingButTheSamples) {
  const std::vector<Tick> ticks{Bid(0, 100, 0), Trade(1, 100, 10), Ask(2 * kSecondNs, 102, 5), Trade(kDayNs, 99, 1),
                                Trade(2 * kDayNs, 98, 5)};
  const auto one = Play(ticks, {{0, Sends(kBuyTen)}, {3, Sends(kBuyTen)}});
  const auto other = Play(ticks, {{0, Sends(kBuyTen)}, {3, Sends(kBuyTen)}}, {}, 1, kMillisecondNs);
  EXPECT_EQ(one.outcome.equity_interval_ns, 60 * kSecondNs);
  EXPECT_EQ(other.outcome.equity_interval_ns, kMillisecondNs);
  EXPECT_EQ(one.outcome.sharpe, other.outcome.sharpe);
  EXPECT_EQ(one.outcome.max_drawdown, other.outcome.max_drawdown);
  EXPECT_EQ(one.outcome.daily_pnl, other.outcome.daily_pnl);
}

TEST(Simulation, AnErrorOfTheStrategyIsTheSimulations) {
  class Failing final : public Strategy {
    arrow::Status OnTick(const Moment&, Orders&) override { return arrow::Status::Invalid("no idea"); }
  };
  auto simulation = Simulation::Make({}, std::make_unique<Failing>()).ValueOrDie();
  EXPECT_EQ(simulation->Push(Ticks::From(Batch({Bid(0, 1, 1)})).ValueOrDie()).message(), "no idea");
}

TEST(Simulation, AStrategyThatCancelsIsAnErrorAndOneThatIsInterruptedEndsAll) {
  class Stopping final : public Strategy {
   public:
    explicit Stopping(arrow::Status status) : status_(std::move(status)) {}
    arrow::Status OnTick(const Moment&, Orders&) override { return status_; }

   private:
    arrow::Status status_;
  };
  const auto pushed = [](arrow::Status status) {
    auto simulation = Simulation::Make({}, std::make_unique<Stopping>(std::move(status))).ValueOrDie();
    return simulation->Push(Ticks::From(Batch({Bid(0, 1, 1)})).ValueOrDie());
  };
  const auto cancelled = pushed(arrow::Status::Cancelled("enough of it"));
  EXPECT_FALSE(cancelled.IsCancelled());
  EXPECT_EQ(cancelled.message(), "enough of it");
  EXPECT_TRUE(pushed(Interrupted()).IsCancelled());
}

TEST(Simulation, FeaturesAreTheValuesOfKernelsAtTheTick) {
  class Watching final : public Strategy {
   public:
    explicit Watching(std::vector<double>* seen) : seen_(seen) {}
    std::vector<Feature> features() const override {
      return {{{.kernel = "rolling_max", .options = {{"window", int64_t{2}}}, .columns = {{"x", "mid"}}}}};
    }
    arrow::Status OnTick(const Moment& moment, Orders&) override {
      seen_->push_back(moment.features[0]);
      return arrow::Status::OK();
    }
    std::vector<double>* seen_;
  };
  const std::vector<Tick> ticks{Bid(0, 100, 1), Ask(1, 102, 1), Bid(2, 101, 1), Trade(3, 101, 1), Ask(4, 103, 1)};
  std::vector<double> whole;
  std::vector<double> pieces;
  for (auto* seen : {&whole, &pieces}) {
    auto simulation = Simulation::Make({}, std::make_unique<Watching>(seen)).ValueOrDie();
    if (seen == &whole) {
      ASSERT_TRUE(simulation->Push(Ticks::From(Batch(ticks)).ValueOrDie()).ok());
    } else {
      for (const Tick& tick : ticks) ASSERT_TRUE(simulation->Push(Ticks::From(Batch({tick})).ValueOrDie()).ok());
    }
  }
  ASSERT_EQ(whole.size(), 5U);
  EXPECT_TRUE(std::isnan(whole[0]));
  EXPECT_TRUE(std::isnan(whole[1]));
  EXPECT_EQ(whole[2], 101.5);
  EXPECT_EQ(whole[3], 101.5);
  EXPECT_EQ(whole[4], 102);
  EXPECT_EQ(std::vector(whole.begin() + 2, whole.end()), std::vector(pieces.begin() + 2, pieces.end()));
}

}  // namespace
}  // namespace sabot::backtest
