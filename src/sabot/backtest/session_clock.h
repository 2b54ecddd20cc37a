// Where in a market's day the ticks are. Times only go on.
#pragma once

#include <cstdint>
#include <limits>

#include "sabot/backtest/session.h"

namespace sabot::backtest {

class SessionClock {
 public:
  // What lay between the tick before and this one.
  struct Change {
    bool date = false;         // Another date, in any market; not for the first tick.
    bool session_end = false;  // The session that the tick before was in, or a later one, has ended.
  };

  explicit SessionClock(Market market) : market_(std::move(market)) {}

  // Whether Advance has something to do.
  bool Changes(int64_t now) const { return now >= next_change_; }
  Change Advance(int64_t now);

  int64_t date() const { return date_; }
  bool open() const { return interval_ >= 0; }          // Continuous trading.
  bool flatten_due() const { return flatten_due_; }     // The flatten time of the date has come.
  const Market& market() const { return market_; }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  Market market_;
  int64_t next_change_ = std::numeric_limits<int64_t>::min();
  int64_t date_ = std::numeric_limits<int64_t>::min();
  int64_t interval_ = -1;  // Of the market's continuous intervals; -1: between them.
  bool flatten_due_ = false;
};

}  // namespace sabot::backtest
