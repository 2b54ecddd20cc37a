#include "sabot/engine/job.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::engine {
namespace {

constexpr auto kProgressEvery = std::chrono::milliseconds(100);
constexpr std::size_t kResultBatches = 4;
constexpr int64_t kNsOfMs = 1'000'000;

// How much of all sources has been read, 0 to 1, where that is known of each.
std::optional<double> Done(const std::vector<std::shared_ptr<connectors::Source>>& sources) {
  double sum = 0;
  for (const auto& source : sources) {
    const auto one = source->done();
    if (!one) return std::nullopt;
    sum += *one;
  }
  if (sources.empty()) return std::nullopt;
  return sum / static_cast<double>(sources.size());
}

}  // namespace

arrow::Result<std::unique_ptr<Job>> Job::Make(PlanPtr plan, RunContext context, std::vector<connectors::Sink*> sinks,
                                              std::vector<std::string> sink_key) {
  const auto& shuffle = context.shuffle;
  const PlanOptions options{.parallelism = shuffle.parallelism,
                            .for_all = shuffle.for_all,
                            .threads = context.executor->concurrency(),
                            .key_groups = shuffle.key_groups,
                            .tables = shuffle.tables,
                            .sink_partitions = std::max(1, static_cast<int>(sinks.size())),
                            .sink_key = std::move(sink_key),
                            .ordering = shuffle.ordering,
                            .spill = shuffle.spill};
  ARROW_RETURN_NOT_OK(CheckState(context.state));
  ARROW_ASSIGN_OR_RAISE(auto planned, PlanJob(*plan, options));
  std::unique_ptr<Job> job(new Job(std::move(plan), std::move(context), std::move(planned)));
  ARROW_RETURN_NOT_OK(job->Build(sinks));
  return job;
}

Job::Job(PlanPtr plan, RunContext context, PlannedJob planned)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      planned_(std::move(planned)),
      restored_(context_.restore),
      told_(std::chrono::steady_clock::now()),
      scheduler_(std::make_unique<TaskScheduler>(
          *context_.executor, /*world_ends_here=*/context_.world != nullptr && context_.world->ends_here(),
          /*sources_first=*/planned_.at_rest)) {}

Job::~Job() {
  scheduler_->End();
  channels_.clear();
  if (context_.world != nullptr) context_.world->End();  // Their files are removed.
  if (spill_storage_ == nullptr) return;
  for (std::size_t edge = 0; edge < planned_.graph.edges().size(); ++edge) {
    static_cast<void>(spill_storage_->RemoveFolder(spill_folder_ + "/" + std::to_string(edge)));
  }
  static_cast<void>(spill_storage_->RemoveFolder(spill_folder_));
}

arrow::Status Job::Build(const Sinks& sinks) {
  ARROW_RETURN_NOT_OK(restored_.Check(planned_.graph.job().operators()));
  if (context_.world == nullptr) context_.world = std::make_shared<World>();
  context_.world->Begin(*scheduler_);
  int tasks = scheduler_->tasks();
  for (const auto& chain : planned_.graph.chains()) {
    first_task_.push_back(tasks);
    tasks += chain.parallelism;
  }
  for (std::size_t sink = 0; sink < std::max<std::size_t>(sinks.size(), 1); ++sink) sink_rows_.emplace_back(0);
  if (sinks.empty()) {
    results_ = std::make_shared<ResultQueue>(kResultBatches, [this] { scheduler_->WakeCaller(); });
  }
  if (context_.checkpoints != nullptr) {
    checkpointing_ = std::make_unique<Checkpointing>(
        first_task_.front(), [this](int task) { scheduler_->Wake(task); }, [this] { scheduler_->WakeCaller(); });
  }
  ARROW_RETURN_NOT_OK(MakeIdle());
  ARROW_RETURN_NOT_OK(MakeChannels());
  for (int chain = 0; chain < static_cast<int>(planned_.graph.chains().size()); ++chain) {
    for (int copy = 0; copy < planned_.graph.chains()[static_cast<std::size_t>(chain)].parallelism; ++copy) {
      ARROW_ASSIGN_OR_RAISE(auto task, MakeTask(chain, copy, sinks));
      scheduler_->Add(std::move(task));
    }
  }
  restored_ = Restoring(nullptr);  // All was taken over: nobody needs the state, or its files, any more.
  context_.restore = nullptr;
  return arrow::Status::OK();
}

arrow::Status Job::MakeIdle() {
  constexpr int64_t kMsMax = std::numeric_limits<int64_t>::max() / kNsOfMs;
  if (context_.idle_after_ms < 0 || context_.idle_after_ms > kMsMax) {
    return data::OptionError("idle_after_ms: found " + std::to_string(context_.idle_after_ms) + ", expected 0 to " +
                             std::to_string(kMsMax) + ".");
  }
  if (context_.idle == nullptr && context_.idle_after_ms > 0) {
    context_.idle = MakeIdleAfter(context_.idle_after_ms * kNsOfMs, [] {
      return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
    });
  }
  const bool by_place = context_.shuffle.ordering == graph::Ordering::kPlace;
  if (context_.idle == nullptr || !by_place || planned_.carried != Carried::kTimes) return arrow::Status::OK();
  idle_ =
      std::make_unique<IdleSources>(context_.idle, context_.decisions, [this](int task) { scheduler_->Wake(task); });
  return arrow::Status::OK();
}

std::function<void()> Job::Waker(int chain, int copy) {
  return [this, task = first_task_[static_cast<std::size_t>(chain)] + copy] { scheduler_->Wake(task); };
}

std::string Job::TaskName(int chain, int copy) const {
  const auto& operators = planned_.graph.chains()[static_cast<std::size_t>(chain)].operators;
  const auto& job = planned_.graph.job().operators();
  std::string name;
  for (const int op : operators) name += (name.empty() ? "" : "+") + job[static_cast<std::size_t>(op)].id;
  return name + "[" + std::to_string(copy) + "]";
}

// Takes in a checkpoint that is complete, or begins one where one is wanted.
arrow::Status Job::Checkpoint() {
  Checkpoints& checkpoints = *context_.checkpoints;
  ARROW_RETURN_NOT_OK(checkpoints.Check());
  if (checkpointing_->under_way()) {
    auto taken = checkpointing_->TakeComplete();
    if (!taken) return arrow::Status::OK();
    handed_over_ = last_;
    return checkpoints.Keep(std::move(*taken));
  }
  if (const auto number = checkpoints.Due()) {
    last_ = checkpoints.Last();
    const bool stops = last_ || checkpoints.Stops();
    if (!checkpointing_->Begin(*number, stops, checkpoints.wants_files())) checkpoints.GiveUp(*number);
  }
  return arrow::Status::OK();
}

arrow::Status Job::Tell() {
  ARROW_RETURN_NOT_OK(context_.interrupt->Check());
  if (checkpointing_ != nullptr) ARROW_RETURN_NOT_OK(Checkpoint());
  if (idle_ != nullptr) ARROW_RETURN_NOT_OK(idle_->Check());
  if (context_.progress == nullptr) return arrow::Status::OK();
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ < kProgressEvery) return arrow::Status::OK();
  told_ = now;
  return context_.progress(progress());
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Job::Next() {
  for (;;) {
    if (auto batch = results_->TryTake()) return batch;
    if (handed_over_ || scheduler_->ended()) return nullptr;
    const std::size_t wanted = planned_.at_rest ? kResultBatches : 1;
    const auto status = scheduler_->Run([&](bool idle) -> arrow::Result<bool> {
      ARROW_RETURN_NOT_OK(Tell());
      return handed_over_ || results_->size() >= (idle ? 1 : wanted);
    });
    if (!status.ok() && results_->size() == 0) return status;  // Else after the rows before it.
  }
}

arrow::Status Job::RunToEnd() {
  return scheduler_->Run([this](bool) -> arrow::Result<bool> {
    ARROW_RETURN_NOT_OK(Tell());
    return handed_over_;
  });
}

int64_t Job::rows_written() const {
  if (results_ != nullptr) return 0;
  int64_t rows = 0;
  for (const auto& sink : sink_rows_) rows += sink;
  return rows;
}

int64_t Job::rows_rejected_by_sources() const {
  int64_t rejected = 0;
  for (const auto& source : sources_) rejected += source->rows_rejected();
  return rejected;
}

std::vector<int64_t> Job::KeyGroupRows(int division) const {
  std::vector<int64_t> rows(static_cast<std::size_t>(planned_.graph.job().key_groups()));
  for (const auto& edge : hash_edges_) {
    if (planned_.graph.DividedWith(edge.to_chain) != division) continue;
    const auto of_edge = edge.partitioner->rows_of_group();
    std::transform(rows.begin(), rows.end(), of_edge.begin(), rows.begin(), std::plus<>());
  }
  return rows;
}

RunProgress Job::progress() const {
  return {.rows_read = rows_read_ + rows_rejected_by_sources(),
          .rows_written = rows_written(),
          .rows_rejected = context_.rejects->count(),
          .done = Done(sources_)};
}

}  // namespace sabot::engine
