#include "sabot/backtest/avellaneda_stoikov_strategy.h"

#include <gtest/gtest.h>

#include "sabot/backtest/feature_columns.h"
#include "tests/backtest/expect_error.h"
#include "tests/backtest/strategy_probe.h"

namespace sabot::backtest {
namespace {

// The numbers of the paper's simulation: s = 100, T = 1, sigma = 2, gamma = 0.1, kappa = 1.5. Then the spread is
// 0.4 + 20 ln(1.0666...) = 1.690770.
StrategyProbe Probe(Settings::Values parameters = {}) {
  Settings::Values all{{"quote_size", 1.0}, {"volatility", 2.0}, {"horizon_sec", 1.0}};
  parameters.merge(all);
  return StrategyProbe("avellaneda_stoikov", parameters);
}

TEST(AvellanedaStoikov, RefusesATimeThatIsNone) {
  const StrategyInfo* info = FindStrategy("avellaneda_stoikov").ValueOrDie();
  const auto config = [&](std::string_view json) { return StrategyConfig::Parse(json, info->parameters, info->name); };
  EXPECT_EQ(config(R"({"EMAAR": {"session_end": "25:00"}})").status().message(),
            "avellaneda_stoikov config: 'EMAAR': session_end is \"25:00\"; expected a time of the day (HH:MM or "
            "HH:MM:SS) or null.");
  ExpectOptionError(config("{}").ValueOrDie().With({{"session_end", "noon"}}).status(),
                    "avellaneda_stoikov config: parameters: session_end is \"noon\"; expected a time of the day");
  EXPECT_TRUE(config(R"({"DEFAULT": {"session_end": "14:45:30"}})").ok());
  EXPECT_TRUE(config(R"({"DEFAULT": {"session_end": null}})").ok());
}

TEST(AvellanedaStoikov, QuotesOnlyWhereBothSidesAreShown) {
  auto probe = Probe();
  EXPECT_EQ(probe.Trade(0, 100, 5), "");
  EXPECT_EQ(probe.Bid(0, 99.99, 80), "");
}

TEST(AvellanedaStoikov, QuotesAroundTheMidWithoutAPosition) {
  auto probe = Probe();
  probe.Bid(0, 99.99, 80);
  // 100 -+ 0.845385, rounded outwards.
  EXPECT_EQ(probe.Ask(0, 100.01, 80), "#1: buy 1 @ 99.15 post-only, #2: sell 1 @ 100.85 post-only");
  EXPECT_EQ(probe.Trade(1, 100, 5), "");
  EXPECT_EQ(probe.Bid(2, 99.991, 80), "");  // The mid moved by less than the rounding.
  EXPECT_EQ(probe.Bid(3, 100, 80), "#3 for #2: sell 1 @ 100.86 post-only");
}

TEST(AvellanedaStoikov, LeansAgainstThePosition) {
  auto probe = Probe();
  probe.Bid(0, 99.99, 80);
  probe.ledger.Apply(Side::kBuy, 100, 2, 0);
  // The reservation price is 100 - 2 x 0.1 x 4 = 99.2.
  EXPECT_EQ(probe.Ask(0, 100.01, 80), "#1: buy 1 @ 98.35 post-only, #2: sell 1 @ 100.05 post-only");
  auto in_hundreds = Probe({{"inventory_unit", 100.0}});
  in_hundreds.Bid(0, 99.99, 80);
  in_hundreds.ledger.Apply(Side::kBuy, 100, 200, 0);
  EXPECT_EQ(in_hundreds.Ask(0, 100.01, 80), "#1: buy 1 @ 98.35 post-only, #2: sell 1 @ 100.05 post-only");
}

TEST(AvellanedaStoikov, NeverMeetsTheOtherSide) {
  auto probe = Probe();
  probe.Bid(0, 99.99, 80);
  probe.ledger.Apply(Side::kSell, 100, 100, 0);  // The reservation price is 140.
  EXPECT_EQ(probe.Ask(0, 100.01, 80), "#1: buy 1 @ 100 post-only, #2: sell 1 @ 140.85 post-only");
  auto longer = Probe();
  longer.Bid(0, 99.99, 80);
  longer.ledger.Apply(Side::kBuy, 100, 100, 0);
  EXPECT_EQ(longer.Ask(0, 100.01, 80), "#1: buy 1 @ 59.15 post-only, #2: sell 1 @ 100 post-only");
}

TEST(AvellanedaStoikov, QuotesNoPriceThatIsNotPositive) {
  auto probe = Probe();
  probe.Bid(0, 99.99, 80);
  probe.ledger.Apply(Side::kBuy, 100, 300, 0);  // The reservation price is -20.
  EXPECT_EQ(probe.Ask(0, 100.01, 80), "#1: sell 1 @ 100 post-only");
}

TEST(AvellanedaStoikov, QuotesNoMoreThanItsLimitLeaves) {
  auto probe = Probe({{"max_position", 1.5}});
  probe.Bid(0, 99.99, 80);
  probe.ledger.Apply(Side::kBuy, 100, 1, 0);
  EXPECT_EQ(probe.Ask(0, 100.01, 80), "#1: buy 0.5 @ 98.75 post-only, #2: sell 1 @ 100.45 post-only");
  probe.Fill(1, 0.5);  // The reservation price is 99.4 now: its ask goes to 100.245385.
  EXPECT_EQ(probe.Trade(1, 98.75, 5), "#3 for #2: sell 1 @ 100.25 post-only");
}

TEST(AvellanedaStoikov, TheRiskCountsUntilTheSessionEnds) {
  auto probe = Probe({{"session_end", "10:00"}});
  probe.Bid(35'990, 99.99, 80);
  // 10 seconds are left: the spread is 4 + 1.290770.
  EXPECT_EQ(probe.Ask(35'990, 100.01, 80), "#1: buy 1 @ 97.35 post-only, #2: sell 1 @ 102.65 post-only");
  EXPECT_EQ(probe.Trade(36'000, 100, 80), "#1: cancel, #2: cancel");
  EXPECT_EQ(probe.Trade(36'001, 100, 80), "");
  EXPECT_EQ(probe.Trade(86'400 + 35'999, 100, 80), "#3: buy 1 @ 99.15 post-only, #4: sell 1 @ 100.85 post-only");
}

TEST(AvellanedaStoikov, MeasuresTheVolatilityOverAWindow) {
  auto probe = Probe({{"volatility", {}}, {"volatility_window_sec", 100.0}});
  EXPECT_EQ(FeatureNames(probe.strategy().features()).ValueOrDie(),
            (std::vector<std::string>{"log_return", "realized_var"}));
  probe.features = {0, 0.04};  // Of 100: 0.04 x 100^2 / 100 s = 2^2.
  EXPECT_EQ(probe.Bid(0, 99.99, 80), "");
  EXPECT_EQ(probe.Ask(1, 100.01, 80), "");  // The first decision: a window has to pass.
  EXPECT_EQ(probe.Trade(100.999, 100, 80), "");
  EXPECT_EQ(probe.Trade(101, 100, 80), "#1: buy 1 @ 99.15 post-only, #2: sell 1 @ 100.85 post-only");
  probe.features[1] = std::nan("");
  EXPECT_EQ(probe.Trade(102, 100, 80), "#1: cancel, #2: cancel");
  EXPECT_TRUE(Probe().strategy().features().empty());
}

TEST(AvellanedaStoikov, WithoutMovesTheSpreadIsTheOneOfFillsAlone) {
  auto probe = Probe({{"volatility", 0.0}});
  probe.Bid(0, 99.99, 80);
  EXPECT_EQ(probe.Ask(0, 100.01, 80), "#1: buy 1 @ 99.35 post-only, #2: sell 1 @ 100.65 post-only");
}

}  // namespace
}  // namespace sabot::backtest
