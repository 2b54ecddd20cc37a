// Pearson's correlation from sums about means.
#pragma once

#include <algorithm>
#include <cmath>

namespace sabot::kernels {

// In [-1, 1]; NaN or infinite, which is null, where either variance is 0.
inline double Correlation(double codeviation, double deviations_x, double deviations_y) {
  const double product = deviations_x * deviations_y;
  const bool in_range = product > 1e-280 && product < 1e300;  // Otherwise two roots, which round once more.
  const double root = in_range ? std::sqrt(product) : std::sqrt(deviations_x) * std::sqrt(deviations_y);
  const double found = codeviation / root;
  return std::isinf(found) ? found : std::clamp(found, -1.0, 1.0);
}

}  // namespace sabot::kernels
