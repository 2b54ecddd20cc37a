// What both halves of the venue know of prices and sizes.
#pragma once

#include <limits>

#include "sabot/backtest/book.h"

namespace sabot::backtest::internal {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Whether `price` is a better price for an order of this side than `other`: in front of it in the venue's book.
constexpr bool Better(Side side, double price, double other) {
  return side == Side::kBuy ? price > other : price < other;
}

// Whether an order of this side at `price` reaches a price of the other side.
constexpr bool Reaches(Side side, double price, double other) {
  return side == Side::kBuy ? price >= other : price <= other;
}

}  // namespace sabot::backtest::internal
