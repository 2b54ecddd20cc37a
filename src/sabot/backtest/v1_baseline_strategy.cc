#include "sabot/backtest/v1_baseline_strategy.h"

namespace sabot::backtest {

StrategyInfo V1BaselineStrategy::Info() {
  return {.name = "v1_baseline",
          .summary = "Quotes at the best prices and places each side anew every refill interval.",
          .source = "",
          .parameters = QuoteRuleParameters(),
          .make = &MakeStrategy<V1BaselineStrategy>};
}

void V1BaselineStrategy::OnDate() { quotes_ = {}; }

arrow::Status V1BaselineStrategy::OnTick(const Moment& moment, Orders& orders) {
  const int64_t now = moment.tick.timestamp;
  if (now >= quotes_[0].due) Place(Side::kBuy, moment, orders);
  if (now >= quotes_[1].due) Place(Side::kSell, moment, orders);
  return arrow::Status::OK();
}

void V1BaselineStrategy::Place(Side side, const Moment& moment, Orders& orders) {
  const Level& best = moment.book.best(side);
  if (!best.exists()) return;
  Quote& quote = quotes_[IndexOf(side)];
  const double size = rules_.IsWorthJoining(best) ? rules_.sizes.At(side, best.price, moment) : 0;
  quote.order = Requote(quote.order, {.side = side, .price = best.price, .size = size}, orders);
  if (quote.order != kNoOrder) quote.due = After(moment.tick.timestamp, rules_.refill_ns);
}

}  // namespace sabot::backtest
