#include "sabot/ticks/convert_ticks.h"

#include <arrow/compute/initialize.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/executor.h"
#include "sabot/env/storage.h"
#include "sabot/ticks/sorting_folder_internal.h"
#include "sabot/ticks/tick_gathering_internal.h"

namespace sabot::ticks {
namespace {

using internal::Conversion;
using internal::Gathering;

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

// Work on several threads, under the eyes of the calling one.
class Crew {
 public:
  // `look` is called some ten times a second, and once more when a round is done. An error of it ends the round.
  Crew(int workers, std::function<arrow::Status()> look) : workers_(workers), look_(std::move(look)) {}

  arrow::Status Run(std::size_t count, const std::function<void(std::size_t)>& work) {
    if (count == 0) return look_();
    work_ = &work;
    count_ = count;
    next_ = finished_ = 0;
    const int workers = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(workers_), count));
    // One thread more, which only watches: it belongs to Python, where Ctrl-C arrives.
    const auto executor = env::MakeTbbExecutor(workers + 1);
    std::atomic<bool> watched = false;
    executor->Run([&](const env::Executor::Another& another) {
      if (watched.exchange(true)) return Work();
      for (int worker = 0; worker < workers; ++worker) another();
      Watch();
    });
    return status_;
  }

 private:
  void Work() {
    const env::InterruptScope scope(stop_);
    for (;;) {
      const std::size_t next = next_++;
      if (next >= count_ || !stop_.Check().ok()) return;
      (*work_)(next);
      const std::scoped_lock lock(mutex_);
      if (++finished_ == count_) changed_.notify_all();
    }
  }

  // Looks once more when all is done, so that who shows the progress sees the end of it.
  void Watch() {
    std::unique_lock lock(mutex_);
    for (bool finished = false; !finished;) {
      finished = changed_.wait_for(lock, kLookEvery, [this] { return finished_ == count_; });
      lock.unlock();
      status_ = look_();
      lock.lock();
      if (status_.ok()) continue;
      stop_.Set();
      return;
    }
  }

  int workers_;
  std::function<arrow::Status()> look_;
  const std::function<void(std::size_t)>* work_ = nullptr;
  std::size_t count_ = 0;
  std::atomic<std::size_t> next_ = 0;
  env::StopFlag stop_;
  arrow::Status status_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t finished_ = 0;
};

arrow::Status Look(const Conversion& conversion, const Gathering& gathering) {
  const auto& options = conversion.options();
  if (options.interrupt != nullptr) ARROW_RETURN_NOT_OK(options.interrupt->Check());
  if (options.progress == nullptr) return arrow::Status::OK();
  return options.progress({.done = gathering.done(), .rows = conversion.rows(), .rejected = conversion.rejected()});
}

arrow::Result<std::vector<ConvertedTicks>> Convert(Conversion& conversion, internal::TickPlan plan) {
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int asked = conversion.options().max_workers;
  Gathering gathering(conversion, std::move(plan));
  Crew crew(asked > 0 ? asked : cores, [&] { return Look(conversion, gathering); });
  const auto jobs = gathering.jobs();
  ARROW_RETURN_NOT_OK(crew.Run(jobs.size(), [&](std::size_t at) { gathering.Look(jobs[at]); }));
  gathering.Decide();
  auto read = gathering.to_read();  // The largest first, so that none is left alone at the end.
  const auto weight = [&](std::size_t job) { return gathering.job(job).info().weight; };
  std::ranges::stable_sort(read, std::greater<>(), weight);
  ARROW_RETURN_NOT_OK(crew.Run(read.size(), [&](std::size_t at) { gathering.Read(read[at]); }));
  ARROW_RETURN_NOT_OK(crew.Run(gathering.to_join(), [&](std::size_t at) { gathering.Join(at); }));
  return gathering.Results();
}

}  // namespace

arrow::Result<std::vector<ConvertedTicks>> ConvertTicks(const std::vector<std::string>& sources,
                                                        const std::string& folder, ConvertTicksOptions options) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  if (sources.empty()) return data::OptionError("convert_ticks: no source is named.");
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());  // For casts.
  if (options.rejects == nullptr) options.rejects = std::make_shared<data::CountingRejects>();
  env::NoInterrupt none;
  const env::InterruptScope scope(options.interrupt != nullptr ? *options.interrupt : none);
  ARROW_ASSIGN_OR_RAISE(auto plan, internal::PlanTickJobs(sources, options));
  ARROW_ASSIGN_OR_RAISE(auto place, env::StorageOf(folder));
  while (place.path.size() > 1 && place.path.ends_with('/')) place.path.pop_back();
  ARROW_RETURN_NOT_OK(place.storage->CreateFolder(place.path));
  internal::RemoveLeftSortingFolders(place.path);
  ARROW_ASSIGN_OR_RAISE(auto sorting, internal::SortingFolder::Make(place.path));
  Conversion conversion(place.path, options, plan.inputs, std::move(sorting));
  ARROW_ASSIGN_OR_RAISE(auto results, Convert(conversion, std::move(plan)));
  ARROW_RETURN_NOT_OK(options.rejects->Close());
  return results;
}

}  // namespace sabot::ticks
