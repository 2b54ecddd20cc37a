#include "sabot/backtest/quote_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sabot::backtest {

std::vector<Parameter> QuoteSizeParameters() {
  return {
      {.name = "quote_size", .standard = 50'000.0, .least = 0, .least_open = true, .doc = "Size of a quote."},
      {.name = "quote_size_bid",
       .nullable = true,
       .least = 0,
       .doc = "Size of a bid, where it is not quote_size; 0: no bids."},
      {.name = "quote_size_ask",
       .nullable = true,
       .least = 0,
       .doc = "Size of an ask, where it is not quote_size; 0: no asks."},
      {.name = "max_position",
       .standard = 2'000'000.0,
       .nullable = true,
       .least = 0,
       .least_open = true,
       .doc = "Largest position, long or short; null: no limit."},
      {.name = "max_notional",
       .nullable = true,
       .least = 0,
       .least_open = true,
       .doc = "Largest worth of a position: it is at most floor(max_notional / price) as well."},
      {.name = "lot_size",
       .nullable = true,
       .least = 0,
       .least_open = true,
       .doc = "Grid of sizes: quotes are rounded down to it; null: any size."},
  };
}

std::vector<Parameter> QuoteRuleParameters() {
  auto parameters = QuoteSizeParameters();
  parameters.insert(parameters.begin() + 3, {.name = "refill_interval_sec",
                                             .standard = 180.0,
                                             .least = 0,
                                             .most = 1e9,
                                             .doc = "Seconds until a side quotes anew; fractions count."});
  parameters.push_back(
      {.name = "min_local_currency_before_quote",
       .standard = 25'000.0,
       .least = 0,
       .doc = "Least worth (price x size) of what is shown at the best price for a quote to join it."});
  return parameters;
}

int64_t After(int64_t time, int64_t ns) {
  int64_t after = 0;
  return __builtin_add_overflow(time, ns, &after) ? std::numeric_limits<int64_t>::max() : after;
}

OrderId Requote(OrderId old, const OrderRequest& quote, Orders& orders) {
  OrderId placed = kNoOrder;
  if (quote.size > 0) placed = old == kNoOrder ? orders.Send(quote) : orders.Replace(old, quote);
  if (placed == kNoOrder && old != kNoOrder) orders.Cancel(old);
  return placed;
}

QuoteSizes::QuoteSizes(const Settings& settings) {
  const double size = settings.number("quote_size");
  sizes_ = {settings.maybe("quote_size_bid").value_or(size), settings.maybe("quote_size_ask").value_or(size)};
  lots_ = LotGrid(settings.maybe("lot_size").value_or(0));
}

double QuoteSizes::At(Side side, double price, const Moment& moment) const {
  const double limit = moment.limits.At(price);
  const double room = lots_.Within(limit - Sign(side) * moment.ledger.position(), limit);
  return std::min(InLots(sizes_[IndexOf(side)]), room);
}

QuoteRules::QuoteRules(const Settings& settings)
    : sizes(settings),
      queue_value_least(settings.number("min_local_currency_before_quote")),
      refill_ns(std::llround(settings.number("refill_interval_sec") * 1e9)) {}

}  // namespace sabot::backtest
