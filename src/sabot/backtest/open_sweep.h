// A sweep between its plan and its tables: which of its simulations are done, in memory, or in a folder where another
// run finds them again. It runs none itself.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sabot/backtest/summary_file.h"
#include "sabot/backtest/sweep.h"

namespace sabot::backtest {

namespace internal {
class SweepParts;
}

// Sets [first, first + count).
struct SetRange {
  int64_t first = 0;
  int64_t count = 0;
};

// One thread at a time.
class OpenSweep {
 public:
  // Of a plan that outlives it; `folder` and `restart` as in SweepOptions. Looks at all sets, and with a folder reads
  // all ticks, to know them again. Errors (kOption): no securities or sets; a set with a key or value that cannot be
  // (with the set's number); a folder that holds another sweep. Those of the storage. Cancelled, where InterruptScope
  // says so.
  static arrow::Result<std::unique_ptr<OpenSweep>> Make(const SweepPlan& plan, std::string folder, bool restart);
  ~OpenSweep();

  int64_t done(std::size_t security) const;  // Sets, those of earlier runs included.
  int64_t resumed() const { return resumed_; }  // Simulations that earlier runs had done.
  // The sets of a security that are not done, at most `most` in a range.
  std::vector<SetRange> Missing(std::size_t security, int64_t most) const;
  // What a security's ticks came to with missing sets, from `first_set` on. The folder keeps it, unless it is
  // `passing`: of this run alone, for another one may fare better.
  arrow::Status Put(std::size_t security, int64_t first_set, std::vector<SummaryRow> rows, bool passing = false);
  // When none is missing: the tables, which then also lie in the folder.
  arrow::Result<SweepResult> Finish() const;

 private:
  OpenSweep(const SweepPlan& plan, std::string folder, std::unique_ptr<internal::SweepParts> parts);

  const SweepPlan& plan_;
  const std::string folder_;
  const std::unique_ptr<internal::SweepParts> parts_;
  int64_t resumed_ = 0;
};

}  // namespace sabot::backtest
