// The functions of math.h four at a time. Compiled for AVX; called only where the CPU has it.
#include <sleef.h>

#include "sabot/kernels/math_internal.h"

namespace sabot::kernels::math::avx {
namespace {

struct Isa {
  using Vector = __m256d;
};

Isa::Vector Root(Isa::Vector vector) { return _mm256_sqrt_pd(vector); }

}  // namespace

void Log(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_logd4_u10avx, values, count); }
void Log2(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_log2d4_u10avx, values, count); }
void Log10(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_log10d4_u10avx, values, count); }
void Exp(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_expd4_u10avx, values, count); }
void Expm1(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_expm1d4_u10avx, values, count); }
void Log1p(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_log1pd4_u10avx, values, count); }
void Erfc(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_erfcd4_u15avx, values, count); }
void Sqrt(double* values, int64_t count) { Apply<Isa>(Root, values, count); }
void Pow(double* values, const double* exponents, int64_t count) {
  Apply<Isa>(Sleef_cinz_powd4_u10avx, values, exponents, count);
}
void Divide(double* values, const double* divisors, int64_t count) {
  Apply<Isa>(Quotient<Isa::Vector>, values, divisors, count);
}

}  // namespace sabot::kernels::math::avx
