#include <array>

#include "sabot/backtest/market_json_internal.h"
#include "sabot/data/errors.h"

namespace sabot::backtest {
namespace {

using graph::Json;

class MarketReader {
 public:
  MarketReader(std::string name, std::string where) : where_(std::move(where)) { market_.name = std::move(name); }

  arrow::Result<Market> Read(const Json& json) {
    bool has_intervals = false;
    for (const auto& [key, value] : json.items()) {
      if (key == "continuous") {
        has_intervals = true;
        ARROW_RETURN_NOT_OK(ReadIntervals(value));
      } else if (key == "flatten") {
        if (value.is_null()) continue;
        ARROW_ASSIGN_OR_RAISE(market_.flatten, Time(value, "flatten"));
      } else {
        const std::array<std::string, 2> known{"continuous", "flatten"};
        return data::OptionError(where_ + "unknown key '" + key + "'." + data::NearestNames(key, known));
      }
    }
    if (!has_intervals) {
      return data::OptionError(where_ +
                               "'continuous' is missing; expected [\"10:05\", \"14:45\"] or an array of such.");
    }
    if (const auto status = CheckMarket(market_); !status.ok()) return data::OptionError(where_ + status.message());
    return std::move(market_);
  }

 private:
  arrow::Result<int64_t> Time(const Json& json, const std::string& key) const {
    if (!json.is_string()) {
      return data::OptionError(where_ + key + ": expected a time of the day as text, such as \"10:05\".");
    }
    auto time = ParseTimeOfDay(json.get<std::string>());
    return time.ok() ? time : data::OptionError(where_ + key + ": " + time.status().message());
  }

  arrow::Status ReadInterval(const Json& json) {
    if (!json.is_array() || json.size() != 2) {
      return data::OptionError(where_ + "continuous: expected [\"10:05\", \"14:45\"] or an array of such.");
    }
    Interval interval;
    ARROW_ASSIGN_OR_RAISE(interval.begin, Time(json[0], "continuous"));
    ARROW_ASSIGN_OR_RAISE(interval.end, Time(json[1], "continuous"));
    market_.continuous.push_back(interval);
    return arrow::Status::OK();
  }

  arrow::Status ReadIntervals(const Json& json) {
    if (!json.is_array() || json.empty() || !json[0].is_array()) return ReadInterval(json);
    for (const Json& interval : json) ARROW_RETURN_NOT_OK(ReadInterval(interval));
    return arrow::Status::OK();
  }

  std::string where_;
  Market market_;
};

}  // namespace

arrow::Result<Market> MarketFromJson(const Json& json, std::string name, std::string where) {
  return MarketReader(std::move(name), std::move(where)).Read(json);
}

Json MarketToJson(const std::optional<Market>& market) {
  if (!market) return nullptr;
  if (FindMarket(market->name).ok()) return market->name;
  Json json = Json::object();
  json["continuous"] = Json::array();
  for (const Interval& interval : market->continuous) {
    json["continuous"].push_back({TimeOfDayText(interval.begin), TimeOfDayText(interval.end)});
  }
  if (market->flatten) json["flatten"] = TimeOfDayText(*market->flatten);
  return json;
}

}  // namespace sabot::backtest
