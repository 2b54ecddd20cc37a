// What a planned job is made of: its channels, and the input, the operators and the output of each task.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/engine/chain_task.h"
#include "sabot/engine/job.h"
#include "sabot/engine/morsel_runner.h"
#include "sabot/graph/range_bounds.h"
#include "sabot/operators/kernel_operator.h"
#include "sabot/shuffle/input_gate.h"
#include "sabot/shuffle/registry.h"
#include "sabot/state/rocksdb_store.h"

namespace sabot::engine {
namespace {

// Rows of a frame where tasks take turns, and of such a turn: each frame makes columns of its own, so they are large.
constexpr int64_t kSharedRows = 131'072;
// The same where rows are divided by key, of which each receiver reads its own: small enough to be in the cache.
constexpr int64_t kDividedRows = 8'192;
// That the channels of a gate behind such an edge share: two halves of a frame of 200 bytes a row.
constexpr int32_t kDividedSegments = 64;
// Of a channel where blocks come in turn: 16 MB, so that a block of rows of 128 bytes fits.
constexpr int32_t kBlockSegments = 512;

bool HasSource(const Plan* step) { return step != nullptr && std::holds_alternative<SourceStep>(step->step); }

bool CallsPython(const Plan* step) {
  if (step == nullptr) return false;
  if (const auto* const source = std::get_if<SourceStep>(&step->step)) return source->on_caller;
  const auto* const op = std::get_if<OperatorStep>(&step->step);
  return op != nullptr && op->on_caller;
}

}  // namespace

// Where blocks come in turn a channel must hold the one whose turn it is not yet, or its sender works alone. Where rows
// are divided by key two frames must fit, or they come in crumbs.
std::optional<shuffle::GateSegments> Job::RoomOf(bool in_turn, int channels, int gates) const {
  const auto& settings = context_.shuffle.segments;
  if (!settings.roomy) return std::nullopt;
  const int32_t share = settings.pool_segments / (2 * gates);  // All gates together leave half of the pool.
  shuffle::GateSegments room{.channel = settings.channel_segments, .shared = settings.shuffle_segments};
  if (in_turn) {
    room.channel = std::max(room.channel, std::min(kBlockSegments, share / channels));
  } else {
    room.shared = std::max(room.shared, std::min(kDividedSegments, share - channels * room.channel));
  }
  return room;
}

arrow::Status Job::MakeChannels() {
  ARROW_ASSIGN_OR_RAISE(const auto pool, shuffle::SegmentPool::Make(context_.shuffle.segments));
  const auto& edges = planned_.graph.edges();
  std::map<std::pair<int, int>, int> channels;  // Into each copy of a chain.
  std::set<int> in_turn;  // Chains whose rows come a block from here, a block from there.
  for (const auto& edge : edges) {
    for (const auto& [from, to] : edge.channels) ++channels[{edge.to_chain, to}];
    if (edge.kind == graph::EdgeKind::kRebalance || in_turn.contains(edge.from_chain)) in_turn.insert(edge.to_chain);
  }
  std::map<std::pair<int, int>, std::shared_ptr<shuffle::FloatingCredits>> credits;
  for (const auto& [copy, count] : channels) {
    const auto room = RoomOf(in_turn.contains(copy.first), count, static_cast<int>(channels.size()));
    ARROW_ASSIGN_OR_RAISE(credits[copy], pool->Reserve(count, room));
  }
  for (std::size_t index = 0; index < edges.size(); ++index) {
    const auto& edge = edges[index];
    const Plan* const sender = planned_.steps[static_cast<std::size_t>(edge.from)];
    std::vector<std::shared_ptr<shuffle::FloatingCredits>> of_edge;
    for (const auto& [from, to] : edge.channels) of_edge.push_back(credits[{edge.to_chain, to}]);
    ARROW_ASSIGN_OR_RAISE(auto ends, context_.world->Connect(edge, sender->schema, of_edge));
    ARROW_ASSIGN_OR_RAISE(const auto spill, MakeSpill(index));
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const auto& [from, to] = edge.channels[i];
      auto& [sends, receives] = ends[i];
      if (spill != nullptr && sends == receives) {
        sends = shuffle::MakeSpillingChannel(sends, spill, std::to_string(from) + "-" + std::to_string(to));
        receives = sends;
      }
      sends->set_wake_sender(Waker(edge.from_chain, from));
      receives->set_wake_receiver(Waker(edge.to_chain, to));
      channels_[{static_cast<int>(index), from, to}] = {
          .ends = std::move(ends[i]), .frontier_time = std::make_unique<std::atomic<int64_t>>(data::kBeginPlace.time)};
    }
  }
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<shuffle::SpillEdge>> Job::MakeSpill(std::size_t edge) {
  const auto& shuffle = context_.shuffle;
  const std::string& spill = planned_.graph.edges()[edge].spill;
  if (spill == "never") return nullptr;
  if (shuffle.spill_folder.empty()) {
    const auto& op = planned_.graph.job().operators()[static_cast<std::size_t>(planned_.graph.edges()[edge].to)];
    return data::OptionError("rows on their way to '" + op.id + "' may spill (" + spill +
                             "), and the run has no folder for them. Name one as spill_folder.");
  }
  static std::atomic<int64_t> runs = 0;  // Of this process, each with a folder of its own.
  if (spill_storage_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto storage, context_.world->Storage(shuffle.spill_folder));
    spill_storage_ = std::move(storage.storage);
    spill_folder_ = storage.path + "/" + std::to_string(::getpid()) + "-" + std::to_string(runs++);
  }
  return std::make_shared<shuffle::SpillEdge>(
      shuffle::SpillSettings{.when = spill == "always" ? shuffle::SpillWhen::kAlways : shuffle::SpillWhen::kOverflow,
                             .folder = spill_folder_ + "/" + std::to_string(edge)},
      *spill_storage_, context_.world->background());
}

arrow::Result<std::unique_ptr<Task>> Job::MakeTask(int chain, int copy, const Sinks& sinks) {
  const auto& operators = planned_.graph.chains()[static_cast<std::size_t>(chain)].operators;
  const Plan* const first = planned_.steps[static_cast<std::size_t>(operators.front())];
  const bool alone = planned_.graph.chains()[static_cast<std::size_t>(chain)].parallelism > 1;
  bool on_caller = false;
  std::shared_ptr<arrow::Schema> schema = plan_->schema;  // Of what the chain takes: of a lonely sink all there is,
  if (first != nullptr) schema = first->inputs.empty() ? first->schema : first->inputs.front()->schema;
  ARROW_ASSIGN_OR_RAISE(auto input, MakeInput(chain, copy, schema));
  Checkpointing::TaskParts parts{.copy = copy, .source = dynamic_cast<SourceInput*>(input.get())};
  Restoring::Division division = DivisionOf(chain, copy);
  std::vector<std::unique_ptr<operators::Operator>> made;
  for (const int op : operators) {
    const Plan* const step = planned_.steps[static_cast<std::size_t>(op)];
    const auto& described = planned_.graph.job().operators()[static_cast<std::size_t>(op)];
    parts.all.push_back(described.id);
    if (HasSource(step)) {
      parts.source_op = described.id;
      const int task = first_task_[static_cast<std::size_t>(chain)] + copy;
      if (idle_ != nullptr) idle_->Add(described.id, copy, *parts.source, task);
    }
    if (step == nullptr) {
      if (!sinks.empty()) parts.sink = sinks[static_cast<std::size_t>(copy)];
      parts.sink_rows = &sink_rows_[static_cast<std::size_t>(copy)];
      parts.sink_rows_before = restored_.SinkRows(copy);
    }
    on_caller = on_caller || CallsPython(step);
    if (step == nullptr || HasSource(step) || std::holds_alternative<UnionStep>(step->step)) continue;
    ARROW_ASSIGN_OR_RAISE(auto bound, MakeOperator(*step, described.id, copy, alone));
    ARROW_ASSIGN_OR_RAISE(auto schemas, bound->Bind({std::move(schema)}));
    schema = std::move(schemas.front());
    if (restored_.Ended(described.id)) continue;  // It has said all it had to say.
    if (described.type == "partition_check") {
      division.partition_check = described.id;
      division.partitioned_by = std::get<SourceStep>(first->step).partitioned_by;
    }
    ARROW_RETURN_NOT_OK(restored_.Restore(described, copy, division, *bound));
    parts.operators.push_back(described.id);
    made.push_back(std::move(bound));
  }
  ARROW_ASSIGN_OR_RAISE(auto output, MakeOutput(chain, copy, schema, sinks));
  if (checkpointing_ != nullptr) checkpointing_->Add(std::move(parts));
  return std::make_unique<ChainTask>(ChainTask::Settings{.name = TaskName(chain, copy),
                                                         .number = first_task_[static_cast<std::size_t>(chain)] + copy,
                                                         .on_caller = on_caller,
                                                         .listener = checkpointing_.get()},
                                     std::move(input), OperatorChain(std::move(made)), std::move(output));
}

// Rows of a source's frames.
int64_t Job::FrameRows(int chain) const {
  const auto& edges = planned_.graph.edges();
  const bool divided = std::any_of(edges.begin(), edges.end(), [&](const auto& edge) {
    return edge.from_chain == chain && edge.kind == graph::EdgeKind::kHash;
  });
  if (divided) return kDividedRows;
  return edges.empty() ? kBatchRows : kSharedRows;
}

arrow::Result<std::unique_ptr<TaskInput>> Job::MakeInput(int chain, int copy, const SchemaPtr& schema) {
  const auto& graph = planned_.graph;
  const int first = graph.chains()[static_cast<std::size_t>(chain)].operators.front();
  const Plan* const step = planned_.steps[static_cast<std::size_t>(first)];
  if (HasSource(step)) {
    const auto& source_step = std::get<SourceStep>(step->step);
    const auto& id = graph.job().operators()[static_cast<std::size_t>(first)].id;
    const auto rejects = context_.rejects_of == nullptr ? context_.rejects : context_.rejects_of(id, copy);
    ARROW_ASSIGN_OR_RAISE(auto source, source_step.partitions[static_cast<std::size_t>(copy)](rejects));
    source->set_wake(Waker(chain, copy));
    sources_.push_back(source);
    std::vector<IdleDecision> decided;
    if (context_.decisions != nullptr) decided = DecisionsOf(context_.decisions->taken(), id, copy);
    return MakeSourceInput(std::move(source),
                           {.rank = planned_.first_rank[static_cast<std::size_t>(first)] + copy,
                            .event_time = step->schema->GetFieldIndex(source_step.event_time),
                            .carried = planned_.carried,
                            .batch_rows = FrameRows(chain),
                            .cut_seed = context_.cut_seed,
                            .decided = std::move(decided)},
                           rows_read_, restored_.Begin(id, copy));
  }
  std::vector<std::pair<int, std::shared_ptr<shuffle::Channel>>> channels;  // By input, then sender.
  for (std::size_t index = 0; index < graph.edges().size(); ++index) {
    const auto& edge = graph.edges()[index];
    if (edge.to_chain != chain) continue;
    for (const auto& [from, to] : edge.channels) {
      if (to == copy) channels.emplace_back(edge.input, channels_[{static_cast<int>(index), from, to}].ends.receiver);
    }
  }
  std::stable_sort(channels.begin(), channels.end(),
                   [](const auto& left, const auto& right) { return left.first < right.first; });
  std::vector<std::shared_ptr<shuffle::Channel>> ordered;
  for (auto& [input, channel] : channels) ordered.push_back(std::move(channel));
  const auto ordering = graph.job().operators()[static_cast<std::size_t>(first)].ordering;
  return MakeGateInput(std::make_unique<shuffle::InputGate>(
      std::move(ordered), schema,
      ordering == graph::Ordering::kPlace ? shuffle::GateOrder::kPlace : shuffle::GateOrder::kArrival));
}

// `alone`: beside copies of it, so it asks for no threads of its own.
arrow::Result<std::unique_ptr<operators::Operator>> Job::MakeOperator(const Plan& step, const std::string& id, int copy,
                                                                      bool alone) {
  operators::OperatorContext context{
      .places = planned_.carried != Carried::kNothing, .rejects = context_.rejects, .copy = copy};
  context.shared = shared_.try_emplace(&step, context.shared).first->second;
  context.report = [this](std::string name, std::shared_ptr<arrow::Table> table) {
    const std::lock_guard lock(reports_mutex_);
    reports_[std::move(name)] = std::move(table);
  };
  if (!alone) {
    context.run_chain = [this](operators::KernelChain& chain, const std::shared_ptr<arrow::RecordBatch>& batch) {
      return RunMorsels(chain, batch, scheduler_->helpers(), scheduler_->stopping());
    };
  }
  if (const auto* const op = std::get_if<OperatorStep>(&step.step)) return op->make(context);
  const auto& kernels = std::get<KernelStep>(step.step);
  if (context_.state.backend == "rocksdb" && !kernels.by.empty()) {
    context.open_store = [this, id, copy] { return OpenState(id, copy); };
  }
  ARROW_ASSIGN_OR_RAISE(auto chain, operators::KernelChain::Make(kernels.kernels, kernels.by));
  return std::make_unique<operators::KernelOperator>(std::move(chain), context);
}

// How many copies of operators may have state in a store.
int64_t Job::StateStores() const {
  int64_t stores = 0;
  for (const auto& chain : planned_.graph.chains()) {
    for (const int op : chain.operators) {
      const Plan* const step = planned_.steps[static_cast<std::size_t>(op)];
      const auto* const kernels = step == nullptr ? nullptr : std::get_if<KernelStep>(&step->step);
      if (kernels != nullptr && !kernels->by.empty()) stores += chain.parallelism;
    }
  }
  return stores;
}

arrow::Result<operators::StateStore> Job::OpenState(const std::string& id, int copy) {
  if (state_folder_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(state_folder_, OwnFolder::Make(context_.state.folder));
    if (checkpointing_ != nullptr) checkpointing_->set_state_folder(state_folder_->path());
  }
  ARROW_ASSIGN_OR_RAISE(auto store, state::OpenRocksDb(state_folder_->path() + "/" + id + "." + std::to_string(copy)));
  return operators::StateStore{.store = std::move(store),
                               .cached_bytes = context_.state.cached_bytes / StateStores(),
                               .key_groups = planned_.graph.job().key_groups()};
}

arrow::Result<data::KeyGroupTable> Job::TableOf(const graph::ShuffleEdge& edge, int receivers) const {
  return data::KeyGroupTable::Of(planned_.graph.KeyGroupTable(edge.to_chain), receivers,
                                 planned_.graph.key_group_tables().version);
}

Restoring::Division Job::DivisionOf(int chain, int copy) const {
  const auto* const edge = DividingEdge(chain);
  if (edge == nullptr) return {};
  const int copies = planned_.graph.chains()[static_cast<std::size_t>(chain)].parallelism;
  Restoring::Division division;
  division.divide = [this, edge, copies](const SchemaPtr& keys) { return MakePartitioner(*edge, copies, keys); };
  if (edge->kind != graph::EdgeKind::kHash || copies == 1) return division;
  division.keys = edge->keys;
  division.owned_groups = [this, edge, copies, copy]() -> arrow::Result<std::function<bool(uint16_t group)>> {
    ARROW_ASSIGN_OR_RAISE(auto table, TableOf(*edge, copies));
    return [table = std::move(table), copy](uint16_t group) { return table.TaskOf(group) == copy; };
  };
  return division;
}

arrow::Result<std::unique_ptr<shuffle::Partitioner>> Job::MakePartitioner(const graph::ShuffleEdge& edge, int receivers,
                                                                          const SchemaPtr& schema) const {
  shuffle::PartitionerSpec spec;
  if (receivers == 1 || edge.kind == graph::EdgeKind::kBroadcast) {
    spec.name = "broadcast";
  } else if (edge.kind == graph::EdgeKind::kHash) {
    spec.name = "hash";
    spec.keys = edge.keys;
    spec.key_groups = planned_.graph.job().key_groups();
    ARROW_ASSIGN_OR_RAISE(spec.table, TableOf(edge, receivers));
  } else if (edge.kind == graph::EdgeKind::kRange) {
    spec.name = "range";
    spec.column = edge.keys.front();
    ARROW_ASSIGN_OR_RAISE(spec.bounds, graph::RangeBounds(edge.range_bounds, *schema->GetFieldByName(spec.column)));
  } else {
    spec.name = "round_robin";
    spec.block_rows = kSharedRows;
  }
  return shuffle::MakePartitioner(spec, schema, receivers);
}

// The edge by which the rows of a chain's copies were divided by key; nullptr: none was.
const graph::ShuffleEdge* Job::DividingEdge(int chain) const {
  for (const auto& edge : planned_.graph.edges()) {
    if (edge.to_chain != chain) continue;
    if (edge.kind == graph::EdgeKind::kHash || edge.kind == graph::EdgeKind::kRange) return &edge;
    if (edge.kind == graph::EdgeKind::kForward) return DividingEdge(edge.from_chain);
  }
  return nullptr;
}

arrow::Result<std::unique_ptr<TaskOutput>> Job::MakeOutput(int chain, int copy, const SchemaPtr& schema,
                                                           const Sinks& sinks) {
  const auto& graph = planned_.graph;
  const int last = graph.chains()[static_cast<std::size_t>(chain)].operators.back();
  if (planned_.steps[static_cast<std::size_t>(last)] == nullptr) {
    if (results_ != nullptr) {
      results_->set_wake(Waker(chain, copy));
      return MakeResultOutput(results_, sink_rows_.front());
    }
    auto& sink = *sinks[static_cast<std::size_t>(copy)];
    sink.set_wake(Waker(chain, copy));
    return MakeSinkOutput(sink, sink_rows_[static_cast<std::size_t>(copy)]);
  }
  std::vector<std::unique_ptr<TaskOutput>> outputs;
  for (std::size_t index = 0; index < graph.edges().size(); ++index) {
    const auto& edge = graph.edges()[index];
    if (edge.from_chain != chain) continue;
    std::vector<Lane> lanes;
    for (const auto& [from, to] : edge.channels) {
      if (from != copy) continue;
      const auto& channel = channels_[{static_cast<int>(index), from, to}];
      lanes.push_back({.channel = channel.ends.sender, .frontier_time = channel.frontier_time.get()});
    }
    ARROW_ASSIGN_OR_RAISE(auto partitioner, MakePartitioner(edge, static_cast<int>(lanes.size()), schema));
    if (const auto* const hash = dynamic_cast<const shuffle::HashPartitioner*>(partitioner.get())) {
      const auto& to = graph.job().operators()[static_cast<std::size_t>(edge.to)];
      hash_edges_.push_back(
          {.from = TaskName(chain, copy), .to = to.id, .to_chain = edge.to_chain, .partitioner = hash});
    }
    outputs.push_back(MakeRouter(std::move(partitioner), std::move(lanes)));
  }
  if (outputs.size() == 1) return std::move(outputs.front());
  return MakeFanOut(std::move(outputs));
}

}  // namespace sabot::engine
