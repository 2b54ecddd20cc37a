#include "sabot/backtest/strategy_library.h"

#include <gtest/gtest.h>

#include "sabot/backtest/simulation.h"
#include "sabot/env/digest.h"
#include "tests/backtest/expect_error.h"
#include "tests/backtest/scripted.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::backtest {
namespace {

TEST(StrategyLibrary, RefusesWhatIsNoLibrary) {
  const auto missing = LoadStrategies("nowhere.so").status();
  EXPECT_TRUE(missing.IsIOError());
  EXPECT_NE(missing.message().find("load_strategies: nowhere.so: no such file."), std::string::npos) << missing;
  const auto text = LoadStrategies(SABOT_NO_LIBRARY).status();
  EXPECT_TRUE(text.IsIOError());
  EXPECT_NE(text.message().find("Build it by `sabot build-strategy`."), std::string::npos) << text;
}

TEST(StrategyLibrary, RefusesALibraryOfOtherThings) {
  ExpectOptionError(LoadStrategies(SABOT_OTHER_LIBRARY).status(),
                    "load_strategies: ", "it holds no strategies: it has no line SABOT_STRATEGIES(Strategy, ...).");
}

TEST(StrategyLibrary, AddsItsStrategiesOnce) {
  EXPECT_FALSE(FindStrategy("buy_once").ok());
  const auto loaded = LoadStrategies(SABOT_OWN_STRATEGY);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->size(), 1U);
  EXPECT_EQ(loaded->front(), FindStrategy("buy_once").ValueOrDie());
  const auto count = Strategies().size();
  EXPECT_EQ(LoadStrategies(SABOT_OWN_STRATEGY).ValueOrDie(), *loaded);
  EXPECT_EQ(Strategies().size(), count);
}

TEST(StrategyLibrary, ItsStrategiesNameTheirCode) {
  const StrategyInfo* info = LoadStrategies(SABOT_OWN_STRATEGY).ValueOrDie().front();
  EXPECT_EQ(info->code, env::DigestOf(connectors::BytesOf(SABOT_OWN_STRATEGY)).ValueOrDie());
  EXPECT_EQ(FindStrategy("v1_baseline").ValueOrDie()->code, "");
}

TEST(StrategyLibrary, ItsStrategiesTrade) {
  const StrategyInfo* info = LoadStrategies(SABOT_OWN_STRATEGY).ValueOrDie().front();
  const auto parse = [&](std::string_view json) { return StrategyConfig::Parse(json, info->parameters, info->name); };
  ExpectOptionError(parse(R"({"EMAAR": {"quote_sise": 1}})").status(), "buy_once config: 'EMAAR': unknown key");
  const auto config = parse(R"({"EMAAR": {"quote_size": 7}})").ValueOrDie().For("EMAAR").ValueOrDie();
  auto simulation = Simulation::Make({.venue = config.venue}, info->make(config.settings).ValueOrDie()).ValueOrDie();
  const auto ticks = Batch({Bid(0, 100, 0), Trade(1, 100, 3), Trade(2, 100, 9)});
  ASSERT_TRUE(simulation->Push(Ticks::From(ticks).ValueOrDie()).ok());
  EXPECT_EQ(simulation->Finish().ValueOrDie().final_position, 7);
}

}  // namespace
}  // namespace sabot::backtest
