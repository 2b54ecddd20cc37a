// Sizes as whole lots.
#pragma once

#include <algorithm>
#include <cmath>

namespace sabot::backtest {

class LotGrid {
 public:
  static constexpr double kNoise = 1e-9;  // Of a size or a lot: more than many sums are off by.

  // 0: any size is on it.
  explicit LotGrid(double lot_size = 0) : lot_size_(lot_size) {
    if (lot_size == 0) return;
    per_unit_ = std::round(1 / lot_size);
    if (std::abs(per_unit_ * lot_size - 1) > 1e-9) per_unit_ = 0;
  }

  // `largest`, here and below: of the terms that a size is the sum of, where it may be less than they are. A sum is off
  // by the last digits of its largest term: 2,000,000.03 - 2,000,000 is 0.03 and 2.8e-11.

  // Whether a size is whole lots, but for what the rounding of sums leaves over.
  bool Has(double size, double largest = 0) const {
    if (lot_size_ == 0) return true;
    const double noise = std::max(kNoise * std::abs(size), Slack(size, largest) * lot_size_);
    return std::abs(size - Size(std::round(size / lot_size_))) <= noise;
  }
  // The size without what the rounding of sums leaves over; any other size is as it was.
  double Snap(double size, double largest = 0) const {
    if (lot_size_ == 0 || std::isinf(size)) return size;
    return Has(size, largest) ? Size(std::round(size / lot_size_)) : size;
  }
  // Of two sizes, the second of which may be negative, in whole lots where both are.
  double Sum(double size, double other) const { return Snap(size + other, std::max(std::abs(size), std::abs(other))); }
  // The most whole lots in a size.
  double Within(double size, double largest = 0) const {
    if (lot_size_ == 0 || std::isinf(size)) return size;
    return Size(std::floor(size / lot_size_ + Slack(size, largest)));
  }

 private:
  static constexpr double kDigits = 1e-14;  // Of the largest term: more than a few sums are off by.

  // How far, in lots, from a whole number of them rounding alone may have taken a size.
  double Slack(double size, double largest) const {
    return std::clamp(kDigits * std::max(std::abs(size), largest) / lot_size_, kNoise, 0.5);
  }

  // Where a unit is so many lots, as with 0.1, it is the size that a decimal text reads as: 3 x 0.1 is not 0.3, and
  // 3 / 10 is. Never -0, which would be written differently.
  double Size(double lots) const { return (per_unit_ > 0 ? lots / per_unit_ : lots * lot_size_) + 0.0; }

  double lot_size_;
  double per_unit_ = 0;  // 0: not whole.
};

}  // namespace sabot::backtest
