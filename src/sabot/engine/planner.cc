#include "sabot/engine/planner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace sabot::engine {
namespace {

class Planner {
 public:
  explicit Planner(const PlanOptions& options) : options_(options), job_(options.job, options.key_groups) {}

  arrow::Result<PlannedJob> Run(const Plan& plan) {
    ARROW_ASSIGN_OR_RAISE(const int last, Add(plan));
    const int sinks = options_.sink_partitions;
    graph::Operator sink{.id = "sink",
                         .name = "sink",
                         .type = "sink",
                         .parallelism = sinks,
                         .stateful = sinks > 1,
                         .key_by = sinks > 1 ? options_.sink_key : std::vector<std::string>{},
                         .ordering = options_.ordering};
    ARROW_RETURN_NOT_OK(AddOperator(nullptr, std::move(sink), 0));
    // What is in which partition of a sink follows from keys alone, not from how a source happens to be divided.
    const bool by_hash = sinks > 1 && partitioned_;
    const AskedEdge hash{.kind = graph::EdgeKind::kHash};
    ARROW_RETURN_NOT_OK(Connect(last, static_cast<int>(steps_.size()) - 1, 0, by_hash ? &hash : nullptr));
    ARROW_ASSIGN_OR_RAISE(auto graph, graph::ExecutionGraph::Make(std::move(job_), options_.tables));
    const Carried carried = WhatRowsCarry(graph);
    return PlannedJob{.graph = std::move(graph),
                      .steps = std::move(steps_),
                      .first_rank = std::move(first_rank_),
                      .carried = carried,
                      .at_rest = at_rest_};
  }

 private:
  struct Divided {
    std::vector<std::string> by = {};
    int copies = 0;
  };

  // Adds what leads to the step, and the step; gives its number.
  arrow::Result<int> Add(const Plan& plan) {
    std::vector<int> inputs;
    for (const auto& input : plan.inputs) {
      ARROW_ASSIGN_OR_RAISE(inputs.emplace_back(), Add(*input));
    }
    ARROW_ASSIGN_OR_RAISE(auto op, Describe(plan, inputs));
    int rank = 0;
    if (const auto* const source = std::get_if<SourceStep>(&plan.step)) {
      const auto [known, added] = ranks_.emplace(&plan, next_rank_);  // Used twice it is opened twice, and is one.
      if (added) next_rank_ += static_cast<int>(source->partitions.size());
      rank = known->second;
      at_rest_ = at_rest_ && source->at_rest;
    }
    divided_.push_back(DividedBy(op, inputs));
    ARROW_RETURN_NOT_OK(AddOperator(&plan, std::move(op), rank));
    const int number = static_cast<int>(steps_.size()) - 1;
    for (std::size_t input = 0; input < inputs.size(); ++input) {
      const bool asked = input < plan.asked.size() && plan.asked[input];
      ARROW_RETURN_NOT_OK(
          Connect(inputs[input], number, static_cast<int>(input), asked ? &*plan.asked[input] : nullptr));
    }
    return number;
  }

  arrow::Result<graph::Operator> Describe(const Plan& plan, const std::vector<int>& inputs) {
    graph::Operator op;
    op.name = plan.description;
    op.ordering = options_.ordering;
    bool on_caller = false;
    bool copies_allowed = false;
    if (const auto* const source = std::get_if<SourceStep>(&plan.step)) {
      op.type = "source";
      op.parallelism = static_cast<int>(source->partitions.size());
      op.partitioned_by = source->partitioned_by;
      partitioned_ = partitioned_ || !op.partitioned_by.empty();
    } else if (std::holds_alternative<UnionStep>(plan.step)) {
      op.type = "union";
      op.keeps_columns = true;
    } else if (const auto* const kernels = std::get_if<KernelStep>(&plan.step)) {
      op.type = "kernel";
      op.keeps_columns = true;  // It only appends.
      op.name = kernels->kernels.front().kernel;
      for (std::size_t i = 1; i < kernels->kernels.size(); ++i) op.name += ", " + kernels->kernels[i].kernel;
      op.stateful = kernels->stateful;
      if (op.stateful && !kernels->pair) op.key_by = kernels->by;
    } else {
      const auto& step = std::get<OperatorStep>(plan.step);
      ARROW_ASSIGN_OR_RAISE(const auto made, step.make({}));
      op.type = step.type;
      op.key_by = step.key_by;
      op.stateful = made->stateful() && !(step.copies_allowed && op.key_by.empty() && CopiesAskedFor(plan) > 1);
      if (step.by_partition) op.stateful = false;  // Each copy has its own, as sources have.
      op.keeps_columns = step.keeps_columns;
      needs_places_ = needs_places_ || made->needs_places();
      on_caller = step.on_caller;
      copies_allowed = step.copies_allowed;
    }
    for (const auto* const names : {&op.key_by, &op.partitioned_by}) keys_.insert(names->begin(), names->end());
    // A column of that name that comes later would be another one.
    op.keeps_columns = op.keeps_columns && std::all_of(keys_.begin(), keys_.end(), [&](const auto& key) {
                         return plan.schema->GetFieldIndex(key) >= 0 || !InputHas(plan, key);
                       });
    op.id = op.type + "_" + std::to_string(numbers_[op.type]++);
    if (!plan.uid.empty()) op.id = plan.uid;
    if (op.type != "source") op.parallelism = Copies(plan, op, inputs, on_caller && !copies_allowed);
    return op;
  }

  // By the step's own number, or as many as there are ranges that it takes. 0: it does not say.
  static int CopiesAskedFor(const Plan& plan) {
    if (plan.parallelism > 0) return plan.parallelism;
    int ranges = 0;
    for (const auto& asked : plan.asked) ranges = std::max(ranges, asked ? asked->ranges : 0);
    return ranges;
  }

  int Copies(const Plan& plan, const graph::Operator& op, const std::vector<int>& inputs, bool on_caller) const {
    const auto* const step = std::get_if<OperatorStep>(&plan.step);
    if (step != nullptr && step->by_partition) {
      return job_.operators()[static_cast<std::size_t>(inputs.front())].parallelism;
    }
    if (const int copies = CopiesAskedFor(plan); copies > 0) {
      return options_.for_all && copies > 1 && options_.parallelism > 0 ? options_.parallelism : copies;
    }
    const bool by_key = op.stateful && !op.key_by.empty();
    if (op.type == "union" || on_caller || (op.stateful && !by_key)) return 1;
    if (options_.parallelism > 0) return options_.parallelism;
    const auto& input = divided_[static_cast<std::size_t>(inputs.front())];
    if (!input.by.empty() && (!by_key || Has(op.key_by, input.by))) return input.copies;
    // By arrival copies that nobody asked for would change the order of a key's rows.
    return !by_key && AtRest(plan) && options_.ordering == graph::Ordering::kPlace ? options_.threads : 1;
  }

  static bool Has(const std::vector<std::string>& key, const std::vector<std::string>& columns) {
    return std::all_of(columns.begin(), columns.end(),
                       [&](const auto& column) { return std::find(key.begin(), key.end(), column) != key.end(); });
  }

  static bool InputHas(const Plan& plan, const std::string& column) {
    return std::any_of(plan.inputs.begin(), plan.inputs.end(),
                       [&](const auto& input) { return input->schema->GetFieldIndex(column) >= 0; });
  }

  static bool AtRest(const Plan& plan) {
    if (const auto* const source = std::get_if<SourceStep>(&plan.step)) return source->at_rest;
    return std::all_of(plan.inputs.begin(), plan.inputs.end(), [](const auto& input) { return AtRest(*input); });
  }

  // How the source has divided the rows that the operator gives.
  Divided DividedBy(const graph::Operator& op, const std::vector<int>& inputs) const {
    if (!op.partitioned_by.empty()) return {.by = op.partitioned_by, .copies = op.parallelism};
    if (inputs.size() != 1 || !op.keeps_columns) return {};
    const Divided& input = divided_[static_cast<std::size_t>(inputs.front())];
    return op.parallelism == input.copies ? input : Divided{};
  }

  arrow::Status AddOperator(const Plan* plan, graph::Operator op, int rank) {
    steps_.push_back(plan);
    first_rank_.push_back(rank);
    return job_.Add(std::move(op));
  }

  arrow::Status Connect(int from, int to, int input, const AskedEdge* asked = nullptr) {
    const auto& operators = job_.operators();
    graph::Edge edge{.from = operators[static_cast<std::size_t>(from)].id,
                     .to = operators[static_cast<std::size_t>(to)].id,
                     .input = input,
                     .spill = options_.spill};
    if (asked != nullptr && !asked->spill.empty()) edge.spill = asked->spill;
    if (asked != nullptr && (asked->kind == graph::EdgeKind::kHash || !options_.for_all)) {
      edge.kind = asked->kind;
      if (asked->kind == graph::EdgeKind::kRange) edge.range_by = {asked->range_by};
      edge.range_bounds = asked->range_bounds;
    }
    return job_.Connect(std::move(edge));
  }

  // Places are read by gates that merge.
  Carried WhatRowsCarry(const graph::ExecutionGraph& graph) const {
    std::map<std::pair<int, int>, int> channels;  // Into a copy of a chain.
    for (const auto& edge : graph.edges()) {
      for (const auto& [from, to] : edge.channels) ++channels[{edge.to_chain, to}];
      if (edge.kind == graph::EdgeKind::kRebalance && next_rank_ == 1) return Carried::kPlaces;
    }
    const bool merges =
        std::any_of(channels.begin(), channels.end(), [](const auto& channel) { return channel.second > 1; });
    if (!merges) return needs_places_ ? Carried::kPlaces : Carried::kNothing;
    return next_rank_ > 1 ? Carried::kTimes : Carried::kPlaces;
  }

  const PlanOptions& options_;
  graph::JobGraph job_;
  std::vector<const Plan*> steps_;
  std::vector<int32_t> first_rank_;
  std::vector<Divided> divided_;  // By operator.
  std::map<std::string, int> numbers_;  // Of operators of a type.
  std::map<const Plan*, int> ranks_;    // Of sources.
  int next_rank_ = 0;
  bool at_rest_ = true;
  bool needs_places_ = false;
  bool partitioned_ = false;  // A source says by which keys it is.
  std::set<std::string> keys_;  // All columns by which rows may be divided.
};

}  // namespace

arrow::Result<PlannedJob> PlanJob(const Plan& plan, const PlanOptions& options) { return Planner(options).Run(plan); }

}  // namespace sabot::engine
