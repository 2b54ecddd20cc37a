// One pass over the ticks of a security by some of a sweep's sets.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/backtest/make_simulation.h"
#include "sabot/backtest/security_reader_internal.h"
#include "sabot/backtest/summary_file.h"
#include "sabot/backtest/sweep.h"

namespace sabot::backtest::internal {

// In rounds: the items of a round may run on any threads at the same time, each once; between rounds there is one
// thread. One item reads the batch of the next round, each of the others takes one simulation through that of this
// round. So there are two batches in memory, and every simulation has seen the same ticks when a round ends.
class Scan {
 public:
  // Sets [first_set, first_set + sets) of the plan, which outlives it.
  Scan(const SweepPlan& plan, std::size_t security, int64_t first_set, int64_t sets, int64_t batch_rows);

  int64_t items() const { return static_cast<int64_t>(simulations_.size()) + 1; }
  // Cancelled, where a strategy is Interrupted; any other error is its row's.
  arrow::Status Run(int64_t item);
  // Whether the scan goes on.
  bool EndRound();
  // What its sets came to, when it is over.
  std::vector<SummaryRow> TakeRows();
  bool read_failed() const { return !read_.ok(); }

  std::size_t security() const { return security_; }
  int64_t sets() const { return static_cast<int64_t>(simulations_.size()); }
  int64_t first_set() const { return first_set_; }
  int64_t rows() const { return rows_; }  // Seen by all simulations.

 private:
  struct Slot {
    std::unique_ptr<Simulation> simulation;  // None before it begins, and when it is over.
    SummaryRow row;
  };

  arrow::Status Read();
  arrow::Status Advance(Slot& slot, int64_t set) const;
  arrow::Status TryAdvance(Slot& slot, int64_t set) const;

  const SweepPlan& plan_;
  const std::size_t security_;
  const int64_t first_set_;
  const int64_t batch_rows_;
  std::vector<Slot> simulations_;

  SecurityReader reader_;
  std::optional<Ticks> current_;  // What simulations see in this round: none in the first one, and at the end.
  std::optional<Ticks> next_;
  arrow::Status read_;  // Of the read in this round.
  bool at_end_ = false;
  bool finishing_ = false;
  int64_t rows_ = 0;
};

}  // namespace sabot::backtest::internal
