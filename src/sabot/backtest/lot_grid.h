// Sizes as whole lots.
#pragma once

#include <algorithm>
#include <cmath>

namespace sabot::backtest {

class LotGrid {
 public:
  // 0: any size is on it.
  explicit LotGrid(double lot_size = 0) : lot_size_(lot_size) {
    if (lot_size == 0) return;
    per_unit_ = std::round(1 / lot_size);
    if (std::abs(per_unit_ * lot_size - 1) > 1e-9) per_unit_ = 0;
  }

  // The size without what the rounding of sums leaves over; any other size is as it was.
  double Snap(double size) const {
    if (lot_size_ == 0 || std::isinf(size)) return size;
    const double lots = Size(std::round(size / lot_size_));
    return std::abs(size - lots) <= kNoise * std::max(lot_size_, std::abs(size)) ? lots : size;
  }
  // The most whole lots in a size.
  double Within(double size) const {
    return lot_size_ == 0 || std::isinf(size) ? size : Size(std::floor(size / lot_size_ + kNoise));
  }

 private:
  static constexpr double kNoise = 1e-9;  // How far from a lot a size may be that rounding alone has taken off it.

  // Where a unit is so many lots, as with 0.1, it is the size that a decimal text reads as: 3 x 0.1 is not 0.3, and
  // 3 / 10 is. Never -0, which would be written differently.
  double Size(double lots) const { return (per_unit_ > 0 ? lots / per_unit_ : lots * lot_size_) + 0.0; }

  double lot_size_;
  double per_unit_ = 0;  // 0: not whole.
};

}  // namespace sabot::backtest
