#include "sabot/engine/checkpointing.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sabot::engine {

bool Checkpointing::under_way() const {
  const std::lock_guard lock(mutex_);
  return taken_.has_value();
}

// All sources are cut at the place of the one that is furthest: none has to give rows back, and no gate keeps rows that
// others wait for.
bool Checkpointing::Begin(int64_t number, bool last, bool files) {
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
      taken_ = TakenState{.state = {.number = number, .cut = cut}};
      files_ = files;
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
      tasks_[task].source->Cut(number, cut, last);
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
    taken_->state.sources.push_back({.uid = parts.source_op,
                                     .partition = parts.copy,
                                     .offset = position.offset,
                                     .time = position.time,
                                     .ended = position.ended});
  }
  if (parts.sink_rows != nullptr) {
    const int64_t rows = parts.sink_rows_before + *parts.sink_rows;
    taken_->state.sinks.push_back({.uid = parts.all.back(), .partition = parts.copy, .rows = rows});
  }
}

arrow::Result<Checkpointing::Frozen> Checkpointing::Freeze(const TaskParts& parts, int64_t checkpoint,
                                                           OperatorChain& chain, std::size_t op) {
  Frozen frozen;
  bool files = false;
  {
    const std::lock_guard lock(mutex_);
    files = files_;
  }
  if (!files || !chain.state_in_files(op)) {
    ARROW_ASSIGN_OR_RAISE(frozen.tables, chain.Freeze(op));
    return frozen;
  }
  const std::string store = parts.operators[op] + "." + std::to_string(parts.copy);
  auto folder = std::make_shared<const OwnFolder>(state_folder_ + "/" + store + "@" + std::to_string(checkpoint));
  ARROW_ASSIGN_OR_RAISE(auto left, chain.FreezeFiles(op, folder->path()));
  frozen.files = {.folder = std::move(folder), .store = state_folder_ + "/" + store, .files = std::move(left)};
  return frozen;
}

arrow::Status Checkpointing::AtBarrier(int number, int64_t checkpoint, OperatorChain& chain) {
  const auto task = static_cast<std::size_t>(number - first_task_);
  if (tasks_[task].sink != nullptr) tasks_[task].sink->OnBarrier();
  std::vector<Frozen> frozen(chain.size());
  for (std::size_t op = 0; op < chain.size(); ++op) {
    ARROW_ASSIGN_OR_RAISE(frozen[op], Freeze(tasks_[task], checkpoint, chain, op));
  }
  const std::lock_guard lock(mutex_);
  if (!taken_ || taken_->state.number != checkpoint) return arrow::Status::OK();  // Of one that was given up.
  for (std::size_t op = 0; op < chain.size(); ++op) {
    if (frozen[op].tables.empty() && !frozen[op].files) continue;  // It has no state.
    taken_->state.operators.push_back({.uid = tasks_[task].operators[op], .copy = tasks_[task].copy});
    if (frozen[op].files) taken_->files.emplace(taken_->frozen.size(), std::move(*frozen[op].files));
    taken_->frozen.push_back(std::move(frozen[op].tables));
  }
  Answered(task);
  if (missing_ == 0) on_complete_();
  return arrow::Status::OK();
}

void Checkpointing::AtEnd(int number) {
  const auto task = static_cast<std::size_t>(number - first_task_);
  const std::lock_guard lock(mutex_);
  ended_.resize(tasks_.size());
  ended_[task] = true;
  if (!taken_) return;
  Answered(task);
  if (missing_ == 0) on_complete_();
}

std::optional<TakenState> Checkpointing::TakeComplete() {
  const std::lock_guard lock(mutex_);
  if (!taken_ || missing_ > 0) return std::nullopt;
  std::map<std::string, bool> ended;  // Of each operator: whether all of its copies have.
  for (std::size_t task = 0; task < tasks_.size(); ++task) {
    for (const auto& op : tasks_[task].all) {
      const auto known = ended.emplace(op, true).first;
      known->second = known->second && ended_at_[task];
    }
  }
  for (const auto& [op, all] : ended) {
    if (all) taken_->state.ended.push_back(op);
  }
  return std::exchange(taken_, std::nullopt);
}

}  // namespace sabot::engine
