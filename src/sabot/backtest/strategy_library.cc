#include "sabot/backtest/strategy_library.h"

#include <utility>

#include "sabot/backtest/own_strategies.h"
#include "sabot/env/digest.h"
#include "sabot/env/storage.h"
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

arrow::Result<std::string> DigestOfFile(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(path));
  ARROW_ASSIGN_OR_RAISE(const auto file, where.storage->OpenInput(where.path));
  return env::DigestOf(*file);
}

}  // namespace

arrow::Result<Loaded> LoadStrategies(const std::string& path) {
  return Libraries().Load(path, [&](std::vector<StrategyInfo> strategies) -> arrow::Result<Loaded> {
    ARROW_ASSIGN_OR_RAISE(const std::string code, DigestOfFile(path));
    std::vector<std::string> names;
    for (StrategyInfo& strategy : strategies) {
      names.push_back(strategy.name);
      strategy.code = code;
    }
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
