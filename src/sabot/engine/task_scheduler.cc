#include "sabot/engine/task_scheduler.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sabot/env/calls.h"

namespace sabot::engine {

class TaskScheduler::Helpers final : public env::Executor {
 public:
  explicit Helpers(TaskScheduler& scheduler) : scheduler_(scheduler) {}
  int concurrency() const override { return scheduler_.executor_.concurrency(); }
  void Run(const Work& work) override {
    env::Calls::RunAll(work, [this](Help help) {
      const std::lock_guard lock(scheduler_.mutex_);
      scheduler_.helps_.push_back(std::move(help));
      scheduler_.Announce();
    });
  }
  std::size_t Choose(std::size_t count) override { return scheduler_.executor_.Choose(count); }

 private:
  TaskScheduler& scheduler_;
};

TaskScheduler::TaskScheduler(env::Executor& executor, bool world_ends_here, bool sources_first)
    : executor_(executor),
      world_ends_here_(world_ends_here),
      sources_first_(sources_first),
      helpers_(std::make_unique<Helpers>(*this)) {}

TaskScheduler::~TaskScheduler() { End(); }

void TaskScheduler::End() {
  for (const auto& entry : tasks_) entry->task = nullptr;  // Their threads may wake them until they have ended.
}

env::Executor& TaskScheduler::helpers() { return *helpers_; }

int TaskScheduler::Add(std::unique_ptr<Task> task) {
  const std::lock_guard lock(mutex_);
  const int number = static_cast<int>(tasks_.size());
  if (!task->outside()) ++live_;
  tasks_.push_back(std::make_unique<Entry>());
  tasks_.back()->on_caller = task->on_caller();
  tasks_.back()->task = std::move(task);
  queue_.push_back(number);
  return number;
}

// The state is read and written in one step, after whatever the task will find was written: so either the one who
// steps it sees that it was woken, or it was waiting and is queued here.
void TaskScheduler::Wake(int task) {
  Entry& entry = *tasks_[static_cast<std::size_t>(task)];
  ++entry.counters.wakes;
  for (uint8_t state = entry.state.load();;) {
    if (state == kWaiting) {
      if (!entry.state.compare_exchange_weak(state, kQueued)) continue;
      const std::lock_guard lock(mutex_);
      queue_.push_back(task);
      Announce();
      return;
    }
    if (state != kRunning) return;
    if (entry.state.compare_exchange_weak(state, kRunningAndWoken)) return;
  }
}

void TaskScheduler::WakeCaller() {
  const std::lock_guard lock(mutex_);
  nudged_ = true;
  caller_wakes_.notify_one();
}

arrow::Status TaskScheduler::Run(const Enough& enough) {
  {
    const std::lock_guard lock(mutex_);
    ARROW_RETURN_NOT_OK(status_);
    if (live_ == 0) return arrow::Status::OK();
    pause_ = false;
    working_ = 1;
    caller_ = std::this_thread::get_id();
  }
  executor_.Run([&](const env::Executor::Another& another) { Work(another, enough); });
  const std::lock_guard lock(mutex_);
  return status_;
}

bool TaskScheduler::ended() const {
  const std::lock_guard lock(mutex_);
  return live_ == 0;
}

const TaskCounters& TaskScheduler::counters(int task) const { return tasks_[static_cast<std::size_t>(task)]->counters; }

std::string_view TaskScheduler::name(int task) const { return tasks_[static_cast<std::size_t>(task)]->task->name(); }

std::string TaskScheduler::Waiting() const {
  std::string names;
  for (const auto& entry : tasks_) {
    if (entry->state == kWaiting) names += (names.empty() ? "" : ", ") + std::string(entry->task->name());
  }
  return names;
}

// One thread's share of a run. The caller stays until there is nothing left to do; the others come when there is more
// to do than threads, and go when there is less.
void TaskScheduler::Work(const env::Executor::Another& another, const Enough& enough) {
  std::unique_lock lock(mutex_);
  const bool caller = std::this_thread::get_id() == caller_ && another_ == nullptr;
  if (caller) another_ = &another;
  while (!pause_ && live_ > 0) {
    if (const int task = Take(caller); task >= 0) {
      Announce();
      StepTask(task, lock);
      if (caller) Ask(enough, /*idle=*/false, lock);
    } else if (!helps_.empty()) {
      const Help help = std::move(helps_.front());
      helps_.pop_front();
      lock.unlock();
      help();
      lock.lock();
    } else if (!caller || !WaitForWork(enough, lock)) {
      break;
    }
  }
  if (caller) {
    pause_ = true;
    another_ = nullptr;
  }
  --working_;
}

int TaskScheduler::Take(bool caller) {
  takeable_.clear();
  for (const int task : queue_) {
    if (caller || !tasks_[static_cast<std::size_t>(task)]->on_caller) takeable_.push_back(task);
  }
  if (takeable_.empty()) return -1;
  std::sort(takeable_.begin(), takeable_.end());
  if (!sources_first_) std::reverse(takeable_.begin(), takeable_.end());
  const int task = takeable_[executor_.Choose(takeable_.size())];
  queue_.erase(std::find(queue_.begin(), queue_.end(), task));
  return task;
}

// There is something to take: sees to it that somebody comes for it.
void TaskScheduler::Announce() {
  const bool for_others = !helps_.empty() || std::any_of(queue_.begin(), queue_.end(), [&](int task) {
    return !tasks_[static_cast<std::size_t>(task)]->on_caller;
  });
  if (caller_waits_ && (for_others || !queue_.empty())) {
    caller_wakes_.notify_one();
  } else if (for_others && another_ != nullptr && !pause_ && working_ < executor_.concurrency()) {
    ++working_;
    (*another_)();
  }
}

void TaskScheduler::StepTask(int number, std::unique_lock<std::mutex>& lock) {
  Entry& entry = *tasks_[static_cast<std::size_t>(number)];
  entry.state = kRunning;
  ++stepping_;
  lock.unlock();
  const auto begin = std::chrono::steady_clock::now();
  if (entry.last == Turn::kNoInput) entry.counters.idle_ns += (begin - entry.stepped).count();
  if (entry.last == Turn::kNoRoom) entry.counters.backpressured_ns += (begin - entry.stepped).count();
  auto turn = entry.task->Step();
  entry.last = turn.ok() ? *turn : Turn::kEnded;
  entry.stepped = std::chrono::steady_clock::now();
  entry.counters.busy_ns += (entry.stepped - begin).count();
  ++entry.counters.steps;
  lock.lock();
  --stepping_;
  if (!turn.ok()) return Fail(turn.status());
  if (*turn == Turn::kEnded) {
    entry.state = kEnded;
    if (!entry.task->outside()) --live_;
    if (live_ == 0) caller_wakes_.notify_one();
    return;
  }
  uint8_t running = kRunning;
  if (*turn != Turn::kMore && entry.state.compare_exchange_strong(running, kWaiting)) {
    if (stepping_ == 0 && world_ends_here_) caller_wakes_.notify_one();
    return;
  }
  entry.state = kQueued;
  queue_.push_back(number);
}

bool TaskScheduler::WaitForWork(const Enough& enough, std::unique_lock<std::mutex>& lock) {
  Ask(enough, /*idle=*/true, lock);
  if (pause_ || live_ == 0) return false;
  if (!queue_.empty() || !helps_.empty()) return true;
  if (stepping_ == 0 && world_ends_here_) {
    Fail(arrow::Status::UnknownError("the job stands still: ", Waiting(), " wait for one another."));
    return false;
  }
  caller_waits_ = true;
  caller_wakes_.wait_for(lock, std::chrono::milliseconds(env::kInterruptEveryMs), [this] {
    return !queue_.empty() || !helps_.empty() || pause_ || live_ == 0 || nudged_ ||
           (stepping_ == 0 && world_ends_here_);
  });
  caller_waits_ = false;
  nudged_ = false;
  return true;
}

void TaskScheduler::Ask(const Enough& enough, bool idle, std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const auto answer = enough(idle);
  lock.lock();
  if (!answer.ok()) return Fail(answer.status());
  if (*answer) pause_ = true;
}

void TaskScheduler::Fail(arrow::Status status) {
  if (status_.ok()) status_ = std::move(status);
  stopping_.Set();
  pause_ = true;
  caller_wakes_.notify_one();
}

}  // namespace sabot::engine
