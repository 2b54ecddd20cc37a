#include "sabot/backtest/strategy_library.h"

#include <utility>

#include "sabot/backtest/own_strategies.h"
#include "sabot/operators/own_library.h"

namespace sabot::backtest {
namespace {

using Loaded = std::vector<const StrategyInfo*>;

operators::OwnLibraries<StrategyInfo, Loaded>& Libraries() {
  static operators::OwnLibraries<StrategyInfo, Loaded> libraries({.what = "strategies",
                                                                  .line = "SABOT_STRATEGIES(Strategy, ...)",
                                                                  .loader = "load_strategies",
                                                                  .command = "sabot build-strategy",
                                                                  .build_symbol = "sabot_strategies_build",
                                                                  .list_symbol = "sabot_strategies_list",
                                                                  .build = internal::StrategyBuild()});
  return libraries;
}

}  // namespace

arrow::Result<Loaded> LoadStrategies(const std::string& path) {
  return Libraries().Load(path, [](std::vector<StrategyInfo> strategies) -> arrow::Result<Loaded> {
    std::vector<std::string> names;
    for (const StrategyInfo& strategy : strategies) names.push_back(strategy.name);
    ARROW_RETURN_NOT_OK(AddStrategies(std::move(strategies)));
    Loaded found;
    for (const std::string& name : names) {
      ARROW_ASSIGN_OR_RAISE(const StrategyInfo* const info, FindStrategy(name));
      found.push_back(info);
    }
    return found;
  });
}

}  // namespace sabot::backtest
