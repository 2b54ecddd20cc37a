#include "sabot/backtest/venue.h"

#include <algorithm>
#include <cmath>

#include "sabot/backtest/venue_internal.h"

namespace sabot::backtest {
namespace {

using internal::Better;
using internal::kInfinity;
using internal::Reaches;

bool Takes(OrderType type) { return type != OrderType::kMaker && type != OrderType::kPostOnly; }
bool MayRest(OrderType type) {
  return type == OrderType::kMaker || type == OrderType::kPostOnly || type == OrderType::kLimit;
}

}  // namespace

double Limits::At(double price) const {
  const double by_position = max_position > 0 ? max_position : kInfinity;
  return max_notional > 0 ? std::min(by_position, std::floor(max_notional / price)) : by_position;
}

// --- The strategy's side

const Order* Venue::Find(OrderId order) const {
  for (const Order& each : orders_) {
    if (each.id == order) return &each;
  }
  return nullptr;
}

Order* Venue::FindOrder(OrderId id) { return const_cast<Order*>(Find(id)); }

std::optional<Refusal> Venue::WhyNot(const OrderRequest& request) const {
  if (!(request.size > 0) || !std::isfinite(request.size)) return Refusal::kSize;
  if (!lots_.Has(request.size)) return Refusal::kLotSize;
  if (request.type == OrderType::kMarket) return std::nullopt;
  if (!(request.price > 0) || !std::isfinite(request.price)) return Refusal::kPrice;
  if (!ticks_.Has(request.price)) return Refusal::kTickSize;
  return std::nullopt;
}

double Venue::LimitOf(const Order& order) const {
  const bool market = order.request.type == OrderType::kMarket;
  return options_.limits.At(market ? book_.best(Opposite(order.request.side)).price : order.request.price);
}

double Venue::OthersOf(const Order& order) const {
  double others = 0;
  for (const Order& other : orders_) {
    if (other.id != order.id && other.request.side == order.request.side && other.state == OrderState::kResting) {
      others += other.remaining;
    }
  }
  return others;
}

double Venue::Room(const Order& order) const {
  const double sign = Sign(order.request.side);
  if (order.request.reduce_only) return lots_.Within(std::max(-sign * position_, 0.0));
  const double limit = LimitOf(order);
  return lots_.Within(limit - sign * position_ - OthersOf(order), limit);
}

void Venue::Post(Message message) {
  const int64_t entry = options_.latency ? options_.latency->Entry(now_) : 0;
  if (__builtin_add_overflow(now_, entry, &message.due)) message.due = std::numeric_limits<int64_t>::max();
  if (!messages_.empty()) message.due = std::max(message.due, messages_.back().due);
  if (messages_.empty()) next_due_ = message.due;
  messages_.push_back(message);
}

OrderId Venue::Add(const OrderRequest& request) {
  ++counts_.sent;
  auto refusal = WhyNot(request);
  if (!refusal && static_cast<int64_t>(orders_.size()) >= options_.orders_max) refusal = Refusal::kOrdersMax;
  if (refusal) {
    counts_.Refuse(*refusal);
    return kNoOrder;
  }
  Order order{.id = ++last_id_, .request = request, .remaining = request.size, .sent = now_};
  orders_.push_back(order);
  return order.id;
}

OrderId Venue::Send(const OrderRequest& request) {
  const OrderId id = Add(request);
  if (id != kNoOrder) Post({.kind = Message::Kind::kNew, .order = id});
  return id;
}

OrderId Venue::Replace(OrderId old, const OrderRequest& request) {
  const OrderId id = Add(request);
  if (id != kNoOrder) Post({.kind = Message::Kind::kReplace, .order = id, .old = old});
  return id;
}

void Venue::Cancel(OrderId order) {
  if (Find(order) != nullptr) Post({.kind = Message::Kind::kCancel, .order = order});
}

void Venue::Resize(OrderId order, double size) {
  const Order* found = Find(order);
  if (found == nullptr) return;
  OrderRequest wanted = found->request;
  wanted.size = size;
  if (!WhyNot(wanted)) Post({.kind = Message::Kind::kResize, .order = order, .size = size});
}

// --- Arrival

void Venue::Remove(OrderId id) {
  const auto found = std::find_if(orders_.begin(), orders_.end(), [&](const Order& order) { return order.id == id; });
  if (found == orders_.end()) return;
  resting_ -= found->state == OrderState::kResting;
  orders_.erase(found);
}

void Venue::Refuse(OrderId id, Refusal refusal) {
  counts_.Refuse(refusal);
  Remove(id);
}

void Venue::CountCut(const Order& order, double left) {
  if (left > 0 || order.filled > 0) {
    ++counts_.cut;
  } else {
    counts_.Refuse(order.request.reduce_only ? Refusal::kNothingToReduce : Refusal::kLimits);
  }
}

void Venue::DeliverNext(int64_t now, double position, std::vector<Fill>& fills) {
  position_ = position;
  const Message message = messages_.front();
  messages_.pop_front();
  next_due_ = messages_.empty() ? std::numeric_limits<int64_t>::max() : messages_.front().due;
  switch (message.kind) {
    case Message::Kind::kReplace:
      Remove(message.old);
      [[fallthrough]];
    case Message::Kind::kNew:
      Arrive(message.order, now, fills);
      break;
    case Message::Kind::kCancel:
      Remove(message.order);
      break;
    case Message::Kind::kResize:
      if (Order* order = FindOrder(message.order); order != nullptr && order->state == OrderState::kResting) {
        const double wanted = lots_.Sum(message.size, -order->filled);
        const double room = Room(*order);
        if (wanted > 0 && room < wanted) CountCut(*order, room);
        const double size = std::min(wanted, room);
        if (!(size > 0)) {
          Remove(order->id);
        } else {
          const bool larger = size - order->remaining > LotGrid::kNoise * order->remaining;
          order->remaining = size;
          order->request.size = order->filled + order->remaining;
          if (larger) {
            --resting_;
            Rest(*order);
          }
        }
      }
      break;
  }
}

void Venue::Arrive(OrderId id, int64_t now, std::vector<Fill>& fills) {
  Order* order = FindOrder(id);
  if (order == nullptr) return;  // Cancelled on its way.
  const OrderRequest& request = order->request;
  const double room = Room(*order);
  const bool all = request.type == OrderType::kFillOrKill && !request.reduce_only;
  if (room < order->remaining) {
    if (all) return Refuse(id, Refusal::kLimits);
    CountCut(*order, room);
    if (!(room > 0)) return Remove(id);
    order->remaining = room;
  }
  const Level& opposite = book_.best(Opposite(request.side));
  const bool crosses =
      opposite.exists() && (request.type == OrderType::kMarket || Reaches(request.side, request.price, opposite.price));
  if (request.type == OrderType::kPostOnly && crosses) return Refuse(id, Refusal::kPostOnly);
  if (Takes(request.type) && crosses) {
    if (request.type == OrderType::kFillOrKill && lots_.Snap(opposite.available(), opposite.size) < order->remaining) {
      return Refuse(id, Refusal::kNothingToTake);
    }
    if (!PreventSelfTrade(id)) return Refuse(id, Refusal::kSelfTrade);
    order = FindOrder(id);  // Others may have gone.
    Take(*order, now, fills);
  }
  if (order->remaining > 0 && MayRest(order->request.type)) return Rest(*order);
  if (order->filled > 0) return Remove(id);
  Refuse(id, Refusal::kNothingToTake);
}

bool Venue::PreventSelfTrade(OrderId id) {
  for (;;) {
    Order& taker = *FindOrder(id);
    const Side side = taker.request.side;
    const bool market = taker.request.type == OrderType::kMarket;
    const auto own = std::find_if(orders_.begin(), orders_.end(), [&](const Order& each) {
      return each.state == OrderState::kResting && each.request.side != side &&
             (market || Reaches(side, taker.request.price, each.request.price)) &&
             Reaches(side, book_.best(Opposite(side)).price, each.request.price);  // It would be met first, or there.
    });
    if (own == orders_.end()) return taker.remaining > 0;
    const bool all = taker.request.type == OrderType::kFillOrKill;  // A part of it cannot go.
    switch (all && options_.self_trade == SelfTrade::kDecrement ? SelfTrade::kCancelNewest : options_.self_trade) {
      case SelfTrade::kCancelNewest:
        return false;
      case SelfTrade::kCancelOldest:
        Remove(own->id);
        break;
      case SelfTrade::kDecrement: {
        const double both = std::min(taker.remaining, own->remaining);
        taker.remaining = lots_.Sum(taker.remaining, -both);
        own->remaining = lots_.Sum(own->remaining, -both);
        if (own->remaining == 0) Remove(own->id);
        if (FindOrder(id)->remaining == 0) return false;
        break;
      }
    }
  }
}

// A fill that would be more than the order's size leaves less than nothing, which ends the simulation.
void Venue::Reduce(Order& order, double quantity) const {
  order.filled += quantity;
  order.remaining = lots_.Sum(order.remaining, -quantity);
  if (order.filled > order.request.size * (1 + LotGrid::kNoise)) order.remaining = -1;
}

void Venue::Take(Order& order, int64_t now, std::vector<Fill>& fills) {
  Level& level = book_.best(Opposite(order.request.side));
  const double quantity = std::min(order.remaining, lots_.Snap(level.available(), level.size));
  if (!(quantity > 0)) return;
  level.consumed += quantity;
  position_ += Sign(order.request.side) * quantity;
  Reduce(order, quantity);
  fills.push_back({.timestamp = now,
                   .order = order.id,
                   .side = order.request.side,
                   .price = level.price,
                   .quantity = quantity,
                   .remaining = order.remaining,
                   .kind = order.request.kind,
                   .maker = false});
}

void Venue::Rest(Order& order) {
  const Level& best = book_.best(order.request.side);
  const bool improves = !best.exists() || Better(order.request.side, order.request.price, best.price);
  order.ahead = improves ? 0 : order.request.price == best.price ? best.size : kInfinity;
  order.state = OrderState::kResting;
  order.arrival = ++arrivals_;
  ++resting_;
}

// --- Quotes and trades pass

void Venue::Quote(const Tick& quote, double position, std::vector<Fill>& fills) {
  position_ = position;
  const Side side = quote.type == TickType::kBid ? Side::kBuy : Side::kSell;
  if (resting_ > 0) {
    const Level& best = book_.best(side);
    const bool shown = best.price == quote.price;
    const double before = shown ? best.size : quote.volume;
    const double traded = shown ? best.traded : 0;
    for (Order& order : orders_) {
      if (order.state != OrderState::kResting || order.request.side != side || order.request.price != quote.price) {
        continue;
      }
      order.ahead = std::isinf(order.ahead)
                        ? quote.volume
                        : (options_.queue ? options_.queue->Ahead(order.ahead, traded, before, quote.volume)
                                          : std::min(order.ahead, quote.volume));
    }
  }
  book_.Show(side, quote.price, quote.volume);
  if (options_.quote_cross && resting_ > 0) CrossSide(Opposite(side), quote, fills);
}

void Venue::Note(const Tick& trade) {
  for (Level* level : {&book_.bid, &book_.ask}) {
    if (level->price == trade.price) level->traded += trade.volume;
  }
}

void Venue::KeepLimits(double position) {
  position_ = position;
  for (std::size_t i = orders_.size(); i-- > 0;) {
    const Order& order = orders_[i];
    if (order.state != OrderState::kResting || order.request.reduce_only) continue;
    const double room = Room(order);
    if (order.remaining <= room) continue;
    CountCut(order, room);
    if (room > 0) {
      orders_[i].remaining = room;
    } else {
      Remove(order.id);
    }
  }
}

void Venue::CancelAll() {
  orders_.clear();
  messages_.clear();
  next_due_ = std::numeric_limits<int64_t>::max();
  resting_ = 0;
}

}  // namespace sabot::backtest
