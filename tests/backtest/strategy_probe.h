// A strategy on its own: ticks in, what it asks of a venue out, as text. Nothing fills or arrives but by the test's
// word:
//
//   StrategyProbe probe("v1_baseline", {{"quote_size", 10.0}});
//   EXPECT_EQ(probe.Bid(0, 100.5, 80), "#1: buy 10 @ 100.5");
//   probe.Fill(1, 4);
//
// Messages: "#2 for #1: ..." replaces, "#1: cancel", "#1: size 5"; " market", " reduce-only", " post-only" and " stop"
// say what else an order is. Times are seconds.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "sabot/backtest/registry.h"

namespace sabot::backtest {

class RecordedOrders final : public Orders {
 public:
  OrderId Send(const OrderRequest& request) override { return Open("", request); }
  OrderId Replace(OrderId old, const OrderRequest& request) override {
    const OrderId id = Open(" for #" + std::to_string(old), request);
    if (id != kNoOrder) Remove(old);
    return id;
  }
  void Cancel(OrderId order) override {
    if (Find(order) == nullptr) return;
    Write("#" + std::to_string(order) + ": cancel");
    Remove(order);
  }
  void Resize(OrderId order, double size) override {
    std::ostringstream text;
    text << "#" << order << ": size " << size;
    Write(text.str());
    Get(order).remaining = size;
  }
  const Order* Find(OrderId order) const override {
    const auto found = std::find_if(open_.begin(), open_.end(), [&](const Order& each) { return each.id == order; });
    return found == open_.end() ? nullptr : &*found;
  }
  std::span<const Order> open() const override { return open_; }

  Order& Get(OrderId order) { return const_cast<Order&>(*Find(order)); }
  void Remove(OrderId order) {
    std::erase_if(open_, [&](const Order& each) { return each.id == order; });
  }
  std::string TakeText() { return std::exchange(text_, {}); }

  bool refuses = false;  // As a venue does with a price off its grid.

 private:
  OrderId Open(const std::string& old, const OrderRequest& request) {
    if (refuses) return kNoOrder;
    open_.push_back({.id = next_++, .request = request, .remaining = request.size});
    std::ostringstream text;
    text.precision(12);
    text << "#" << open_.back().id << old << ": " << (request.side == Side::kBuy ? "buy " : "sell ") << request.size
         << " @ " << request.price;
    if (request.type == OrderType::kMarket) text << " market";
    if (request.reduce_only) text << " reduce-only";
    if (request.type == OrderType::kPostOnly) text << " post-only";
    if (request.kind == FillKind::kStop) text << " stop";
    Write(text.str());
    return open_.back().id;
  }
  void Write(const std::string& message) { text_ += (text_.empty() ? "" : ", ") + message; }

  std::vector<Order> open_;
  OrderId next_ = 1;
  std::string text_;
};

class StrategyProbe {
 public:
  // With a strategy's defaults but for these.
  explicit StrategyProbe(std::string_view name, const Settings::Values& parameters = {}) {
    const StrategyInfo* info = FindStrategy(name).ValueOrDie();
    const auto config = StrategyConfig::Parse("{}", info->parameters, info->name).ValueOrDie();
    const auto found = config.With(parameters).ValueOrDie().For("TEST").ValueOrDie();
    limits_ = found.venue.limits;
    strategy_ = info->make(found.settings).ValueOrDie();
  }

  std::string Bid(double seconds, double price, double size) { return Push(TickType::kBid, seconds, price, size); }
  std::string Ask(double seconds, double price, double size) { return Push(TickType::kAsk, seconds, price, size); }
  std::string Trade(double seconds, double price, double size) { return Push(TickType::kTrade, seconds, price, size); }

  // Part of an order, at its own price or at another; at the time of the last tick.
  void Fill(OrderId id, double quantity, double price = std::nan("")) {
    Order& order = orders.Get(id);
    if (std::isnan(price)) price = order.request.price;
    order.remaining -= quantity;
    const backtest::Fill fill{.timestamp = now_,
                              .order = id,
                              .side = order.request.side,
                              .price = price,
                              .quantity = quantity,
                              .remaining = order.remaining,
                              .kind = order.request.kind};
    if (order.remaining == 0) orders.Remove(id);
    ledger.Apply(fill.side, price, quantity, 0);
    strategy_->OnFill(fill);
  }

  // Of an order that another replaced meanwhile, as happens with latency.
  void FillGone(Side side, OrderId id, double price, double quantity, double remaining) {
    ledger.Apply(side, price, quantity, 0);
    strategy_->OnFill(
        {.timestamp = now_, .order = id, .side = side, .price = price, .quantity = quantity, .remaining = remaining});
  }

  void NewDate() {
    for (const auto ids = Ids(); const OrderId id : ids) orders.Remove(id);
    book = {};
    ledger = Ledger();
    strategy_->OnDate();
  }

  Strategy& strategy() { return *strategy_; }

  RecordedOrders orders;
  Book book;
  Ledger ledger;
  std::vector<double> features;

 private:
  std::vector<OrderId> Ids() const {
    std::vector<OrderId> ids;
    for (const Order& order : orders.open()) ids.push_back(order.id);
    return ids;
  }

  std::string Push(TickType type, double seconds, double price, double size) {
    now_ = std::llround(seconds * 1e9);
    const Tick tick{.timestamp = now_, .price = price, .volume = size, .type = type};
    if (type != TickType::kTrade) book.Show(type == TickType::kBid ? Side::kBuy : Side::kSell, price, size);
    const Moment moment{.tick = tick, .book = book, .ledger = ledger, .limits = limits_, .features = features};
    const auto status = strategy_->OnTick(moment, orders);
    return status.ok() ? orders.TakeText() : status.ToString();
  }

  Limits limits_;
  std::unique_ptr<Strategy> strategy_;
  int64_t now_ = 0;
};

}  // namespace sabot::backtest
