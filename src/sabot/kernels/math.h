// Deterministic log, log2, log10, exp, expm1, log1p, erfc and pow: the same bits for a value whether it is computed
// alone, in a vector or in a vector's tail, and on every instruction set; there is one NaN. They are SLEEF's `cinz`
// functions (no FMA); libm is never used in kernels. Square roots and quotients, which are exact to the last bit
// anyway, are here for their vectors: four times as fast as what the compiler makes for every CPU.
#pragma once

#include <arrow/result.h>

#include <span>
#include <string_view>
#include <vector>

namespace sabot::kernels::math {

double Log(double x);
double Log2(double x);
double Log10(double x);
double Exp(double x);
double Expm1(double x);
double Log1p(double x);
double Erfc(double x);
double Sqrt(double x);
double Pow(double x, double exponent);

// In place, with the widest instruction set chosen (see ActiveIsa).
void Log(std::span<double> values);
void Log2(std::span<double> values);
void Log10(std::span<double> values);
void Exp(std::span<double> values);
void Expm1(std::span<double> values);
void Log1p(std::span<double> values);
void Erfc(std::span<double> values);
void Sqrt(std::span<double> values);
void Pow(std::span<double> values, std::span<const double> exponents);  // As many of one as of the other.
void Divide(std::span<double> values, std::span<const double> divisors);  // The same.

enum class Isa { kSse4, kAvx, kAvx512f };

std::string_view Name(Isa isa);  // "sse4", "avx", "avx512f"
std::vector<Isa> SupportedIsas();  // Of this CPU, narrowest first.

// The widest supported one, or what `override` names. Error (kOption): an unknown name, or one this CPU lacks.
arrow::Result<Isa> ChooseIsa(std::string_view override_name);

// Chosen once, at first use, by ChooseIsa(environment variable SABOT_ISA). A wrong value of the variable stops the
// process with its message; the Python package checks it at import and raises instead.
Isa ActiveIsa();

// For tests and benchmarks: the span functions above on a given instruction set.
struct VectorFunctions {
  void (*log)(double* values, int64_t count);
  void (*log2)(double* values, int64_t count);
  void (*log10)(double* values, int64_t count);
  void (*exp)(double* values, int64_t count);
  void (*expm1)(double* values, int64_t count);
  void (*log1p)(double* values, int64_t count);
  void (*erfc)(double* values, int64_t count);
  void (*sqrt)(double* values, int64_t count);
  void (*pow)(double* values, const double* exponents, int64_t count);
  void (*divide)(double* values, const double* divisors, int64_t count);
};
const VectorFunctions& FunctionsOf(Isa isa);

}  // namespace sabot::kernels::math
