// A strategy's JSON configuration: one object a security, DEFAULT for the rest; keys of the strategy and of the venue.
//
//   {"DEFAULT": {"quote_size": 50000, "market": "gulf"}, "EMAAR": {"quote_size": 20000, "queue": "fifo"},
//    "MARKETS": {"gulf": {"continuous": ["10:05", "14:45"], "flatten": "14:55"}}}
//
// A security's key wins over DEFAULT's, and that over the built-in default, key by key.
#pragma once

#include <arrow/result.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/backtest/settings.h"
#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

// What a security runs with.
struct SecurityConfig {
  Settings settings;   // Of the strategy.
  VenueOptions venue;
  std::optional<int64_t> equity_interval_ns;  // See SimulationOptions.
  bool market_given = false;  // Whether the configuration names a market; else the ticks' own is taken.
};

class StrategyConfig {
 public:
  // `strategy`: its parameters; where the venue has one of the same name, the strategy's default and both ranges hold.
  // `name`: of the strategy, for messages.
  // Errors (kOption): no JSON; no object; an unknown key, a value of another type or out of its range, each with the
  // security, the key, the value, what is allowed, and near names.
  static arrow::Result<StrategyConfig> Parse(std::string_view json, std::span<const Parameter> strategy,
                                             std::string_view name = {});

  // The same with these of all securities, over theirs. Errors (kOption): as of Parse.
  arrow::Result<StrategyConfig> With(const Settings::Values& parameters) const;

  // Names compare without regard to case; a security that is not named gets DEFAULT's values.
  arrow::Result<SecurityConfig> For(std::string_view security) const;
  const std::vector<std::string>& securities() const { return securities_; }  // As they are written, in their order.

  // Everything that these securities run with, defaults spelled out, as a configuration that gives the same.
  std::string ToJson(std::span<const std::string> securities) const;

 private:
  struct Keys {
    Settings::Values values;
    std::optional<Market> market;  // Where `market` is a key of the values and not null.
  };
  friend class ConfigReader;

  const Parameter* FindParameter(std::string_view key) const;
  arrow::Status Set(const std::string& where, std::string_view key, Settings::Value value, Keys& keys) const;
  std::vector<const Keys*> KeysOf(std::string_view security) const;  // Those that win first.
  const Settings::Value& ValueOf(const Parameter& parameter, std::span<const Keys* const> layers) const;
  std::optional<Market> MarketOf(std::span<const Keys* const> layers) const;

  std::string what_;  // How messages begin.
  std::vector<Parameter> strategy_;
  std::vector<Parameter> venue_;  // Without those that the strategy has.
  std::map<std::string, Market, std::less<>> markets_;  // Own presets.
  std::map<std::string, Keys, std::less<>> keys_;  // By the security's name in lower case; DEFAULT's under "default".
  Keys swept_;
  std::vector<std::string> securities_;
};

}  // namespace sabot::backtest
