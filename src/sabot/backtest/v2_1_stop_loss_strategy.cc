#include "sabot/backtest/v2_1_stop_loss_strategy.h"

#include <algorithm>
#include <cmath>

namespace sabot::backtest {
namespace {

constexpr int64_t kLongAgo = std::numeric_limits<int64_t>::min();

std::vector<Parameter> Parameters() {
  auto parameters = QuoteRuleParameters();
  parameters.push_back({.name = "stop_loss_threshold_pct",
                        .standard = 2.0,
                        .least = 0,
                        .least_open = true,
                        .doc = "Loss of the open position, in percent of its average cost, at which it is closed."});
  return parameters;
}

}  // namespace

StrategyInfo V21StopLossStrategy::Info() {
  return {.name = "v2_1_stop_loss",
          .summary = "Follows the best prices, and closes a position that lost too much against the opposite best.",
          .source = "",
          .parameters = Parameters(),
          .make = &MakeStrategy<V21StopLossStrategy>};
}

V21StopLossStrategy::V21StopLossStrategy(const Settings& settings)
    : quotes_(settings), threshold_pct_(settings.number("stop_loss_threshold_pct")) {
  silent_until_.fill(kLongAgo);
}

void V21StopLossStrategy::OnDate() {
  quotes_.OnDate();
  stopped_.reset();
  closing_ = kNoOrder;
  silent_until_.fill(kLongAgo);
}

void V21StopLossStrategy::OnFill(const Fill& fill) {
  quotes_.OnFill(fill);
  if (fill.kind != FillKind::kStop) return;
  silent_until_[IndexOf(Opposite(fill.side))] = After(fill.timestamp, quotes_.rules().refill_ns);
}

arrow::Status V21StopLossStrategy::OnTick(const Moment& moment, Orders& orders) {
  Watch(moment, orders);
  if (stopped_) Close(moment, orders);
  for (const Side side : kBothSides) {
    if (side == stopped_ || moment.tick.timestamp < silent_until_[IndexOf(side)]) continue;
    quotes_.Follow(side, moment, orders);
  }
  return arrow::Status::OK();
}

// Whether a stop begins or ends.
void V21StopLossStrategy::Watch(const Moment& moment, Orders& orders) {
  const double position = moment.ledger.position();
  if (stopped_ && !(Closable(Sign(*stopped_) * position) > 0)) stopped_.reset();
  if (stopped_ || Closable(std::abs(position)) == 0) return;
  const Side opened = position > 0 ? Side::kBuy : Side::kSell;
  const double average = moment.ledger.average();
  const double price = moment.book.best(opened).price;  // Where others would take it: the best of its own side.
  const double loss_pct = Sign(opened) * (average - price) / average * 100;
  if (!(loss_pct >= threshold_pct_)) return;
  stopped_ = opened;
  quotes_.Withdraw(opened, orders);
}

void V21StopLossStrategy::Close(const Moment& moment, Orders& orders) {
  if (closing_ != kNoOrder && orders.Find(closing_) != nullptr) return;
  closing_ = kNoOrder;
  const Level& best = moment.book.best(*stopped_);
  const double size = best.exists() ? Closable(std::min(std::abs(moment.ledger.position()), best.available())) : 0;
  if (!(size > 0)) return;
  closing_ = orders.Send({.side = Opposite(*stopped_),
                          .price = best.price,
                          .size = size,
                          .type = OrderType::kMarket,
                          .reduce_only = true,
                          .kind = FillKind::kStop});
}

}  // namespace sabot::backtest
