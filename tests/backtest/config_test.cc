#include "sabot/backtest/config.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sabot/backtest/registry.h"
#include "tests/backtest/expect_error.h"

namespace sabot::backtest {
namespace {

constexpr int64_t kMinute = 60'000'000'000;

arrow::Result<StrategyConfig> Parse(std::string_view json) {
  const StrategyInfo* info = FindStrategy("v1_baseline").ValueOrDie();
  return StrategyConfig::Parse(json, info->parameters, info->name);
}

arrow::Status Wrong(std::string_view json) { return Parse(json).status(); }

// A configuration of EMAAR alone.
arrow::Status WrongKeys(const std::string& keys) { return Wrong(R"({"EMAAR": {)" + keys + "}}"); }

arrow::Status WrongMarket(const std::string& market) { return WrongKeys(R"("market": )" + market); }

SecurityConfig Config(std::string_view json, std::string_view security = "EMAAR") {
  return Parse(json).ValueOrDie().For(security).ValueOrDie();
}

TEST(StrategyConfig, RefusesWhatIsNoJson) {
  ExpectOptionError(Wrong(""), "v1_baseline config: ", "empty");
  ExpectOptionError(Wrong("{\n  \"EMAAR\": oops\n}"), "v1_baseline config: line 2, column 1", "no JSON");
  ExpectOptionError(Wrong(R"({"EMAAR": {}} {})"), "no JSON");
  ExpectOptionError(WrongKeys(R"("quote_size": NaN)"), "no JSON");
  ExpectOptionError(WrongKeys(R"("quote_size": Infinity)"), "no JSON");
  ExpectOptionError(WrongKeys(R"("quote_size": 1e999)"),
                    "the number 1e999 does not fit float64, whose largest is about 1.8e308. Write a smaller one.");
  ExpectOptionError(WrongKeys(R"("quote_size": 99999999999999999999)"),
                    "does not fit 64 bits. Write it with a decimal point: 99999999999999999999.0.");
  ExpectOptionError(WrongKeys(R"("quote_size": 1, "quote_size": 2)"), "$.EMAAR.quote_size", "twice");
  ExpectOptionError(Wrong(R"({"EMAAR": {}, "EMAAR": {}})"), "$.EMAAR", "twice");
  ExpectOptionError(StrategyConfig::Parse("", {}).status(), "config: the text is empty");
}

TEST(StrategyConfig, RefusesWhatIsNoObject) {
  ExpectOptionError(Wrong("[]"), "v1_baseline config: expected an object with one object a security");
  ExpectOptionError(Wrong("null"), "expected an object");
  ExpectOptionError(Wrong(R"({"EMAAR": 5})"), "'EMAAR': expected an object, found 5.");
  ExpectOptionError(Wrong(R"({"EMAAR": [{"quote_size": 5}]})"), "'EMAAR': expected an object, found an array.");
  ExpectOptionError(Wrong(R"({"DEFAULT": null})"), "'DEFAULT': expected an object, found null.");
  ExpectOptionError(Wrong(R"({"quote_size": 5})"), "'quote_size': expected an object, found 5.",
                    R"({"DEFAULT": {"quote_size": ...}})");
}

TEST(StrategyConfig, RefusesNamesThatAreEqualButForCase) {
  ExpectOptionError(Wrong(R"({"EMAAR": {}, "Emaar": {}})"), "'EMAAR' and 'Emaar' are the same security");
  ExpectOptionError(Wrong(R"({"DEFAULT": {}, "default": {}})"), "'DEFAULT' and 'default'");
}

TEST(StrategyConfig, RefusesUnknownKeys) {
  EXPECT_EQ(WrongKeys(R"("quote_sise": 5)").message(),
            "v1_baseline config: 'EMAAR': unknown key 'quote_sise'. Nearest names: 'quote_size'.");
  ExpectOptionError(WrongKeys(R"("Quote_Size": 5)"), "unknown key 'Quote_Size'", "'quote_size'");
  ExpectOptionError(WrongKeys(R"("maker_fee": {})"), "unknown key 'maker_fee'");
  ExpectOptionError(WrongKeys(R"("stop_loss_threshold_pct": 2)"), "unknown key 'stop_loss_threshold_pct'");
  ExpectOptionError(Wrong(R"({"DEFAULT": {"refill": 5}})"), "'DEFAULT': unknown key 'refill'.");
}

TEST(StrategyConfig, RefusesOtherTypes) {
  EXPECT_EQ(WrongKeys(R"("quote_size": "50000")").message(),
            R"(v1_baseline config: 'EMAAR': quote_size is "50000"; expected a number above 0.)");
  ExpectOptionError(WrongKeys(R"("quote_size": true)"), "quote_size is true; expected a number above 0.");
  ExpectOptionError(WrongKeys(R"("quote_size": null)"), "quote_size is null; expected a number above 0.");
  ExpectOptionError(WrongKeys(R"("quote_size": [5])"), "quote_size is an array; expected a number above 0.");
  ExpectOptionError(WrongKeys(R"("quote_size": {})"), "quote_size is an object; expected a number above 0.");
  ExpectOptionError(WrongKeys(R"("quote_cross": 1)"), "quote_cross is 1; expected true or false.");
  ExpectOptionError(WrongKeys(R"("quote_cross": "true")"), R"(quote_cross is "true"; expected true or false.)");
  ExpectOptionError(WrongKeys(R"("queue": 1)"), "queue is 1; expected 'fifo' or 'risk_averse'.");
  ExpectOptionError(WrongKeys(R"("max_notional": false)"), "max_notional is false; expected a number above 0 or null.");
}

TEST(StrategyConfig, RefusesValuesOutOfRange) {
  EXPECT_EQ(WrongKeys(R"("quote_size": -5)").message(),
            "v1_baseline config: 'EMAAR': quote_size is -5; expected a number above 0.");
  ExpectOptionError(WrongKeys(R"("quote_size": 0)"), "quote_size is 0; expected a number above 0.");
  ExpectOptionError(WrongKeys(R"("quote_size": -0.0)"), "quote_size is 0; expected a number above 0.");
  ExpectOptionError(WrongKeys(R"("quote_size_bid": -1)"), "expected a number of at least 0 or null.");
  ExpectOptionError(WrongKeys(R"("refill_interval_sec": -0.5)"),
                    "refill_interval_sec is -0.5; expected a number from 0 to 1000000000.");
  ExpectOptionError(WrongKeys(R"("refill_interval_sec": 1e10)"), "refill_interval_sec is 10000000000");
  ExpectOptionError(WrongKeys(R"("max_position": 0)"), "max_position is 0; expected a number above 0 or null.");
  ExpectOptionError(WrongKeys(R"("max_notional": -1)"), "max_notional is -1");
  ExpectOptionError(WrongKeys(R"("min_local_currency_before_quote": -1)"), "expected a number of at least 0.");
  ExpectOptionError(WrongKeys(R"("order_latency_ms": -1)"), "order_latency_ms is -1");
  ExpectOptionError(WrongKeys(R"("maker_fee_bps": -10001)"), "maker_fee_bps is -10001; expected", "from -10000 to");
  ExpectOptionError(WrongKeys(R"("contract_size": 0)"), "contract_size is 0; expected a number above 0.");
  ExpectOptionError(WrongKeys(R"("tick_size": 0)"), "tick_size is 0; expected a number above 0 or null.");
  ExpectOptionError(WrongKeys(R"("queue": "FIFO")"), R"(queue is "FIFO"; expected 'fifo' or 'risk_averse'.)");
  ExpectOptionError(WrongKeys(R"("self_trade": "none")"), "expected 'cancel_newest', 'cancel_oldest' or 'decrement'.");
}

TEST(StrategyConfig, RefusesMarketsThatCannotBe) {
  ExpectOptionError(WrongMarket(R"("adxx")"), "v1_baseline config: 'EMAAR': market 'adxx' is unknown", "'adx'");
  ExpectOptionError(WrongMarket("5"), "market is 5; expected text or null.");
  ExpectOptionError(WrongMarket(R"(["10:05", "14:45"])"), "market is an array");
  ExpectOptionError(WrongMarket("{}"), "'EMAAR': market: 'continuous' is missing", R"(["10:05", "14:45"])");
  ExpectOptionError(WrongMarket(R"({"continuous": ["10:05", "14:45"], "flaten": "14:55"})"),
                    "market: unknown key 'flaten'", "'flatten'");
  ExpectOptionError(WrongMarket(R"({"continuous": "10:05"})"), "market: continuous: expected [");
  ExpectOptionError(WrongMarket(R"({"continuous": []})"), "market: continuous: expected [");
  ExpectOptionError(WrongMarket(R"({"continuous": [["10:05"]]})"), "market: continuous: expected [");
  ExpectOptionError(WrongMarket(R"({"continuous": [1005, 1445]})"), "market: continuous: expected a time of the day");
  ExpectOptionError(WrongMarket(R"({"continuous": ["10:05", "25:00"]})"), "market: continuous:", "'25:00'");
  ExpectOptionError(WrongMarket(R"({"continuous": ["14:45", "10:05"]})"), "'EMAAR': market:", "end after they begin");
  ExpectOptionError(WrongMarket(R"({"continuous": ["10:05", "14:45"], "flatten": 5})"), "market: flatten: expected");
  ExpectOptionError(Wrong(R"({"MARKETS": []})"), "'MARKETS': expected an object, found an array.");
  ExpectOptionError(Wrong(R"({"MARKETS": {"gulf": "adx"}})"), R"(MARKETS: 'gulf': expected an object, found "adx".)");
  ExpectOptionError(Wrong(R"({"MARKETS": {"gulf": {}}})"), "MARKETS: 'gulf': 'continuous' is missing");
  ExpectOptionError(Wrong(R"({"MARKETS": {"adx": {"continuous": ["10:05", "14:45"]}}})"),
                    "MARKETS: 'adx': the name of a built-in market.");
}

TEST(StrategyConfig, RefusesParametersOfAStrategyThatContradictTheVenue) {
  const auto parse = [](Parameter parameter, std::string_view json) {
    const std::vector<Parameter> parameters{std::move(parameter)};
    return StrategyConfig::Parse(json, parameters, "mine").status();
  };
  ExpectOptionError(parse({.name = "market", .kind = Parameter::Kind::kText, .standard = "adx"}, "{}"),
                    "mine config: the strategy has a parameter 'market', which is a key of the venue as well");
  ExpectOptionError(parse({.name = "queue", .standard = 1.0}, "{}"), "'queue'", "'fifo' or 'risk_averse'");
  ExpectOptionError(parse({.name = "max_position", .standard = 0.0}, "{}"), "a number above 0 or null");
  const Parameter text{.name = "tick_size", .kind = Parameter::Kind::kText, .nullable = true};
  EXPECT_TRUE(parse(text, "{}").ok());
  ExpectOptionError(parse(text, R"({"EMAAR": {"tick_size": "fine"}})"),
                    R"('EMAAR': tick_size is "fine"; expected a number above 0 or null.)");
}

TEST(StrategyConfig, RefusesParametersOfASweep) {
  const auto config = Parse("{}").ValueOrDie();
  const auto with = [&](const std::string& key, Settings::Value value) {
    return config.With({{key, std::move(value)}}).status();
  };
  ExpectOptionError(with("quote_sise", 5.0), "v1_baseline config: parameters: unknown key 'quote_sise'",
                    "'quote_size'");
  ExpectOptionError(with("quote_size", std::nan("")), "quote_size is NaN; expected a number above 0.");
  ExpectOptionError(with("quote_size", INFINITY), "quote_size is infinity; expected a number above 0.");
  ExpectOptionError(with("quote_size", true), "quote_size is true");
  ExpectOptionError(with("quote_size", "5"), R"(quote_size is "5")");
  ExpectOptionError(with("market", "gulf"), "parameters: market 'gulf' is unknown");
}

TEST(StrategyConfig, HasTheDefaultsOfTheStrategyAndTheVenue) {
  const auto config = Config("{}");
  EXPECT_EQ(config.settings.number("quote_size"), 50'000);
  EXPECT_EQ(config.settings.maybe("quote_size_bid"), std::nullopt);
  EXPECT_TRUE(config.settings.is_null("quote_size_ask"));
  EXPECT_EQ(config.settings.number("refill_interval_sec"), 180);
  EXPECT_EQ(config.settings.number("max_position"), 2'000'000);
  EXPECT_EQ(config.settings.maybe("max_notional"), std::nullopt);
  EXPECT_EQ(config.settings.number("min_local_currency_before_quote"), 25'000);
  EXPECT_EQ(config.settings.values().size(), 8U);

  EXPECT_FALSE(config.market_given);
  EXPECT_EQ(config.venue.market.name, "continuous");
  EXPECT_EQ(config.venue.queue->Ahead(60, 0, 100, 55), 55);  // risk_averse.
  EXPECT_EQ(config.venue.latency, nullptr);
  EXPECT_EQ(config.venue.fees, nullptr);
  EXPECT_EQ(config.venue.through_fill, ThroughFill::kWhole);
  EXPECT_FALSE(config.venue.quote_cross);
  EXPECT_EQ(config.venue.contract.type, ContractType::kLinear);
  EXPECT_EQ(config.venue.contract.size, 1);
  EXPECT_EQ(config.venue.tick_size, 0);
  EXPECT_EQ(config.venue.lot_size, 0);
  EXPECT_EQ(config.venue.self_trade, SelfTrade::kCancelNewest);
  EXPECT_EQ(config.venue.limits.max_position, 2'000'000);
  EXPECT_EQ(config.venue.limits.max_notional, 0);
}

TEST(StrategyConfig, ASecurityWinsOverDefaultKeyByKey) {
  const std::string_view json = R"({
    "DEFAULT": {"quote_size": 100, "max_notional": 5000, "taker_fee_bps": 2},
    "Emaar": {"quote_size": 200, "max_notional": null}})";
  for (const std::string_view security : {"EMAAR", "emaar", "Emaar"}) {
    const auto named = Config(json, security);
    EXPECT_EQ(named.settings.number("quote_size"), 200);
    EXPECT_EQ(named.settings.maybe("max_notional"), std::nullopt);
    EXPECT_EQ(named.venue.limits.max_notional, 0);
    EXPECT_EQ(named.settings.number("refill_interval_sec"), 180);
    EXPECT_EQ(named.venue.fees->Fee(10'000, /*maker=*/false), 2);
  }
  const auto other = Config(json, "ADNOCGAS");
  EXPECT_EQ(other.settings.number("quote_size"), 100);
  EXPECT_EQ(other.settings.maybe("max_notional"), 5'000);
  EXPECT_EQ(other.venue.limits.max_notional, 5'000);
  EXPECT_EQ(Config(R"({"default": {"quote_size": 7}})").settings.number("quote_size"), 7);
}

TEST(StrategyConfig, NamesItsSecuritiesAsTheyAreWritten) {
  const auto config = Parse(R"({"Emaar": {}, "DEFAULT": {}, "MARKETS": {}, "ADNOCGAS": {}})").ValueOrDie();
  EXPECT_EQ(config.securities(), (std::vector<std::string>{"Emaar", "ADNOCGAS"}));
}

TEST(StrategyConfig, SetsTheIntervalOfTheEquity) {
  EXPECT_EQ(Config("{}").equity_interval_ns, std::nullopt);
  EXPECT_EQ(Config(R"({"EMAAR": {"equity_interval_sec": 0.25}})").equity_interval_ns, 250'000'000);
  ExpectOptionError(WrongKeys(R"("equity_interval_sec": 0)"), "equity_interval_sec is 0; expected a number from 0.001");
}

TEST(StrategyConfig, SetsTheVenue) {
  const auto venue = Config(R"({"EMAAR": {"market": "adx", "queue": "fifo", "through_fill": "capped",
      "quote_cross": true, "order_latency_ms": 0.0025, "maker_fee_bps": -0.5, "contract": "inverse",
      "contract_size": 100, "tick_size": 0.01, "lot_size": 5, "self_trade": "decrement", "max_position": null}})")
                         .venue;
  EXPECT_EQ(venue.market.name, "adx");
  EXPECT_EQ(venue.queue->Ahead(60, 0, 100, 55), 60);
  EXPECT_EQ(venue.through_fill, ThroughFill::kCapped);
  EXPECT_TRUE(venue.quote_cross);
  EXPECT_EQ(venue.latency->Entry(0), 2'500);
  EXPECT_EQ(venue.fees->Fee(20'000, /*maker=*/true), -1);
  EXPECT_EQ(venue.contract.type, ContractType::kInverse);
  EXPECT_EQ(venue.contract.size, 100);
  EXPECT_EQ(venue.tick_size, 0.01);
  EXPECT_EQ(venue.lot_size, 5);
  EXPECT_EQ(venue.self_trade, SelfTrade::kDecrement);
  EXPECT_EQ(venue.limits.max_position, 0);  // No limit.
}

TEST(StrategyConfig, HasOwnMarkets) {
  const auto config = Parse(R"({
    "EMAAR": {"market": "gulf"}, "ADNOCGAS": {"market": {"continuous": [["10:00", "12:00"], ["13:00:30", "15:00"]]}},
    "ALDAR": {"market": "continuous"}, "DIB": {"market": null}, "DEFAULT": {"market": "adx"},
    "MARKETS": {"gulf": {"continuous": ["10:05", "14:45"], "flatten": "14:55"}}})")
                          .ValueOrDie();
  const auto market = [&](std::string_view security) { return config.For(security).ValueOrDie().venue.market; };
  EXPECT_EQ(market("EMAAR").name, "gulf");
  EXPECT_EQ(market("EMAAR").continuous.size(), 1U);
  EXPECT_EQ(market("EMAAR").continuous[0].begin, (10 * 60 + 5) * kMinute);
  EXPECT_EQ(market("EMAAR").flatten, (14 * 60 + 55) * kMinute);
  EXPECT_EQ(market("ADNOCGAS").continuous.size(), 2U);
  EXPECT_EQ(market("ADNOCGAS").continuous[1].begin, 13 * 60 * kMinute + kMinute / 2);
  EXPECT_EQ(market("ADNOCGAS").flatten, std::nullopt);
  EXPECT_EQ(market("ALDAR").name, "continuous");
  EXPECT_TRUE(config.For("ALDAR").ValueOrDie().market_given);
  EXPECT_EQ(market("TAQA").name, "adx");
  EXPECT_FALSE(config.For("DIB").ValueOrDie().market_given);  // Null: as the ticks say, whatever DEFAULT names.
}

TEST(StrategyConfig, ParametersOfASweepWinOverAllSecurities) {
  const auto config = Parse(R"({"EMAAR": {"quote_size": 5, "max_notional": 10}, "DEFAULT": {"quote_size": 6},
                                "MARKETS": {"gulf": {"continuous": ["10:05", "14:45"]}}})")
                          .ValueOrDie();
  const auto swept =
      config.With({{"quote_size", 7.0}, {"max_notional", {}}, {"market", "gulf"}, {"queue", "fifo"}}).ValueOrDie();
  for (const std::string_view security : {"EMAAR", "ALDAR"}) {
    const auto found = swept.For(security).ValueOrDie();
    EXPECT_EQ(found.settings.number("quote_size"), 7);
    EXPECT_EQ(found.venue.limits.max_notional, 0);
    EXPECT_EQ(found.venue.market.name, "gulf");
  }
  EXPECT_EQ(config.For("EMAAR").ValueOrDie().settings.number("quote_size"), 5);
  EXPECT_EQ(swept.With({{"quote_size", 8.0}}).ValueOrDie().For("DIB").ValueOrDie().settings.number("quote_size"), 8);
}

TEST(StrategyConfig, WritesWhatGivesTheSame) {
  const auto config = Parse(R"({"DEFAULT": {"quote_size": 0.1, "market": "adx"}, "DIB": {"market": null},
      "EMAAR": {"order_latency_ms": 2.5, "market": {"continuous": ["10:05", "14:45:30"], "flatten": "14:55"}}})")
                          .ValueOrDie();
  const std::vector<std::string> securities{"EMAAR", "ALDAR", "DIB"};
  const std::string written = config.ToJson(securities);
  EXPECT_NE(written.find(R"("quote_size": 0.1)"), std::string::npos) << written;
  EXPECT_NE(written.find(R"("max_position": 2000000)"), std::string::npos) << written;
  const auto again = Parse(written).ValueOrDie();
  EXPECT_EQ(again.securities(), securities);
  EXPECT_EQ(again.ToJson(securities), written);
  for (const auto& security : securities) {
    const auto before = config.For(security).ValueOrDie(), after = again.For(security).ValueOrDie();
    EXPECT_EQ(before.settings.values(), after.settings.values());
    EXPECT_EQ(before.market_given, after.market_given);
    EXPECT_EQ(before.venue.market.flatten, after.venue.market.flatten);
    EXPECT_EQ(before.venue.market.continuous.size(), after.venue.market.continuous.size());
  }
  EXPECT_EQ(again.For("EMAAR").ValueOrDie().venue.market.continuous[0].end, (14 * 60 + 45) * kMinute + kMinute / 2);
}

}  // namespace
}  // namespace sabot::backtest
