#include "tests/backtest/random_orders.h"

#include <algorithm>

#include "sabot/backtest/registry.h"
#include "tests/backtest/scripted.h"

namespace sabot::backtest {
namespace {

constexpr double kNoise = 1e-9;  // Relative: what rounding may add up to.

bool Takes(OrderType type) { return type != OrderType::kMaker && type != OrderType::kPostOnly; }
bool MayRest(OrderType type) {
  return type == OrderType::kMaker || type == OrderType::kPostOnly || type == OrderType::kLimit;
}
// Whether an order of the side at a price reaches another price.
bool Reaches(Side side, double price, double other) { return Sign(side) * price >= Sign(side) * other; }

}  // namespace

RandomMarket::RandomMarket(uint64_t seed) {
  std::mt19937_64 random(seed);  // Its numbers are fixed by the standard; distributions' are not.
  const auto below = [&](uint64_t count) { return random() % count; };
  const auto one_of = [&](auto... values) {
    const std::array options{values...};
    return options[below(options.size())];
  };
  lot = one_of(1.0, 0.25, 0.1, 100.0);
  price_step = one_of(0.01, 0.5);
  venue.lot_size = below(4) == 0 ? 0 : lot;
  venue.tick_size = below(3) == 0 ? 0 : price_step;
  venue.queue = below(2) == 0 ? MakeQueueModel("fifo").ValueOrDie() : nullptr;
  if (below(2) == 0) venue.latency = ConstantLatency(one_of(kMillisecondNs, 3 * kSecondNs, 40 * kSecondNs));
  if (below(2) == 0) venue.fees = BasisPointFees(one_of(-0.5, 0.0, 2.0), one_of(0.0, 3.0));
  venue.through_fill = one_of(ThroughFill::kWhole, ThroughFill::kCapped);
  venue.quote_cross = below(3) == 0;
  venue.contract = {one_of(ContractType::kLinear, ContractType::kLinear, ContractType::kInverse), one_of(1.0, 100.0)};
  venue.self_trade = one_of(SelfTrade::kCancelNewest, SelfTrade::kCancelOldest, SelfTrade::kDecrement);
  if (below(2) == 0) venue.limits.max_position = lot * static_cast<double>(1 + below(12));
  if (below(3) == 0) venue.limits.max_notional = 50 * lot * static_cast<double>(1 + below(12));
  venue.orders_max = one_of(3, 1'000);
  if (below(2) == 0) venue.market = FindMarket("adx").ValueOrDie();
  has_sides = below(2) == 0;

  int64_t mid = static_cast<int64_t>(50 / price_step);
  int64_t timestamp = 19'943 * kDayNs + 36'000 * kSecondNs;  // 10:00.
  for (int row = 0; row < 350; ++row) {
    timestamp += below(200) == 0  ? kDayNs - 4 * 3'600 * kSecondNs
                 : below(30) == 0 ? 900 * kSecondNs
                                  : static_cast<int64_t>(below(4)) * 5 * kSecondNs;
    mid += below(4) == 0 ? static_cast<int64_t>(below(5)) - 2 : 0;
    const auto type = static_cast<TickType>(below(3));
    const auto spread = static_cast<int64_t>(one_of(1, 1, 1, 2, 3, 0, -1));  // Locked and crossed books as well.
    const int64_t away = type == TickType::kBid ? -spread : type == TickType::kAsk ? spread : one_of(-2, -1, 0, 1, 2);
    Tick tick{.timestamp = timestamp,
              .price = static_cast<double>(mid + away) * price_step,
              .volume = static_cast<double>(below(12)) * lot,
              .type = type};
    if (has_sides && type == TickType::kTrade) tick.side = static_cast<int8_t>(one_of(-1, 1, 0));
    ticks.push_back(tick);
  }
}

RandomOrders::RandomOrders(uint64_t seed, const RandomMarket& market, Tried* tried)
    : random_(seed), market_(market), tried_(tried) {}

void RandomOrders::Expect(const Tick& tick) {
  if (date_ && tick_.type != TickType::kTrade) {  // The tick before is in the book.
    book_[tick_.type == TickType::kBid ? 0 : 1] = {.price = tick_.price, .size = tick_.volume};
  }
  if (date_ && *date_ != DateOf(tick.timestamp) && market_.venue.market.has_sessions()) book_ = {};
  tick_ = tick;
  traded_ = {};
  date_ = DateOf(tick.timestamp);
}

double RandomOrders::Notional(double quantity, double price) const {
  const auto& contract = market_.venue.contract;
  return contract.type == ContractType::kLinear ? quantity * contract.size * price : quantity * contract.size / price;
}

// --- What must hold of a fill

void RandomOrders::OnFill(const Fill& fill) {
  if (tried_ == nullptr) return;
  const double sign = Sign(fill.side);
  const double before = position_;
  ASSERT_GT(fill.quantity, 0);
  position_ += sign * fill.quantity;
  if (std::abs(position_) < kNoise * market_.lot) position_ = 0;
  const double notional = Notional(fill.quantity, fill.price);
  cash_ += market_.venue.contract.type == ContractType::kLinear ? -sign * notional : sign * notional;
  fees_ += market_.venue.fees ? market_.venue.fees->Fee(notional, fill.maker) : 0;
  turnover_ += notional;
  volume_ += fill.quantity;
  ++fills_;

  if (fill.kind == FillKind::kFlatten) {
    EXPECT_EQ(fill.order, kNoOrder);
    EXPECT_EQ(position_, 0) << "a flatten closes all, from " << before;
    ++tried_->flattened;
    return;
  }
  EXPECT_EQ(fill.timestamp, tick_.timestamp);
  EXPECT_GE(fill.timestamp, last_fill_);
  last_fill_ = fill.timestamp;

  ASSERT_TRUE(placed_.contains(fill.order));
  Placed& placed = placed_[fill.order];
  const OrderRequest& request = placed.request;
  EXPECT_EQ(fill.side, request.side);
  EXPECT_EQ(fill.kind, fill.maker ? FillKind::kFill : request.kind);
  placed.filled += fill.quantity;
  EXPECT_GE(fill.remaining, 0);
  EXPECT_LE(placed.filled + fill.remaining, placed.size_max * (1 + kNoise));
  ++tried_->fills[static_cast<std::size_t>(request.type)];
  fill.maker ? CheckMade(fill, placed) : CheckTaken(fill, placed);

  if (request.reduce_only) {
    EXPECT_LT(before * sign, 0) << "there was nothing to reduce";
    EXPECT_LE(fill.quantity, std::abs(before) * (1 + kNoise)) << "it opened a position";
    ++(fill.maker ? tried_->reduced_at_rest : tried_->reduced);
  }
  if (request.type == OrderType::kFillOrKill) {
    const double all = request.reduce_only ? std::min(request.size, std::abs(before)) : request.size;
    EXPECT_NEAR(fill.quantity, all, kNoise * all + market_.venue.lot_size * request.reduce_only);
  }
  const auto& limits = market_.venue.limits;
  const double limit = limits.At(request.type == OrderType::kMarket ? fill.price : request.price);
  if (!request.reduce_only) {
    EXPECT_LE(sign * position_, limit + kNoise * market_.lot * 100) << "beyond the limit";
  }
  if (limits.max_position > 0) {
    EXPECT_LE(std::abs(position_), limits.max_position * (1 + kNoise));
    tried_->at_limit += std::abs(position_) > limits.max_position * (1 - kNoise);
  }
}

// It took what the book had shown before this tick, less what was taken of it.
void RandomOrders::CheckTaken(const Fill& fill, const Placed& placed) {
  EXPECT_TRUE(Takes(placed.request.type));
  Level& level = book_[IndexOf(Opposite(fill.side))];
  EXPECT_EQ(fill.price, level.price);
  if (placed.request.type != OrderType::kMarket) {
    EXPECT_TRUE(Reaches(fill.side, placed.request.price, fill.price));
  }
  level.consumed += fill.quantity;
  EXPECT_LE(level.consumed, level.size * (1 + kNoise)) << "more than was shown";
  for (const Order& own : orders_->open()) {
    if (own.state != OrderState::kResting || own.request.side == fill.side) continue;
    EXPECT_FALSE(Reaches(fill.side, fill.price, own.request.price)) << "it traded through an own order";
  }
}

// It rested, and this tick reached it.
void RandomOrders::CheckMade(const Fill& fill, const Placed& placed) {
  EXPECT_TRUE(MayRest(placed.request.type));
  EXPECT_EQ(fill.price, placed.request.price);
  EXPECT_TRUE(Reaches(fill.side, fill.price, tick_.price));
  const bool capped = market_.venue.through_fill == ThroughFill::kCapped;
  if (tick_.type == TickType::kTrade) {
    if (tick_.side != 0) {
      EXPECT_EQ(tick_.side, fill.side == Side::kBuy ? -1 : 1) << "its own side's aggressor";
    }
  } else {
    EXPECT_TRUE(market_.venue.quote_cross);
    EXPECT_EQ(tick_.type, fill.side == Side::kBuy ? TickType::kAsk : TickType::kBid);
  }
  if (capped || (tick_.type == TickType::kTrade && tick_.price == fill.price)) {
    double& traded = traded_[IndexOf(fill.side)];
    traded += fill.quantity;
    EXPECT_LE(traded, tick_.volume * (1 + kNoise)) << "more than what traded";
  }
  const Order* open = orders_->Find(fill.order);
  if (fill.remaining > 0) {
    ASSERT_NE(open, nullptr);
    EXPECT_EQ(open->remaining, fill.remaining);
  } else {
    EXPECT_EQ(open, nullptr);
  }
}

void RandomOrders::CheckOpen(const Moment& moment, const Orders& orders) const {
  const double position = moment.ledger.position();
  EXPECT_NEAR(position, position_, kNoise * (std::abs(position_) + market_.lot));
  if (market_.venue.lot_size > 0) {
    EXPECT_EQ(position, LotGrid(market_.venue.lot_size).Snap(position)) << "dust";
  }
  if (position_ == 0 && market_.venue.lot_size > 0) {
    EXPECT_EQ(position, 0);
    EXPECT_EQ(moment.ledger.average(), 0);
  }
  const double mark = tick_.price;
  const double held = Notional(position_, mark);
  const double equity = cash_ + (market_.venue.contract.type == ContractType::kLinear ? held : -held) - fees_;
  EXPECT_NEAR(moment.ledger.Equity(mark), equity, kNoise * (turnover_ + std::abs(fees_)) + 1e-12);

  EXPECT_LE(static_cast<int64_t>(orders.open().size()), market_.venue.orders_max);
  for (const Order& order : orders.open()) {
    const auto found = placed_.find(order.id);
    ASSERT_NE(found, placed_.end());
    EXPECT_EQ(order.filled, found->second.filled);
    EXPECT_GT(order.remaining, 0);
    EXPECT_LE(order.filled + order.remaining, found->second.size_max * (1 + kNoise));
    EXPECT_TRUE(order.state == OrderState::kInFlight || MayRest(order.request.type)) << "it rests, and must not";
  }
}

void RandomOrders::Check(const Outcome& outcome) const {
  EXPECT_EQ(outcome.trades, fills_);
  EXPECT_NEAR(outcome.volume, volume_, kNoise * volume_);
  EXPECT_NEAR(outcome.fees, fees_, kNoise * turnover_);
  EXPECT_NEAR(outcome.final_position, position_, kNoise * (std::abs(position_) + market_.lot));
  EXPECT_EQ(outcome.activity.orders.sent, sent_);
  for (std::size_t i = 0; i < kRefusals.size(); ++i) tried_->refused[i] += outcome.activity.orders.refused[i];
}

// --- What it does

arrow::Status RandomOrders::OnTick(const Moment& moment, Orders& orders) {
  orders_ = &orders;
  if (tried_ != nullptr) CheckOpen(moment, orders);
  for (uint64_t actions = Below(4); actions > 0; --actions) Act(moment, orders);
  return arrow::Status::OK();
}

OrderRequest RandomOrders::Drawn(const Moment& moment) {
  OrderRequest request{.side = Below(2) == 0 ? Side::kBuy : Side::kSell,
                       .size = market_.lot * static_cast<double>(1 + Below(8)),
                       .type = static_cast<OrderType>(Below(6)),
                       .reduce_only = Below(3) == 0};
  if (Takes(request.type) && Below(2) == 0) request.kind = FillKind::kStop;
  const Level& best = moment.book.best(Below(2) == 0 ? request.side : Opposite(request.side));
  const double from = best.exists() ? best.price : moment.tick.price;
  const double steps = std::round(from / market_.price_step) + static_cast<double>(Below(5)) - 2;
  request.price = steps * market_.price_step;
  if (Below(50) == 0) request.size = -1;
  if (Below(50) == 0) request.price = std::nan("");
  if (Below(50) == 0) request.size *= 1.005;
  if (Below(50) == 0) request.price *= 1.0005;
  return request;
}

void RandomOrders::Act(const Moment& moment, Orders& orders) {
  const auto open = orders.open();
  const OrderId one = open.empty() ? kNoOrder : open[Below(open.size())].id;
  switch (Below(8)) {
    case 0:
      orders.Cancel(one);
      return;
    case 1: {
      if (one == kNoOrder) return;
      const double size = market_.lot * static_cast<double>(1 + Below(10));
      placed_[one].size_max = std::max(placed_[one].size_max, size);
      orders.Resize(one, size);
      return;
    }
    default: {
      const OrderRequest request = Drawn(moment);
      const OrderId id = Below(3) == 0 ? orders.Replace(one, request) : orders.Send(request);
      ++sent_;
      if (id != kNoOrder) placed_[id] = {.request = request, .size_max = request.size};
    }
  }
}

}  // namespace sabot::backtest
