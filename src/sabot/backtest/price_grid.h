// Prices as whole steps of a tick size.
#pragma once

#include <cmath>

namespace sabot::backtest {

class PriceGrid {
 public:
  // `tick_size` > 0.
  explicit PriceGrid(double tick_size) : tick_size_(tick_size), per_unit_(std::round(1 / tick_size)) {
    if (std::abs(per_unit_ * tick_size - 1) > 1e-9) per_unit_ = 0;
  }

  // The last step at or below a price, and the first at or above it; one on the grid is its own.
  double Down(double price) const { return std::floor(price / tick_size_ + kSlack); }
  double Up(double price) const { return std::ceil(price / tick_size_ - kSlack); }

  // Of a number of steps. Where a unit is so many ticks, as with 0.01, it is the price that a decimal text reads as:
  // 10003 x 0.01 need not be 100.03, and 10003 / 100 is.
  double Price(double steps) const { return per_unit_ > 0 ? steps / per_unit_ : steps * tick_size_; }

 private:
  static constexpr double kSlack = 1e-6;  // Of a step: prices on the grid are not exact multiples in binary.

  double tick_size_;
  double per_unit_;  // 0: not whole.
};

}  // namespace sabot::backtest
