#include "sabot/engine/idle.h"

#include <algorithm>

#include "sabot/env/interrupt.h"

namespace sabot::engine {
namespace {

constexpr int64_t kDecideEveryNs = env::kInterruptEveryMs * int64_t{1'000'000};
constexpr int64_t kNothingGiven = std::numeric_limits<int64_t>::min();

class IdleAfter final : public IdlePolicy {
 public:
  IdleAfter(int64_t after_ns, std::function<int64_t()> clock)
      : after_ns_(after_ns), every_ns_(std::min(after_ns, kDecideEveryNs)), clock_(std::move(clock)) {}

  bool Due() override {
    now_ = clock_();
    if (asked_ && now_ - *asked_ < every_ns_) return false;
    asked_ = now_;
    return true;
  }

  std::vector<std::optional<int64_t>> Decide(std::span<const PartitionProgress> partitions) override {
    given_.resize(partitions.size(), Given{.offset = 0, .at = now_});
    std::optional<int64_t> least;  // Of those that are not idle.
    int64_t furthest = kNothingGiven;
    std::vector<bool> idle;
    for (std::size_t i = 0; i < partitions.size(); ++i) {
      const auto& partition = partitions[i];
      if (!partition.waits || partition.offset != given_[i].offset) given_[i] = {partition.offset, now_};
      idle.push_back(partition.waits && now_ - given_[i].at >= after_ns_);
      furthest = std::max(furthest, partition.time);
      if (!partition.ended && !idle[i]) least = std::min(least.value_or(partition.time), partition.time);
    }
    const int64_t upto = least.value_or(furthest);
    std::vector<std::optional<int64_t>> decided(partitions.size());
    for (std::size_t i = 0; i < partitions.size(); ++i) {
      if (idle[i] && upto != kNothingGiven && upto >= partitions[i].time) decided[i] = upto;
    }
    return decided;
  }

 private:
  struct Given {
    int64_t offset;
    int64_t at;  // When it was seen to have given rows, or not to wait for any.
  };

  const int64_t after_ns_;
  const int64_t every_ns_;
  const std::function<int64_t()> clock_;
  int64_t now_ = 0;
  std::optional<int64_t> asked_;
  std::vector<Given> given_;
};

}  // namespace

std::unique_ptr<IdlePolicy> MakeIdleAfter(int64_t after_ns, std::function<int64_t()> clock) {
  return std::make_unique<IdleAfter>(after_ns, std::move(clock));
}

arrow::Status IdleSources::Check() {
  if (!policy_->Due()) return arrow::Status::OK();
  std::vector<SourcePosition> positions;
  std::vector<PartitionProgress> progress;
  for (const Partition& partition : partitions_) {
    const auto& position = positions.emplace_back(partition.input->position());
    progress.push_back(
        {.offset = position.offset, .time = position.last.time, .waits = position.waits, .ended = position.ended});
  }
  const auto decided = policy_->Decide(progress);
  std::vector<checkpoint::Decision> decisions;
  std::vector<const Partition*> held;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    if (!decided[i]) continue;
    const Partition& partition = partitions_[i];
    const int64_t time = std::min(*decided[i], std::numeric_limits<int64_t>::max() - 1);
    if (BehindAllOf(time) <= positions[i].last || !partition.input->HoldIdle()) continue;
    held.push_back(&partition);
    decisions.push_back({.source = partition.uid,
                         .partition = partition.partition,
                         .offset = partition.input->position().offset,
                         .time = time});
  }
  if (log_ != nullptr && !decisions.empty()) ARROW_RETURN_NOT_OK(log_->Append(decisions));
  for (std::size_t i = 0; i < held.size(); ++i) {
    held[i]->input->DeclareIdle(decisions[i].time);
    wake_(held[i]->task);
  }
  return arrow::Status::OK();
}

std::vector<IdleDecision> DecisionsOf(const std::vector<checkpoint::Decision>& taken, const std::string& uid,
                                      int partition) {
  std::vector<IdleDecision> decisions;
  for (const auto& one : taken) {
    if (one.source == uid && one.partition == partition) decisions.push_back({.offset = one.offset, .time = one.time});
  }
  return decisions;
}

}  // namespace sabot::engine
