// What a run is given, and what it tells.
#pragma once

#include <arrow/status.h>
#include <arrow/table.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sabot/data/reject_log.h"
#include "sabot/engine/balance.h"
#include "sabot/engine/morsel_runner.h"
#include "sabot/engine/state_options.h"
#include "sabot/env/executor.h"
#include "sabot/env/interrupt.h"
#include "sabot/graph/execution_graph.h"
#include "sabot/graph/job_graph.h"
#include "sabot/metrics/metric.h"
#include "sabot/shuffle/segment_pool.h"

namespace sabot::checkpoint {
class Decisions;
}

namespace sabot::engine {

// What became of a run's checkpoints.
struct CheckpointSummary {
  std::string restored = {};              // The one it went on from, such as "1-17"; empty: it began from nothing.
  std::string restored_from = {};         // The folder of that one.
  std::vector<std::string> skipped = {};  // What is wrong with newer ones.
  std::set<std::string> dropped = {};     // Operators whose state was not taken over, as was asked.
  bool changed = false;                   // The pipeline is not the one that it was taken of.
  int64_t completed = 0;
  int64_t failed = 0;
  std::string last_error = {};
  std::string newest = {};  // The last one completed,
  int64_t bytes = 0;        // its files, those of earlier ones that it uses too,
  double seconds = 0;       // and how long it took.
  bool stopped = false;     // The run ended at it, as was asked, and is not complete.
};

// What a run has done so far.
struct RunProgress {
  int64_t rows_read = 0;
  int64_t rows_written = 0;
  int64_t rows_rejected = 0;
  std::optional<double> done = std::nullopt;  // 0 to 1, where the sources know.
  CheckpointSummary checkpoints = {};         // Of a run into files.
};

// What a run did.
struct RunSummary {
  int64_t rows_read = 0;
  int64_t rows_written = 0;
  int64_t rows_rejected = 0;
  int64_t key_groups_moved = 0;  // From copy to copy, while it ran.
  // What operators had to say at the end, by their name: "data_quality".
  std::map<std::string, std::shared_ptr<arrow::Table>> reports = {};
  // What each task and channel did: see docs/reference/metrics.md.
  std::vector<metrics::Metric> metrics = {};
  double seconds = 0;  // By the wall clock.
  CheckpointSummary checkpoints = {};
};

// By whom a running job is told. Any thread.
struct CheckpointRequests {
  std::atomic<bool> checkpoint = false;  // Take one now,
  std::atomic<bool> stop = false;        // or take one and end there.
};

// Checkpoints of a run into files.
struct CheckpointOptions {
  std::string folder = {};  // A path, or s3://bucket/key; empty: none are taken.
  int64_t interval_ms = 60'000;  // From the beginning of one to that of the next; 0: one after another.
  int keep = 3;                  // How many stay.
  bool resume =
      false;  // From the newest in the folder, or, where there is none, from the one of `from`, if it is named,
  std::string from = {};  // the folder of a savepoint; else from nothing.
  // The run writes an output of its own, which begins with the rows behind the checkpoint.
  bool new_output = false;
  std::vector<std::string> drop = {};  // Ids of operators whose state is not taken over.
  std::string job = "stream";          // What it is called in manifests.
  std::shared_ptr<CheckpointRequests> requests = nullptr;
};

class Checkpoints;
class IdlePolicy;
class KeyGroupMoves;
struct JobState;
class World;

// How rows pass between tasks.
struct ShuffleOptions {
  // Copies of each step that names no number and may have copies. 0: of steps without state over rows at rest one a
  // thread, of all others one. The rows of a run, and their order, do not depend on it.
  int parallelism = 0;
  bool for_all = false;  // It replaces every number above 1 that a step names, too: to try what copies change.
  graph::Ordering ordering = graph::Ordering::kPlace;
  int key_groups = 256;
  graph::KeyGroupTables tables = {};  // Which copies own them at first, where it is not as the default says.
  shuffle::SegmentSettings segments = {};
  // Whether rows that find no credit go to disk ("overflow"), all do ("always"), or their sender waits ("never"),
  // unless a step says (Stream::Spilling); and to which folder, of which a run uses one of its own.
  std::string spill = "never";
  std::string spill_folder = "";
};

// Who runs a stream, who may stop it, and who hears of it. All of it must outlive the run.
struct RunContext {
  std::shared_ptr<env::Executor> executor = DefaultExecutor();
  std::shared_ptr<env::Interrupt> interrupt = std::make_shared<env::NoInterrupt>();
  std::shared_ptr<data::RejectLog> rejects = std::make_shared<data::CountingRejects>();
  ShuffleOptions shuffle = {};
  StateOptions state = {};
  std::shared_ptr<World> world = nullptr;  // Instead of the real one: see world.h.
  CheckpointOptions checkpoint = {};  // Of runs into files.
  // Who else wants the job's states, and the one to go on from: see job_state.h.
  std::shared_ptr<Checkpoints> checkpoints = nullptr;
  std::shared_ptr<const JobState> restore = nullptr;
  // By place nobody waits for a source partition that gave no rows for so long, where there are several: 0, all wait.
  // Its later rows come behind. A policy, if there is one, says instead: see idle.h.
  int64_t idle_after_ms = 0;
  std::shared_ptr<IdlePolicy> idle = nullptr;
  // What was decided so, see decision_log.h: of earlier runs, it holds again; of this one, it is kept. None: it is
  // forgotten.
  std::shared_ptr<checkpoint::Decisions> decisions = nullptr;
  // When key groups move from copies that have more rows than others; and who moves them by hand: see
  // key_group_moves.h. None of it changes what the run gives.
  std::optional<BalancePolicy> balance = std::nullopt;
  std::shared_ptr<KeyGroupMoves> moves = nullptr;
  // Instead of `rejects`, for a source partition by the source's id and its number.
  std::function<std::shared_ptr<data::RejectLog>(const std::string& source, int partition)> rejects_of = nullptr;
  // Cuts the batches of sources at rows drawn from this seed, to show that the result does not depend on where.
  std::optional<uint64_t> cut_seed = std::nullopt;
  // Called on the calling thread, at most ten times a second. An error stops the run.
  std::function<arrow::Status(const RunProgress&)> progress = nullptr;
};

}  // namespace sabot::engine
