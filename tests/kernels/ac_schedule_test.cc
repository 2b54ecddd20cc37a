#include "sabot/kernels/ac_schedule.h"

#include <arrow/array.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::kernels {
namespace {

using Options = AcSchedule::Options;

// Almgren & Chriss (2000), table 1, with the risk aversion of 1e-6 of its figures: a million shares in five days.
constexpr Options kPublished = {
    .quantity = 1e6, .horizon = 5, .slices = 5, .sigma = 0.95, .eta = 2.5e-6, .gamma = 2.5e-7, .risk_aversion = 1e-6};

std::string RefusalOf(const Options& options) {
  const auto made = AcSchedule::Make(options);
  EXPECT_EQ(data::KindOf(made.status()), data::ErrorKind::kOption);
  return made.status().message();
}

std::vector<double> Column(const Options& options, const std::string& name) {
  const auto table = AcSchedule::Make(options).ValueOrDie();
  const auto& column = static_cast<const arrow::DoubleArray&>(*table->GetColumnByName(name)->chunk(0));
  std::vector<double> values;
  for (int64_t row = 0; row < column.length(); ++row) {
    values.push_back(column.IsNull(row) ? std::numeric_limits<double>::quiet_NaN() : column.Value(row));
  }
  return values;
}

TEST(AcSchedule, RefusesWhatIsOutOfRange) {
  auto options = kPublished;
  options.quantity = kNull;
  EXPECT_EQ(RefusalOf(options), "optimal_ac_schedule: option 'quantity' must be finite, found nan.");
  options = kPublished;
  options.horizon = 0;
  EXPECT_EQ(RefusalOf(options), "optimal_ac_schedule: option 'horizon' must be > 0 and finite, found 0.");
  options = kPublished;
  options.slices = 0;
  EXPECT_EQ(RefusalOf(options), "optimal_ac_schedule: option 'slices' must be in [1, 16777216], found 0.");
  options = kPublished;
  options.eta = 0;
  EXPECT_EQ(RefusalOf(options), "optimal_ac_schedule: option 'eta' must be > 0 and finite, found 0.");
  options = kPublished;
  options.risk_aversion = -1;
  EXPECT_EQ(RefusalOf(options), "optimal_ac_schedule: option 'risk_aversion' must be >= 0 and finite, found -1.");
}

TEST(AcSchedule, RefusesPermanentImpactThatOutweighsTheTemporary) {
  EXPECT_EQ(RefusalOf({.quantity = 100, .horizon = 4, .slices = 2, .sigma = 1, .eta = 0.5, .gamma = 0.5}),
            "optimal_ac_schedule: option 'eta' must be > gamma * (horizon / slices) / 2 = 0.5, found 0.5. Take more "
            "slices.");
  EXPECT_TRUE(
      AcSchedule::Make({.quantity = 100, .horizon = 4, .slices = 4, .sigma = 1, .eta = 0.5, .gamma = 0.5}).ok());
}

TEST(AcSchedule, RefusesNumbersBeyondFloat64) {
  EXPECT_EQ(RefusalOf({.quantity = 1e308, .horizon = 1, .slices = 10, .sigma = 1, .eta = 1}),
            "optimal_ac_schedule: the holdings are beyond the largest float64. Give quantity in larger units.");
  EXPECT_EQ(RefusalOf({.quantity = 1, .horizon = 5e-324, .slices = 10, .sigma = 1, .eta = 1}),
            "optimal_ac_schedule: option 'horizon' must be longer for so many slices, found 5e-324. Give it in a "
            "smaller unit of time.");
}

TEST(AcSchedule, IsAStraightLineWithoutRiskAversionOrRisk) {
  const std::vector<double> line = {10, 7.5, 5, 2.5, 0};
  EXPECT_EQ(Column({.quantity = 10, .horizon = 2, .slices = 4, .sigma = 3, .eta = 1}, "holdings"), line);
  EXPECT_EQ(Column({.quantity = 10, .horizon = 2, .slices = 4, .sigma = 0, .eta = 1, .risk_aversion = 1}, "holdings"),
            line);
  EXPECT_EQ(Column({.quantity = 10, .horizon = 2, .slices = 4, .sigma = 3, .eta = 1}, "time"),
            (std::vector<double>{0, 0.5, 1, 1.5, 2}));
}

TEST(AcSchedule, OfOneSliceIsOneTrade) {
  const Options options = {.quantity = 7, .horizon = 3, .slices = 1, .sigma = 1, .eta = 1, .risk_aversion = 1};
  EXPECT_EQ(Column(options, "holdings"), (std::vector<double>{7, 0}));
  EXPECT_EQ(Column(options, "trade")[1], 7);
}

// 2 cosh(kappa tau) = 2 + lambda sigma^2 tau^2 / eta~ = 2 + 0.9025 / 2.375 = 2.38, and the holdings obey
// x_{j-1} + x_{j+1} = 2.38 x_j. So with U = 0, 1, 2.38, 4.6644, 8.721272, 16.09222736 they are X U_{5-j} / U_5.
TEST(AcSchedule, FollowsThePublishedExample) {
  const auto holdings = Column(kPublished, "holdings");
  const std::vector<double> u = {16.09222736, 8.721272, 4.6644, 2.38, 1, 0};
  ASSERT_EQ(holdings.size(), u.size());
  for (std::size_t step = 0; step < u.size(); ++step) EXPECT_NEAR(holdings[step], 1e6 * u[step] / u[0], 1e-6);
  EXPECT_NEAR(std::acosh((holdings[1] + holdings[3]) / holdings[2] / 2), 0.61, 0.005);  // Their kappa, per day.
}

TEST(AcSchedule, BeginsWithAllAndEndsWithNothing) {
  for (const int64_t slices : {1, 3, 7, 49, 1000}) {
    for (const double quantity : {1e6, -1e6 / 3, 0.1, 0.0, -0.0}) {
      auto options = kPublished;
      options.quantity = quantity;
      options.slices = slices;
      options.horizon = 0.1 * 3;
      const auto holdings = Column(options, "holdings");
      EXPECT_EQ(holdings.front(), quantity);
      EXPECT_EQ(holdings.back(), 0);
      EXPECT_EQ(Column(options, "time").back(), options.horizon);
      for (const double left : holdings) EXPECT_FALSE(left == 0 && std::signbit(left));
      const auto trades = Column(options, "trade");
      EXPECT_TRUE(std::isnan(trades[0]));
      EXPECT_NEAR(std::accumulate(trades.begin() + 1, trades.end(), 0.0), quantity, 1e-12 * std::abs(quantity));
    }
  }
}

TEST(AcSchedule, OfAShortPositionIsThatOfALongOneMirrored) {
  auto mirrored = kPublished;
  mirrored.quantity = -mirrored.quantity;
  const auto longs = Column(kPublished, "holdings"), shorts = Column(mirrored, "holdings");
  for (std::size_t step = 0; step < longs.size(); ++step) EXPECT_EQ(shorts[step], -longs[step]);
}

TEST(AcSchedule, SellsAtOnceWhenRiskOutweighsEverything) {
  for (const double risk_aversion : {1e6, 1e150, 1e300, std::numeric_limits<double>::max()}) {
    const auto holdings =
        Column({.quantity = 100, .horizon = 1, .slices = 4, .sigma = 1e3, .eta = 1e-3, .risk_aversion = risk_aversion},
               "holdings");
    EXPECT_EQ(holdings[0], 100);
    EXPECT_GE(holdings[1], 0);
    EXPECT_LT(holdings[1], 1e-10);
    EXPECT_EQ(holdings[4], 0);
  }
}

// kappa T of 2,000: sinh would overflow, while the step from one holding to the next is exp(-kappa tau).
TEST(AcSchedule, DoesNotOverflow) {
  const double u = std::cosh(20.0) - 1;  // Of a kappa tau of 20.
  const auto holdings =
      Column({.quantity = 1, .horizon = 100, .slices = 100, .sigma = 1, .eta = 1, .risk_aversion = 2 * u}, "holdings");
  for (std::size_t step = 1; step < 30; ++step) {
    EXPECT_NEAR(holdings[step] / std::exp(-20.0 * static_cast<double>(step)), 1, 1e-10);
  }
}

TEST(AcSchedule, IsNearlyStraightForTinyRisk) {
  const auto holdings =
      Column({.quantity = 1, .horizon = 4, .slices = 4, .sigma = 1e-9, .eta = 1, .risk_aversion = 1e-9}, "holdings");
  for (std::size_t step = 0; step <= 4; ++step)
    EXPECT_NEAR(holdings[step], 1 - 0.25 * static_cast<double>(step), 1e-15);
}

}  // namespace
}  // namespace sabot::kernels
