// The strategies and models that have names.
#pragma once

#include <arrow/result.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/backtest/config.h"
#include "sabot/backtest/strategy.h"

namespace sabot::backtest {

struct StrategyInfo {
  std::string name;
  std::string summary;  // A sentence.
  std::string source = {};  // Of the formula: paper, section. May be empty.
  std::vector<Parameter> parameters = {};
  std::function<arrow::Result<std::unique_ptr<Strategy>>(const Settings&)> make = {};
  // Digest of what it was loaded from, by which results are known to be of this code. Empty: of Sabot's own code, which
  // its version names.
  std::string code = {};
};

// As StrategyInfo::make, of a strategy that is constructed from its settings.
template <class S>
arrow::Result<std::unique_ptr<Strategy>> MakeStrategy(const Settings& settings) {
  return std::make_unique<S>(settings);
}

// All there are, libraries' included, in the order of their names' registration.
std::vector<const StrategyInfo*> Strategies();
// Error (kOption): unknown, with near names.
arrow::Result<const StrategyInfo*> FindStrategy(std::string_view name);
// Those that a user wrote, all of them or none. Errors (kOption): a name that is taken, or none; a parameter that
// stands twice, or whose default is not among what it allows.
arrow::Status AddStrategies(std::vector<StrategyInfo> strategies);

std::span<const Parameter> VenueParameters();
arrow::Result<std::shared_ptr<const QueueModel>> MakeQueueModel(std::string_view name);
std::shared_ptr<const LatencyModel> ConstantLatency(int64_t nanoseconds);
std::shared_ptr<const FeeModel> BasisPointFees(double maker_bps, double taker_bps);

}  // namespace sabot::backtest
