// A strategy that does what a test tells it, and a market of a few ticks to do it in.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sabot/backtest/simulation.h"
#include "tests/backtest/tick_batches.h"

namespace sabot::backtest {

using Script = std::map<int64_t, std::function<void(const Moment&, Orders&)>>;  // By the number of the call, from 0.

class Scripted final : public Strategy {
 public:
  explicit Scripted(Script script, std::vector<Fill>* fills = nullptr) : script_(std::move(script)), fills_(fills) {}
  arrow::Status OnTick(const Moment& moment, Orders& orders) override {
    if (const auto found = script_.find(calls_++); found != script_.end()) found->second(moment, orders);
    return arrow::Status::OK();
  }
  void OnFill(const Fill& fill) override {
    if (fills_ != nullptr) fills_->push_back(fill);
  }

 private:
  Script script_;
  std::vector<Fill>* fills_;
  int64_t calls_ = 0;
};

constexpr int64_t kMillisecondNs = 1'000'000;
constexpr int64_t kSecondNs = 1'000'000'000;

inline Tick Bid(int64_t at, double price, double size) { return {at, price, size, TickType::kBid}; }
inline Tick Ask(int64_t at, double price, double size) { return {at, price, size, TickType::kAsk}; }
inline Tick Trade(int64_t at, double price, double size, int side = 0) {
  return {at, price, size, TickType::kTrade, static_cast<int8_t>(side)};
}

struct Played {
  std::vector<TradeRow> trades;
  std::vector<EquityRow> equity;
  std::vector<Fill> fills;
  Outcome outcome;
  // Quantities of the trades, in their order.
  std::vector<double> quantities() const {
    std::vector<double> result;
    for (const TradeRow& trade : trades) result.push_back(trade.quantity);
    return result;
  }
};

// Ticks with sides where any of them has one.
inline Played Play(const std::vector<Tick>& ticks, Script script, VenueOptions venue = {}, int64_t chunk = 1'000,
                   std::optional<int64_t> equity_interval_ns = std::nullopt) {
  bool sides = false;
  for (const Tick& tick : ticks) sides |= tick.side != 0;
  Played played;
  auto simulation = Simulation::Make({.venue = std::move(venue), .equity_interval_ns = equity_interval_ns},
                                     std::make_unique<Scripted>(std::move(script), &played.fills))
                        .ValueOrDie();
  for (std::size_t at = 0; at < ticks.size(); at += static_cast<std::size_t>(chunk)) {
    const auto end = std::min(ticks.size(), at + static_cast<std::size_t>(chunk));
    const auto batch = Batch(
        {ticks.begin() + static_cast<std::ptrdiff_t>(at), ticks.begin() + static_cast<std::ptrdiff_t>(end)}, sides);
    const auto status = simulation->Push(Ticks::From(batch).ValueOrDie());
    EXPECT_TRUE(status.ok()) << status;
  }
  played.outcome = simulation->Finish().ValueOrDie();
  played.trades = simulation->TakeTrades();
  played.equity = simulation->TakeEquity();
  return played;
}

// Sends an order.
inline std::function<void(const Moment&, Orders&)> Sends(OrderRequest request) {
  return [request](const Moment&, Orders& orders) { EXPECT_NE(orders.Send(request), kNoOrder); };
}

}  // namespace sabot::backtest
