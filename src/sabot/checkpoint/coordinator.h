// Who has to answer for a checkpoint, and when there is one: a state machine without threads, clock, files or channels.
// The same one serves a process, the simulator and a cluster.
//
//   Trigger -> barriers go into the sources -> Ack or Ended, from every task -> Complete: the manifest to commit
//           -> Committed, or Abort
//   Tick: a checkpoint that takes too long is aborted, and the next one may begin.
//
// One checkpoint at a time. Times are nanoseconds of any clock that does not go back. One thread at a time.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sabot/checkpoint/manifest.h"
#include "sabot/data/place.h"

namespace sabot::checkpoint {

struct CoordinatorOptions {
  int64_t interval_ns = 60'000'000'000;  // From the beginning of one checkpoint to that of the next.
  int64_t pause_ns = 0;  // At least so long after one ended, well or not, before the next begins.
  int64_t timeout_ns = 600'000'000'000;  // From its beginning until every task has answered.
};

// What all checkpoints of an attempt have in common.
struct CoordinatedJob {
  std::string job_id;
  int64_t attempt = 1;
  std::string plan_digest;
  int key_groups = graph::kKeyGroupsDefault;
  int tasks = 0;  // They are 0 to tasks - 1.
};

// What a task holds when the barrier has passed it. Its files are durable: those of an answer stand under the number of
// the checkpoint, those of a task that ends under next_number(), where no answer of the same task can stand.
struct Acknowledgement {
  std::vector<OperatorState> operators;
  std::vector<SourceState> sources;
  std::vector<SinkState> sinks;
};

class Coordinator {
 public:
  struct Counters {
    int64_t triggered = 0;
    int64_t completed = 0;
    int64_t aborted = 0;
    int64_t late_acks = 0;  // Of checkpoints that are no more.
    int64_t last_duration_ns = 0;  // Of the last completed one, from trigger to commit...
    int64_t last_bytes = 0;  // ...and all files that it names.
  };

  // The first checkpoint is due one interval after `now_ns`. Errors (kOption): no tasks, an attempt below 1, an
  // interval or timeout below 1 ns, a pause below 0.
  static arrow::Result<Coordinator> Make(CoordinatedJob job, CoordinatorOptions options, int64_t now_ns);

  // The number of the checkpoint that begins now, counted from 1; nothing where none is due, one is under way, or every
  // task has ended. `asked`: somebody wants one, so the interval does not count; the pause does.
  std::optional<int64_t> Trigger(int64_t now_ns, bool asked = false);
  // Whether it was taken: not where that checkpoint is over, the task has answered, or it has ended. Error (kOption): a
  // task or a number that never was.
  arrow::Result<bool> Ack(int64_t number, int task, Acknowledgement acknowledgement);
  // The task has ended, and holds this for all checkpoints that it has not answered yet, the one under way included.
  // Once it has ended, nothing changes that. Error (kOption): a task that never was.
  arrow::Status Ended(int task, Acknowledgement last);

  // The checkpoint to commit, once every task has answered; given out once. Copies and partitions stand in order,
  // whoever answered first. Error (kData): two tasks answered for the same copy or partition; the checkpoint is
  // aborted.
  arrow::Result<std::optional<Manifest>> Complete(const data::Place& cut, int64_t created_ms, int64_t now_ns);
  // What Complete gave out is durable. Without effect for any other number.
  void Committed(int64_t number, int64_t now_ns);
  // It failed: a task said so, or it could not be committed. Without effect for any other number.
  void Abort(int64_t number, int64_t now_ns);

  // The checkpoint that had no answer from every task in time, and is aborted by this call. One that Complete gave out
  // has no time limit: it may be durable already.
  std::optional<int64_t> Tick(int64_t now_ns);
  // When Trigger or Tick has something to do, if nothing happens before; nothing: never.
  std::optional<int64_t> DueNs() const;

  std::optional<int64_t> number() const;  // Of the checkpoint under way.
  int64_t next_number() const { return number_ + 1; }
  std::vector<int> Missing() const;  // The tasks that it waits for.
  const Counters& counters() const { return counters_; }

 private:
  enum class Phase { kIdle, kCollecting, kCommitting };
  struct Task {
    std::optional<Acknowledgement> answer;  // For the checkpoint under way.
    std::optional<Acknowledgement> last;  // Once it has ended.
  };

  Coordinator(CoordinatedJob job, CoordinatorOptions options, int64_t now_ns);
  bool AllEnded() const;
  arrow::Status CheckTask(int task) const;
  int64_t NextBeginNs() const;
  void End(int64_t now_ns);

  CoordinatedJob job_;
  CoordinatorOptions options_;
  std::vector<Task> tasks_;
  Phase phase_ = Phase::kIdle;
  int64_t number_ = 0;  // Of the last one that began.
  int64_t began_ns_;
  std::optional<int64_t> ended_ns_;
  int64_t bytes_ = 0;  // Of the manifest given out.
  Counters counters_;
};

}  // namespace sabot::checkpoint
