// Orders of a strategy, as it sends them and as the venue keeps them.
#pragma once

#include <cstdint>

#include "sabot/backtest/book.h"

namespace sabot::backtest {

using OrderId = int64_t;  // Counts from 1 in a simulation; 0 is no order.
inline constexpr OrderId kNoOrder = 0;

enum class OrderType : uint8_t {
  kMaker,              // Joins the queue at its price, also where that is beyond the opposite best: it never takes.
  kPostOnly,           // The same, but rejected where it would cross on arrival.
  kLimit,              // Takes what crosses on arrival; the rest joins the queue.
  kImmediateOrCancel,  // Takes what crosses on arrival; the rest is cancelled.
  kFillOrKill,  // Takes its whole size on arrival (of a reduce_only one, what closes the position), or nothing.
  kMarket,  // Takes at the opposite best, whatever its price is on arrival; the rest is cancelled.
};

enum class FillKind : uint8_t { kFill, kFlatten, kStop };

struct OrderRequest {
  Side side = Side::kBuy;
  double price = 0;  // Of a market order: not read.
  double size = 0;
  OrderType type = OrderType::kMaker;
  bool reduce_only = false;  // Never opens a position: cut to what closes it, on arrival and at each fill.
  FillKind kind = FillKind::kFill;  // How its fills are labelled.
};

enum class OrderState : uint8_t { kInFlight, kResting };

struct Order {
  OrderId id = kNoOrder;
  OrderRequest request;
  double filled = 0;
  double remaining = 0;
  // Size of others in front of it, once it rests. Infinite, if it stands behind the best and its price was not shown
  // since it came.
  double ahead = 0;
  int64_t sent = 0;  // Time of the decision.
  int64_t arrival = 0;  // Its place among the strategy's own orders: later ones have larger numbers.
  OrderState state = OrderState::kInFlight;
};

struct Fill {
  int64_t timestamp = 0;
  OrderId order = kNoOrder;  // None: the venue flattened the position.
  Side side = Side::kBuy;
  double price = 0;
  double quantity = 0;
  double remaining = 0;  // Of the order, after it.
  FillKind kind = FillKind::kFill;
  bool maker = true;
};

}  // namespace sabot::backtest
