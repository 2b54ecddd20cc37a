// Source partitions that bring no rows for a while, and are waited for no more: what they may still bring comes behind
// what the others brought meanwhile. Who says so is a policy, which may look at a clock; what it said is kept, so that
// the same rows come again without one.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sabot/checkpoint/decision_log.h"
#include "sabot/engine/task_input.h"

namespace sabot::engine {

// What a policy sees of a source partition.
struct PartitionProgress {
  int64_t offset = 0;  // Of the next row.
  int64_t time = std::numeric_limits<int64_t>::min();  // Up to which it gave its rows, or promised to give none.
  bool waits = false;  // It gave all rows that were there.
  bool ended = false;
};

// Called by the thread that runs the job.
class IdlePolicy {
 public:
  virtual ~IdlePolicy() = default;
  // Asked between steps, and at least every env::kInterruptEveryMs: whether Decide is to be called.
  virtual bool Due() = 0;
  // For each partition the time up to which nobody is to wait for it, if there is one. Heeded of those that wait.
  virtual std::vector<std::optional<int64_t>> Decide(std::span<const PartitionProgress> partitions) = 0;
};

// A partition that gave nothing for `after_ns` by the clock, which tells ns, is waited for up to where those are that
// did; where none did, up to where the one is that is furthest.
std::unique_ptr<IdlePolicy> MakeIdleAfter(int64_t after_ns, std::function<int64_t()> clock);

// The source partitions of a job, for the thread that runs it. What a policy decides is durable before it holds.
class IdleSources {
 public:
  // Without a log, decisions are as good as the run. `wake` wakes a task.
  IdleSources(std::shared_ptr<IdlePolicy> policy, std::shared_ptr<checkpoint::Decisions> log,
              std::function<void(int task)> wake)
      : policy_(std::move(policy)), log_(std::move(log)), wake_(std::move(wake)) {}

  // The input outlives the last Check.
  void Add(std::string uid, int partition, SourceInput& input, int task) {
    partitions_.push_back({.uid = std::move(uid), .partition = partition, .input = &input, .task = task});
  }
  arrow::Status Check();

 private:
  struct Partition {
    std::string uid;
    int partition;
    SourceInput* input;
    int task;
  };

  std::shared_ptr<IdlePolicy> policy_;
  std::shared_ptr<checkpoint::Decisions> log_;
  std::function<void(int)> wake_;
  std::vector<Partition> partitions_;
};

// What was decided for a partition.
std::vector<IdleDecision> DecisionsOf(const std::vector<checkpoint::Decision>& taken, const std::string& uid,
                                      int partition);

}  // namespace sabot::engine
