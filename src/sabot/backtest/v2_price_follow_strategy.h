// Quotes at the best bid and the best ask and moves with them, on every tick where they changed; a side that was filled
// adds nothing for the refill interval.
#pragma once

#include "sabot/backtest/price_follower.h"
#include "sabot/backtest/registry.h"

namespace sabot::backtest {

class V2PriceFollowStrategy final : public Strategy {
 public:
  static StrategyInfo Info();
  explicit V2PriceFollowStrategy(const Settings& settings) : quotes_(settings) {}

  void OnDate() override { quotes_.OnDate(); }
  void OnFill(const Fill& fill) override { quotes_.OnFill(fill); }
  arrow::Status OnTick(const Moment& moment, Orders& orders) override;

 private:
  PriceFollower quotes_;
};

}  // namespace sabot::backtest
