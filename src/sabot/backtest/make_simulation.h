// The simulation of a security, from what its configuration says.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>

#include "sabot/backtest/config.h"
#include "sabot/backtest/registry.h"
#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

struct MadeSimulation {
  std::unique_ptr<Simulation> simulation;
  const Strategy* strategy = nullptr;  // The simulation's own.

  // What went wrong in the batches pushed so far.
  arrow::Status Push(const Ticks& ticks) const {
    ARROW_RETURN_NOT_OK(simulation->Push(ticks));
    return strategy->status();
  }
  arrow::Result<Outcome> Finish() const {
    ARROW_ASSIGN_OR_RAISE(auto outcome, simulation->Finish());
    ARROW_RETURN_NOT_OK(strategy->status());
    return outcome;
  }
};

// `market_of_ticks` (may be empty) holds where the configuration names none; `options.venue` is filled in, and the
// interval of the equity where there is none. Errors: those of StrategyConfig::For, of the strategy and of
// Simulation::Make.
arrow::Result<MadeSimulation> MakeSimulation(const StrategyInfo& strategy, const StrategyConfig& config,
                                             const std::string& security, const std::string& market_of_ticks,
                                             SimulationOptions options);

}  // namespace sabot::backtest
