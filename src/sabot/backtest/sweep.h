// Many parameter sets over many securities: the ticks of a security are read once for all sets, and each batch of them
// goes through all simulations while it lies in the cache. What a set comes to is what a run of its own comes to, bit
// for bit, with any number of threads.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/backtest/parameter_sets.h"
#include "sabot/backtest/run.h"
#include "sabot/env/executor.h"
#include "sabot/env/interrupt.h"

namespace sabot::backtest {

inline constexpr char kSweepResultsFileName[] = "sweep_results.csv";
inline constexpr char kSweepSummaryFileName[] = "sweep_summary.csv";

struct SweepPlan {
  RunPlan run;  // What sets leave to the configuration.
  std::vector<SecurityTicks> securities;
  ParameterSets sets;
};

struct SweepOptions {
  // A scan of one file by so many sets is what is kept when a sweep is killed. No number changes a result, so one that
  // goes on may have another.
  int64_t sets_per_scan = 4'096;
  // Ticks that all simulations of a scan see before the next ones. 0: as many as make a round of a million in all, from
  // 1,024, which fit into the nearest cache, to 16,384.
  int64_t batch_rows = 0;
  // Gets the results, and scans as they are completed, so that the same sweep goes on where it was killed; made where
  // it is missing. Empty: nothing is kept.
  std::string folder = {};
  bool restart = false;  // Forget what a folder holds of a sweep.
};

struct SweepProgress {
  int64_t simulations = 0;  // Completed, those of earlier runs included.
  int64_t simulations_all = 0;
  int64_t simulations_resumed = 0;  // Of earlier runs.
  int64_t ticks = 0;  // That simulations of this run have seen.
  double fraction = 0;
};

struct SweepResult {
  // A row a set and security: set, security, a column a parameter, and what the summary of a run has after `security`.
  std::shared_ptr<arrow::Table> table;
  // A row a set, over the securities that did not fail for it, whatever other sets came to: set, a column a parameter,
  // securities, failed; sums: trades, realized_pnl, fees, pnl, volume, strategy_dates, rows; market_dates, of any
  // security; of the sum of their daily pnl: max_drawdown (day by day), sharpe, deflated_sharpe (see deflated_sharpe.h;
  // the trials are the sets that have a Sharpe ratio).
  std::shared_ptr<arrow::Table> by_set;
  int64_t trials = 0;  // Sets that have a Sharpe ratio,
  double sharpe_expected = 0;  // and what the best of so many without skill would show, annualised.
  int64_t simulations_failed = 0;
  int64_t simulations_resumed = 0;
};

// Errors (kOption): no securities; a set with a key or value that cannot be (with the set's number); an option below
// its least value; a folder that holds another sweep. Cancelled: scans that were completed stay in the folder. A
// security whose ticks cannot be read, and a simulation that fails, are errors of their rows alone.
//
// The calling thread only watches: it asks `interrupt` and calls `progress` (may be empty) some times a second. An
// error of `progress` ends the sweep as Cancelled does.
arrow::Result<SweepResult> RunSweep(const SweepPlan& plan, const SweepOptions& options, env::Executor& executor,
                                    env::Interrupt& interrupt,
                                    const std::function<arrow::Status(const SweepProgress&)>& progress);

}  // namespace sabot::backtest
