// A market's preset as JSON: {"continuous": ["10:05", "14:45"], "flatten": "14:55"}; several intervals as an array of
// such, and no flatten as null or left out.
#pragma once

#include <arrow/result.h>

#include <optional>
#include <string>

#include "sabot/backtest/session.h"
#include "sabot/graph/json_text.h"

namespace sabot::backtest {

// `json`: an object. `where`: how messages begin. Errors (kOption): an unknown key; a time of the day that is none;
// what CheckMarket refuses.
arrow::Result<Market> MarketFromJson(const graph::Json& json, std::string name, std::string where);

// A built-in market by its name, any other whole; null for none.
graph::Json MarketToJson(const std::optional<Market>& market);

}  // namespace sabot::backtest
