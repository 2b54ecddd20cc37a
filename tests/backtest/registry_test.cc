#include "sabot/backtest/registry.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/backtest/expect_error.h"

namespace sabot::backtest {
namespace {

TEST(StrategyRegistry, RefusesUnknownNames) {
  ExpectOptionError(FindStrategy("v1_baselin").status(), "strategy 'v1_baselin' is unknown.", "'v1_baseline'");
  ExpectOptionError(FindStrategy("").status(), "strategy '' is unknown.");
}

StrategyInfo Info(const std::string& name) {
  StrategyInfo info = *FindStrategy("v1_baseline").ValueOrDie();
  info.name = name;
  return info;
}

TEST(StrategyRegistry, RefusesNamesThatAreTakenOrNone) {
  const auto before = Strategies().size();
  ExpectOptionError(AddStrategies({Info("v1_baseline")}), "there is a strategy called 'v1_baseline' already.");
  ExpectOptionError(AddStrategies({Info("fresh"), Info("v1_baseline")}), "'v1_baseline' already.");
  ExpectOptionError(AddStrategies({Info("fresh"), Info("fresh")}), "'fresh' already.");
  ExpectOptionError(AddStrategies({Info("my strategy")}), "called 'my strategy'. A name begins with a letter");
  ExpectOptionError(AddStrategies({Info("")}), "called ''. A name begins");
  EXPECT_EQ(Strategies().size(), before);
}

TEST(StrategyRegistry, RefusesParametersThatCannotBe) {
  const auto add = [](Parameter parameter) {
    auto info = Info("fresh");
    info.parameters.push_back(std::move(parameter));
    return AddStrategies({info});
  };
  ExpectOptionError(add({.name = "quote_size", .standard = 1.0}), "'fresh' has a parameter 'quote_size' twice.");
  ExpectOptionError(add({.name = "a b", .standard = 1.0}), "a parameter 'a b'. A name begins");
  ExpectOptionError(add({.name = "skew"}), "'skew' whose default is not what it allows: a number.");
  ExpectOptionError(add({.name = "skew", .standard = -1.0, .least = 0}), "a number of at least 0.");
  ExpectOptionError(add({.name = "skew", .standard = true}), "not what it allows: a number.");
  auto info = Info("fresh");
  info.make = nullptr;
  ExpectOptionError(AddStrategies({info}), "set StrategyInfo::make");
}

TEST(StrategyRegistry, AddsWhatALibraryBrings) {
  const auto before = Strategies();
  ASSERT_TRUE(AddStrategies({Info("own_one"), Info("own_two")}).ok());
  const auto after = Strategies();
  ASSERT_EQ(after.size(), before.size() + 2);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));  // Pointers hold.
  EXPECT_EQ(FindStrategy("own_two").ValueOrDie(), after.back());
  ExpectOptionError(AddStrategies({Info("own_one")}), "'own_one' already.");
}

// Whatever a table says of a key, its default is among what it allows, and its name stands once.
TEST(StrategyRegistry, ParametersAreSound) {
  const auto expect_sound = [](std::span<const Parameter> parameters) {
    std::set<std::string> names;
    for (const Parameter& parameter : parameters) {
      EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name;
      EXPECT_TRUE(parameter.doc.ends_with(".")) << parameter.name;
    }
  };
  expect_sound(VenueParameters());
  for (const StrategyInfo* info : Strategies()) {
    expect_sound(info->parameters);
    const auto config = StrategyConfig::Parse("{}", info->parameters, info->name).ValueOrDie();
    const std::vector<std::string> any{"ANY"};
    EXPECT_TRUE(StrategyConfig::Parse(config.ToJson(any), info->parameters, info->name).ok()) << info->name;
    EXPECT_TRUE(info->make(config.For("ANY").ValueOrDie().settings).ok()) << info->name;
    EXPECT_FALSE(info->summary.empty());
  }
}

}  // namespace
}  // namespace sabot::backtest
