#include "sabot/graph/execution_graph.h"

#include <algorithm>
#include <queue>

#include "sabot/data/errors.h"
#include "sabot/graph/edge_rules_internal.h"

namespace sabot::graph {
namespace {

// The operators as rows pass them; of those that could be next the one that was added first.
std::vector<int> RowOrder(const JobGraph& job) {
  const int operators = static_cast<int>(job.operators().size());
  std::vector<int> waits(operators, 0);
  std::vector<std::vector<int>> takers(operators);
  for (const Edge& edge : job.edges()) {
    const int to = *job.IndexOf(edge.to);
    ++waits[to];
    takers[*job.IndexOf(edge.from)].push_back(to);
  }
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int op = 0; op < operators; ++op) {
    if (waits[op] == 0) ready.push(op);
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int op = ready.top();
    ready.pop();
    order.push_back(op);
    for (const int taker : takers[op]) {
      if (--waits[taker] == 0) ready.push(taker);
    }
  }
  return order;
}

// Each operator is fed, and its rows go somewhere.
arrow::Status CheckEnds(const JobGraph& job) {
  const std::string job_name = "job '" + job.job_id() + "'";
  if (job.operators().empty()) return data::OptionError(job_name + " has no operator. Add a source first.");
  std::vector<std::vector<int>> inputs(job.operators().size());
  std::vector<bool> taken(job.operators().size(), false);
  for (const Edge& edge : job.edges()) {
    taken[*job.IndexOf(edge.from)] = true;
    inputs[*job.IndexOf(edge.to)].push_back(edge.input);
  }
  bool has_source = false;
  std::vector<std::string> results;  // Whose rows nothing takes.
  bool has_sink = false;
  for (std::size_t op = 0; op < inputs.size(); ++op) {
    const Operator& each = job.operators()[op];
    const std::string who = "operator '" + each.id + "'";
    has_source |= each.type == "source";
    has_sink |= each.type == "sink";
    if (each.type != "source" && inputs[op].empty()) {
      return data::OptionError(who + " (" + each.type +
                               ") has no input: nothing feeds it. Connect an operator to it, or "
                               "make it a source.");
    }
    std::sort(inputs[op].begin(), inputs[op].end());
    for (std::size_t input = 0; input < inputs[op].size(); ++input) {
      if (inputs[op][input] == static_cast<int>(input)) continue;
      return data::OptionError(who + ": nothing feeds input " + std::to_string(input) +
                               ", but there is an edge to input " + std::to_string(inputs[op].back()) +
                               ". Number the inputs 0, 1, 2, ...");
    }
    if (!taken[op] && each.type != "sink") results.push_back(each.id);
  }
  if (!has_source) return data::OptionError(job_name + " has no source. Add one, and connect it.");
  if (results.empty() || (results.size() == 1 && !has_sink)) return arrow::Status::OK();
  return data::OptionError(
      "operator '" + results[0] + "': nothing takes its rows. Connect it to a sink, or leave it out" +
      (results.size() == 1 ? "." : "; the same goes for " + Listed({results.begin() + 1, results.end()}) + "."));
}

arrow::Result<std::vector<std::pair<int, int>>> Channels(EdgeKind kind, const Operator& from, const Operator& to,
                                                         int64_t so_far) {
  const int64_t channels = kind == EdgeKind::kForward ? from.parallelism : int64_t{from.parallelism} * to.parallelism;
  if (so_far + channels > kChannelsMax) {
    return data::OptionError("edge '" + from.id + "' -> '" + to.id + "': with its " + std::to_string(from.parallelism) +
                             " x " + std::to_string(to.parallelism) + " channels the job has more than " +
                             std::to_string(kChannelsMax) + ". Lower the parallelism of one of them.");
  }
  std::vector<std::pair<int, int>> pairs;
  pairs.reserve(static_cast<std::size_t>(channels));
  for (int sender = 0; sender < from.parallelism; ++sender) {
    if (kind == EdgeKind::kForward) {
      pairs.emplace_back(sender, sender);
      continue;
    }
    for (int receiver = 0; receiver < to.parallelism; ++receiver) pairs.emplace_back(sender, receiver);
  }
  return pairs;
}

}  // namespace

arrow::Result<ExecutionGraph> ExecutionGraph::Make(JobGraph job, KeyGroupTables tables) {
  ARROW_RETURN_NOT_OK(job.Check());
  ARROW_RETURN_NOT_OK(CheckEnds(job));
  ExecutionGraph graph(std::move(job));
  const auto& operators = graph.job_.operators();
  const std::vector<int> order = RowOrder(graph.job_);
  ARROW_ASSIGN_OR_RAISE(const auto decided, DecideEdges(graph.job_, order));

  std::vector<int> edges_out(operators.size(), 0), edges_in(operators.size(), 0);
  for (const DecidedEdge& edge : decided) {
    ++edges_out[edge.from];
    ++edges_in[edge.to];
  }
  const auto is_call = [&](const DecidedEdge& edge) {
    return edge.kind == EdgeKind::kForward && edges_out[edge.from] == 1 && edges_in[edge.to] == 1;
  };
  std::vector<int> called_by(operators.size(), -1);
  for (const DecidedEdge& edge : decided) {
    if (is_call(edge)) called_by[edge.to] = edge.from;
  }
  std::vector<int> chain_of(operators.size(), 0);
  for (const int op : order) {
    if (called_by[op] == -1) {
      chain_of[op] = static_cast<int>(graph.chains_.size());
      graph.chains_.push_back({.operators = {}, .parallelism = operators[op].parallelism});
    } else {
      chain_of[op] = chain_of[called_by[op]];
    }
    graph.chains_[chain_of[op]].operators.push_back(op);
  }

  int64_t channels = 0;
  for (std::size_t at = 0; at < decided.size(); ++at) {
    const auto& [from, to, kind, why] = decided[at];
    const Edge& asked = graph.job_.edges()[at];
    ShuffleEdge edge{.from_chain = chain_of[from],
                     .to_chain = chain_of[to],
                     .from = from,
                     .to = to,
                     .input = asked.input,
                     .kind = kind,
                     .why = why,
                     .range_bounds = asked.range_bounds,
                     .spill = asked.spill};
    if (kind == EdgeKind::kHash) edge.keys = operators[to].key_by;
    if (kind == EdgeKind::kRange) edge.keys = asked.range_by;
    ARROW_ASSIGN_OR_RAISE(edge.channels, Channels(kind, operators[from], operators[to], channels));
    channels += static_cast<int64_t>(edge.channels.size());
    (is_call(decided[at]) ? graph.forward_edges_ : graph.edges_).push_back(std::move(edge));
  }

  int64_t vertices = 0;
  for (const Operator& op : operators) vertices += op.parallelism;
  if (vertices > kTaskVerticesMax) {
    return data::OptionError("job '" + graph.job_.job_id() + "': its operators have " + std::to_string(vertices) +
                             " copies, " + std::to_string(kTaskVerticesMax) + " at most. Lower their parallelism.");
  }
  for (std::size_t op = 0; op < operators.size(); ++op) {
    for (int copy = 0; copy < operators[op].parallelism; ++copy) {
      graph.vertices_.push_back({.id = operators[op].id + "_" + std::to_string(copy),
                                 .op = static_cast<int>(op),
                                 .copy = copy,
                                 .chain = chain_of[op]});
    }
  }
  graph.FindDivisions();
  ARROW_RETURN_NOT_OK(graph.TakeTables(std::move(tables)));
  return graph;
}

int ExecutionGraph::tasks() const {
  int tasks = 0;
  for (const Chain& chain : chains_) tasks += chain.parallelism;
  return tasks;
}

}  // namespace sabot::graph
