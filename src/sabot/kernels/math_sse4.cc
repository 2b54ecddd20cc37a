// The functions of math.h two at a time: runs on every CPU that Sabot supports.
#include <sleef.h>

#include "sabot/kernels/math_internal.h"

namespace sabot::kernels::math::sse4 {
namespace {

struct Isa {
  using Vector = __m128d;
};

Isa::Vector Root(Isa::Vector vector) { return _mm_sqrt_pd(vector); }

}  // namespace

void Log(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_logd2_u10sse4, values, count); }
void Log2(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_log2d2_u10sse4, values, count); }
void Log10(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_log10d2_u10sse4, values, count); }
void Exp(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_expd2_u10sse4, values, count); }
void Expm1(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_expm1d2_u10sse4, values, count); }
void Log1p(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_log1pd2_u10sse4, values, count); }
void Erfc(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_erfcd2_u15sse4, values, count); }
void Sqrt(double* values, int64_t count) { Apply<Isa>(Root, values, count); }
void Pow(double* values, const double* exponents, int64_t count) {
  Apply<Isa>(Sleef_cinz_powd2_u10sse4, values, exponents, count);
}
void Divide(double* values, const double* divisors, int64_t count) {
  Apply<Isa>(Quotient<Isa::Vector>, values, divisors, count);
}

}  // namespace sabot::kernels::math::sse4
