#include "sabot/backtest/run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "sabot/backtest/make_simulation.h"
#include "sabot/backtest/result_files.h"
#include "sabot/backtest/result_tables.h"
#include "sabot/backtest/security_reader_internal.h"
#include "sabot/backtest/simulation.h"
#include "sabot/backtest/tick_types.h"
#include "sabot/data/errors.h"
#include "sabot/env/executor.h"

namespace sabot::backtest {
namespace {

using internal::SecurityReader;

// A simulation with where its rows go.
class SecurityRun {
 public:
  static arrow::Result<std::unique_ptr<SecurityRun>> Make(const RunPlan& plan, const std::string& security,
                                                          const std::string& market, const RunOptions& options) {
    auto run = std::make_unique<SecurityRun>();
    run->keep_rows_ = options.keep_rows;
    const bool keep_trades = options.keep_rows || !options.folder.empty();
    SimulationOptions simulation{.keep_trades = keep_trades};
    if (!keep_trades) simulation.equity_interval_ns = 0;
    ARROW_ASSIGN_OR_RAISE(run->simulation_,
                          MakeSimulation(plan.strategy, plan.config, security, market, std::move(simulation)));
    if (!options.folder.empty()) {
      ARROW_ASSIGN_OR_RAISE(run->files_, CreateResultFiles(options.folder, security, options.parquet));
    }
    return run;
  }

  arrow::Status Push(const Ticks& ticks) {
    ARROW_RETURN_NOT_OK(simulation_->Push(ticks));
    return TakeRows();
  }

  arrow::Result<SecurityResult> Finish(const std::string& security) {
    SecurityResult result{.summary = {.security = security}};
    ARROW_ASSIGN_OR_RAISE(result.summary.outcome, simulation_->Finish());
    ARROW_RETURN_NOT_OK(TakeRows());
    if (files_ != nullptr) ARROW_RETURN_NOT_OK(files_->Commit());
    if (keep_rows_) {
      ARROW_ASSIGN_OR_RAISE(result.trades, TradesBatch(trades_));
      ARROW_ASSIGN_OR_RAISE(result.equity, EquityBatch(equity_));
    }
    return result;
  }

 private:
  arrow::Status TakeRows() {
    const auto trades = simulation_->TakeTrades();
    const auto equity = simulation_->TakeEquity();
    if (keep_rows_) {
      trades_.insert(trades_.end(), trades.begin(), trades.end());
      equity_.insert(equity_.end(), equity.begin(), equity.end());
    }
    return files_ == nullptr ? arrow::Status::OK() : files_->Write(trades, equity);
  }

  std::unique_ptr<Simulation> simulation_;
  std::unique_ptr<ResultFiles> files_;
  bool keep_rows_ = false;
  std::vector<TradeRow> trades_;
  std::vector<EquityRow> equity_;
};

arrow::Result<SecurityResult> RunFile(const RunPlan& plan, const SecurityTicks& ticks, const RunOptions& options,
                                      const AfterRows& after_rows, SecurityReader& reader) {
  ARROW_RETURN_NOT_OK(reader.Open(ticks, options.chunk_rows));
  ARROW_ASSIGN_OR_RAISE(const auto run, SecurityRun::Make(plan, ticks.security, reader.info().market, options));
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader.Next());
    if (!batch) break;
    ARROW_RETURN_NOT_OK(run->Push(*batch));
    ARROW_RETURN_NOT_OK(after_rows(batch->size()));
  }
  ARROW_ASSIGN_OR_RAISE(auto result, run->Finish(ticks.security));
  result.summary.rejected = reader.info().rejected;
  return result;
}

arrow::Result<SecurityResult> RunReader(const RunPlan& plan, const std::string& security,
                                        arrow::RecordBatchReader& ticks, const RunOptions& options,
                                        env::Interrupt& interrupt) {
  ARROW_ASSIGN_OR_RAISE(const auto run, SecurityRun::Make(plan, security, "", options));
  int64_t first_row = 0;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, ticks.Next());
    if (batch == nullptr) break;
    for (int64_t begin = 0; begin < batch->num_rows(); begin += options.chunk_rows) {
      ARROW_ASSIGN_OR_RAISE(auto readable, ReadableTicks(batch->Slice(begin, options.chunk_rows)));
      ARROW_ASSIGN_OR_RAISE(const auto rows, Ticks::From(std::move(readable), first_row));
      first_row += rows.size();
      ARROW_RETURN_NOT_OK(run->Push(rows));
      ARROW_RETURN_NOT_OK(interrupt.Check());
    }
  }
  return run->Finish(security);
}

arrow::Status CheckOptions(const RunOptions& options) {
  if (options.chunk_rows < 1) {
    return data::OptionError("backtest: chunk_size must be >= 1, found " + std::to_string(options.chunk_rows) + ".");
  }
  if (options.workers < 0) {
    return data::OptionError("backtest: max_workers must be >= 1, or 0 for one a core, found " +
                             std::to_string(options.workers) + ".");
  }
  return arrow::Status::OK();
}

// Securities that several threads take one after the other. All but the constants is guarded by the mutex.
class Runs {
 public:
  Runs(const RunPlan& plan, std::span<const SecurityTicks> securities, const RunOptions& options, int workers)
      : plan_(plan), securities_(securities), options_(options), workers_(workers), results_(securities.size()) {
    order_.resize(securities.size());
    std::iota(order_.begin(), order_.end(), 0);
    // The longest first, so that none begins when all others are done.
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t left, std::size_t right) {
      return securities[left].rows > securities[right].rows;
    });
    progress_.securities_all = static_cast<int64_t>(securities.size());
    for (const auto& each : securities) progress_.rows_all += each.rows;
  }

  // One thread's share.
  void Work(const env::Executor::Another& another) {
    std::unique_lock lock(mutex_);
    while (next_ < order_.size() && !stopped_) {
      const std::size_t index = order_[next_++];
      if (next_ < order_.size() && working_ < workers_) {
        ++working_;
        another();
      }
      lock.unlock();
      auto result = Run(index);
      lock.lock();
      ++progress_.securities;
      if (result.ok()) {
        results_[index] = std::move(result).ValueUnsafe();
      } else if (status_.ok()) {
        status_ = result.status();
        stopped_ = true;
      }
    }
    --working_;
  }

  // Returns when `Done` was called; meanwhile watches. What ended the run, if anything did.
  arrow::Status Watch(env::Interrupt& interrupt, const WatchProgress& progress) {
    arrow::Status status;
    for (;;) {
      RunProgress now;
      {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(env::kInterruptEveryMs), [this] { return done_; });
        if (done_) return status.ok() ? status_ : status;
        now = progress_;
      }
      now.rows = rows_;
      if (!status.ok()) continue;
      if (progress) status = progress(now);
      if (status.ok()) status = interrupt.Check();
      if (!status.ok()) stopped_ = true;
    }
  }
  void Done() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }

  std::vector<SecurityResult> TakeResults() { return std::move(results_); }
  RunProgress progress() const {
    RunProgress now = progress_;
    now.rows = rows_;
    return now;
  }

 private:
  arrow::Result<SecurityResult> Run(std::size_t index) {
    return RunSecurity(plan_, securities_[index], options_, [this](int64_t rows) {
      rows_ += rows;
      return stopped_ ? arrow::Status::Cancelled("stopped") : arrow::Status::OK();
    });
  }

  const RunPlan& plan_;
  const std::span<const SecurityTicks> securities_;
  const RunOptions& options_;
  const int workers_;
  std::vector<std::size_t> order_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;
  int working_ = 1;
  bool done_ = false;
  RunProgress progress_;
  std::vector<SecurityResult> results_;
  arrow::Status status_;  // Of the first security that was Cancelled.
  std::atomic<int64_t> rows_ = 0;
  std::atomic<bool> stopped_ = false;
};

}  // namespace

arrow::Result<SecurityResult> RunSecurity(const RunPlan& plan, const SecurityTicks& ticks, const RunOptions& options,
                                          const AfterRows& after_rows) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  SecurityReader reader;
  arrow::Result<SecurityResult> result = arrow::Status::UnknownError("not run");
  try {
    result = RunFile(plan, ticks, options, after_rows, reader);
  } catch (const std::exception& error) {  // Of a strategy in C++: ours throw nothing.
    result = arrow::Status::UnknownError("the strategy threw an exception: ", error.what());
  }
  if (result.ok() || result.status().IsCancelled()) return result;
  // Files of an earlier run would look as if they were of this one.
  if (!options.folder.empty()) static_cast<void>(RemoveResultFiles(options.folder, ticks.security, options.parquet));
  const std::string& message = result.status().message();
  const std::string error = message.empty() ? "the strategy failed without a message" : message;
  return SecurityResult{.summary = {.security = ticks.security, .error = error}, .read_failed = reader.failed()};
}

arrow::Result<SecurityResult> RunTicks(const RunPlan& plan, const std::string& security,
                                       arrow::RecordBatchReader& ticks, const RunOptions& options,
                                       env::Interrupt& interrupt) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  auto result = RunReader(plan, security, ticks, options, interrupt);
  if (!result.ok() && !options.folder.empty()) {
    static_cast<void>(RemoveResultFiles(options.folder, security, options.parquet));
  }
  return result;
}

arrow::Result<std::vector<SecurityResult>> RunSecurities(const RunPlan& plan, std::span<const SecurityTicks> securities,
                                                         const RunOptions& options, env::Interrupt& interrupt,
                                                         const WatchProgress& progress) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  const auto executor = env::MakeTbbExecutor(std::min(options.workers, static_cast<int>(securities.size())));
  Runs runs(plan, securities, options, executor->concurrency());
  arrow::Status status;
  {
    std::jthread running([&] {
      executor->Run([&](const env::Executor::Another& another) { runs.Work(another); });
      runs.Done();
    });
    status = runs.Watch(interrupt, progress);
  }
  ARROW_RETURN_NOT_OK(status);
  if (progress) ARROW_RETURN_NOT_OK(progress(runs.progress()));
  return runs.TakeResults();
}

}  // namespace sabot::backtest
