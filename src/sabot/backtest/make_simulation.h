// The simulation of a security, from what its configuration says.
#pragma once

#include <arrow/result.h>

#include <memory>
#include <string>

#include "sabot/backtest/config.h"
#include "sabot/backtest/registry.h"
#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

// `market_of_ticks` (may be empty) holds where the configuration names none; `options.venue` is filled in, and the
// interval of the equity where there is none. Errors: those of StrategyConfig::For, of the strategy and of
// Simulation::Make.
arrow::Result<std::unique_ptr<Simulation>> MakeSimulation(const StrategyInfo& strategy, const StrategyConfig& config,
                                                          const std::string& security,
                                                          const std::string& market_of_ticks,
                                                          SimulationOptions options);

}  // namespace sabot::backtest
