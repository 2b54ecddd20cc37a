#include "sabot/kernels/math.h"

#include <sleef.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/kernels/math_internal.h"

namespace sabot::kernels::math {
namespace {

constexpr std::array kIsas = {Isa::kSse4, Isa::kAvx, Isa::kAvx512f};  // Narrowest first.

constexpr VectorFunctions kSse4 = {sse4::Log,   sse4::Log2, sse4::Log10, sse4::Exp, sse4::Expm1,
                                   sse4::Log1p, sse4::Erfc, sse4::Sqrt,  sse4::Pow, sse4::Divide};
constexpr VectorFunctions kAvx = {avx::Log,   avx::Log2, avx::Log10, avx::Exp, avx::Expm1,
                                  avx::Log1p, avx::Erfc, avx::Sqrt,  avx::Pow, avx::Divide};
constexpr VectorFunctions kAvx512f = {avx512f::Log,   avx512f::Log2, avx512f::Log10, avx512f::Exp, avx512f::Expm1,
                                      avx512f::Log1p, avx512f::Erfc, avx512f::Sqrt,  avx512f::Pow, avx512f::Divide};

// As Apply does it to vectors.
double OneNan(double x) { return x == x ? x : std::numeric_limits<double>::quiet_NaN(); }

bool Supports(Isa isa) {
  switch (isa) {
    case Isa::kSse4:
      return true;
    case Isa::kAvx:
      return __builtin_cpu_supports("avx") != 0;
    case Isa::kAvx512f:
      return __builtin_cpu_supports("avx512f") != 0;
  }
  return false;
}

std::vector<std::string> Names(const auto& isas) {
  std::vector<std::string> names;
  for (const Isa isa : isas) names.emplace_back(Name(isa));
  return names;
}

const VectorFunctions& Active() {
  static const VectorFunctions& functions = FunctionsOf(ActiveIsa());
  return functions;
}

int64_t Count(std::span<const double> values) { return static_cast<int64_t>(values.size()); }

}  // namespace

double Log(double x) { return OneNan(Sleef_cinz_logd1_u10purec(x)); }
double Log2(double x) { return OneNan(Sleef_cinz_log2d1_u10purec(x)); }
double Log10(double x) { return OneNan(Sleef_cinz_log10d1_u10purec(x)); }
double Exp(double x) { return OneNan(Sleef_cinz_expd1_u10purec(x)); }
double Expm1(double x) { return OneNan(Sleef_cinz_expm1d1_u10purec(x)); }
double Log1p(double x) { return OneNan(Sleef_cinz_log1pd1_u10purec(x)); }
double Erfc(double x) { return OneNan(Sleef_cinz_erfcd1_u15purec(x)); }
double Sqrt(double x) { return OneNan(std::sqrt(x)); }
double Pow(double x, double exponent) { return OneNan(Sleef_cinz_powd1_u10purec(x, exponent)); }

void Log(std::span<double> values) { Active().log(values.data(), Count(values)); }
void Log2(std::span<double> values) { Active().log2(values.data(), Count(values)); }
void Log10(std::span<double> values) { Active().log10(values.data(), Count(values)); }
void Exp(std::span<double> values) { Active().exp(values.data(), Count(values)); }
void Expm1(std::span<double> values) { Active().expm1(values.data(), Count(values)); }
void Log1p(std::span<double> values) { Active().log1p(values.data(), Count(values)); }
void Erfc(std::span<double> values) { Active().erfc(values.data(), Count(values)); }
void Sqrt(std::span<double> values) { Active().sqrt(values.data(), Count(values)); }
void Pow(std::span<double> values, std::span<const double> exponents) {
  Active().pow(values.data(), exponents.data(), Count(values));
}
void Divide(std::span<double> values, std::span<const double> divisors) {
  Active().divide(values.data(), divisors.data(), Count(values));
}

std::string_view Name(Isa isa) {
  switch (isa) {
    case Isa::kSse4:
      return "sse4";
    case Isa::kAvx:
      return "avx";
    case Isa::kAvx512f:
      return "avx512f";
  }
  return "unknown";
}

std::vector<Isa> SupportedIsas() {
  std::vector<Isa> isas;
  std::copy_if(kIsas.begin(), kIsas.end(), std::back_inserter(isas), Supports);
  return isas;
}

arrow::Result<Isa> ChooseIsa(std::string_view override_name) {
  const std::vector<Isa> supported = SupportedIsas();
  if (override_name.empty()) return supported.back();
  const auto named = std::find_if(kIsas.begin(), kIsas.end(), [&](Isa isa) { return Name(isa) == override_name; });
  const std::string what = "SABOT_ISA: instruction set '" + std::string(override_name) + "' ";
  if (named == kIsas.end()) {
    return data::OptionError(what + "is unknown." + data::NearestNames(override_name, Names(kIsas)) +
                             " Without the variable the widest of this CPU is used.");
  }
  if (!Supports(*named)) {
    return data::OptionError(what + "is not one of this CPU, whose widest is '" + std::string(Name(supported.back())) +
                             "'. Without the variable that one is used; results are the same.");
  }
  return *named;
}

Isa ActiveIsa() {
  static const Isa isa = [] {
    const char* const override_name = std::getenv("SABOT_ISA");
    return ChooseIsa(override_name == nullptr ? "" : override_name).ValueOrDie();
  }();
  return isa;
}

const VectorFunctions& FunctionsOf(Isa isa) {
  switch (isa) {
    case Isa::kAvx:
      return kAvx;
    case Isa::kAvx512f:
      return kAvx512f;
    default:
      return kSse4;
  }
}

}  // namespace sabot::kernels::math
