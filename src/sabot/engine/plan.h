// What a stream was asked to do: a tree of immutable steps, each with the schema of its rows. Sources are its leaves,
// and a step that several streams share is the same object. engine/flow runs it.
#pragma once

#include <arrow/type.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sabot/connectors/source.h"
#include "sabot/data/reject_log.h"
#include "sabot/operators/kernel_chain.h"
#include "sabot/operators/operator.h"

namespace sabot::engine {

// Opens the source anew for each run; what is wrong with single rows goes to the log.
using OpenSource =
    std::function<arrow::Result<std::shared_ptr<connectors::Source>>(const std::shared_ptr<data::RejectLog>& rejects)>;

struct SourceStep {
  OpenSource open;
  std::string event_time = "timestamp";  // The column of event time, where there is one; else rows have only offsets.
  bool at_rest = false;  // All rows are there already: taking some batches at once delays nobody.
};
struct OperatorStep {
  operators::OperatorFactory make;
};
struct KernelStep {  // Kernels that run as one fused pass.
  std::vector<operators::KernelSpec> kernels;
  std::vector<std::string> by;
  bool stateful = false;
};
struct UnionStep {};

struct Plan;
using PlanPtr = std::shared_ptr<const Plan>;

struct Plan {
  std::string description;  // "filter price > 0"
  std::shared_ptr<arrow::Schema> schema;
  std::variant<SourceStep, OperatorStep, KernelStep, UnionStep> step;
  std::vector<PlanPtr> inputs = {};
};

// The sources of a plan in the order of their ranks: as they appear, each once.
std::vector<const Plan*> SourcesOf(const Plan& plan);

// The plan for people, sources first. What runs as one pass stands together.
std::string Explain(const Plan& plan);

}  // namespace sabot::engine
