// When the equity is sampled, and its samples until somebody takes them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

// A sample at the first tick, at the first one in each interval of event time, and at the last.
class EquitySamples {
 public:
  // 0: none at all. Without an interval it is a second where the ticks cover less than an hour, so that a curve of a
  // few minutes has points, and else a minute: samples of the first hour are held until that is known.
  explicit EquitySamples(std::optional<int64_t> interval_ns);

  bool Due(int64_t timestamp) const { return timestamp >= next_; }
  // At a tick that is due.
  void Add(const EquityRow& row);
  // At the last tick, after all work.
  void Finish(const EquityRow& row);

  // Those that are certain.
  std::vector<EquityRow> Take() { return std::exchange(rows_, {}); }
  int64_t interval_ns() const { return interval_ns_; }  // Known at the end.

 private:
  struct Held {
    EquityRow row;
    bool begins_minute;
  };

  bool IsLong(int64_t timestamp) const;
  void Decide(int64_t interval_ns);

  int64_t interval_ns_;
  int64_t next_ = std::numeric_limits<int64_t>::min();
  bool undecided_;
  int64_t first_ = 0;
  int64_t next_minute_ = std::numeric_limits<int64_t>::min();
  std::vector<Held> held_;
  std::vector<EquityRow> rows_;
};

}  // namespace sabot::backtest
