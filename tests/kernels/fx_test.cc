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

}  // namespace
}  // namespace sabot::kernels
