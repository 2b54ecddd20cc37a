// Market making in a limit order book after Avellaneda & Stoikov (2008): quotes stand around a reservation price, which
// is the mid less what the inventory's risk is worth until the horizon.
//
//   reservation = mid - q gamma sigma^2 tau         bid, ask = reservation -+ spread / 2
//   spread      = gamma sigma^2 tau + 2 / gamma ln(1 + gamma / kappa)
//
// q: position in inventory units; gamma: aversion to risk, and kappa: how fast the chance of a fill falls with the
// distance from the mid, both in 1 / price; sigma: of the mid, in price / sqrt(second); tau: seconds until the horizon.
#pragma once

#include <array>
#include <optional>

#include "sabot/backtest/price_grid.h"
#include "sabot/backtest/quote_rules.h"
#include "sabot/backtest/registry.h"

namespace sabot::backtest {

class AvellanedaStoikovStrategy final : public Strategy {
 public:
  static StrategyInfo Info();
  // Error (kOption): a session_end that is no time of the day.
  static arrow::Result<std::unique_ptr<Strategy>> Make(const Settings& settings);

  std::vector<Feature> features() const override;
  void OnDate() override;
  arrow::Status OnTick(const Moment& moment, Orders& orders) override;

 private:
  explicit AvellanedaStoikovStrategy(const Settings& settings);

  // sigma^2, in price^2 / second; none while it is not known.
  std::optional<double> Variance(const Moment& moment);
  double SecondsLeft(int64_t now) const;

  QuoteSizes sizes_;
  PriceGrid grid_;
  double gamma_;
  double width_;  // The part of the spread that is always the same.
  double inventory_unit_;
  double horizon_sec_;
  std::optional<int64_t> session_end_;  // ns since midnight.
  std::optional<double> volatility_;  // As given.
  int64_t volatility_window_ns_;
  std::optional<int64_t> warm_at_;  // When a whole window of this date has passed.
  std::array<OrderId, 2> orders_{};
};

}  // namespace sabot::backtest
