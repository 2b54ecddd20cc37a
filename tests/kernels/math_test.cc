#include "sabot/kernels/math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::kernels::math {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// One of the functions of one number in all its forms.
struct Function {
  const char* name;
  double (*scalar)(double);
  void (*vector)(std::span<double>);
  void (*VectorFunctions::*on_isa)(double*, int64_t);
  long double (*exact)(long double);
  double ulps_max;   // Distance allowed from `exact`.
  double low, high;  // Where it is compared with `exact`.
  uint64_t golden;   // Digest of its values at the golden inputs.
};

const Function kFunctions[] = {
    {"log", Log, Log, &VectorFunctions::log, std::log, 1.0, 1e-300, 1e300, 0x0AD5EFCDF36AB8E2},
    {"log2", Log2, Log2, &VectorFunctions::log2, std::log2, 1.0, 1e-300, 1e300, 0xA1A8DB3CDA4E8FED},
    {"log10", Log10, Log10, &VectorFunctions::log10, std::log10, 1.0, 1e-300, 1e300, 0xB11EDFEA798057BB},
    {"exp", Exp, Exp, &VectorFunctions::exp, std::exp, 1.0, -700, 700, 0x1255AB78FB30641A},
    {"expm1", Expm1, Expm1, &VectorFunctions::expm1, std::expm1, 1.0, -40, 700, 0xEB92044B5297AB3D},
    {"log1p", Log1p, Log1p, &VectorFunctions::log1p, std::log1p, 1.0, -0.999, 1e300, 0xD277E13803DC65FE},
    {"erfc", Erfc, Erfc, &VectorFunctions::erfc, std::erfc, 1.5, -6, 26, 0xE67E877A0087BBAF},
    {"sqrt", Sqrt, Sqrt, &VectorFunctions::sqrt, std::sqrt, 0.5, 0, 1e300, 0x76650D8FE90C159B},
};

// The same numbers on every platform (splitmix64).
struct Random {
  uint64_t state;
  uint64_t Bits() {
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  double Uniform(double low, double high) { return low + (high - low) * (static_cast<double>(Bits() >> 11) * 0x1p-53); }
};

std::vector<double> Specials() {
  std::vector<double> specials = {0.0,
                                  1.0,
                                  0.5,
                                  2.0,
                                  1e-300,
                                  1e300,
                                  5e-324,
                                  2.2250738585072014e-308,
                                  709.0,
                                  710.0,
                                  745.0,
                                  746.0,
                                  1e-17,
                                  26.0,
                                  27.5,
                                  28.0,
                                  38.0,
                                  1.7976931348623157e308,
                                  kInfinity,
                                  kNan,
                                  0.6931471805599453,
                                  1.0 - 0x1p-53,
                                  1.0 + 0x1p-52,
                                  1e18};
  const std::size_t positive = specials.size();
  for (std::size_t at = 0; at < positive; ++at) specials.push_back(-specials[at]);
  return specials;
}

// Any bits at all, numbers of everyday size, and the specials.
std::vector<double> Inputs(std::size_t count, uint64_t seed) {
  Random random{seed};
  std::vector<double> inputs = Specials();
  while (inputs.size() < count) {
    inputs.push_back(std::bit_cast<double>(random.Bits()));
    inputs.push_back(random.Uniform(-750, 750));
    inputs.push_back(random.Uniform(-2, 2));
    inputs.push_back(random.Uniform(-1e-3, 1e-3));
  }
  inputs.resize(count);
  return inputs;
}

class Math : public testing::TestWithParam<Function> {};
INSTANTIATE_TEST_SUITE_P(Functions, Math, testing::ValuesIn(kFunctions),
                         [](const auto& info) { return std::string(info.param.name); });
void PrintTo(const Function& function, std::ostream* out) { *out << function.name; }

// --- Wrong use. ---

TEST(ChooseIsa, RefusesAnUnknownName) {
  const arrow::Status status = ChooseIsa("avx2").status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_EQ(
      status.message(),
      "SABOT_ISA: instruction set 'avx2' is unknown. Nearest names: 'avx'. Without the variable the widest of this "
      "CPU is used.");
}

TEST(ChooseIsa, RefusesWhatTheCpuLacks) {
  const std::vector<Isa> supported = SupportedIsas();
  for (const Isa isa : {Isa::kSse4, Isa::kAvx, Isa::kAvx512f}) {
    const bool has = std::find(supported.begin(), supported.end(), isa) != supported.end();
    const arrow::Result<Isa> chosen = ChooseIsa(Name(isa));
    ASSERT_EQ(chosen.ok(), has) << Name(isa);
    if (has) {
      EXPECT_EQ(*chosen, isa);
    } else {
      EXPECT_EQ(data::KindOf(chosen.status()), data::ErrorKind::kOption);
    }
  }
}

TEST(ChooseIsa, TakesTheWidestUnlessTold) { EXPECT_EQ(ChooseIsa("").ValueOrDie(), SupportedIsas().back()); }

TEST(ActiveIsaDeathTest, StopsTheProcessAtAWrongVariable) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        setenv("SABOT_ISA", "avx3", 1);
        ActiveIsa();
      },
      "instruction set 'avx3' is unknown");
}

// --- Edges. ---

TEST(MathOfSpecials, AreThoseOfTheDefinition) {
  EXPECT_EQ(Log(0.0), -kInfinity);
  EXPECT_EQ(Log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(Log(-1.0)));
  EXPECT_TRUE(std::isnan(Log(kNan)));
  EXPECT_EQ(Log(1.0), 0.0);
  EXPECT_EQ(Exp(-kInfinity), 0.0);
  EXPECT_EQ(Exp(kInfinity), kInfinity);
  EXPECT_EQ(Exp(1000.0), kInfinity);
  EXPECT_EQ(Exp(-1000.0), 0.0);
  EXPECT_EQ(Exp(0.0), 1.0);
  EXPECT_TRUE(std::isnan(Exp(kNan)));
  EXPECT_EQ(Expm1(-kInfinity), -1.0);
  EXPECT_EQ(Expm1(kInfinity), kInfinity);
  EXPECT_EQ(Expm1(0.0), 0.0);
  EXPECT_TRUE(std::isnan(Expm1(kNan)));
  EXPECT_EQ(Log1p(-1.0), -kInfinity);
  EXPECT_EQ(Log1p(kInfinity), kInfinity);
  EXPECT_EQ(Log1p(0.0), 0.0);
  EXPECT_TRUE(std::isnan(Log1p(-1.5)));
  EXPECT_TRUE(std::isnan(Log1p(kNan)));
  EXPECT_EQ(Erfc(kInfinity), 0.0);
  EXPECT_EQ(Erfc(-kInfinity), 2.0);
  EXPECT_EQ(Erfc(0.0), 1.0);
  EXPECT_TRUE(std::isnan(Erfc(kNan)));
  EXPECT_EQ(Sqrt(4.0), 2.0);
  EXPECT_EQ(Sqrt(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(Sqrt(-1.0)));
}

TEST_P(Math, ThereIsOneNan) {
  for (const double input : {kNan, -kNan, std::bit_cast<double>(uint64_t{0x7FF0000000000001})}) {
    EXPECT_EQ(std::bit_cast<uint64_t>(GetParam().scalar(input)), uint64_t{0x7FF8000000000000});
  }
}

TEST_P(Math, EveryTailLengthIsComputedAlikeAndNothingBeyondIsTouched) {
  const std::vector<double> inputs = Inputs(64, 3);
  for (const Isa isa : SupportedIsas()) {
    for (std::size_t count = 0; count <= 33; ++count) {
      for (std::size_t start = 0; start < 8; ++start) {  // At any alignment.
        std::vector<double> values = inputs;
        (FunctionsOf(isa).*GetParam().on_isa)(values.data() + start, static_cast<int64_t>(count));
        for (std::size_t at = 0; at < values.size(); ++at) {
          const bool inside = at >= start && at < start + count;
          const double expected = inside ? GetParam().scalar(inputs[at]) : inputs[at];
          ASSERT_EQ(std::bit_cast<uint64_t>(values[at]), std::bit_cast<uint64_t>(expected))
              << Name(isa) << ", count " << count << ", start " << start << ", input " << inputs[at];
        }
      }
    }
  }
}

// --- Values. ---

TEST_P(Math, EveryInstructionSetGivesTheBitsOfTheScalar) {
  const std::vector<double> inputs = Inputs(1'000'000, 1);
  std::vector<double> expected = inputs;
  for (double& value : expected) value = GetParam().scalar(value);
  const auto compare = [&](const std::vector<double>& values, std::string_view name) {
    for (std::size_t at = 0; at < values.size(); ++at) {
      ASSERT_EQ(std::bit_cast<uint64_t>(values[at]), std::bit_cast<uint64_t>(expected[at]))
          << name << ": " << values[at] << " against " << expected[at] << " of " << inputs[at];
    }
  };
  for (const Isa isa : SupportedIsas()) {
    std::vector<double> values = inputs;
    (FunctionsOf(isa).*GetParam().on_isa)(values.data(), static_cast<int64_t>(values.size()));
    compare(values, Name(isa));
  }
  std::vector<double> values = inputs;
  GetParam().vector(values);
  compare(values, "chosen");
}

// The values are SLEEF's, and are not to change with it: jobs of two versions would disagree.
TEST_P(Math, GoldenBitsStay) {
  std::vector<double> values = Inputs(10'000, 2);
  GetParam().vector(values);
  uint64_t digest = 0;
  for (const double value : values) {
    digest = (std::rotl(digest, 5) ^ std::bit_cast<uint64_t>(value)) * 0x9E3779B97F4A7C15;
  }
  EXPECT_EQ(digest, GetParam().golden) << "0x" << std::hex << digest;
}

TEST_P(Math, IsAccurate) {
  const Function& function = GetParam();
  Random random{4};
  double ulps_seen = 0;
  for (int round = 0; round < 200'000; ++round) {
    const double width = round % 2 == 0 ? 1.0 : 1e-2;  // Near one and zero as well.
    const double input = round % 4 < 2 ? random.Uniform(function.low, function.high)
                                       : std::clamp(random.Uniform(-width, 2 * width), function.low, function.high);
    const long double exact = function.exact(static_cast<long double>(input));
    const auto rounded = static_cast<double>(exact);
    const double ulp = std::nextafter(std::abs(rounded), kInfinity) - std::abs(rounded);
    const double ulps = static_cast<double>(std::abs(static_cast<long double>(function.scalar(input)) - exact) / ulp);
    ASSERT_LE(ulps, function.ulps_max) << function.name << " of " << input;
    ulps_seen = std::max(ulps_seen, ulps);
  }
  EXPECT_GT(ulps_seen, 0.4);  // A comparison of SLEEF with itself would show less.
}

// --- Of two numbers. ---

TEST(Divide, EveryInstructionSetGivesTheBitsOfTheScalarInTailsToo) {
  const std::vector<double> values = Inputs(100'003, 12), divisors = Inputs(100'003, 13);
  for (const Isa isa : SupportedIsas()) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{13}, values.size()}) {
      std::vector<double> quotients = values;
      FunctionsOf(isa).divide(quotients.data(), divisors.data(), static_cast<int64_t>(count));
      for (std::size_t at = 0; at < values.size(); ++at) {
        const double quotient = at < count ? values[at] / divisors[at] : values[at];
        const bool nan = at < count && std::isnan(quotient);
        ASSERT_EQ(std::bit_cast<uint64_t>(quotients[at]), std::bit_cast<uint64_t>(nan ? kNan : quotient))
            << Name(isa) << ": " << values[at] << " / " << divisors[at];
      }
    }
  }
  std::vector<double> quotients = {6, 1, 0};
  Divide(quotients, std::vector<double>{2, 0, 5});
  EXPECT_EQ(quotients, (std::vector<double>{3, kInfinity, 0}));
}

TEST(Pow, SpecialsAreThoseOfTheDefinition) {
  EXPECT_EQ(Pow(2.0, 10.0), 1024.0);
  EXPECT_EQ(Pow(2.0, -1.0), 0.5);
  EXPECT_EQ(Pow(9.0, 0.5), 3.0);
  EXPECT_EQ(Pow(-2.0, 3.0), -8.0);
  EXPECT_EQ(Pow(0.0, 0.0), 1.0);
  EXPECT_EQ(Pow(kNan, 0.0), 1.0);
  EXPECT_EQ(Pow(1.0, kNan), 1.0);
  EXPECT_EQ(Pow(0.0, -1.0), kInfinity);
  EXPECT_EQ(Pow(kInfinity, -1.0), 0.0);
  EXPECT_EQ(Pow(10.0, 400.0), kInfinity);
  EXPECT_EQ(std::bit_cast<uint64_t>(Pow(-2.0, 0.5)), uint64_t{0x7FF8000000000000});
  EXPECT_EQ(std::bit_cast<uint64_t>(Pow(-kNan, 2.0)), uint64_t{0x7FF8000000000000});
}

TEST(Pow, EveryInstructionSetGivesTheBitsOfTheScalarInTailsToo) {
  std::vector<double> bases = Inputs(300'007, 5), exponents = Inputs(300'007, 6);
  Random random{7};
  for (std::size_t at = 0; at < bases.size(); at += 2) {  // What people compute, beside any bits at all.
    bases[at] = random.Uniform(0, 1000);
    exponents[at] = random.Uniform(-8, 8);
  }
  std::rotate(bases.begin(), bases.begin() + 20, bases.end());  // Specials with other specials.
  std::vector<double> expected;
  for (std::size_t at = 0; at < bases.size(); ++at) expected.push_back(Pow(bases[at], exponents[at]));
  const auto compare = [&](const std::vector<double>& values, std::size_t count, std::string_view name) {
    for (std::size_t at = 0; at < count; ++at) {
      ASSERT_EQ(std::bit_cast<uint64_t>(values[at]), std::bit_cast<uint64_t>(expected[at]))
          << name << ": " << bases[at] << " ** " << exponents[at];
    }
    if (count == values.size()) return;
    EXPECT_EQ(std::bit_cast<uint64_t>(values[count]), std::bit_cast<uint64_t>(bases[count]));
  };
  for (const Isa isa : SupportedIsas()) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{13}, bases.size()}) {
      std::vector<double> values = bases;
      FunctionsOf(isa).pow(values.data(), exponents.data(), static_cast<int64_t>(count));
      compare(values, count, Name(isa));
    }
  }
  std::vector<double> values = bases;
  Pow(values, exponents);
  compare(values, values.size(), "chosen");
}

TEST(Pow, GoldenBitsStay) {
  std::vector<double> bases = Inputs(10'000, 8), exponents = Inputs(10'000, 9);
  Random random{10};
  for (std::size_t at = 48; at < bases.size(); ++at) {
    bases[at] = random.Uniform(0, 1000);
    exponents[at] = random.Uniform(-8, 8);
  }
  Pow(bases, exponents);
  uint64_t digest = 0;
  for (const double value : bases) {
    digest = (std::rotl(digest, 5) ^ std::bit_cast<uint64_t>(value)) * 0x9E3779B97F4A7C15;
  }
  EXPECT_EQ(digest, 0xCAFB33EDC406E818) << "0x" << std::hex << digest;
}

TEST(Pow, IsAccurate) {
  Random random{11};
  for (int round = 0; round < 100'000; ++round) {
    const double base = random.Uniform(0, 1000), exponent = random.Uniform(-8, 8);
    const long double exact = std::pow(static_cast<long double>(base), static_cast<long double>(exponent));
    const auto rounded = static_cast<double>(exact);
    const double ulp = std::nextafter(std::abs(rounded), kInfinity) - std::abs(rounded);
    ASSERT_LE(static_cast<double>(std::abs(static_cast<long double>(Pow(base, exponent)) - exact) / ulp), 1.0)
        << base << " ** " << exponent;
  }
}

}  // namespace
}  // namespace sabot::kernels::math
