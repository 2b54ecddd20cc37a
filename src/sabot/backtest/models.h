// The parts of a venue that can be exchanged for others: place in the queue, latency, fees. Each is a pure function, so
// one instance serves any number of simulations and threads. Their names stand in registry.cc.
#pragma once

#include <cstdint>

#include "sabot/backtest/book.h"

namespace sabot::backtest {

// What becomes of the queue in front of an order when the size shown at its price changes.
class QueueModel {
 public:
  virtual ~QueueModel() = default;
  // `ahead`: size in front of it, trades already taken off; `traded`: what traded there since `before` was shown;
  // `now`: the size shown now.
  virtual double Ahead(double ahead, double traded, double before, double now) const = 0;
};

// How long an order or a cancel is on its way.
class LatencyModel {
 public:
  virtual ~LatencyModel() = default;
  virtual int64_t Entry(int64_t sent) const = 0;  // ns, >= 0, of a message sent at this time.
};

// What a fill costs; a rebate is negative.
class FeeModel {
 public:
  virtual ~FeeModel() = default;
  virtual double Fee(double notional, bool maker) const = 0;
};

}  // namespace sabot::backtest
