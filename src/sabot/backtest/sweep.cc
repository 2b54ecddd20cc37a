#include "sabot/backtest/sweep.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "sabot/backtest/open_sweep.h"
#include "sabot/backtest/sweep_scan_internal.h"
#include "sabot/data/errors.h"

namespace sabot::backtest {
namespace {

using internal::Scan;

// Runs items on all threads; returns when all are done, or, after a stop, none is running. The first error stops them.
arrow::Status RunItems(env::Executor& executor, int64_t items, env::StopFlag& stop,
                       const std::function<arrow::Status(int64_t)>& run) {
  std::mutex mutex;
  arrow::Status first;
  std::atomic<int64_t> next = 0;
  std::atomic<bool> asked = false;
  executor.Run([&](const env::Executor::Another& another) {
    if (!asked.exchange(true)) {
      const int64_t company = std::min<int64_t>(executor.concurrency(), items) - 1;
      for (int64_t i = 0; i < company; ++i) another();
    }
    while (stop.Check().ok()) {
      const int64_t item = next.fetch_add(1);
      if (item >= items) return;
      if (const auto status = run(item); !status.ok()) {
        stop.Set();
        const std::lock_guard lock(mutex);
        if (first.ok()) first = status;
      }
    }
  });
  return first.ok() ? stop.Check() : first;
}

arrow::Status CheckOptions(const SweepOptions& options) {
  if (options.sets_per_scan >= 1 && options.batch_rows >= 0) return arrow::Status::OK();
  return data::OptionError("sweep: sets_per_scan is " + std::to_string(options.sets_per_scan) + " and batch_rows " +
                           std::to_string(options.batch_rows) + "; they have to be at least 1 and 0.");
}

// See SweepOptions.
int64_t BatchRows(const SweepOptions& options, int64_t simulations) {
  constexpr int64_t kTicksOfRound = 1 << 20;
  if (options.batch_rows > 0) return options.batch_rows;
  return std::clamp<int64_t>(kTicksOfRound / simulations, 1'024, 16'384);
}

// All scans, in rounds. One thread runs it; others see `stop` and the progress.
class Sweep {
 public:
  Sweep(const SweepPlan& plan, const SweepOptions& options, env::Executor& executor)
      : plan_(plan), options_(options), executor_(executor) {
    for (const auto& security : plan.securities) rows_all_ += std::max<int64_t>(security.rows, 1);
    progress_.simulations_all = plan.sets.size() * static_cast<int64_t>(plan.securities.size());
  }

  arrow::Result<SweepResult> Run() {
    ARROW_RETURN_NOT_OK(CheckOptions(options_));
    const env::InterruptScope scope(stop_);
    ARROW_ASSIGN_OR_RAISE(sweep_, OpenSweep::Make(plan_, options_.folder, options_.restart));
    FindWork();
    ARROW_RETURN_NOT_OK(RunScans());
    return sweep_->Finish();
  }

  void Stop() { stop_.Set(); }
  SweepProgress progress() const {
    const std::lock_guard lock(mutex_);
    return progress_;
  }

 private:
  struct Work {
    std::size_t security;
    SetRange sets;
  };
  // An item of the round: of which of the scans that are open, and its number there.
  struct Item {
    Scan* scan;
    int64_t item;
  };

  void FindWork() {
    for (std::size_t security = 0; security < plan_.securities.size(); ++security) {
      Complete(security, sweep_->done(security), sweep_->done(security));
      for (const auto& sets : sweep_->Missing(security, options_.sets_per_scan)) work_.push_back({security, sets});
    }
    // The longest first, so that none begins when all others are done.
    std::stable_sort(work_.begin(), work_.end(), [&](const Work& left, const Work& right) {
      return plan_.securities[left.security].rows > plan_.securities[right.security].rows;
    });
  }

  // One scan at a time, if it has enough simulations for all threads; else several.
  arrow::Status RunScans() {
    const auto sets = static_cast<std::size_t>(std::min(options_.sets_per_scan, plan_.sets.size()));
    const std::size_t wanted = static_cast<std::size_t>(executor_.concurrency()) * 2;
    const std::size_t scans_open = std::max<std::size_t>((wanted + sets - 1) / sets, 1);
    const int64_t batch_rows = BatchRows(options_, static_cast<int64_t>(scans_open * sets));
    std::size_t next = 0;
    std::vector<std::unique_ptr<Scan>> open;
    while (next < work_.size() || !open.empty()) {
      while (next < work_.size() && open.size() < scans_open) {
        const Work& work = work_[next++];
        open.push_back(std::make_unique<Scan>(plan_, work.security, work.sets.first, work.sets.count, batch_rows));
      }
      ARROW_RETURN_NOT_OK(RunRound(open));
      for (auto& scan : open) {
        if (!scan->EndRound()) ARROW_RETURN_NOT_OK(Keep(std::move(scan)));
      }
      std::erase(open, nullptr);
      Report(open);
    }
    return arrow::Status::OK();
  }

  arrow::Status RunRound(const std::vector<std::unique_ptr<Scan>>& open) {
    items_.clear();
    for (const auto& scan : open) items_.push_back({scan.get(), 0});  // Reads first: nobody waits for the last of them.
    for (const auto& scan : open) {
      for (int64_t item = 1; item < scan->items(); ++item) items_.push_back({scan.get(), item});
    }
    return RunItems(executor_, static_cast<int64_t>(items_.size()), stop_, [this](int64_t index) {
      const Item& item = items_[static_cast<std::size_t>(index)];
      return item.scan->Run(item.item);
    });
  }

  arrow::Status Keep(std::unique_ptr<Scan> scan) {
    ticks_done_ += scan->rows() * scan->sets();
    ARROW_RETURN_NOT_OK(
        sweep_->Put(scan->security(), scan->first_set(), scan->TakeRows(), /*passing=*/scan->read_failed()));
    Complete(scan->security(), scan->sets());
    return arrow::Status::OK();
  }

  // The share of all work that so many sets of a security's ticks are.
  double Share(std::size_t security, int64_t sets) const {
    return static_cast<double>(std::max<int64_t>(plan_.securities[security].rows, 1)) / static_cast<double>(rows_all_) *
           (static_cast<double>(sets) / static_cast<double>(plan_.sets.size()));
  }

  void Complete(std::size_t security, int64_t sets, int64_t resumed = 0) {
    const std::lock_guard lock(mutex_);
    progress_.simulations += sets;
    progress_.simulations_resumed += resumed;
    done_ += Share(security, sets);
    progress_.fraction = std::clamp(done_, progress_.fraction, 1.0);  // Scans that are not done count as well.
  }

  void Report(const std::vector<std::unique_ptr<Scan>>& open) {
    double done = done_;
    int64_t ticks = ticks_done_;
    for (const auto& scan : open) {
      const double rows = static_cast<double>(std::max<int64_t>(plan_.securities[scan->security()].rows, 1));
      done += Share(scan->security(), scan->sets()) * std::min(static_cast<double>(scan->rows()) / rows, 1.0);
      ticks += scan->rows() * scan->sets();
    }
    const std::lock_guard lock(mutex_);
    progress_.ticks = ticks;
    progress_.fraction = std::clamp(done, progress_.fraction, 1.0);
  }

  const SweepPlan& plan_;
  const SweepOptions& options_;
  env::Executor& executor_;
  env::StopFlag stop_;
  std::unique_ptr<OpenSweep> sweep_;
  std::vector<Work> work_;
  std::vector<Item> items_;
  int64_t rows_all_ = 0;
  double done_ = 0;
  int64_t ticks_done_ = 0;
  mutable std::mutex mutex_;
  SweepProgress progress_;  // Guarded.
};

// Until another thread says that it is done.
class Watch {
 public:
  void Done() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  bool Wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(env::kInterruptEveryMs), [this] { return done_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

}  // namespace

arrow::Result<SweepResult> RunSweep(const SweepPlan& plan, const SweepOptions& options, env::Executor& executor,
                                    env::Interrupt& interrupt,
                                    const std::function<arrow::Status(const SweepProgress&)>& progress) {
  Sweep sweep(plan, options, executor);
  Watch watch;
  arrow::Result<SweepResult> result = arrow::Status::Cancelled("sweep: stopped");
  arrow::Status interrupted;
  {
    std::jthread running([&] {
      result = sweep.Run();
      watch.Done();
    });
    while (!watch.Wait()) {
      if (!interrupted.ok()) continue;
      if (progress) interrupted = progress(sweep.progress());
      if (interrupted.ok()) interrupted = interrupt.Check();
      if (!interrupted.ok()) sweep.Stop();
    }
  }
  ARROW_RETURN_NOT_OK(interrupted);
  if (progress && result.ok()) ARROW_RETURN_NOT_OK(progress(sweep.progress()));
  return result;
}

}  // namespace sabot::backtest
