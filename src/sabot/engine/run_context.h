// What a run is given, and what it tells.
#pragma once

#include <arrow/status.h>
#include <arrow/table.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/data/reject_log.h"
#include "sabot/engine/morsel_runner.h"
#include "sabot/env/executor.h"
#include "sabot/env/interrupt.h"
#include "sabot/graph/job_graph.h"
#include "sabot/metrics/metric.h"
#include "sabot/shuffle/segment_pool.h"

namespace sabot::engine {

// What a run has done so far.
struct RunProgress {
  int64_t rows_read = 0;
  int64_t rows_written = 0;
  int64_t rows_rejected = 0;
  std::optional<double> done = std::nullopt;  // 0 to 1, where the sources know.
};

// What a run did.
struct RunSummary {
  int64_t rows_read = 0;
  int64_t rows_written = 0;
  int64_t rows_rejected = 0;
  // What operators had to say at the end, by their name: "data_quality".
  std::map<std::string, std::shared_ptr<arrow::Table>> reports = {};
  // What each task and channel did: see docs/reference/metrics.md.
  std::vector<metrics::Metric> metrics = {};
  double seconds = 0;  // By the wall clock.
};

class Checkpoints;
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
  std::shared_ptr<World> world = nullptr;  // Instead of the real one: see world.h.
  // Who wants the job's states, and the one to go on from: see job_state.h.
  std::shared_ptr<Checkpoints> checkpoints = nullptr;
  std::shared_ptr<const JobState> restore = nullptr;
  // Cuts the batches of sources at rows drawn from this seed, to show that the result does not depend on where.
  std::optional<uint64_t> cut_seed = std::nullopt;
  // Called on the calling thread, at most ten times a second. An error stops the run.
  std::function<arrow::Status(const RunProgress&)> progress = nullptr;
};

}  // namespace sabot::engine
