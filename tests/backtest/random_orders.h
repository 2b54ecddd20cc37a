// Orders of every kind over made-up ticks, and what must hold of whatever a simulation makes of them: worked out anew
// from ticks and fills, without the venue's or the ledger's own arithmetic.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "sabot/backtest/lot_grid.h"
#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

// A seed's ticks and venue.
struct RandomMarket {
  explicit RandomMarket(uint64_t seed);

  VenueOptions venue;
  bool has_sides = false;
  double price_step = 0.01;
  double lot = 1;  // Of sizes, also where the venue has no grid.
  std::vector<Tick> ticks;
};

// How often what could go wrong was tried, over all seeds.
struct Tried {
  std::array<int64_t, 6> fills{};  // By OrderType.
  int64_t reduced = 0;             // Fills of reduce_only orders that took; and
  int64_t reduced_at_rest = 0;     // of those that rested.
  int64_t at_limit = 0;            // Fills that left a position at the limit.
  int64_t flattened = 0;
  std::array<int64_t, kRefusals.size()> refused{};
};

// Sends orders as its seed says. Where the test tells it each tick before the simulation sees it, it checks every fill.
class RandomOrders final : public Strategy {
 public:
  RandomOrders(uint64_t seed, const RandomMarket& market, Tried* tried);

  // Before the simulation gets the tick.
  void Expect(const Tick& tick);
  // After the last one.
  void Check(const Outcome& outcome) const;

  void OnFill(const Fill& fill) override;
  arrow::Status OnTick(const Moment& moment, Orders& orders) override;

 private:
  struct Placed {
    OrderRequest request;
    double size_max = 0;  // With what it was resized to.
    double filled = 0;
  };

  uint64_t Below(uint64_t count) { return random_() % count; }
  OrderRequest Drawn(const Moment& moment);
  void Act(const Moment& moment, Orders& orders);
  void CheckTaken(const Fill& fill, const Placed& placed);
  void CheckMade(const Fill& fill, const Placed& placed);
  void CheckOpen(const Moment& moment, const Orders& orders) const;
  double Notional(double quantity, double price) const;

  std::mt19937_64 random_;
  const RandomMarket& market_;
  Tried* tried_;  // None: nothing is checked.
  std::map<OrderId, Placed> placed_;
  int64_t sent_ = 0;
  const Orders* orders_ = nullptr;

  Tick tick_;
  std::optional<int64_t> date_;
  std::array<Level, 2> book_;  // Before the tick.
  std::array<double, 2> traded_{};  // Of our orders by side, at this tick, where its size bounds it.
  double position_ = 0;
  double cash_ = 0;
  double fees_ = 0;
  double turnover_ = 0;
  double volume_ = 0;
  int64_t fills_ = 0;
  int64_t last_fill_ = 0;
};

}  // namespace sabot::backtest
