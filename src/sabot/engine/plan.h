// What a stream was asked to do: a tree of immutable steps, each with the schema of its rows. Sources are its leaves,
// and a step that several streams share is the same object. engine/planner makes tasks of it.
#pragma once

#include <arrow/type.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sabot/connectors/source.h"
#include "sabot/data/reject_log.h"
#include "sabot/graph/job_graph.h"
#include "sabot/operators/kernel_chain.h"
#include "sabot/operators/operator.h"

namespace sabot::engine {

// Opens a source partition anew for each run; what is wrong with single rows goes to the log.
using OpenSource =
    std::function<arrow::Result<std::shared_ptr<connectors::Source>>(const std::shared_ptr<data::RejectLog>& rejects)>;

struct SourceStep {
  std::vector<OpenSource> partitions = {};  // At least one.
  std::string event_time = "timestamp";  // The column of event time, where there is one; else rows have only offsets.
  bool at_rest = false;  // All rows are there already: taking some batches at once delays nobody.
  bool on_caller = false;  // It calls Python: only the thread that runs the job may read it.
  bool once = false;  // It cannot be opened again.
  std::vector<std::string> partitioned_by = {};  // No two partitions share a key of these columns.
  std::vector<std::string> partition_names = {};  // For messages; none: they are called by their numbers.
};
struct OperatorStep {
  operators::OperatorFactory make;
  std::string type = "operator";  // "filter", as in a job graph.
  bool on_caller = false;  // It calls Python.
  std::vector<std::string> key_by = {};  // Of its state, where it has some by key.
  bool keeps_columns = false;  // Columns of its input that its output has, too, are unchanged.
  // Its author says that copies of it may work side by side, whatever stateful() says of what it cannot know.
  bool copies_allowed = false;
  bool own_memory = false;  // It may remember what its Snapshot has not: a function of the user's.
  bool by_partition = false;  // It stands right behind a source, with a copy for each of its partitions.
};
struct KernelStep {  // Kernels that run as one fused pass.
  std::vector<operators::KernelSpec> kernels;
  std::vector<std::string> by;
  bool stateful = false;
  std::optional<operators::SymbolPair> pair = std::nullopt;  // Then the rows of all symbols come to one copy.
};
struct UnionStep {};

// How rows are to reach a step, where that is not left to the rules of graph::ExecutionGraph.
struct AskedEdge {
  std::optional<graph::EdgeKind> kind = std::nullopt;  // kHash, kRebalance, or kRange:
  std::string range_by = {};  // of this column,
  std::string range_bounds = "[]";  // by these, a JSON array as in graph::Edge,
  int ranges = 0;  // which make so many.
  std::string spill = {};  // As in graph::Edge; empty: as the run says.
};

struct Plan;
using PlanPtr = std::shared_ptr<const Plan>;

struct Plan {
  std::string description;  // "filter price > 0"
  std::shared_ptr<arrow::Schema> schema;
  std::variant<SourceStep, OperatorStep, KernelStep, UnionStep> step;
  std::vector<PlanPtr> inputs = {};
  int parallelism = 0;  // Copies; 0: as the run says.
  std::string uid = {};  // What its state is called; empty: by its type and number.
  std::vector<std::optional<AskedEdge>> asked = {};  // By input; where there is none, as the rules say.
};

// The sources of a plan in the order of their ranks: as they appear, each once, however often it is used.
std::vector<const Plan*> SourcesOf(const Plan& plan);

// The plan for people, sources first. What runs as one pass stands together.
std::string Explain(const Plan& plan);

}  // namespace sabot::engine
