#include "sabot/engine/file_checkpoints.h"

#include <arrow/io/file.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/engine/operator_files.h"
#include "sabot/env/fault_point.h"
#include "sabot/env/file_system.h"

namespace sabot::engine {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kIntervalMsMax = int64_t{1} << 40;

int64_t NowNs() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }
int64_t NowMs() { return std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1); }

arrow::Status CheckOptions(const CheckpointOptions& options) {
  const auto out_of_range = [](const std::string& name, int64_t found, const std::string& use) {
    return data::OptionError("checkpoints: " + name + " is " + std::to_string(found) + ". Use " + use + ".");
  };
  if (options.interval_ms < 0 || options.interval_ms > kIntervalMsMax) {
    return out_of_range("interval_ms", options.interval_ms, "at least 0");
  }
  if (options.keep < 1) return out_of_range("keep", options.keep, "at least 1");
  return arrow::Status::OK();
}

arrow::Result<env::StoragePath> PlaceOf(const std::string& folder, World& world) {
  ARROW_ASSIGN_OR_RAISE(auto place, world.Storage(folder));
  while (place.path.size() > 1 && place.path.ends_with('/')) place.path.pop_back();
  return place;
}

std::string LogFolder(const env::StoragePath& place) { return place.path + "/" + checkpoint::kDecisionsFolder; }

}  // namespace

FileCheckpoints::FileCheckpoints(CheckpointOptions options, int key_groups, env::StoragePath place, World& world)
    : options_(std::move(options)),
      key_groups_(key_groups),
      place_(std::move(place)),
      store_(place_.storage, place_.path),
      world_(world) {}

arrow::Result<std::shared_ptr<FileCheckpoints>> FileCheckpoints::Open(CheckpointOptions options, int key_groups,
                                                                      World& world) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  ARROW_ASSIGN_OR_RAISE(auto place, PlaceOf(options.folder, world));
  std::shared_ptr<FileCheckpoints> opened(new FileCheckpoints(std::move(options), key_groups, std::move(place), world));
  ARROW_RETURN_NOT_OK(opened->FindNewest());
  return opened;
}

arrow::Status FileCheckpoints::FindNewest() {
  const std::string folder = env::PublicName(options_.folder);
  ARROW_ASSIGN_OR_RAISE(attempt_, store_.NextAttempt());
  ARROW_ASSIGN_OR_RAISE(const int64_t next_of_log,
                        checkpoint::DecisionLog::NextAttempt(*place_.storage, LogFolder(place_)));
  attempt_ = std::max(attempt_, next_of_log);
  if (!options_.resume) {
    ARROW_ASSIGN_OR_RAISE(const auto there, store_.List());
    if (there.empty()) return arrow::Status::OK();
    return data::OptionError("checkpoints: '" + folder + "' has those of an earlier run, the newest " +
                             there.front().ToString() +
                             ". Resume from it, or name another folder to begin from nothing.");
  }
  ARROW_ASSIGN_OR_RAISE(restored_, store_.Newest(summary_.skipped));
  if (!restored_ && !options_.from.empty()) {
    ARROW_ASSIGN_OR_RAISE(savepoint_place_, PlaceOf(options_.from, world_));
    savepoint_.emplace(savepoint_place_->storage, savepoint_place_->path);
    ARROW_ASSIGN_OR_RAISE(restored_, savepoint_->Newest(summary_.skipped));
    if (!restored_) {
      return data::OptionError("checkpoints: there is none in '" + env::PublicName(options_.from) +
                               "', which the run shall begin from. Name the folder of a savepoint.");
    }
  }
  if (!restored_) return arrow::Status::OK();
  if (restored_->key_groups != key_groups_) {
    return data::OptionError("checkpoints: " + restored_->id.ToString() + " in '" + folder + "' is of a job of " +
                             std::to_string(restored_->key_groups) + " key groups, this run has " +
                             std::to_string(key_groups_) + ". The number is a job's for ever: run it with those.");
  }
  summary_.restored = restored_->id.ToString();
  summary_.restored_from = savepoint_ ? options_.from : options_.folder;
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<const JobState>> FileCheckpoints::Load(const StateOptions& run) {
  if (!restored_) return nullptr;
  auto state = std::make_shared<JobState>();
  state->number = restored_->id.number;
  state->cut = restored_->cut;
  state->sources = restored_->sources;
  if (!options_.new_output) state->sinks = restored_->sinks;
  state->ended = restored_->ended;
  for (const auto& op : restored_->operators) {
    if (std::find(options_.drop.begin(), options_.drop.end(), op.uid) != options_.drop.end()) {
      summary_.dropped.insert(op.uid);
      continue;
    }
    auto& loaded = state->operators.emplace_back(OperatorState{.uid = op.uid, .copy = op.copy});
    auto& store = savepoint_ ? *savepoint_ : store_;
    if (op.form == checkpoint::kFormFiles) {
      ARROW_ASSIGN_OR_RAISE(loaded.files, FetchFiles(store, op, run.folder.empty() ? TemporaryParent() : run.folder));
    } else {
      ARROW_ASSIGN_OR_RAISE(loaded.tables, ReadOperator(store, op));
    }
  }
  for (const auto& uid : options_.drop) {
    if (summary_.dropped.contains(uid)) continue;
    std::vector<std::string> known;
    for (const auto& op : restored_->operators) known.push_back(op.uid);
    return data::OptionError("checkpoints: '" + uid + "' shall be dropped, and the checkpoint has no state of it." +
                             data::NearestNames(uid, known));
  }
  return state;
}

arrow::Result<std::shared_ptr<checkpoint::Decisions>> FileCheckpoints::OpenDecisions() {
  using checkpoint::DecisionLog;
  const checkpoint::LogPosition from = restored_ && !savepoint_ ? restored_->decisions : checkpoint::LogPosition{};
  ARROW_ASSIGN_OR_RAISE(decisions_, DecisionLog::Open(place_.storage, LogFolder(place_), attempt_, from));
  if (!savepoint_) return decisions_;
  ARROW_ASSIGN_OR_RAISE(const auto entries, DecisionLog::Read(*savepoint_place_->storage, LogFolder(*savepoint_place_),
                                                              restored_->decisions));
  for (const auto& entry : entries) ARROW_RETURN_NOT_OK(decisions_->Append(entry.decisions));
  return decisions_;
}

arrow::Result<std::optional<std::vector<int64_t>>> FileCheckpoints::RowsDurable(int partitions, int64_t rows_per_file) {
  rows_per_file_ = rows_per_file;
  if (!options_.resume || options_.new_output) return std::nullopt;
  std::vector<int64_t> rows(static_cast<std::size_t>(partitions), 0);  // What a run without a checkpoint left goes.
  if (!restored_) return rows;
  if (static_cast<int>(restored_->sinks.size()) != partitions) {
    return data::OptionError("checkpoints: " + restored_->id.ToString() + " is of a sink of " +
                             std::to_string(restored_->sinks.size()) + " partitions, this one has " +
                             std::to_string(partitions) + ". Go on with as many.");
  }
  // Files of another size would be taken for those that a run left behind the checkpoint.
  for (const auto& sink : restored_->sinks) {
    if (sink.rows_per_file == rows_per_file) continue;
    return data::OptionError("checkpoints: rows_per_file is " + std::to_string(rows_per_file) + ", but the files of " +
                             restored_->id.ToString() + " are of " + std::to_string(sink.rows_per_file) +
                             ". Go on with that, or into an output of its own.");
  }
  for (const auto& sink : restored_->sinks) rows[static_cast<std::size_t>(sink.partition)] = sink.durable;
  return rows;
}

std::unique_ptr<connectors::Sink> FileCheckpoints::WithTail(std::unique_ptr<connectors::Sink> sink, int partition) {
  checkpoint::SinkState before{.uid = "sink", .partition = partition};
  if (restored_ && !options_.new_output) {
    for (const auto& state : restored_->sinks) {
      if (state.partition == partition) before = state;
    }
  }
  const auto number = tails_.size();
  auto tail = std::make_unique<SinkTail>(std::move(sink), std::move(before),
                                         [this, number] { Post([this, number] { WriteTail(*tails_[number]); }); });
  tails_.push_back(tail.get());
  return tail;
}

arrow::Status FileCheckpoints::Begin(const graph::JobGraph& job) {
  for (const auto& op : job.operators()) operators_[op.id] = op;
  ARROW_ASSIGN_OR_RAISE(const auto plan, checkpoint::PlanDigest(job));
  if (restored_) {
    summary_.changed = restored_->plan_digest != plan;
    for (SinkTail* const tail : tails_) {
      ARROW_RETURN_NOT_OK(tail->Replay(savepoint_ ? *savepoint_ : store_, /*keep_files=*/!savepoint_));
    }
    env::FaultPoint("restored");
  }
  const std::lock_guard lock(mutex_);
  return checkpoint::Coordinator::Make(
             {.job_id = options_.job, .attempt = attempt_, .plan_digest = plan, .key_groups = key_groups_, .tasks = 1},
             {.interval_ns = std::max<int64_t>(options_.interval_ms * kNsPerMs, 1),
              .timeout_ns = std::numeric_limits<int64_t>::max() / 4},
             NowNs())
      .Value(&coordinator_);
}

checkpoint::CheckpointId FileCheckpoints::NextId() const {
  return {.attempt = attempt_, .number = coordinator_ ? coordinator_->next_number() : 1};
}

std::optional<int64_t> FileCheckpoints::Due() {
  std::optional<int64_t> number;
  {
    const std::lock_guard lock(mutex_);
    const bool stop = options_.requests != nullptr && options_.requests->stop && !last_;
    const bool asked = options_.requests != nullptr && options_.requests->checkpoint.exchange(false);
    number = coordinator_->Trigger(NowNs(), stop || asked);
    if (!number) {
      if (asked) options_.requests->checkpoint = true;
      return std::nullopt;
    }
    if (stop) last_ = number;
  }
  return number;
}

bool FileCheckpoints::Stops() {
  const std::lock_guard lock(mutex_);
  return last_.has_value();
}

void FileCheckpoints::GiveUp(int64_t number) {
  for (SinkTail* const tail : tails_) tail->GiveUp();
  const std::lock_guard lock(mutex_);
  coordinator_->Abort(number, NowNs());
  if (last_ == number) last_ = std::nullopt;  // All sources have ended: the job comes to its end.
}

bool FileCheckpoints::reading() const {
  const std::lock_guard lock(mutex_);
  return coordinator_ && coordinator_->number().has_value();
}

arrow::Status FileCheckpoints::Keep(TakenState taken) {
  writing_ = std::make_unique<Writing>();
  if (decisions_ != nullptr) {
    writing_->manifest.decisions = decisions_->FirstNeeded(taken.state.sources);
    std::optional<checkpoint::LogPosition> first;
    {
      const std::lock_guard lock(mutex_);
      if (needed_.size() == static_cast<std::size_t>(options_.keep)) first = needed_.front();
    }
    if (first) ARROW_RETURN_NOT_OK(decisions_->Trim(*first));
  }
  writing_->taken = std::move(taken);
  Post([this] { WriteOn(); });
  return arrow::Status::OK();
}

arrow::Status FileCheckpoints::Check() {
  {
    const std::lock_guard lock(mutex_);
    ARROW_RETURN_NOT_OK(not_stopped_);
  }
  if (!stopped()) return arrow::Status::OK();
  return arrow::Status::Cancelled("stopped at checkpoint ", summary().newest, ".");
}

void FileCheckpoints::End() {
  const std::lock_guard at_work(at_work_);
  ended_ = true;
}

// Jobs of the background may come after the run.
void FileCheckpoints::Post(std::function<void()> job) {
  world_.writer().Post([self = weak_from_this(), job = std::move(job)] {
    const auto alive = self.lock();
    if (alive == nullptr) return;
    const std::lock_guard at_work(alive->at_work_);
    if (!alive->ended_) job();
  });
}

void FileCheckpoints::WriteOn() {
  const auto more = WriteNext();
  if (more.ok() && *more) return Post([this] { WriteOn(); });
  const auto status = more.ok() ? Commit() : more.status();
  const int64_t number = writing_->taken.state.number;
  const std::string id = checkpoint::CheckpointId{.attempt = attempt_, .number = number}.ToString();
  kept_ = status.ok() ? std::move(writing_->kept) : KeptFiles();
  writing_ = nullptr;
  if (!status.ok()) {
    for (SinkTail* const tail : tails_) tail->GiveUp();
  }
  const std::lock_guard lock(mutex_);
  if (status.ok()) {
    coordinator_->Committed(number, NowNs());
    ++summary_.completed;
    summary_.newest = id;
    summary_.stopped = last_ == number;
  } else {
    coordinator_->Abort(number, NowNs());
    ++summary_.failed;
    summary_.last_error = status.message();
    if (last_ == number) {
      not_stopped_ = status.WithMessage(
          "checkpoints: the run was told to stop at one, which could not be written: ", status.message(),
          " Go on from ", summary_.newest.empty() ? "an earlier one." : summary_.newest + ".");
    }
  }
  summary_.bytes = coordinator_->counters().last_bytes;
  summary_.seconds = static_cast<double>(coordinator_->counters().last_duration_ns) / 1e9;
}

arrow::Result<bool> FileCheckpoints::WriteNext() {
  Writing& writing = *writing_;
  JobState& state = writing.taken.state;
  const checkpoint::CheckpointId id{.attempt = attempt_, .number = state.number};
  if (writing.op < writing.taken.frozen.size()) {
    const OperatorState& op = state.operators[writing.op];
    auto& written = writing.manifest.operators;
    if (written.size() == writing.op) {
      const graph::Operator& described = operators_[op.uid];
      written.push_back(
          {.uid = op.uid, .copy = op.copy, .type = described.type, .key_by = described.key_by, .files = {}});
    }
    auto& frozen = writing.taken.frozen[writing.op];
    const auto files = writing.taken.files.find(writing.op);
    const bool as_files = files != writing.taken.files.end();
    if (writing.table == (as_files ? files->second.files.size() : frozen.size())) {
      if (as_files) writing.taken.files.erase(files);  // They go.
      ++writing.op;
      writing.table = 0;
      return true;
    }
    if (as_files) {
      written.back().form = checkpoint::kFormFiles;
      const auto& file = files->second.files[writing.table++];
      ARROW_ASSIGN_OR_RAISE(written.back().files.emplace_back(), WriteFile(files->second, file));
      return true;
    }
    const std::string name = op.uid + "." + std::to_string(op.copy) + "." + std::to_string(writing.table);
    ARROW_ASSIGN_OR_RAISE(auto file, store_.Write(id, name, *frozen[writing.table]));
    env::FaultPoint("state-file-written");
    written.back().files.push_back(std::move(file));
    frozen[writing.table++] = nullptr;
    return true;
  }
  if (writing.sink < state.sinks.size()) {
    const auto& given = state.sinks[writing.sink++];
    ARROW_ASSIGN_OR_RAISE(auto saved, tails_[static_cast<std::size_t>(given.partition)]->Save(store_, id, given.rows));
    saved.uid = given.uid;
    saved.rows_per_file = rows_per_file_;
    writing.manifest.sinks.push_back(std::move(saved));
    return true;
  }
  return false;
}

// One that was written before is named again: the checkpoint has it, wherever that wrote it.
arrow::Result<checkpoint::StateFile> FileCheckpoints::WriteFile(const FrozenFiles& frozen,
                                                                const state::KeyStore::File& file) {
  const std::string name = frozen.store + "/" + file.name;
  const auto known = kept_.find(name);
  if (file.kept && known != kept_.end() && known->second.bytes == file.bytes) {
    return writing_->kept[name] = known->second;
  }
  const OperatorState& op = writing_->taken.state.operators[writing_->op];
  const checkpoint::CheckpointId id{.attempt = attempt_, .number = writing_->taken.state.number};
  ARROW_ASSIGN_OR_RAISE(const auto bytes, arrow::io::ReadableFile::Open(frozen.folder->path() + "/" + file.name));
  ARROW_ASSIGN_OR_RAISE(auto written,
                        store_.WriteFile(id, op.uid + "." + std::to_string(op.copy) + "." + file.name, *bytes));
  env::FaultPoint("state-file-written");
  if (file.kept) writing_->kept[name] = written;
  return written;
}

arrow::Status FileCheckpoints::Commit() {
  const JobState& state = writing_->taken.state;
  std::optional<checkpoint::Manifest> manifest;
  {
    const std::lock_guard lock(mutex_);
    checkpoint::Acknowledgement all{.operators = std::move(writing_->manifest.operators),
                                    .sources = state.sources,
                                    .sinks = std::move(writing_->manifest.sinks)};
    ARROW_RETURN_NOT_OK(coordinator_->Ack(state.number, 0, std::move(all)).status());
    ARROW_ASSIGN_OR_RAISE(manifest, coordinator_->Complete(state.cut, NowMs(), NowNs()));
  }
  if (!manifest) return data::DataError("checkpoints: one was given up.");
  manifest->ended = state.ended;
  manifest->decisions = writing_->manifest.decisions;
  env::FaultPoint("before-manifest");
  ARROW_RETURN_NOT_OK(store_.Commit(*manifest));
  env::FaultPoint("after-manifest");
  {
    const std::lock_guard lock(mutex_);
    needed_.push_back(manifest->decisions);
    if (needed_.size() > static_cast<std::size_t>(options_.keep)) needed_.pop_front();
  }
  const auto swept = store_.Sweep(options_.keep, attempt_);
  env::FaultPoint("swept");
  if (swept.ok()) return swept;
  const std::lock_guard lock(mutex_);  // What is left the next one finds.
  summary_.last_error = swept.message();
  return arrow::Status::OK();
}

void FileCheckpoints::WriteTail(SinkTail& tail) {
  checkpoint::CheckpointId id;
  {
    const std::lock_guard lock(mutex_);
    id = NextId();
  }
  static_cast<void>(tail.WriteRows(store_, id));  // The tail remembers an error, and tells who writes next.
}

bool FileCheckpoints::stopped() const {
  const std::lock_guard lock(mutex_);
  return summary_.stopped;
}

CheckpointSummary FileCheckpoints::summary() const {
  const std::lock_guard lock(mutex_);
  return summary_;
}

}  // namespace sabot::engine
