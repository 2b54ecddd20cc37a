#include "sabot/checkpoint/coordinator.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::checkpoint {
namespace {

// Times may stand for "never", too.
int64_t Sum(int64_t time_ns, int64_t duration_ns) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  return time_ns > most - duration_ns ? most : time_ns + duration_ns;
}

template <class State>
void Append(std::vector<State>& to, const std::vector<State>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

arrow::Status AtLeast(int64_t least, int64_t value, const char* what) {
  return value >= least ? arrow::Status::OK()
                        : data::OptionError(std::string("checkpoint: ") + what + ": found " + std::to_string(value) +
                                            ", expected at least " + std::to_string(least) + ".");
}

}  // namespace

Coordinator::Coordinator(CoordinatedJob job, CoordinatorOptions options, int64_t now_ns)
    : job_(std::move(job)), options_(options), tasks_(static_cast<std::size_t>(job_.tasks)), began_ns_(now_ns) {}

arrow::Result<Coordinator> Coordinator::Make(CoordinatedJob job, CoordinatorOptions options, int64_t now_ns) {
  ARROW_RETURN_NOT_OK(AtLeast(1, job.tasks, "tasks"));
  ARROW_RETURN_NOT_OK(AtLeast(1, job.attempt, "attempt"));
  ARROW_RETURN_NOT_OK(AtLeast(1, options.interval_ns, "interval in ns"));
  ARROW_RETURN_NOT_OK(AtLeast(0, options.pause_ns, "pause in ns"));
  ARROW_RETURN_NOT_OK(AtLeast(1, options.timeout_ns, "timeout in ns"));
  return Coordinator(std::move(job), options, now_ns);
}

bool Coordinator::AllEnded() const {
  return std::all_of(tasks_.begin(), tasks_.end(), [](const Task& task) { return task.last.has_value(); });
}

arrow::Status Coordinator::CheckTask(int task) const {
  if (task >= 0 && task < job_.tasks) return arrow::Status::OK();
  return data::OptionError("checkpoint: task " + std::to_string(task) + " answered, the tasks are 0 to " +
                           std::to_string(job_.tasks - 1) + ".");
}

int64_t Coordinator::NextBeginNs() const {
  const int64_t by_interval = Sum(began_ns_, options_.interval_ns);
  return ended_ns_ ? std::max(by_interval, Sum(*ended_ns_, options_.pause_ns)) : by_interval;
}

std::optional<int64_t> Coordinator::Trigger(int64_t now_ns, bool asked) {
  if (phase_ != Phase::kIdle || AllEnded()) return std::nullopt;
  const bool paused = ended_ns_ && now_ns < Sum(*ended_ns_, options_.pause_ns);
  if (paused || (!asked && now_ns < NextBeginNs())) return std::nullopt;
  for (Task& task : tasks_) task.answer = task.last;
  phase_ = Phase::kCollecting;
  began_ns_ = now_ns;
  ++counters_.triggered;
  return ++number_;
}

arrow::Result<bool> Coordinator::Ack(int64_t number, int task, Acknowledgement acknowledgement) {
  ARROW_RETURN_NOT_OK(CheckTask(task));
  if (number < 1 || number > number_) {
    return data::OptionError("checkpoint: task " + std::to_string(task) + " answered for number " +
                             std::to_string(number) + ", the last one that began is " + std::to_string(number_) + ".");
  }
  if (phase_ != Phase::kCollecting || number != number_) {
    // A second answer for the one that is being committed is no late one.
    if (phase_ != Phase::kCommitting || number != number_) ++counters_.late_acks;
    return false;
  }
  auto& answer = tasks_[static_cast<std::size_t>(task)].answer;
  if (answer) return false;
  answer = std::move(acknowledgement);
  return true;
}

arrow::Status Coordinator::Ended(int task, Acknowledgement last) {
  ARROW_RETURN_NOT_OK(CheckTask(task));
  Task& ended = tasks_[static_cast<std::size_t>(task)];
  if (ended.last) return arrow::Status::OK();
  ended.last = std::move(last);
  if (phase_ == Phase::kCollecting && !ended.answer) ended.answer = ended.last;
  return arrow::Status::OK();
}

arrow::Result<std::optional<Manifest>> Coordinator::Complete(const data::Place& cut, int64_t created_ms,
                                                             int64_t now_ns) {
  if (phase_ != Phase::kCollecting || !Missing().empty()) return std::nullopt;
  Manifest manifest;
  manifest.job_id = job_.job_id;
  manifest.id = {.attempt = job_.attempt, .number = number_};
  manifest.plan_digest = job_.plan_digest;
  manifest.key_groups = job_.key_groups;
  manifest.cut = cut;
  manifest.created_ms = created_ms;
  for (const Task& task : tasks_) {
    Append(manifest.operators, task.answer->operators);
    Append(manifest.sources, task.answer->sources);
    Append(manifest.sinks, task.answer->sinks);
  }
  const auto by_partition = [](const auto& a, const auto& b) {
    return std::tie(a.uid, a.partition) < std::tie(b.uid, b.partition);
  };
  std::stable_sort(manifest.operators.begin(), manifest.operators.end(),
                   [](const auto& a, const auto& b) { return std::tie(a.uid, a.copy) < std::tie(b.uid, b.copy); });
  std::stable_sort(manifest.sources.begin(), manifest.sources.end(), by_partition);
  std::stable_sort(manifest.sinks.begin(), manifest.sinks.end(), by_partition);
  if (const auto status = manifest.Check(); !status.ok()) {
    Abort(number_, now_ns);
    return status.WithMessage("checkpoint ", manifest.id.ToString(), ": ", status.message());
  }
  bytes_ = 0;
  for (const StateFile& file : FilesOf(manifest)) bytes_ += file.bytes;
  phase_ = Phase::kCommitting;
  return std::optional(std::move(manifest));
}

void Coordinator::End(int64_t now_ns) {
  for (Task& task : tasks_) task.answer.reset();
  phase_ = Phase::kIdle;
  ended_ns_ = now_ns;
}

void Coordinator::Committed(int64_t number, int64_t now_ns) {
  if (phase_ != Phase::kCommitting || number != number_) return;
  End(now_ns);
  ++counters_.completed;
  counters_.last_duration_ns = now_ns - began_ns_;
  counters_.last_bytes = bytes_;
}

void Coordinator::Abort(int64_t number, int64_t now_ns) {
  if (phase_ == Phase::kIdle || number != number_) return;
  End(now_ns);
  ++counters_.aborted;
}

std::optional<int64_t> Coordinator::Tick(int64_t now_ns) {
  if (phase_ != Phase::kCollecting || Missing().empty() || now_ns < Sum(began_ns_, options_.timeout_ns)) {
    return std::nullopt;
  }
  Abort(number_, now_ns);
  return number_;
}

std::optional<int64_t> Coordinator::DueNs() const {
  if (phase_ == Phase::kCollecting && !Missing().empty()) return Sum(began_ns_, options_.timeout_ns);
  if (phase_ == Phase::kIdle && !AllEnded()) return NextBeginNs();
  return std::nullopt;
}

std::optional<int64_t> Coordinator::number() const {
  return phase_ == Phase::kIdle ? std::nullopt : std::optional(number_);
}

std::vector<int> Coordinator::Missing() const {
  std::vector<int> missing;
  if (phase_ != Phase::kCollecting) return missing;
  for (int task = 0; task < job_.tasks; ++task) {
    if (!tasks_[static_cast<std::size_t>(task)].answer) missing.push_back(task);
  }
  return missing;
}

}  // namespace sabot::checkpoint
