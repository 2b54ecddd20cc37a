// What rolling kernels are compared with: each window recomputed from its values in two passes of long double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace sabot::kernels {

// The values of up to `window` rows that end with `row`.
inline std::span<const double> WindowAt(const std::vector<double>& values, std::size_t row, int64_t window) {
  const std::size_t size = std::min(row + 1, static_cast<std::size_t>(window));
  return std::span(values).subspan(row + 1 - size, size);
}

inline long double SumOf(std::span<const double> values) {
  long double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

inline long double MeanOf(std::span<const double> values) { return SumOf(values) / values.size(); }

// Sum of (x - mean of x)(y - mean of y).
inline long double CodeviationOf(std::span<const double> x, std::span<const double> y) {
  const long double mean_x = MeanOf(x), mean_y = MeanOf(y);
  long double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - mean_x) * (y[i] - mean_y);
  return sum;
}

// Sum of (x - mean)^power.
inline long double PowerOfDeviationsOf(std::span<const double> values, int power) {
  const long double mean = MeanOf(values);
  long double sum = 0;
  for (const double value : values) {
    long double term = 1;
    for (int factor = 0; factor < power; ++factor) term *= value - mean;
    sum += term;
  }
  return sum;
}

inline long double StdOf(std::span<const double> values, int64_t ddof) {
  return std::sqrt(CodeviationOf(values, values) / (static_cast<int64_t>(values.size()) - ddof));
}

inline double LargestOf(std::span<const double> values) {
  double largest = 1;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// The largest error seen, as a multiple of what every kernel may err: 1e-9 of the value and 1e-12 of the window's
// largest input (at least 1).
class WorstError {
 public:
  void See(double found, long double want, double largest) {
    const long double allowed = 1e-9L * std::abs(want) + 1e-12L * std::max(largest, 1.0);
    const auto error = static_cast<double>(std::abs(found - want) / allowed);
    if (!(error <= worst_)) worst_ = error;  // NaN counts.
  }
  double worst() const { return worst_; }

 private:
  double worst_ = 0;
};

// Prices near 100 in ticks of 0.01.
inline std::vector<double> TickPrices(std::size_t rows, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> prices(rows);
  int64_t ticks = 10'000;
  for (double& price : prices) {
    ticks += static_cast<int64_t>(random() % 7) - 3;
    price = static_cast<double>(ticks) / 100;
  }
  return prices;
}

// Traded sizes, bought or sold: from -500 to 500.
inline std::vector<double> SignedSizes(std::size_t rows, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> sizes(rows);
  for (double& size : sizes) size = static_cast<double>(static_cast<int64_t>(random() % 1001) - 500);
  return sizes;
}

}  // namespace sabot::kernels
