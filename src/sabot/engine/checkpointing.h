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

#include "sabot/connectors/sink.h"
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
    connectors::Sink* sink = nullptr;  // At its end, if there is one.
    const std::atomic<int64_t>* sink_rows = nullptr;  // Given to it, or to who iterates.
    int64_t sink_rows_before = 0;                     // Given to that sink before this run.
  };
  // `wake` wakes a task, `on_complete` the thread that runs the job.
  Checkpointing(int first_task, std::function<void(int task)> wake, std::function<void()> on_complete)
      : first_task_(first_task), wake_(std::move(wake)), on_complete_(std::move(on_complete)) {}
  void Add(TaskParts parts) { tasks_.push_back(std::move(parts)); }
  // The run's own folder of state: each store lies in <uid>.<copy>, what it leaves at a barrier beside it.
  void set_state_folder(std::string folder) { state_folder_ = std::move(folder); }

  // On the thread that runs the job. Begins one, unless one is under way or all sources have ended. `last`: the sources
  // give nothing behind it. `files`: operators may leave files.
  bool Begin(int64_t number, bool last = false, bool files = false);
  bool under_way() const;
  // Once each: a state that is complete.
  std::optional<TakenState> TakeComplete();

  arrow::Status AtBarrier(int task, int64_t checkpoint, OperatorChain& chain) override;
  void AtEnd(int task) override;

 private:
  // What an operator remembers, in one of its forms.
  struct Frozen {
    operators::FrozenState tables = {};
    std::optional<FrozenFiles> files = std::nullopt;
  };
  arrow::Result<Frozen> Freeze(const TaskParts& parts, int64_t checkpoint, OperatorChain& chain, std::size_t op);
  void Answered(std::size_t task);  // With the mutex.

  const int first_task_;
  const std::function<void(int)> wake_;
  const std::function<void()> on_complete_;
  std::vector<TaskParts> tasks_;
  std::string state_folder_;

  mutable std::mutex mutex_;  // Of all below.
  std::optional<TakenState> taken_;  // Under way,
  bool files_ = false;  // for somebody who wants files,
  std::vector<bool> answered_;  // of which these tasks have told theirs.
  std::vector<bool> ended_at_;  // Those that answered by their end.
  std::size_t missing_ = 0;
  std::vector<bool> ended_;
};

}  // namespace sabot::engine
