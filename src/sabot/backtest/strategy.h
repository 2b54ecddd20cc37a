// What a strategy is: it sees the book, its position and the clock after each tick, and sends orders. It knows nothing
// of venues, sessions, files or threads; the same object quotes in a backtest and on a live stream on paper.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sabot/backtest/book.h"
#include "sabot/backtest/ledger.h"
#include "sabot/backtest/order.h"
#include "sabot/backtest/tick.h"
#include "sabot/operators/kernel_chain.h"

namespace sabot::backtest {

// How large the position may become, either way.
struct Limits {
  double max_position = 0;        // 0: no limit.
  double max_notional = 0;        // 0: no limit; else floor(max_notional / price) as well.

  // The largest position at a price; infinite without limits.
  double At(double price) const;
};

// A kernel whose latest value a strategy sees at each tick. It reads one row a tick: timestamp; of a trade price,
// volume and side; of the book after the tick bid, ask, bid_size, ask_size and mid. What does not exist is null, and a
// row that the kernel cannot use leaves its value as it was.
struct Feature {
  operators::KernelSpec kernel;
};

// The moment of a decision: the tick, and what is known after it.
struct Moment {
  const Tick& tick;
  const Book& book;
  const Ledger& ledger;
  const Limits& limits;
  std::span<const double> features;  // One a feature's output, in their order; NaN where it is null.
};

// The way to the venue. Orders act with the latency of the venue, never before the next tick.
class Orders {
 public:
  virtual ~Orders() = default;
  // kNoOrder, if the order cannot be sent: a size or price that is not positive and finite, a price or size off the
  // grid of the security, or too many orders open. The venue counts them.
  virtual OrderId Send(const OrderRequest& request) = 0;
  // One message: `old` goes when the new order comes. An old that is filled by then changes nothing for the new.
  virtual OrderId Replace(OrderId old, const OrderRequest& request) = 0;
  virtual void Cancel(OrderId order) = 0;  // One that is gone: nothing happens.
  // `size` is the whole of the order, with what it has filled by then; none left: it goes. A smaller one keeps the
  // place in the queue, a larger one loses it. One that is not positive, or no multiple of the lot size, changes
  // nothing.
  virtual void Resize(OrderId order, double size) = 0;

  // Null if the order is gone (filled, cancelled, rejected) or was never there. Orders on their way are there.
  virtual const Order* Find(OrderId order) const = 0;
  virtual std::span<const Order> open() const = 0;  // In flight and resting, oldest first.
};

// What a strategy returns when its user interrupts it, as Ctrl-C does one in Python: Cancelled, and the whole run ends.
arrow::Status Interrupted();
bool IsInterrupted(const arrow::Status& status);
// What a strategy, or what makes it, says went wrong. That a user interrupted it ends the run; what looks like that and
// is not is an error of this security alone.
arrow::Status OfStrategy(const arrow::Status& status);

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::vector<Feature> features() const { return {}; }
  // A market with sessions began a new date: orders are cancelled, the position is closed, the book is empty.
  virtual void OnDate() {}
  // An order of its own was filled, or the venue flattened. Comes before the decision at that tick.
  virtual void OnFill(const Fill& /*fill*/) {}
  // Decides, at each tick of the continuous session. An error of any kind ends this security's simulation alone, unless
  // it is Interrupted.
  virtual arrow::Status OnTick(const Moment& moment, Orders& orders) = 0;
  // What went wrong in OnDate or OnFill, which cannot say it. Asked after each batch of ticks, and at the end.
  virtual arrow::Status status() const { return arrow::Status::OK(); }
};

}  // namespace sabot::backtest
