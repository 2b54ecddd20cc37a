// Takes the states of a job's tasks as a barrier passes them, and puts them together.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sabot/engine/chain_task.h"
#include "sabot/engine/job_state.h"
#include "sabot/engine/task_input.h"

namespace sabot::engine {

class Checkpointing final : public BarrierListener {
 public:
  // What a task is, as far as states go. Tasks are numbered from `first_task` on.
  struct TaskParts {
    std::vector<std::string> operators = {};  // Ids of those with a link in the chain, in its order,
    std::vector<std::string> all = {};        // and of all.
    int copy = 0;
    SourceInput* source = nullptr;       // Its input, if that is a source partition.
    std::string source_op = "";
    const std::atomic<int64_t>* sink_rows = nullptr;  // Of the sink at its end.
    int64_t sink_rows_before = 0;                     // Given to that sink before this run.
  };
  // `wake` wakes a task, `on_complete` the thread that runs the job.
  Checkpointing(int first_task, std::function<void(int task)> wake, std::function<void()> on_complete)
      : first_task_(first_task), wake_(std::move(wake)), on_complete_(std::move(on_complete)) {}
  void Add(TaskParts parts) { tasks_.push_back(std::move(parts)); }

  // On the thread that runs the job. Begins one, unless one is under way or all sources have ended.
  bool Begin();
  bool under_way() const;
  // Once each: a state that is complete.
  std::optional<JobState> TakeComplete();

  arrow::Status AtBarrier(int task, int64_t checkpoint, const OperatorChain& chain) override;
  void AtEnd(int task) override;

 private:
  void Answered(std::size_t task);  // With the mutex.

  const int first_task_;
  const std::function<void(int)> wake_;
  const std::function<void()> on_complete_;
  std::vector<TaskParts> tasks_;

  mutable std::mutex mutex_;  // Of all below.
  int64_t last_number_ = 0;
  std::optional<JobState> state_;  // Under way,
  std::vector<bool> answered_;     // of which these tasks have told theirs.
  std::vector<bool> ended_at_;     // Those that answered by their end.
  std::size_t missing_ = 0;
  std::vector<bool> ended_;
};

}  // namespace sabot::engine
