#include "sabot/engine/morsel_runner.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/operators/chain_run.h"

namespace sabot::engine {
namespace {

// What is done and what may be done next. All members are guarded by the mutex; items run outside it.
class Schedule {
 public:
  Schedule(operators::ChainRun& run, env::Executor& executor, env::Interrupt& interrupt)
      : run_(run), executor_(executor), interrupt_(interrupt), stages_(static_cast<std::size_t>(run.stages())) {
    for (auto& stage : stages_) stage.done.resize(static_cast<std::size_t>(run.morsels()));
  }

  // One thread's share: items until none is ready. Whoever finishes an item looks again, so nothing is left behind.
  void Work(const env::Executor::Another& another) {
    std::unique_lock lock(mutex_);
    while (const auto item = Take()) {
      if (working_ < executor_.concurrency() && !Ready().empty()) {
        ++working_;
        another();
      }
      lock.unlock();
      auto status = run_.Run(static_cast<int>(item->stage), item->morsel);
      if (status.ok() && std::this_thread::get_id() == caller_) status = interrupt_.Check();
      lock.lock();
      Complete(*item, std::move(status));
    }
    --working_;
  }

  const arrow::Status& status() const { return status_; }

 private:
  struct Item {
    std::size_t stage;
    int64_t morsel;
  };
  struct Stage {
    int64_t next = 0;        // The first morsel not yet begun.
    int64_t completed = 0;   // Morsels before this one are all done.
    bool running = false;    // An ordered stage runs one morsel at a time.
    std::vector<uint8_t> done;
  };

  bool IsReady(std::size_t index) const {
    const auto& stage = stages_[index];
    if (stage.next == run_.morsels() || stage.next >= slowest_ + operators::ChainRun::kMorselsInFlight) return false;
    if (stage.running && run_.ordered(static_cast<int>(index))) return false;
    const auto inputs = run_.inputs(static_cast<int>(index));
    return std::all_of(inputs.begin(), inputs.end(), [&](int input) { return stages_[input].done[stage.next] != 0; });
  }

  // Stages that could begin their next morsel, the one furthest behind first.
  const std::vector<std::size_t>& Ready() {
    ready_.clear();
    if (!status_.ok()) return ready_;
    for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
      if (IsReady(stage)) ready_.push_back(stage);
    }
    std::stable_sort(ready_.begin(), ready_.end(),
                     [&](std::size_t left, std::size_t right) { return stages_[left].next < stages_[right].next; });
    return ready_;
  }

  std::optional<Item> Take() {
    const auto& ready = Ready();
    if (ready.empty()) return std::nullopt;
    const auto chosen = ready[executor_.Choose(ready.size())];
    stages_[chosen].running = true;
    return Item{chosen, stages_[chosen].next++};
  }

  void Complete(const Item& item, arrow::Status status) {
    auto& stage = stages_[item.stage];
    stage.running = false;
    stage.done[item.morsel] = 1;
    while (stage.completed < run_.morsels() && stage.done[stage.completed] != 0) ++stage.completed;
    slowest_ = run_.morsels();
    for (const auto& each : stages_) slowest_ = std::min(slowest_, each.completed);
    if (status_.ok()) status_ = std::move(status);
  }

  operators::ChainRun& run_;
  env::Executor& executor_;
  env::Interrupt& interrupt_;
  const std::thread::id caller_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::vector<Stage> stages_;
  std::vector<std::size_t> ready_;
  int64_t slowest_ = 0;
  int working_ = 1;
  arrow::Status status_;
};

std::mutex default_mutex;
std::shared_ptr<env::Executor> default_executor;

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> RunMorsels(operators::KernelChain& chain,
                                                              const std::shared_ptr<arrow::RecordBatch>& batch,
                                                              env::Executor& executor, env::Interrupt& interrupt) {
  const int threads = batch->num_rows() >= kParallelRows ? executor.concurrency() : 1;
  ARROW_ASSIGN_OR_RAISE(const auto run, chain.Begin(batch, threads));
  if (threads > 1 && run->parallel()) {
    Schedule schedule(*run, executor, interrupt);
    executor.Run([&](const env::Executor::Another& another) { schedule.Work(another); });
    ARROW_RETURN_NOT_OK(schedule.status());
  } else {
    for (int64_t morsel = 0; morsel < run->morsels(); ++morsel) {
      for (int stage = 0; stage < run->stages(); ++stage) ARROW_RETURN_NOT_OK(run->Run(stage, morsel));
      if (run->morsels() > 1) ARROW_RETURN_NOT_OK(interrupt.Check());
    }
  }
  return run->Finish();
}

arrow::Result<int> ParseMaxThreads(std::string_view text) {
  int threads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (error == std::errc{} && end == text.data() + text.size() && threads >= 0) return threads;
  return data::OptionError("SABOT_MAX_THREADS must be an integer >= 0 (0: one thread a core), found '" +
                           std::string(text) + "'.");
}

std::shared_ptr<env::Executor> DefaultExecutor() {
  const std::scoped_lock lock(default_mutex);
  if (default_executor == nullptr) {
    const char* text = std::getenv("SABOT_MAX_THREADS");
    default_executor = env::MakeTbbExecutor(ParseMaxThreads(text == nullptr ? "0" : text).ValueOr(0));
  }
  return default_executor;
}

void SetMaxThreads(int threads) {
  const std::scoped_lock lock(default_mutex);
  default_executor = env::MakeTbbExecutor(std::max(threads, 0));
}

}  // namespace sabot::engine
