#include "sabot/backtest/v2_price_follow_strategy.h"

namespace sabot::backtest {

StrategyInfo V2PriceFollowStrategy::Info() {
  return {.name = "v2_price_follow",
          .summary = "Quotes at the best prices and follows them; a side that was filled waits before it adds.",
          .source = "",
          .parameters = QuoteRuleParameters(),
          .make = &MakeStrategy<V2PriceFollowStrategy>};
}

arrow::Status V2PriceFollowStrategy::OnTick(const Moment& moment, Orders& orders) {
  for (const Side side : kBothSides) quotes_.Follow(side, moment, orders);
  return arrow::Status::OK();
}

}  // namespace sabot::backtest
