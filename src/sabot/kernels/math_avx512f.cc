// The functions of math.h eight at a time. Compiled for AVX-512F; called only where the CPU has it.
#include <sleef.h>

#include "sabot/kernels/math_internal.h"

namespace sabot::kernels::math::avx512f {
namespace {

struct Isa {
  using Vector = __m512d;
};

Isa::Vector Root(Isa::Vector vector) { return _mm512_sqrt_pd(vector); }

}  // namespace

void Log(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_logd8_u10avx512fnofma, values, count); }
void Log2(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_log2d8_u10avx512fnofma, values, count); }
void Log10(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_log10d8_u10avx512fnofma, values, count); }
void Exp(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_expd8_u10avx512fnofma, values, count); }
void Expm1(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_expm1d8_u10avx512fnofma, values, count); }
void Log1p(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_log1pd8_u10avx512fnofma, values, count); }
void Erfc(double* values, int64_t count) { Apply<Isa>(Sleef_cinz_erfcd8_u15avx512fnofma, values, count); }
void Sqrt(double* values, int64_t count) { Apply<Isa>(Root, values, count); }
void Pow(double* values, const double* exponents, int64_t count) {
  Apply<Isa>(Sleef_cinz_powd8_u10avx512fnofma, values, exponents, count);
}
void Divide(double* values, const double* divisors, int64_t count) {
  Apply<Isa>(Quotient<Isa::Vector>, values, divisors, count);
}

}  // namespace sabot::kernels::math::avx512f
