// What quoting strategies have in common: how much they quote on a side, and which queues are worth joining.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sabot/backtest/config.h"
#include "sabot/backtest/lot_grid.h"
#include "sabot/backtest/strategy.h"

namespace sabot::backtest {

inline constexpr std::array kBothSides{Side::kBuy, Side::kSell};

// quote_size, quote_size_bid, quote_size_ask, max_position, max_notional, lot_size.
std::vector<Parameter> QuoteSizeParameters();
// These, refill_interval_sec and min_local_currency_before_quote.
std::vector<Parameter> QuoteRuleParameters();

// A time that many ns after another, at most the end of time.
int64_t After(int64_t time, int64_t ns);

// Puts a quote in the place of another, or of none; if its size is not positive or it cannot be sent, the old one is
// cancelled. The new order, or none.
OrderId Requote(OrderId old, const OrderRequest& quote, Orders& orders);

// Sizes of quotes by side, with the limits of the position.
class QuoteSizes {
 public:
  explicit QuoteSizes(const Settings& settings);

  // The size to quote at a price: the side's, or what the limits leave. Not positive: nothing.
  double At(Side side, double price, const Moment& moment) const;
  // What can be sent of a size: whole lots.
  double InLots(double size) const { return lots_.Within(size); }

 private:
  std::array<double, 2> sizes_;
  LotGrid lots_;
};

// The same, and what a queue must be worth.
struct QuoteRules {
  explicit QuoteRules(const Settings& settings);

  // Whether what is shown at a price, in its currency, is enough to stand behind.
  bool IsWorthJoining(const Level& best) const { return best.price * best.size >= queue_value_least; }

  QuoteSizes sizes;
  double queue_value_least;
  int64_t refill_ns;
};

}  // namespace sabot::backtest
