// A strategy that ends with an error at its first tick, or is not made at all.
#pragma once

#include <memory>
#include <utility>

#include "sabot/backtest/run.h"

namespace sabot::backtest {

class Ends final : public Strategy {
 public:
  explicit Ends(arrow::Status status) : status_(std::move(status)) {}
  arrow::Status OnTick(const Moment& /*moment*/, Orders& /*orders*/) override { return status_; }

 private:
  arrow::Status status_;
};

inline RunPlan EndingPlan(const arrow::Status& status, bool in_make) {
  StrategyInfo strategy;
  strategy.name = "ends";
  strategy.make = [=](const Settings&) -> arrow::Result<std::unique_ptr<Strategy>> {
    if (in_make) return status;
    return std::make_unique<Ends>(status);
  };
  auto config = StrategyConfig::Parse("{}", strategy.parameters, strategy.name).ValueOrDie();
  return {.strategy = std::move(strategy), .config = std::move(config)};
}

}  // namespace sabot::backtest
