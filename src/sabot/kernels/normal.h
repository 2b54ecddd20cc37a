// The normal distribution.
#pragma once

namespace sabot::kernels {

// The number below which a standard normal variable is with probability p, within a few units of the last place; NaN
// unless p is in (0, 1).
double NormalQuantile(double p);

}  // namespace sabot::kernels
