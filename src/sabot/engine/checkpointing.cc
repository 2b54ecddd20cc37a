#include "sabot/engine/checkpointing.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sabot::engine {

bool Checkpointing::under_way() const {
  const std::lock_guard lock(mutex_);
  return state_.has_value();
}

// All sources are cut at the place of the one that is furthest: none has to give rows back, and no gate keeps rows that
// others wait for.
bool Checkpointing::Begin() {
  if (under_way()) return false;
  std::vector<std::size_t> sources;
  data::Place cut = data::kBeginPlace;
  bool all_ended = true;
  for (std::size_t task = 0; task < tasks_.size(); ++task) {
    if (tasks_[task].source == nullptr) continue;
    sources.push_back(task);
    const SourcePosition position = tasks_[task].source->Hold();
    cut = std::max(cut, position.last);
    all_ended = all_ended && position.ended;
  }
  {
    const std::lock_guard lock(mutex_);
    ended_.resize(tasks_.size());
    if (!all_ended) {
      state_ = JobState{.number = ++last_number_, .cut = cut};
      answered_.assign(tasks_.size(), false);
      ended_at_ = answered_;
      missing_ = tasks_.size();
      for (std::size_t task = 0; task < tasks_.size(); ++task) {
        if (ended_[task]) Answered(task);
      }
    }
  }
  for (const std::size_t task : sources) {
    if (all_ended) {
      tasks_[task].source->Cut(0, data::kEndPlace);  // It has, so there is nothing to cut.
    } else {
      tasks_[task].source->Cut(last_number_, cut);
    }
    wake_(first_task_ + static_cast<int>(task));
  }
  return !all_ended;
}

void Checkpointing::Answered(std::size_t task) {
  if (answered_[task]) return;
  answered_[task] = true;
  ended_at_[task] = ended_[task];
  --missing_;
  const TaskParts& parts = tasks_[task];
  if (parts.source != nullptr) {
    const SourcePosition position = parts.source->position();
    state_->sources.push_back(
        {.op = parts.source_op, .partition = parts.copy, .offset = position.offset, .time = position.time});
  }
  if (parts.sink_rows != nullptr) {
    state_->sinks.push_back({.partition = parts.copy, .rows = parts.sink_rows_before + *parts.sink_rows});
  }
}

arrow::Status Checkpointing::AtBarrier(int number, int64_t checkpoint, const OperatorChain& chain) {
  const auto task = static_cast<std::size_t>(number - first_task_);
  std::vector<OperatorState> states;
  for (std::size_t op = 0; op < chain.size(); ++op) {
    ARROW_ASSIGN_OR_RAISE(auto tables, chain.Snapshot(op));
    states.push_back({.op = tasks_[task].operators[op], .copy = tasks_[task].copy, .tables = std::move(tables)});
  }
  const std::lock_guard lock(mutex_);
  if (!state_ || state_->number != checkpoint) return arrow::Status::OK();  // Of one that was given up.
  state_->operators.insert(state_->operators.end(), states.begin(), states.end());
  Answered(task);
  if (missing_ == 0) on_complete_();
  return arrow::Status::OK();
}

void Checkpointing::AtEnd(int number) {
  const auto task = static_cast<std::size_t>(number - first_task_);
  const std::lock_guard lock(mutex_);
  ended_.resize(tasks_.size());
  ended_[task] = true;
  if (!state_) return;
  Answered(task);
  if (missing_ == 0) on_complete_();
}

std::optional<JobState> Checkpointing::TakeComplete() {
  const std::lock_guard lock(mutex_);
  if (!state_ || missing_ > 0) return std::nullopt;
  std::map<std::string, bool> ended;  // Of each operator: whether all of its copies have.
  for (std::size_t task = 0; task < tasks_.size(); ++task) {
    for (const auto& op : tasks_[task].all) {
      const auto known = ended.emplace(op, true).first;
      known->second = known->second && ended_at_[task];
    }
  }
  for (const auto& [op, all] : ended) {
    if (all) state_->ended.push_back(op);
  }
  return std::exchange(state_, std::nullopt);
}

}  // namespace sabot::engine
