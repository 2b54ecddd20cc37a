// Quotes that stay at the best price. A side that was filled adds nothing for the refill interval: until then it quotes
// what remained of the filled order. Strategies that follow prices hold one.
#pragma once

#include <array>
#include <limits>

#include "sabot/backtest/quote_rules.h"

namespace sabot::backtest {

class PriceFollower {
 public:
  explicit PriceFollower(const Settings& settings) : rules_(settings) {}

  void OnDate() { quotes_ = {}; }
  void OnFill(const Fill& fill);  // Those that are no fills of quotes change nothing.
  void Follow(Side side, const Moment& moment, Orders& orders);
  void Withdraw(Side side, Orders& orders);

  const QuoteRules& rules() const { return rules_; }

 private:
  struct Quote {
    OrderId order = kNoOrder;
    double remaining = 0;  // Of the order that was filled last.
    int64_t blocked_until = std::numeric_limits<int64_t>::min();
    bool lacks = false;  // Whether a fill made the quote smaller than it would be.
  };

  QuoteRules rules_;
  std::array<Quote, 2> quotes_;
};

}  // namespace sabot::backtest
