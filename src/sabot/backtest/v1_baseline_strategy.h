// Joins the best bid and the best ask, each side on its own, and lets the quote stand: a side is quoted anew once its
// refill interval has passed, at the best price and at the back of the queue then.
#pragma once

#include <array>
#include <limits>

#include "sabot/backtest/quote_rules.h"
#include "sabot/backtest/registry.h"

namespace sabot::backtest {

class V1BaselineStrategy final : public Strategy {
 public:
  static StrategyInfo Info();
  explicit V1BaselineStrategy(const Settings& settings) : rules_(settings) {}

  void OnDate() override;
  arrow::Status OnTick(const Moment& moment, Orders& orders) override;

 private:
  static constexpr int64_t kAtOnce = std::numeric_limits<int64_t>::min();
  struct Quote {
    int64_t due = kAtOnce;  // When it is to be placed anew.
    OrderId order = kNoOrder;
  };
  void Place(Side side, const Moment& moment, Orders& orders);

  QuoteRules rules_;
  std::array<Quote, 2> quotes_;
};

}  // namespace sabot::backtest
