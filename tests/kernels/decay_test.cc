#include "sabot/kernels/decay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "sabot/data/errors.h"

namespace sabot::kernels {
namespace {

// As a kernel with this decay and a default of 0.06 is checked.
arrow::Status Check(Decay& decay) {
  ARROW_RETURN_NOT_OK(CheckOptions("ewma", decay));
  return CompleteDecay("ewma", {.alpha = 0.06}, decay);
}

double AlphaOf(Decay decay) {
  EXPECT_TRUE(Check(decay).ok());
  return WeightOf(decay).alpha;
}

std::string RefusalOf(Decay decay) {
  const auto status = Check(decay);
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  return status.message();
}

TEST(Decay, RefusesTwoSpellings) {
  EXPECT_EQ(
      RefusalOf({.alpha = 0.5, .span = 3}),
      "ewma: 'alpha', 'span' were given together. They are spellings of one decay: give one of alpha, lambda, span, "
      "com, halflife.");
  EXPECT_EQ(
      RefusalOf({.lambda = 0.5, .com = 1, .halflife = HalfLife{.rows = 1}}),
      "ewma: 'lambda', 'com', 'halflife' were given together. They are spellings of one decay: give one of alpha, "
      "lambda, span, com, halflife.");
}

TEST(Decay, RefusesValuesOutOfRange) {
  EXPECT_EQ(RefusalOf({.alpha = 0}), "ewma: option 'alpha' must be in (0, 1], found 0.");
  EXPECT_EQ(RefusalOf({.alpha = 1.5}), "ewma: option 'alpha' must be in (0, 1], found 1.5.");
  EXPECT_EQ(RefusalOf({.alpha = std::nan("")}), "ewma: option 'alpha' must be in (0, 1], found nan.");
  EXPECT_EQ(RefusalOf({.lambda = 1}), "ewma: option 'lambda' must be in [0, 1), found 1.");
  EXPECT_EQ(RefusalOf({.lambda = -0.5}), "ewma: option 'lambda' must be in [0, 1), found -0.5.");
  EXPECT_EQ(RefusalOf({.span = 0.5}), "ewma: option 'span' must be >= 1 and finite, found 0.5.");
  EXPECT_EQ(RefusalOf({.span = INFINITY}), "ewma: option 'span' must be >= 1 and finite, found inf.");
  EXPECT_EQ(RefusalOf({.com = -1}), "ewma: option 'com' must be >= 0 and finite, found -1.");
  EXPECT_EQ(RefusalOf({.halflife = HalfLife{.rows = 0}}), "ewma: option 'halflife' must be > 0 and finite, found 0.");
  EXPECT_EQ(RefusalOf({.halflife = HalfLife{.rows = -2}}), "ewma: option 'halflife' must be > 0 and finite, found -2.");
}

TEST(Decay, TakesTheExtremes) {
  constexpr double kLargest = std::numeric_limits<double>::max(), kSmallest = std::numeric_limits<double>::denorm_min();
  EXPECT_GT(AlphaOf({.span = kLargest}), 0);
  EXPECT_GT(AlphaOf({.com = kLargest}), 0);
  EXPECT_GT(AlphaOf({.halflife = HalfLife{.rows = kLargest}}), 0);
  EXPECT_EQ(AlphaOf({.halflife = HalfLife{.rows = kSmallest}}), 1);
  EXPECT_EQ(AlphaOf({.alpha = kSmallest}), kSmallest);
}

TEST(Decay, HasADefault) {
  EXPECT_EQ(AlphaOf({}), 0.06);
  Decay decay;
  ASSERT_TRUE(CompleteDecay("ewcov", {.alpha = 0.1}, decay).ok());
  EXPECT_EQ(decay.alpha, 0.1);
  Decay of_the_past;
  ASSERT_TRUE(CompleteDecay("riskmetrics_vol", {.lambda = 0.94}, of_the_past).ok());
  EXPECT_EQ(of_the_past.lambda, 0.94);
  EXPECT_EQ(of_the_past.alpha, std::nullopt);
}

TEST(Decay, MayHaveANarrowerRange) {
  const Range open{.least = 0, .most = 1, .least_open = true, .most_open = true};
  const auto refusal = [&](Decay decay) { return CompleteDecay("riskmetrics_vol", {}, decay, open).message(); };
  EXPECT_EQ(refusal({.lambda = 0}), "riskmetrics_vol: 'lambda' gives alpha = 1, which must be in (0, 1).");
  EXPECT_EQ(refusal({.alpha = 1}), "riskmetrics_vol: 'alpha' gives alpha = 1, which must be in (0, 1).");
  EXPECT_EQ(refusal({.com = 0}), "riskmetrics_vol: 'com' gives alpha = 1, which must be in (0, 1).");
  EXPECT_EQ(refusal({.lambda = 0.5}), "");
  EXPECT_EQ(refusal({.halflife = HalfLife{.ns = 1}}), "");  // A row's alpha may be 0 or 1.
}

TEST(Decay, HasFiveSpellings) {
  EXPECT_EQ(AlphaOf({.alpha = 1}), 1);
  EXPECT_EQ(AlphaOf({.alpha = 0.25}), 0.25);
  EXPECT_EQ(AlphaOf({.lambda = 0.75}), 0.25);
  EXPECT_EQ(AlphaOf({.lambda = 0}), 1);
  EXPECT_EQ(AlphaOf({.span = 7}), 0.25);
  EXPECT_EQ(AlphaOf({.span = 1}), 1);
  EXPECT_EQ(AlphaOf({.com = 3}), 0.25);
  EXPECT_EQ(AlphaOf({.com = 0}), 1);
  EXPECT_DOUBLE_EQ(AlphaOf({.halflife = HalfLife{.rows = 1}}), 0.5);
  EXPECT_DOUBLE_EQ(AlphaOf({.halflife = HalfLife{.rows = 0.5}}), 0.75);
}

TEST(Decay, AHalfLifeInTimeWeighsByTime) {
  Decay decay{.halflife = HalfLife{.ns = 1'000'000'000}};
  ASSERT_TRUE(Check(decay).ok());
  EXPECT_EQ(decay.alpha, std::nullopt);  // No default beside it.
  const auto weight = WeightOf(decay);
  EXPECT_EQ(weight.halflife_ns, 1e9);
  EXPECT_EQ(weight.After(0), 0.0);
  EXPECT_DOUBLE_EQ(weight.After(1'000'000'000), 0.5);
  EXPECT_DOUBLE_EQ(weight.After(2'000'000'000), 0.75);
  EXPECT_NEAR(weight.After(1), 0.69314718055994531e-9, 1e-18);  // No 1 - exp(): that would keep seven digits.
  EXPECT_EQ(weight.After(std::numeric_limits<uint64_t>::max()), 1.0);
}

TEST(Decay, OfARowFollowsFromItsTime) {
  const Weight in_time{.halflife_ns = 10};
  EXPECT_TRUE(in_time.IsLate(4, 5));
  EXPECT_FALSE(in_time.IsLate(5, 5));
  int64_t newest = 5;
  EXPECT_EQ(in_time.Next(5, newest), 0.0);
  EXPECT_DOUBLE_EQ(in_time.Next(15, newest), 0.5);
  EXPECT_EQ(newest, 15);
  newest = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(in_time.Next(std::numeric_limits<int64_t>::max(), newest), 1.0);
  const Weight in_rows{.alpha = 0.25};
  EXPECT_FALSE(in_rows.IsLate(4, 5));
  EXPECT_EQ(in_rows.Next(4, newest), 0.25);
}

TEST(Decay, IsParsedFromNamedValues) {
  EXPECT_EQ(ParseOptions<Decay>("ewma", {{"halflife", std::string("30s")}}).ValueOrDie().halflife,
            (HalfLife{.ns = 30'000'000'000}));
  EXPECT_EQ(ParseOptions<Decay>("ewma", {{"halflife", int64_t{5}}}).ValueOrDie().halflife, (HalfLife{.rows = 5}));
  EXPECT_EQ(ParseOptions<Decay>("ewma", {{"lambda", 0.94}}).ValueOrDie().lambda, 0.94);
  EXPECT_EQ(ParseOptions<Decay>("ewma", {{"lamda", 0.94}}).status().message(),
            "ewma: unknown option 'lamda'. Nearest names: 'lambda'.");
}

}  // namespace
}  // namespace sabot::kernels
