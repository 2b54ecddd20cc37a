#include "sabot/kernels/fx.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

// "edge by route", "null" where both are.
std::string Trip(const TriangularArbitrage::Input& row, const TriangularArbitrage::Options& options = {}) {
  const auto found = KernelProbe<TriangularArbitrage>(options).Update(row);
  EXPECT_EQ(std::isfinite(found.edge_bps), found.route.index >= 0);
  if (found.route.index < 0) return "null";
  return ToString(OptionValue{found.edge_bps}) + " by " +
         std::string(TriangularArbitrage::kLabels[static_cast<std::size_t>(found.route.index)]);
}

TEST(TriangularArbitrage, RefusesFeesTwice) {
  EXPECT_EQ(
      Refusal<TriangularArbitrage>({.fees_bps = 1, .use_fees_column = true}),
      "triangular_arbitrage: option 'fees_bps' and option 'use_fees_column' were both given. Give the fees as a number "
      "or as a column.");
  EXPECT_EQ(Refusal<TriangularArbitrage>({.fees_bps = INFINITY}),
            "triangular_arbitrage: option 'fees_bps' must be finite, found inf.");
}

TEST(TriangularArbitrage, IsNullWithoutPositiveRates) {
  EXPECT_EQ(Trip({.spot_ab = 0, .spot_bc = 3, .spot_ac = 6}), "null");
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = -3, .spot_ac = 6}), "null");
  EXPECT_EQ(Trip({.spot_ab = -2, .spot_bc = -3, .spot_ac = 6}), "null");
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = 3, .spot_ac = 0}), "null");
}

TEST(TriangularArbitrage, IsNullBeyondTheLargestNumber) {
  EXPECT_EQ(Trip({.spot_ab = 1e200, .spot_bc = 1e200, .spot_ac = 1}), "null");
  EXPECT_EQ(Trip({.spot_ab = 1e-200, .spot_bc = 1e-200, .spot_ac = 1}), "null");
}

TEST(TriangularArbitrage, TriesBothDirections) {
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = 3, .spot_ac = 6}), "0 by none");
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = 3, .spot_ac = 4}), "5000 by A>B>C>A");   // 6 / 4
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = 2, .spot_ac = 5}), "2500 by A>C>B>A");   // 5 / 4
}

TEST(TriangularArbitrage, TakesFeesOff) {
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = 3, .spot_ac = 4}, {.fees_bps = 10}), "4990 by A>B>C>A");
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = 3, .spot_ac = 4}, {.fees_bps = 5000}), "0 by none");
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = 3, .spot_ac = 6}, {.fees_bps = 3}), "-3 by none");
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = 3, .spot_ac = 6}, {.fees_bps = -2}), "2 by A>B>C>A");  // A rebate; a tie.
}

TEST(TriangularArbitrage, ReadsFeesFromAColumn) {
  EXPECT_EQ(Trip({.spot_ab = 2, .spot_bc = 3, .spot_ac = 4, .fees_bps = 20}, {.use_fees_column = true}),
            "4980 by A>B>C>A");
  EXPECT_TRUE(TriangularArbitrage::Needs({.use_fees_column = true}, "fees_bps"));
  EXPECT_FALSE(TriangularArbitrage::Needs({}, "fees_bps"));
  EXPECT_TRUE(TriangularArbitrage::Needs({}, "spot_ab"));
}

TEST(ForwardPoints, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<ForwardPoints>({.t_years = 0}),
            "forward_points: option 't_years' must be > 0 and finite, found 0.");
  EXPECT_EQ(Refusal<ForwardPoints>({.pip = -1}), "forward_points: option 'pip' must be > 0 and finite, found -1.");
  EXPECT_EQ(ParseOptions<ForwardPoints::Options>("forward_points", {{"compounding", std::string("annual")}})
                .status()
                .message(),
            "forward_points: option 'compounding' must be 'continuous' or 'simple', found 'annual'.");
}

TEST(ForwardPoints, IsNullWithoutAPositiveSpot) {
  for (const auto compounding : {Compounding::kContinuous, Compounding::kSimple}) {
    KernelProbe<ForwardPoints> forward_points({.compounding = compounding});
    EXPECT_EQ(forward_points.Update({.spot = 0, .r_dom = 0.5, .r_for = 0.25}), std::nullopt);
    EXPECT_EQ(forward_points.Update({.spot = -1, .r_dom = 0.5, .r_for = 0.25}), std::nullopt);
    EXPECT_EQ(forward_points.Update({.spot = 1, .r_dom = 1e308, .r_for = -1e308}), std::nullopt);
  }
}

TEST(ForwardPoints, IsNullWhereTheForeignRateLosesAll) {
  KernelProbe<ForwardPoints> forward_points({.t_years = 2, .compounding = Compounding::kSimple});
  EXPECT_EQ(forward_points.Update({.spot = 1, .r_dom = 0, .r_for = -0.5}), std::nullopt);
  EXPECT_EQ(forward_points.Update({.spot = 1, .r_dom = 0, .r_for = -0.75}), std::nullopt);
  EXPECT_EQ(forward_points.Update({.spot = 1, .r_dom = 0, .r_for = 1e308}), std::nullopt);
}

TEST(ForwardPoints, FollowsTheDefinition) {
  KernelProbe<ForwardPoints> continuous({.t_years = 0.5}), simple({.compounding = Compounding::kSimple}),
      in_pips({.t_years = 2, .compounding = Compounding::kSimple, .pip = 0.125});
  EXPECT_DOUBLE_EQ(*continuous.Update({.spot = 2, .r_dom = 0.5, .r_for = 0.25}), 2 * std::expm1(0.125));
  EXPECT_EQ(continuous.Update({.spot = 2, .r_dom = 0.25, .r_for = 0.25}), 0.0);
  EXPECT_EQ(simple.Update({.spot = 4, .r_dom = 2, .r_for = 1}), 2.0);        // 4 * 1 / 2
  EXPECT_EQ(simple.Update({.spot = 4, .r_dom = -0.25, .r_for = 0}), -1.0);
  EXPECT_EQ(in_pips.Update({.spot = 4, .r_dom = 0.75, .r_for = 0.5}), 8.0);  // 4 * 0.25 * 2 / 2 / 0.125
}

TEST(ForwardPoints, KeepTheDigitsOfASmallDifference) {
  const auto points = KernelProbe<ForwardPoints>().Update({.spot = 1, .r_dom = 1e-12, .r_for = 0});
  EXPECT_DOUBLE_EQ(*points, 1.0000000000005e-12);  // exp() - 1 would keep four of them.
}

TEST(CipBasis, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<CipBasis>({.t_years = -1}), "cip_basis: option 't_years' must be > 0 and finite, found -1.");
}

TEST(CipBasis, IsNullWithoutPositivePrices) {
  for (const auto compounding : {Compounding::kContinuous, Compounding::kSimple}) {
    KernelProbe<CipBasis> cip_basis({.compounding = compounding});
    EXPECT_EQ(cip_basis.Update({.spot = 0, .forward = 1}), std::nullopt);
    EXPECT_EQ(cip_basis.Update({.spot = 1, .forward = 0}), std::nullopt);
    EXPECT_EQ(cip_basis.Update({.spot = -1, .forward = -1}), std::nullopt);
    EXPECT_EQ(cip_basis.Update({.spot = 1e-300, .forward = 1e300}), std::nullopt);
  }
}

TEST(CipBasis, FollowsTheDefinition) {
  KernelProbe<CipBasis> continuous({.t_years = 0.5}), simple({.t_years = 0.5, .compounding = Compounding::kSimple});
  EXPECT_DOUBLE_EQ(*continuous.Update({.spot = 2, .forward = 3, .r_dom = 0.5, .r_for = 0.25}),
                   2 * std::log(1.5) - 0.25);
  EXPECT_EQ(simple.Update({.spot = 2, .forward = 3, .r_dom = 0.5, .r_for = 1}), 2.0);  // (1.5 * 1.5 - 1) / 0.5 - 0.5
}

TEST(CipBasis, IsZeroAtTheForwardOfParity) {
  for (const auto compounding : {Compounding::kContinuous, Compounding::kSimple}) {
    KernelProbe<ForwardPoints> forward_points({.t_years = 0.75, .compounding = compounding});
    KernelProbe<CipBasis> cip_basis({.t_years = 0.75, .compounding = compounding});
    const double forward = 1.08 + *forward_points.Update({.spot = 1.08, .r_dom = 0.031, .r_for = 0.052});
    EXPECT_NEAR(*cip_basis.Update({.spot = 1.08, .forward = forward, .r_dom = 0.031, .r_for = 0.052}), 0, 1e-15);
  }
}

TEST(CarrySignal, IsTheDifferenceOfTheRates) {
  KernelProbe<CarrySignal> carry_signal;
  EXPECT_EQ(carry_signal.Update({.r_dom = 0.25, .r_for = 1}), 0.75);
  EXPECT_EQ(carry_signal.Update({.r_dom = 1, .r_for = 0.25, .volatility = 0.5}), -0.75);
  EXPECT_FALSE(CarrySignal::Needs({}, "volatility"));
}

TEST(CarrySignal, IsDividedByAPositiveVolatility) {
  KernelProbe<CarrySignal> carry_signal({.risk_adjusted = true});
  EXPECT_EQ(carry_signal.Update({.r_dom = 0.25, .r_for = 1, .volatility = 0}), std::nullopt);
  EXPECT_EQ(carry_signal.Update({.r_dom = 0.25, .r_for = 1, .volatility = -0.5}), std::nullopt);
  EXPECT_EQ(carry_signal.Update({.r_dom = 0.25, .r_for = 1, .volatility = 0.5}), 1.5);
  EXPECT_TRUE(CarrySignal::Needs({.risk_adjusted = true}, "volatility"));
}

}  // namespace
}  // namespace sabot::kernels
