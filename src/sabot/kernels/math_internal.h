// What math.cc shares with the files of one instruction set each. Those are compiled with flags that the rest of the
// program must not run on: they include nothing with inline code, and all they share is unnamed here, so that the
// linker never keeps their copy of a function for others.
#pragma once

#include <stdint.h>

namespace sabot::kernels::math {

namespace sse4 {
void Log(double* values, int64_t count);
void Log2(double* values, int64_t count);
void Log10(double* values, int64_t count);
void Exp(double* values, int64_t count);
void Expm1(double* values, int64_t count);
void Log1p(double* values, int64_t count);
void Erfc(double* values, int64_t count);
void Sqrt(double* values, int64_t count);
void Pow(double* values, const double* exponents, int64_t count);
void Divide(double* values, const double* divisors, int64_t count);
}  // namespace sse4

namespace avx {
void Log(double* values, int64_t count);
void Log2(double* values, int64_t count);
void Log10(double* values, int64_t count);
void Exp(double* values, int64_t count);
void Expm1(double* values, int64_t count);
void Log1p(double* values, int64_t count);
void Erfc(double* values, int64_t count);
void Sqrt(double* values, int64_t count);
void Pow(double* values, const double* exponents, int64_t count);
void Divide(double* values, const double* divisors, int64_t count);
}  // namespace avx

namespace avx512f {
void Log(double* values, int64_t count);
void Log2(double* values, int64_t count);
void Log10(double* values, int64_t count);
void Exp(double* values, int64_t count);
void Expm1(double* values, int64_t count);
void Log1p(double* values, int64_t count);
void Erfc(double* values, int64_t count);
void Sqrt(double* values, int64_t count);
void Pow(double* values, const double* exponents, int64_t count);
void Divide(double* values, const double* divisors, int64_t count);
}  // namespace avx512f

namespace {  // NOLINT(google-build-namespaces): on purpose, see above.

// Every NaN becomes the same one, since SLEEF's differ in sign from one instruction set to another.
template <class Vector>
inline void Store(Vector vector, double* lanes) {
  vector = vector == vector ? vector : Vector{} + __builtin_nan("");
  __builtin_memcpy(lanes, &vector, sizeof vector);
}

// Replaces each value by function(value). A tail is padded and computed by the same function.
template <class Isa>
inline void Apply(auto function, double* values, int64_t count) {
  using Vector = typename Isa::Vector;
  constexpr int64_t kLanes = sizeof(Vector) / sizeof(double);
  const auto compute = [function](double* lanes) {
    Vector vector;
    __builtin_memcpy(&vector, lanes, sizeof vector);
    Store(function(vector), lanes);
  };
  int64_t at = 0;
  for (; at + kLanes <= count; at += kLanes) compute(values + at);
  if (at == count) return;
  double tail[kLanes];
  for (int64_t lane = 0; lane < kLanes; ++lane) tail[lane] = at + lane < count ? values[at + lane] : 1.0;
  compute(tail);
  for (int64_t lane = 0; at + lane < count; ++lane) values[at + lane] = tail[lane];
}

// Replaces each value by function(value, other).
template <class Isa>
inline void Apply(auto function, double* values, const double* others, int64_t count) {
  using Vector = typename Isa::Vector;
  constexpr int64_t kLanes = sizeof(Vector) / sizeof(double);
  const auto compute = [function](double* lanes, const double* other_lanes) {
    Vector vector, other;
    __builtin_memcpy(&vector, lanes, sizeof vector);
    __builtin_memcpy(&other, other_lanes, sizeof other);
    Store(function(vector, other), lanes);
  };
  int64_t at = 0;
  for (; at + kLanes <= count; at += kLanes) compute(values + at, others + at);
  if (at == count) return;
  double tail[kLanes], other_tail[kLanes];
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    tail[lane] = at + lane < count ? values[at + lane] : 1.0;
    other_tail[lane] = at + lane < count ? others[at + lane] : 1.0;
  }
  compute(tail, other_tail);
  for (int64_t lane = 0; at + lane < count; ++lane) values[at + lane] = tail[lane];
}

template <class Vector>
inline Vector Quotient(Vector vector, Vector divisor) {
  return vector / divisor;
}

}  // namespace
}  // namespace sabot::kernels::math
