#include "sabot/backtest/make_simulation.h"

#include <utility>

namespace sabot::backtest {

arrow::Result<std::unique_ptr<Simulation>> MakeSimulation(const StrategyInfo& strategy, const StrategyConfig& config,
                                                          const std::string& security,
                                                          const std::string& market_of_ticks,
                                                          SimulationOptions options) {
  ARROW_ASSIGN_OR_RAISE(auto chosen, config.For(security));
  if (!chosen.market_given && !market_of_ticks.empty()) {
    ARROW_ASSIGN_OR_RAISE(chosen.venue.market, FindMarket(market_of_ticks));
  }
  options.venue = std::move(chosen.venue);
  if (!options.equity_interval_ns) options.equity_interval_ns = chosen.equity_interval_ns;
  auto made = strategy.make(chosen.settings);
  ARROW_RETURN_NOT_OK(OfStrategy(made.status()));
  return Simulation::Make(std::move(options), std::move(made).ValueUnsafe());
}

}  // namespace sabot::backtest
