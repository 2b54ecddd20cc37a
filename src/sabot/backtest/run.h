// Many securities through one strategy, each on its own: a simulation a security, files a security, and a row of the
// summary, also where something went wrong.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sabot/backtest/config.h"
#include "sabot/backtest/registry.h"
#include "sabot/backtest/summary_file.h"
#include "sabot/env/interrupt.h"

namespace sabot::backtest {

// The ticks of one security, as they lie in a file.
struct SecurityTicks {
  std::string security;
  std::string path;
  int64_t rows = 0;       // As the file's footer says.
  std::string error = {};  // Why they cannot be used: it has no simulation, only this.
};

// What paths stand for: tick files that can be run as they are, or files that must be converted, together, first.
struct FoundTicks {
  std::vector<SecurityTicks> ticks;     // By the files' names. One that cannot be read is among them with its error.
  std::vector<std::string> to_convert;  // All files of ticks, in their order, where `ticks` is empty.
  std::vector<std::string> passed_over;  // Files of folders and globs that hold no ticks: why.
};

// Of files, globs and folders; see ticks::FindTickSources. Files must be converted where one of them is no tick file,
// or two are of one security, which joins them. Errors: a path for which there is nothing; there are no ticks (kData).
arrow::Result<FoundTicks> FindTicks(const std::vector<std::string>& paths);

// The same strategy for all securities, with what each runs with.
struct RunPlan {
  StrategyInfo strategy;
  StrategyConfig config;
};

struct RunOptions {
  int workers = 0;               // Securities at a time; 0: one a core.
  int64_t chunk_rows = 100'000;  // Of a batch of ticks. No number changes a byte.
  std::string folder = {};       // For the files; see PrepareFolder in result_folder.h. Empty: none.
  bool parquet = false;          // Trades and equity as Parquet there, too.
  bool keep_rows = false;        // Whether results have trades and equity.
};

struct SecurityResult {
  SummaryRow summary;
  std::shared_ptr<arrow::RecordBatch> trades = nullptr;  // See RunOptions::keep_rows; none of one that failed.
  std::shared_ptr<arrow::RecordBatch> equity = nullptr;
  bool read_failed = false;  // It failed because its ticks could not be read: another run may fare better.
};

// Called for each batch with its rows. An error that is Cancelled ends the run, one of another kind this security.
using AfterRows = std::function<arrow::Status(int64_t rows)>;

// One security, on this thread. What is wrong with its ticks, its files or its strategy is the result's error, and it
// then has no files; so the only errors are Cancelled, and those of the options.
arrow::Result<SecurityResult> RunSecurity(const RunPlan& plan, const SecurityTicks& ticks, const RunOptions& options,
                                          const AfterRows& after_rows);
// The same of ticks that are there already; there is no isolation: every error is one.
arrow::Result<SecurityResult> RunTicks(const RunPlan& plan, const std::string& security,
                                       arrow::RecordBatchReader& ticks, const RunOptions& options,
                                       env::Interrupt& interrupt);

struct RunProgress {
  int64_t rows = 0;
  int64_t rows_all = 0;  // Of all files.
  int64_t securities = 0;
  int64_t securities_all = 0;
};

using WatchProgress = std::function<arrow::Status(const RunProgress&)>;

// All of them, `workers` at a time, in the order given. The calling thread only watches: it asks `interrupt` and calls
// `progress` (may be empty) some times a second. Errors: Cancelled, and those of `progress`; files that were complete
// stay.
arrow::Result<std::vector<SecurityResult>> RunSecurities(const RunPlan& plan, std::span<const SecurityTicks> securities,
                                                         const RunOptions& options, env::Interrupt& interrupt,
                                                         const WatchProgress& progress);

}  // namespace sabot::backtest
