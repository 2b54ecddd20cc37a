// The checkpoints of a run in a folder: when one is due, what of it is written when, and the one to go on from. All of
// the disk's work is done in the background, a file at a time.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sabot/checkpoint/coordinator.h"
#include "sabot/checkpoint/decision_log.h"
#include "sabot/checkpoint/store.h"
#include "sabot/engine/job_state.h"
#include "sabot/engine/run_context.h"
#include "sabot/engine/sink_tail.h"
#include "sabot/engine/world.h"
#include "sabot/graph/job_graph.h"

namespace sabot::engine {

class FileCheckpoints final : public Checkpoints, public std::enable_shared_from_this<FileCheckpoints> {
 public:
  // Finds the checkpoint to go on from. `world` outlives it. Errors (kOption): an option out of its range; the folder
  // has checkpoints, and nobody asked to go on; the checkpoint is of another number of key groups; (kData) those that
  // are there cannot be used.
  static arrow::Result<std::shared_ptr<FileCheckpoints>> Open(CheckpointOptions options, int key_groups, World& world);

  // Before the job is made: its state; nullptr: it begins from nothing. Files of state are copied to where the run has
  // its own, or else to a temporary folder.
  arrow::Result<std::shared_ptr<const JobState>> Load(const StateOptions& run);
  // What the clock decided in earlier runs of the job; and where to keep what it decides in this one.
  arrow::Result<std::shared_ptr<checkpoint::Decisions>> OpenDecisions();
  // For each sink partition, how many rows its complete files have; nothing where nobody asked to go on. Error
  // (kOption): the checkpoint is of another number of partitions, or of rows in a file.
  arrow::Result<std::optional<std::vector<int64_t>>> RowsDurable(int partitions, int64_t rows_per_file);
  // Sinks, opened behind those rows.
  std::unique_ptr<connectors::Sink> WithTail(std::unique_ptr<connectors::Sink> sink, int partition);
  // Before the job runs: the sinks are given what an earlier run gave them behind those rows.
  arrow::Status Begin(const graph::JobGraph& job);

  std::optional<int64_t> Due() override;
  bool Stops() override;
  void GiveUp(int64_t number) override;
  bool wants_files() const override { return true; }
  bool reading() const override;
  arrow::Status Keep(TakenState state) override;
  arrow::Status Check() override;
  // The job has ended: what is being written is given up. When it returns, nobody reads the job's states or sinks.
  void End();

  // Whether the job was told to end at a checkpoint that was asked for, and has.
  bool stopped() const;
  CheckpointSummary summary() const;

 private:
  // Files that later checkpoints may name again, by what the store calls them that left them.
  using KeptFiles = std::map<std::string, checkpoint::StateFile>;
  // A checkpoint on its way to the disk.
  struct Writing {
    TakenState taken;
    checkpoint::Manifest manifest;
    std::size_t op = 0;  // The next file of an operator,
    std::size_t table = 0;
    std::size_t sink = 0;  // then of a sink.
    KeptFiles kept = {};
  };

  FileCheckpoints(CheckpointOptions options, int key_groups, env::StoragePath place, World& world);
  arrow::Status FindNewest();
  checkpoint::CheckpointId NextId() const;  // With the mutex.
  void Post(std::function<void()> job);
  void WriteOn();
  arrow::Result<bool> WriteNext();  // False: nothing is left.
  arrow::Result<checkpoint::StateFile> WriteFile(const FrozenFiles& frozen, const state::KeyStore::File& file);
  arrow::Status Commit();
  void WriteTail(SinkTail& tail);

  const CheckpointOptions options_;
  const int key_groups_;
  const env::StoragePath place_;  // Of this run,
  checkpoint::Store store_;
  std::optional<env::StoragePath> savepoint_place_;  // and of the state that it begins from, where that is another one.
  std::optional<checkpoint::Store> savepoint_;
  World& world_;
  int64_t attempt_ = 1;
  std::optional<checkpoint::Manifest> restored_;
  std::shared_ptr<checkpoint::DecisionLog> decisions_;  // Used on the thread that runs the job.
  std::vector<SinkTail*> tails_;
  int64_t rows_per_file_ = 0;
  std::map<std::string, graph::Operator> operators_;
  std::unique_ptr<Writing> writing_;  // Used in the background while there is one.
  KeptFiles kept_;  // Of the checkpoint before it. None, where that was given up.

  mutable std::mutex mutex_;  // Of all below.
  std::optional<checkpoint::Coordinator> coordinator_;
  CheckpointSummary summary_;
  std::deque<checkpoint::LogPosition> needed_;  // What the kept checkpoints of this run need of the decisions.
  std::optional<int64_t> last_;  // The checkpoint at which the job shall end,
  arrow::Status not_stopped_;  // which could not be written.

  std::mutex at_work_;  // Held while something is written, and before the other one.
  bool ended_ = false;  // With at_work_.
};

}  // namespace sabot::engine
