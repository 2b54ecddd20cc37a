// Runs the tasks of a job that have something to do, those nearest to the end first unless asked otherwise, on the
// threads of an executor and on the thread that asks for it. Nobody polls: a task that waits is touched again when it
// was woken. A task that can use more than one thread (morsels of a kernel chain) gets those that have nothing else to
// do.
#pragma once

#include <arrow/status.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sabot/engine/task.h"
#include "sabot/env/executor.h"
#include "sabot/env/interrupt.h"

namespace sabot::engine {

// What a task did with its time. May be read by any thread.
struct TaskCounters {
  std::atomic<int64_t> steps = 0;
  std::atomic<int64_t> wakes = 0;
  std::atomic<int64_t> busy_ns = 0;           // In steps,
  std::atomic<int64_t> idle_ns = 0;           // without input,
  std::atomic<int64_t> backpressured_ns = 0;  // and without room, so far as these waits have ended.
};

class TaskScheduler {
 public:
  // `world_ends_here`: nothing outside the tasks wakes any; when none can run and some have not ended, that is an
  // error.
  // `sources_first`: tasks nearest to the sources go first, as far as there is room for what they give: for rows that
  // are all there, of which nobody waits for the first.
  explicit TaskScheduler(env::Executor& executor, bool world_ends_here = false, bool sources_first = false);
  ~TaskScheduler();

  // Its number: Wake's argument. All tasks are added before the first Run, in the order in which rows pass, and are
  // runnable at first.
  int Add(std::unique_ptr<Task> task);
  // Any thread, also before Run and after all has ended.
  void Wake(int task);
  // Any thread: `enough` has something new to see.
  void WakeCaller();

  // Steps tasks until all have ended, one failed, or `enough` says that the caller wants to go on. `enough` is asked on
  // the calling thread after each of its steps and at least every kInterruptEveryMs; its error ends the run. Can be
  // called again after it was enough. The first error is also that of all later calls.
  // `idle`: the calling thread has nothing to do at the moment.
  using Enough = std::function<arrow::Result<bool>(bool idle)>;
  arrow::Status Run(const Enough& enough);

  // Destroys the tasks; who wakes one afterwards does nothing. Not while a run is in progress.
  void End();

  bool ended() const;
  // Within a step: an executor whose work is shared by whoever of this run's threads has no task to step.
  env::Executor& helpers();
  // Within a step: whether it shall break off.
  env::Interrupt& stopping() { return stopping_; }
  const TaskCounters& counters(int task) const;
  std::string_view name(int task) const;
  int tasks() const { return static_cast<int>(tasks_.size()); }
  // The tasks that wait, for a message: "merge_0, sink_0".
  std::string Waiting() const;

 private:
  class Helpers;
  enum State : uint8_t { kWaiting, kQueued, kRunning, kRunningAndWoken, kEnded };
  struct Entry {
    std::unique_ptr<Task> task;  // None once the scheduler ends.
    bool on_caller = false;
    std::atomic<uint8_t> state = kQueued;
    TaskCounters counters;
    Turn last = Turn::kMore;  // What its last step said, and when.
    std::chrono::steady_clock::time_point stepped;
  };
  // A task's call for help: whoever comes calls it.
  using Help = std::function<void()>;

  // All of these hold the mutex.
  void Work(const env::Executor::Another& another, const Enough& enough);
  int Take(bool caller);  // -1: nothing for this thread.
  void Announce();
  void StepTask(int number, std::unique_lock<std::mutex>& lock);
  bool WaitForWork(const Enough& enough, std::unique_lock<std::mutex>& lock);  // False: nothing will come.
  void Ask(const Enough& enough, bool idle, std::unique_lock<std::mutex>& lock);
  void Fail(arrow::Status status);

  env::Executor& executor_;
  const bool world_ends_here_;
  const bool sources_first_;
  std::vector<std::unique_ptr<Entry>> tasks_;
  std::unique_ptr<Helpers> helpers_;
  env::StopFlag stopping_;  // The run has failed: steps may break off.

  mutable std::mutex mutex_;  // Of all below.
  std::condition_variable caller_wakes_;
  std::thread::id caller_;
  const env::Executor::Another* another_ = nullptr;  // The caller's, while it works.
  bool caller_waits_ = false;
  bool nudged_ = false;
  bool pause_ = false;  // Threads leave after the step they are at.
  std::vector<int> queue_;  // Runnable tasks, in no order.
  std::deque<Help> helps_;
  std::vector<int> takeable_;
  int working_ = 0;  // Threads in Work, or on their way.
  int stepping_ = 0;  // Tasks in a step.
  int live_ = 0;  // Tasks that have not ended.
  arrow::Status status_;
};

}  // namespace sabot::engine
