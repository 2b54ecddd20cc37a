// How resting orders fill: the half of the venue that trades and quotes meet.
#include <algorithm>
#include <cmath>
#include <utility>

#include "sabot/backtest/venue.h"
#include "sabot/backtest/venue_internal.h"

namespace sabot::backtest {
namespace {

using internal::Better;
using internal::kInfinity;
using internal::Reaches;

}  // namespace

double Venue::FillResting(Order& order, double quantity, int64_t timestamp, std::vector<Fill>& fills) {
  if (!(quantity > 0)) return 0;
  const double sign = Sign(order.request.side);
  const double limit = order.request.reduce_only ? 0 : LimitOf(order);
  const double most = std::max(lots_.Sum(limit, -sign * position_), 0.0);
  const bool cut = quantity - most > (limit == 0 ? 0 : LotGrid::kNoise * limit);
  if (cut) {
    quantity = most;
    CountCut(order, quantity);
  }
  if (quantity > 0) Reduce(order, quantity);
  if (cut) order.remaining = 0;
  if (!(order.remaining > 0)) has_filled_ = true;
  if (!(quantity > 0)) return 0;
  position_ += sign * quantity;
  fills.push_back({.timestamp = timestamp,
                   .order = order.id,
                   .side = order.request.side,
                   .price = order.request.price,
                   .quantity = quantity,
                   .remaining = order.remaining,
                   .kind = FillKind::kFill,
                   .maker = true});
  return quantity;
}

void Venue::DropFilled() {
  if (!std::exchange(has_filled_, false)) return;
  std::erase_if(orders_, [&](const Order& order) {
    const bool filled = !(order.remaining > 0);
    resting_ -= filled && order.state == OrderState::kResting;
    return filled;
  });
}

void Venue::Collect(Side side, double price) {
  met_.clear();
  for (Order& order : orders_) {
    if (order.state != OrderState::kResting || order.request.side != side) continue;
    if (Reaches(side, order.request.price, price)) met_.push_back(&order);
  }
  if (met_.size() < 2) return;
  std::sort(met_.begin(), met_.end(), [&](const Order* a, const Order* b) {
    if (a->request.price != b->request.price) return Better(side, a->request.price, b->request.price);
    return a->arrival < b->arrival;
  });
}

void Venue::MatchSide(Side side, const Tick& trade, std::vector<Fill>& fills) {
  Collect(side, trade.price);
  double left = trade.volume;
  double eaten = 0;
  for (Order* order : met_) {
    if (order->request.price != trade.price) {  // Traded through.
      const bool capped = options_.through_fill == ThroughFill::kCapped;
      const double quantity = capped ? std::min(order->remaining, left) : order->remaining;
      const double filled = FillResting(*order, quantity, trade.timestamp, fills);
      if (capped) left = lots_.Sum(left, -filled);
      continue;
    }
    const double used = std::min(std::max(order->ahead - eaten, 0.0), left);
    left = lots_.Sum(left, -used);
    eaten += used;
    left = lots_.Sum(left, -FillResting(*order, std::min(order->remaining, left), trade.timestamp, fills));
  }
  for (Order* order : met_) {
    if (order->request.price != trade.price) continue;
    order->ahead = std::max(lots_.Sum(order->ahead, -eaten), 0.0);
  }
}

void Venue::Match(const Tick& trade, bool has_sides, double position, std::vector<Fill>& fills) {
  position_ = position;
  int side = trade.side;
  if (has_sides && side == 0) {  // The quote rule.
    const double bid = book_.bid.price;
    const double ask = book_.ask.price;
    const double mid = book_.mid();  // Comparisons with what does not exist are false.
    if (trade.price >= ask || trade.price > mid) {
      side = 1;
    } else if (trade.price <= bid || trade.price < mid) {
      side = -1;
    } else {
      return;
    }
  }
  if (!has_sides || side < 0) MatchSide(Side::kBuy, trade, fills);
  if (!has_sides || side > 0) MatchSide(Side::kSell, trade, fills);
  DropFilled();
}

// The opposite best came to our price, or beyond: orders at and in front of it.
void Venue::CrossSide(Side side, const Tick& quote, std::vector<Fill>& fills) {
  Collect(side, quote.price);
  if (met_.empty()) return;
  double left = options_.through_fill == ThroughFill::kCapped ? quote.volume : kInfinity;
  for (Order* order : met_) {
    left = lots_.Sum(left, -FillResting(*order, std::min(order->remaining, left), quote.timestamp, fills));
  }
  DropFilled();
}

}  // namespace sabot::backtest
