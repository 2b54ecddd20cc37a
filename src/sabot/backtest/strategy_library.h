// Libraries of strategies that were not built with Sabot (see own_strategies.h): loaded while a program runs, and never
// unloaded, for what they hold is in use until its end.
#pragma once

#include <arrow/result.h>

#include <string>
#include <vector>

#include "sabot/backtest/registry.h"

namespace sabot::backtest {

// Adds the strategies of a shared library to those that are known, all of them or none, and returns them. A library
// that is loaded already changes nothing. Any thread. Errors: (IOError) no such file, or it cannot be loaded; (kOption)
// it is no such library, was built for another Sabot or otherwise, or one of its strategies cannot be added (see
// AddStrategies).
arrow::Result<std::vector<const StrategyInfo*>> LoadStrategies(const std::string& path);

}  // namespace sabot::backtest
