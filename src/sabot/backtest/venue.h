// The venue of one security on best quotes: the book, the strategy's orders on their way and at rest, and what fills
// them. It keeps no position and no clock; the simulation calls it in the order of work of a tick.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "sabot/backtest/activity.h"
#include "sabot/backtest/book.h"
#include "sabot/backtest/lot_grid.h"
#include "sabot/backtest/order.h"
#include "sabot/backtest/simulation.h"
#include "sabot/backtest/strategy.h"

namespace sabot::backtest {

class Venue final : public Orders {
 public:
  explicit Venue(const VenueOptions& options) : options_(options), lots_(options.lot_size), ticks_(options.tick_size) {}

  const Book& book() const { return book_; }
  const OrderCounts& counts() const { return counts_; }

  // --- The strategy's side; at the time told by set_now.
  OrderId Send(const OrderRequest& request) override;
  OrderId Replace(OrderId old, const OrderRequest& request) override;
  void Cancel(OrderId order) override;
  void Resize(OrderId order, double size) override;
  const Order* Find(OrderId order) const override;
  std::span<const Order> open() const override { return orders_; }

  // --- The simulation's side. Fills are appended; the caller books them before it calls again. `position` is that of
  // the strategy, all fills before booked.
  void set_now(int64_t now) { now_ = now; }
  bool Due(int64_t now) const { return next_due_ <= now && !messages_.empty(); }
  // The oldest message that is due takes effect.
  void DeliverNext(int64_t now, double position, std::vector<Fill>& fills);
  bool Rests() const { return resting_ > 0; }
  // A trade tick meets the resting orders.
  void Match(const Tick& trade, bool has_sides, double position, std::vector<Fill>& fills);
  // A quote tick changes the book, and the places of orders at its price.
  void Quote(const Tick& quote, double position, std::vector<Fill>& fills);
  // A trade tick leaves its trace at the best prices.
  void Note(const Tick& trade);
  // Cuts resting orders, the newest first, to what the limits leave after a fill that took.
  void KeepLimits(double position);
  // All orders and messages go.
  void CancelAll();
  void ClearBook() { book_ = {}; }

 private:
  struct Message {
    enum class Kind : uint8_t { kNew, kReplace, kCancel, kResize };
    Kind kind = Kind::kNew;
    OrderId order = kNoOrder;
    OrderId old = kNoOrder;
    double size = 0;
    int64_t due = 0;
  };

  Order* FindOrder(OrderId id);
  void Remove(OrderId id);
  void Refuse(OrderId id, Refusal refusal);
  // The limits, or what there is to reduce, leave it so much of what remains of it.
  void CountCut(const Order& order, double left);
  void Post(Message message);
  // Why a venue would not take it from anybody.
  std::optional<Refusal> WhyNot(const OrderRequest& request) const;
  OrderId Add(const OrderRequest& request);
  double LimitOf(const Order& order) const;
  double OthersOf(const Order& order) const;
  // What an order may be: what the limits leave beside the resting ones of its side, or what there is to reduce;
  // in whole lots.
  double Room(const Order& order) const;
  void Arrive(OrderId id, int64_t now, std::vector<Fill>& fills);
  // Whether the order may take; own orders in its way go, by the venue's rule.
  bool PreventSelfTrade(OrderId id);
  void Reduce(Order& order, double quantity) const;
  void Take(Order& order, int64_t now, std::vector<Fill>& fills);
  void Rest(Order& order);
  // Resting orders of a side at `price` and in front of it: into met_.
  void Collect(Side side, double price);
  void MatchSide(Side side, const Tick& trade, std::vector<Fill>& fills);
  void CrossSide(Side side, const Tick& quote, std::vector<Fill>& fills);
  // Up to a quantity: less, and the rest is cancelled, where a reduce_only one would open a position, or the limits
  // would be exceeded after all. What it filled.
  double FillResting(Order& order, double quantity, int64_t timestamp, std::vector<Fill>& fills);
  void DropFilled();

  VenueOptions options_;
  LotGrid lots_;
  LotGrid ticks_;  // Of prices.
  Book book_;
  std::vector<Order> orders_;  // In flight and resting, in the order they were sent.
  std::deque<Message> messages_;  // In flight, in the order they were sent, which is that of their arrival.
  int64_t next_due_ = std::numeric_limits<int64_t>::max();
  std::vector<Order*> met_;  // By a trade: of one side, best price first, then by arrival.
  int64_t resting_ = 0;
  bool has_filled_ = false;  // Orders of which nothing remains, still among orders_.
  double position_ = 0;  // With fills that are not booked yet.
  int64_t arrivals_ = 0;
  OrderId last_id_ = kNoOrder;
  OrderCounts counts_;
  int64_t now_ = 0;
};

}  // namespace sabot::backtest
