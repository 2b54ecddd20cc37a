// Follows the best prices as v2_price_follow does, and closes a position whose loss against its average cost, at the
// price at which it could be closed, reaches a threshold: at each tick by no more than what is shown there. The side
// that had opened it quotes nothing until the position is closed and the refill interval has passed since.
#pragma once

#include <array>
#include <limits>
#include <optional>

#include "sabot/backtest/price_follower.h"
#include "sabot/backtest/registry.h"

namespace sabot::backtest {

class V21StopLossStrategy final : public Strategy {
 public:
  static StrategyInfo Info();
  explicit V21StopLossStrategy(const Settings& settings);

  void OnDate() override;
  void OnFill(const Fill& fill) override;
  arrow::Status OnTick(const Moment& moment, Orders& orders) override;

 private:
  void Watch(const Moment& moment, Orders& orders);
  void Close(const Moment& moment, Orders& orders);
  double Closable(double size) const { return quotes_.rules().sizes.InLots(size); }

  PriceFollower quotes_;
  double threshold_pct_;
  std::optional<Side> stopped_;  // While a position is being closed: the side that opened it.
  OrderId closing_ = kNoOrder;
  std::array<int64_t, 2> silent_until_;
};

}  // namespace sabot::backtest
