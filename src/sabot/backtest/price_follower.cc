#include "sabot/backtest/price_follower.h"

#include <utility>

namespace sabot::backtest {

void PriceFollower::OnFill(const Fill& fill) {
  if (fill.kind != FillKind::kFill) return;
  Quote& quote = quotes_[IndexOf(fill.side)];
  quote.remaining = fill.remaining;
  quote.blocked_until = After(fill.timestamp, rules_.refill_ns);
  quote.lacks = true;
}

void PriceFollower::Follow(Side side, const Moment& moment, Orders& orders) {
  const Level& best = moment.book.best(side);
  if (!best.exists()) return;
  Quote& quote = quotes_[IndexOf(side)];
  const Order* alive = quote.order == kNoOrder ? nullptr : orders.Find(quote.order);
  if (alive == nullptr) quote.order = kNoOrder;
  const bool blocked = moment.tick.timestamp < quote.blocked_until;
  const bool in_place = alive != nullptr && alive->request.price == best.price;
  if (in_place && !blocked && !quote.lacks) return;

  const double desired = blocked ? rules_.sizes.InLots(quote.remaining) : rules_.sizes.At(side, best.price, moment);
  // While the side may not add, an order that is larger was on its way when the one before it was filled.
  if (in_place && (blocked ? alive->remaining <= quote.remaining : alive->remaining >= desired)) return;
  const double size = rules_.IsWorthJoining(best) ? desired : 0;
  quote.order = Requote(quote.order, {.side = side, .price = best.price, .size = size}, orders);
  if (quote.order != kNoOrder && !blocked) quote.lacks = false;
}

void PriceFollower::Withdraw(Side side, Orders& orders) {
  const OrderId order = std::exchange(quotes_[IndexOf(side)].order, kNoOrder);
  if (order != kNoOrder) orders.Cancel(order);
}

}  // namespace sabot::backtest
