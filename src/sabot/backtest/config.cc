#include "sabot/backtest/config.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "sabot/backtest/market_json_internal.h"
#include "sabot/backtest/registry.h"
#include "sabot/data/errors.h"
#include "sabot/graph/json_text.h"

namespace sabot::backtest {
namespace {

using graph::Json;
using Value = Settings::Value;

constexpr std::string_view kDefault = "default";
constexpr std::string_view kMarkets = "markets";

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return lower;
}

std::string Shown(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return NumberText(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return graph::Dump(Json(text->substr(0, 60)));
  return "null";
}

Json ToJson(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    const bool whole = *number == std::trunc(*number) && std::abs(*number) < 0x1p53;
    return whole ? Json(static_cast<int64_t>(*number)) : Json(*number);
  }
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return nullptr;
}

const Parameter* FindVenueParameter(std::string_view name) {
  for (const Parameter& parameter : VenueParameters()) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

arrow::Result<VenueOptions> MakeVenue(const std::function<const Value&(std::string_view)>& value) {
  const auto number = [&](std::string_view name) { return std::get<double>(value(name)); };
  const auto maybe = [&](std::string_view name) {
    const auto* found = std::get_if<double>(&value(name));
    return found == nullptr ? 0.0 : *found;
  };
  const auto text = [&](std::string_view name) { return std::get<std::string>(value(name)); };

  VenueOptions venue;
  ARROW_ASSIGN_OR_RAISE(venue.queue, MakeQueueModel(text("queue")));
  if (const double latency = number("order_latency_ms"); latency > 0) {
    venue.latency = ConstantLatency(static_cast<int64_t>(std::round(latency * 1e6)));
  }
  if (number("maker_fee_bps") != 0 || number("taker_fee_bps") != 0) {
    venue.fees = BasisPointFees(number("maker_fee_bps"), number("taker_fee_bps"));
  }
  venue.through_fill = text("through_fill") == "capped" ? ThroughFill::kCapped : ThroughFill::kWhole;
  venue.quote_cross = std::get<bool>(value("quote_cross"));
  venue.contract = {text("contract") == "inverse" ? ContractType::kInverse : ContractType::kLinear,
                    number("contract_size")};
  venue.tick_size = maybe("tick_size");
  venue.lot_size = maybe("lot_size");
  venue.self_trade = text("self_trade") == "cancel_oldest" ? SelfTrade::kCancelOldest
                     : text("self_trade") == "decrement"   ? SelfTrade::kDecrement
                                                           : SelfTrade::kCancelNewest;
  venue.limits = {maybe("max_position"), maybe("max_notional")};
  return venue;
}

}  // namespace

// Fills a configuration from its text.
class ConfigReader {
 public:
  explicit ConfigReader(StrategyConfig& config) : config_(config) {}

  arrow::Status Read(const Json& json) {
    if (!json.is_object()) return Wrong("", "expected an object with one object a security, and DEFAULT for the rest.");
    for (const auto& [name, value] : json.items()) ARROW_RETURN_NOT_OK(CheckName(name, value));
    for (const auto& [name, value] : json.items()) {  // Presets first, wherever they stand.
      if (Lower(name) == kMarkets) ARROW_RETURN_NOT_OK(ReadMarkets(value));
    }
    for (const auto& [name, value] : json.items()) {
      if (Lower(name) == kMarkets) continue;
      ARROW_RETURN_NOT_OK(ReadKeys(name, value));
      if (Lower(name) != kDefault) config_.securities_.push_back(name);
    }
    return arrow::Status::OK();
  }

 private:
  arrow::Status Wrong(const std::string& where, const std::string& message) const {
    return data::OptionError(config_.what_ + where + message);
  }

  arrow::Status CheckName(const std::string& name, const Json& value) {
    if (const auto [other, is_new] = names_.emplace(Lower(name), name); !is_new) {
      return Wrong("", "'" + other->second + "' and '" + name +
                           "' are the same security: names compare without regard to case. Remove one of them.");
    }
    if (value.is_object()) return arrow::Status::OK();
    std::string hint;
    if (config_.FindParameter(name) != nullptr) {
      hint = " A key stands in a security's object, or in DEFAULT for all: {\"DEFAULT\": {\"" + name + "\": ...}}.";
    }
    return Wrong("", "'" + name + "': expected an object, found " + Found(value) + "." + hint);
  }

  static std::string Found(const Json& value) {
    return value.is_array() ? "an array" : value.is_object() ? "an object" : Shown(ToValue(value));
  }

  arrow::Status ReadMarkets(const Json& json) {
    for (const auto& [name, value] : json.items()) {
      const std::string where = config_.what_ + "MARKETS: '" + name + "': ";
      if (FindMarket(name).ok())
        return data::OptionError(where + "the name of a built-in market. Choose another name.");
      if (!value.is_object()) return data::OptionError(where + "expected an object, found " + Found(value) + ".");
      ARROW_ASSIGN_OR_RAISE(auto market, MarketFromJson(value, name, where));
      config_.markets_.emplace(name, std::move(market));
    }
    return arrow::Status::OK();
  }

  arrow::Status ReadKeys(const std::string& name, const Json& json) {
    const std::string where = "'" + name + "': ";
    auto& keys = config_.keys_[Lower(name)];
    for (const auto& [key, value] : json.items()) {
      if (key == "market" && value.is_object()) {
        ARROW_ASSIGN_OR_RAISE(keys.market, MarketFromJson(value, "own", config_.what_ + where + "market: "));
        keys.values[key] = keys.market->name;
      } else if (value.is_structured()) {
        const Parameter* parameter = config_.FindParameter(key);
        if (parameter == nullptr) return config_.Set(where, key, {}, keys);
        return Wrong(where, key + " is " + Found(value) + "; expected " + parameter->Allowed() + ".");
      } else {
        ARROW_RETURN_NOT_OK(config_.Set(where, key, ToValue(value), keys));
      }
    }
    return arrow::Status::OK();
  }

  static Value ToValue(const Json& json) {
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number()) return json.get<double>();
    if (json.is_string()) return json.get<std::string>();
    return {};
  }

  StrategyConfig& config_;
  std::map<std::string, std::string> names_;
};

arrow::Result<StrategyConfig> StrategyConfig::Parse(std::string_view json, std::span<const Parameter> strategy,
                                                    std::string_view name) {
  StrategyConfig config;
  const std::string what = name.empty() ? "config" : std::string(name) + " config";
  config.what_ = what + ": ";
  config.strategy_.assign(strategy.begin(), strategy.end());
  for (const Parameter& parameter : strategy) {
    const Parameter* venue = FindVenueParameter(parameter.name);
    if (venue == nullptr || (venue->name != "market" && venue->Allows(parameter.standard))) continue;
    return data::OptionError(config.what_ + "the strategy has a parameter '" + parameter.name +
                             "', which is a key of the venue as well: " + venue->Allowed() +
                             ". Choose another name, or a default that is allowed there.");
  }
  for (const Parameter& parameter : VenueParameters()) {
    const auto same = [&](const Parameter& other) { return other.name == parameter.name; };
    if (std::none_of(strategy.begin(), strategy.end(), same)) config.venue_.push_back(parameter);
  }
  ARROW_ASSIGN_OR_RAISE(const Json parsed, graph::ParseJson(json, what));
  ARROW_RETURN_NOT_OK(ConfigReader(config).Read(parsed));
  return config;
}

arrow::Result<StrategyConfig> StrategyConfig::With(const Settings::Values& parameters) const {
  StrategyConfig config = *this;
  for (const auto& [key, value] : parameters) {
    ARROW_RETURN_NOT_OK(config.Set("parameters: ", key, value, config.swept_));
  }
  return config;
}

const Parameter* StrategyConfig::FindParameter(std::string_view key) const {
  for (const auto* parameters : {&strategy_, &venue_}) {
    for (const Parameter& parameter : *parameters) {
      if (parameter.name == key) return &parameter;
    }
  }
  return nullptr;
}

arrow::Status StrategyConfig::Set(const std::string& where, std::string_view key, Value value, Keys& keys) const {
  const Parameter* parameter = FindParameter(key);
  if (parameter == nullptr) {
    std::vector<std::string> known;
    for (const auto* parameters : {&strategy_, &venue_}) {
      for (const Parameter& each : *parameters) known.push_back(each.name);
    }
    return data::OptionError(what_ + where + "unknown key '" + std::string(key) + "'." +
                             data::NearestNames(key, known));
  }
  for (const Parameter* each : {parameter, FindVenueParameter(key)}) {
    if (each == nullptr || each->Allows(value)) continue;
    return data::OptionError(what_ + where + std::string(key) + " is " + Shown(value) + "; expected " +
                             each->Allowed() + ".");
  }
  if (key == "market") {
    keys.market.reset();
    if (const auto* name = std::get_if<std::string>(&value)) {
      if (const auto own = markets_.find(*name); own != markets_.end()) {
        keys.market = own->second;
      } else {
        const auto found = FindMarket(*name);
        if (!found.ok()) return data::OptionError(what_ + where + found.status().message());
        keys.market = *found;
      }
    }
  }
  keys.values[std::string(key)] = std::move(value);
  return arrow::Status::OK();
}

std::vector<const StrategyConfig::Keys*> StrategyConfig::KeysOf(std::string_view security) const {
  std::vector<const Keys*> layers{&swept_};
  for (const std::string& name : {Lower(security), std::string(kDefault)}) {
    if (const auto found = keys_.find(name); found != keys_.end()) layers.push_back(&found->second);
  }
  return layers;
}

const Value& StrategyConfig::ValueOf(const Parameter& parameter, std::span<const Keys* const> layers) const {
  for (const Keys* keys : layers) {
    if (const auto found = keys->values.find(parameter.name); found != keys->values.end()) return found->second;
  }
  return parameter.standard;
}

std::optional<Market> StrategyConfig::MarketOf(std::span<const Keys* const> layers) const {
  for (const Keys* keys : layers) {
    if (keys->values.contains("market")) return keys->market;
  }
  return std::nullopt;
}

arrow::Result<SecurityConfig> StrategyConfig::For(std::string_view security) const {
  const auto layers = KeysOf(security);
  SecurityConfig config;
  Settings::Values values;
  for (const Parameter& parameter : strategy_) values[parameter.name] = ValueOf(parameter, layers);
  config.settings = Settings(std::move(values));
  ARROW_ASSIGN_OR_RAISE(config.venue, MakeVenue([&](std::string_view name) -> const Value& {
                          return ValueOf(*FindParameter(name), layers);
                        }));
  const Value& interval = ValueOf(*FindParameter("equity_interval_sec"), layers);
  if (const auto* seconds = std::get_if<double>(&interval)) config.equity_interval_ns = std::llround(*seconds * 1e9);
  if (auto market = MarketOf(layers)) {
    config.venue.market = *std::move(market);
    config.market_given = true;
  }
  return config;
}

std::string StrategyConfig::ToJson(std::span<const std::string> securities) const {
  Json json = Json::object();
  for (const std::string& security : securities) {
    const auto layers = KeysOf(security);
    Json& keys = json[security] = Json::object();
    for (const auto* parameters : {&strategy_, &venue_}) {
      for (const Parameter& parameter : *parameters) {
        keys[parameter.name] =
            parameter.name == "market" ? MarketToJson(MarketOf(layers)) : backtest::ToJson(ValueOf(parameter, layers));
      }
    }
  }
  return graph::Dump(json, 2);
}

}  // namespace sabot::backtest
