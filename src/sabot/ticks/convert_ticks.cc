#include "sabot/ticks/convert_ticks.h"

#include <arrow/compute/initialize.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/executor.h"
#include "sabot/env/storage.h"
#include "sabot/ticks/tick_jobs_internal.h"

namespace sabot::ticks {
namespace {

using internal::Conversion;
using internal::TickJob;

constexpr auto kLookEvery = std::chrono::milliseconds(env::kInterruptEveryMs);
constexpr int kWorkersMax = 1'000;

arrow::Status CheckOptions(const ConvertTicksOptions& options) {
  const auto check = [](const char* name, int64_t value, int64_t min, int64_t max) {
    if (value >= min && value <= max) return arrow::Status::OK();
    return data::OptionError("convert_ticks: " + std::string(name) + " is " + std::to_string(value) +
                             ". Use a value from " + std::to_string(min) + " to " + std::to_string(max) + ".");
  };
  ARROW_RETURN_NOT_OK(check("header_row", options.header_row, 1, 1'048'576));
  ARROW_RETURN_NOT_OK(check("max_workers", options.max_workers, 0, kWorkersMax));
  return check("max_sheets", options.max_sheets.value_or(1), 1, 1'000'000);
}

// Jobs on several threads, under the eyes of the calling one.
class Run {
 public:
  Run(Conversion& conversion, std::vector<std::unique_ptr<TickJob>> jobs)
      : conversion_(conversion), jobs_(std::move(jobs)), results_(jobs_.size()), order_(jobs_.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, std::greater<>(), [this](std::size_t job) { return jobs_[job]->weight(); });
    for (const auto& job : jobs_) {
      weight_ += job->weight();
      job->Claim(conversion_);
    }
  }

  arrow::Result<std::vector<ConvertedTicks>> All() {
    const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    const int asked = conversion_.options().max_workers > 0 ? conversion_.options().max_workers : cores;
    const int workers = std::min(asked, static_cast<int>(jobs_.size()));
    // One thread more, which only watches: it belongs to Python, where Ctrl-C arrives.
    const auto executor = env::MakeTbbExecutor(workers + 1);
    std::atomic<bool> watched = false;
    executor->Run([&](const env::Executor::Another& another) {
      if (watched.exchange(true)) return Work();
      for (int worker = 0; worker < workers; ++worker) another();
      Watch();
    });
    ARROW_RETURN_NOT_OK(status_);
    std::vector<ConvertedTicks> all;
    for (auto& results : results_) {
      for (auto& result : results) {
        if (result.status.IsCancelled()) return result.status;
        all.push_back(std::move(result));
      }
    }
    return all;
  }

 private:
  void Work() {
    const env::InterruptScope scope(stop_);
    for (;;) {
      const std::size_t next = next_++;
      if (next >= order_.size() || !stop_.Check().ok()) return;
      const std::size_t job = order_[next];
      results_[job] = jobs_[job]->Run(conversion_);
      jobs_[job]->set_done(1);
      const std::scoped_lock lock(mutex_);
      if (++finished_ == jobs_.size()) changed_.notify_all();
    }
  }

  // Looks once more when all is done, so that who shows the progress sees the end of it.
  void Watch() {
    std::unique_lock lock(mutex_);
    for (bool finished = false; !finished;) {
      finished = changed_.wait_for(lock, kLookEvery, [this] { return finished_ == jobs_.size(); });
      lock.unlock();
      status_ = Look();
      lock.lock();
      if (status_.ok()) continue;
      stop_.Set();
      return;
    }
  }

  arrow::Status Look() {
    const auto& options = conversion_.options();
    if (options.interrupt != nullptr) ARROW_RETURN_NOT_OK(options.interrupt->Check());
    if (options.progress == nullptr) return arrow::Status::OK();
    double done = 0;
    for (const auto& job : jobs_) done += job->weight() * job->done();
    return options.progress({.done = weight_ > 0 ? std::min(1.0, done / weight_) : 1,
                             .rows = conversion_.rows(),
                             .rejected = conversion_.rejected()});
  }

  Conversion& conversion_;
  std::vector<std::unique_ptr<TickJob>> jobs_;
  std::vector<std::vector<ConvertedTicks>> results_;  // By job.
  std::vector<std::size_t> order_;  // The largest job first, so that none is left alone at the end.
  double weight_ = 0;
  std::atomic<std::size_t> next_ = 0;
  env::StopFlag stop_;
  arrow::Status status_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t finished_ = 0;
};

}  // namespace

arrow::Result<std::vector<ConvertedTicks>> ConvertTicks(const std::vector<std::string>& sources,
                                                        const std::string& folder, ConvertTicksOptions options) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  if (sources.empty()) return data::OptionError("convert_ticks: no source is named.");
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());  // For casts.
  if (options.rejects == nullptr) options.rejects = std::make_shared<data::CountingRejects>();
  env::NoInterrupt none;
  const env::InterruptScope scope(options.interrupt != nullptr ? *options.interrupt : none);
  ARROW_ASSIGN_OR_RAISE(auto jobs, internal::PlanTickJobs(sources, options));
  ARROW_ASSIGN_OR_RAISE(const auto place, env::StorageOf(folder));
  ARROW_RETURN_NOT_OK(place.storage->CreateFolder(place.path));
  Conversion conversion(place.path, options);
  ARROW_ASSIGN_OR_RAISE(auto results, Run(conversion, std::move(jobs)).All());
  ARROW_RETURN_NOT_OK(options.rejects->Close());
  return results;
}

}  // namespace sabot::ticks
