// The book of a security as far as best quotes tell it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "sabot/backtest/tick.h"

namespace sabot::backtest {

enum class Side : int8_t { kBuy = 1, kSell = -1 };

constexpr Side Opposite(Side side) { return side == Side::kBuy ? Side::kSell : Side::kBuy; }
constexpr double Sign(Side side) { return side == Side::kBuy ? 1.0 : -1.0; }
constexpr std::size_t IndexOf(Side side) { return side == Side::kBuy ? 0 : 1; }

// The best price of one side.
struct Level {
  double price = std::numeric_limits<double>::quiet_NaN();
  double size = 0;      // As shown by the last quote.
  double consumed = 0;  // What we took of it since.
  double traded = 0;    // What traded at this price since.

  bool exists() const { return !std::isnan(price); }
  double available() const { return std::max(size - consumed, 0.0); }
};

struct Book {
  Level bid;
  Level ask;

  const Level& best(Side side) const { return side == Side::kBuy ? bid : ask; }
  Level& best(Side side) { return side == Side::kBuy ? bid : ask; }
  bool two_sided() const { return bid.exists() && ask.exists(); }
  bool crossed() const { return bid.price >= ask.price; }  // Or locked; false where a side is missing.
  double mid() const { return (bid.price + ask.price) / 2; }  // NaN where a side is missing.

  // A quote tick replaces the best of its side, whatever it was.
  void Show(Side side, double price, double size) { best(side) = {price, size, 0, 0}; }
};

}  // namespace sabot::backtest
