#include "sabot/kernels/crypto.h"

#include <gtest/gtest.h>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

TEST(FundingApr, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<FundingApr>({.interval_hours = 0}),
            "funding_apr: option 'interval_hours' must be > 0 and finite, found 0.");
}

TEST(FundingApr, IsTheRateOfAYear) {
  EXPECT_EQ(KernelProbe<FundingApr>().Update({.funding_rate = 0.125}), 0.125 * 1095);  // Three a day.
  EXPECT_EQ(KernelProbe<FundingApr>({.interval_hours = 1}).Update({.funding_rate = -0.5}), -4380.0);
}

TEST(FundingCost, TakesARowWithoutAPriceAsMissing) {
  KernelProbe<FundingCost> funding_cost;
  EXPECT_EQ(Shown(funding_cost.Update({.position = 1, .price = 0, .funding_rate = 1}).payment), std::nullopt);
  EXPECT_EQ(Shown(funding_cost.Update({.position = 1, .price = -5, .funding_rate = 1}).cost), std::nullopt);
  EXPECT_EQ(Shown(funding_cost.Update({.position = 1, .price = 4, .funding_rate = 0.5}).cost), 2.0);
}

TEST(FundingCost, LongsPayWhileTheRateIsPositive) {
  KernelProbe<FundingCost> funding_cost;
  auto found = funding_cost.Update({.position = 2, .price = 100, .funding_rate = 0.25});
  EXPECT_EQ(Shown(found.payment), 50.0);
  EXPECT_EQ(Shown(found.cost), 50.0);
  found = funding_cost.Update({.position = -4, .price = 50, .funding_rate = 0.125});  // A short one receives.
  EXPECT_EQ(Shown(found.payment), -25.0);
  EXPECT_EQ(Shown(found.cost), 25.0);
  found = funding_cost.Update({.position = 2, .price = 50, .funding_rate = -0.5});  // And so does a long one.
  EXPECT_EQ(Shown(found.payment), -50.0);
  EXPECT_EQ(Shown(found.cost), -25.0);
}

TEST(FundingCost, SumsWithoutDrift) {
  KernelProbe<FundingCost> funding_cost;
  funding_cost.Update({.position = 1, .price = 1, .funding_rate = 1e16});
  for (int row = 0; row < 10; ++row) funding_cost.Update({.position = 1, .price = 1, .funding_rate = 0.25});
  EXPECT_EQ(Shown(funding_cost.Update({.position = -1, .price = 1, .funding_rate = 1e16}).cost), 2.5);
}

TEST(BasisAnnualized, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<BasisAnnualized>({.days = 0}), "basis_annualized: option 'days' must be > 0 and finite, found 0.");
  EXPECT_EQ(Refusal<BasisAnnualized>({.day_count = -360}),
            "basis_annualized: option 'day_count' must be > 0 and finite, found -360.");
}

TEST(BasisAnnualized, IsNullWithoutAPositiveSpot) {
  KernelProbe<BasisAnnualized> basis_annualized;
  EXPECT_EQ(basis_annualized.Update({.futures_price = 1, .spot_price = 0}), std::nullopt);
  EXPECT_EQ(basis_annualized.Update({.futures_price = 1, .spot_price = -1}), std::nullopt);
}

TEST(BasisAnnualized, FollowsTheDefinition) {
  KernelProbe<BasisAnnualized> quarter, month({.days = 30, .day_count = 360});
  EXPECT_EQ(quarter.Update({.futures_price = 150, .spot_price = 100}), 0.5 * (365.0 / 90));
  EXPECT_EQ(month.Update({.futures_price = 75, .spot_price = 100}), -3.0);
}

TEST(OpenInterestDelta, TakesNegativeValuesAsMissing) {
  KernelProbe<OpenInterestDelta> delta;
  EXPECT_EQ(delta.Update({.open_interest = -1}), std::nullopt);
  EXPECT_EQ(delta.Update({.open_interest = 5}), std::nullopt);  // Nothing to compare with.
  EXPECT_EQ(delta.Update({.open_interest = -1}), std::nullopt);
  EXPECT_EQ(delta.Update({.open_interest = 7}), 2.0);
  EXPECT_EQ(delta.Update({.open_interest = 0}), -7.0);
  EXPECT_EQ(delta.Update({.open_interest = 0}), 0.0);
}

TEST(PerpFairPrice, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<PerpFairPrice>({.interval_hours = -8}),
            "perp_fair_price: option 'interval_hours' must be > 0 and finite, found -8.");
}

TEST(PerpFairPrice, IsNullWithoutAnIndexOrAfterTheFunding) {
  KernelProbe<PerpFairPrice> fair_price;
  EXPECT_EQ(fair_price.Update({.index_price = 0, .funding_rate = 0.5, .hours_to_funding = 1}), std::nullopt);
  EXPECT_EQ(fair_price.Update({.index_price = -1, .funding_rate = 0.5, .hours_to_funding = 1}), std::nullopt);
  EXPECT_EQ(fair_price.Update({.index_price = 1, .funding_rate = 0.5, .hours_to_funding = -1}), std::nullopt);
}

TEST(PerpFairPrice, FollowsTheDefinition) {
  KernelProbe<PerpFairPrice> fair_price, hourly({.interval_hours = 1});
  EXPECT_EQ(fair_price.Update({.index_price = 100, .funding_rate = 0.5, .hours_to_funding = 4}), 125.0);
  EXPECT_EQ(fair_price.Update({.index_price = 100, .funding_rate = 0.5, .hours_to_funding = 0}), 100.0);
  EXPECT_EQ(hourly.Update({.index_price = 100, .funding_rate = -0.5, .hours_to_funding = 0.5}), 75.0);
}

TEST(CashAndCarryEdge, RefusesWrongOptions) {
  EXPECT_EQ(
      Refusal<CashAndCarryEdge>({.fees_bps = 1, .use_fees_column = true}),
      "cash_and_carry_edge: option 'fees_bps' and option 'use_fees_column' were both given. Give the fees as a number "
      "or as a column.");
  EXPECT_EQ(Refusal<CashAndCarryEdge>({.periods = -1}),
            "cash_and_carry_edge: option 'periods' must be >= 0 and finite, found -1.");
}

TEST(CashAndCarryEdge, IsNullWithoutAPositiveSpot) {
  KernelProbe<CashAndCarryEdge> edge;
  EXPECT_EQ(edge.Update({.perp_price = 1, .spot_price = 0, .funding_rate = 0}), std::nullopt);
  EXPECT_EQ(edge.Update({.perp_price = 1, .spot_price = -1, .funding_rate = 0}), std::nullopt);
}

TEST(CashAndCarryEdge, FollowsTheDefinition) {
  const CashAndCarryEdge::Input row{.perp_price = 125, .spot_price = 100, .funding_rate = 0.125, .fees_bps = 50};
  EXPECT_EQ(KernelProbe<CashAndCarryEdge>().Update(row), 3750.0);  // The short leg receives the funding.
  EXPECT_EQ(KernelProbe<CashAndCarryEdge>({.periods = 3, .fees_bps = 10}).Update(row), 6240.0);
  EXPECT_EQ(KernelProbe<CashAndCarryEdge>({.periods = 0, .use_fees_column = true}).Update(row), 2450.0);
  EXPECT_TRUE(CashAndCarryEdge::Needs({.use_fees_column = true}, "fees_bps"));
  EXPECT_FALSE(CashAndCarryEdge::Needs({}, "fees_bps"));
}

}  // namespace
}  // namespace sabot::kernels
