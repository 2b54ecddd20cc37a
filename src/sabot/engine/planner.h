// From what a stream was asked to do to what runs: its steps as a job graph, and that as tasks and edges.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sabot/engine/plan.h"
#include "sabot/engine/task_input.h"
#include "sabot/graph/execution_graph.h"

namespace sabot::engine {

struct PlanOptions {
  std::string job = "stream";
  // Copies of each step that names no number and may have copies. 0: of steps without state over rows at rest one a
  // thread, of all others one.
  int parallelism = 0;
  bool for_all = false;  // `parallelism` replaces every number above 1, too.
  int threads = 1;
  int key_groups = 256;
  graph::KeyGroupTables tables = {};  // Which copies own them, where it is not as the default says.
  int sink_partitions = 1;                  // How many sinks there are,
  std::vector<std::string> sink_key = {};   // and by which key rows go to them.
  graph::Ordering ordering = graph::Ordering::kPlace;
  std::string spill = "never";
};

struct PlannedJob {
  graph::ExecutionGraph graph;
  // The step of each operator of the graph; the last is the sink, which has none.
  std::vector<const Plan*> steps;
  std::vector<int32_t> first_rank;  // Of a source: of its first partition. Else 0.
  Carried carried = Carried::kNothing;
  bool at_rest = true;  // All sources are.
};

// Errors (kOption): those of graph::JobGraph and ExecutionGraph, with the step's name. The plan outlives the result.
arrow::Result<PlannedJob> PlanJob(const Plan& plan, const PlanOptions& options);

}  // namespace sabot::engine
