// What runs: the copies of each operator (task vertices), chains of operators that run as one task, the edges between
// chains with their kinds, and the table from key groups to tasks.
//
// An edge without a kind gets one by these rules:
//   - the receiver has a key: FORWARD, where both have one copy, or where as many copies of the sender hold the rows
//     divided by that very key already; else HASH. The same parallelism alone proves nothing.
//   - else FORWARD at equal parallelism, REBALANCE at unequal.
// Rows are divided by a key behind a HASH edge by the same columns in the same order, and behind a source that is
// partitioned by some of them, as long as FORWARD edges and operators with `keeps_columns` follow. Where an operator
// has several inputs, all must be divided alike. A stretch of FORWARD edges, each the only one out of its sender and
// into its receiver, is a chain.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sabot/graph/job_graph.h"

namespace sabot::graph {

inline constexpr int64_t kTaskVerticesMax = 1'000'000;
inline constexpr int64_t kChannelsMax = 4'000'000;  // Of a job.

// One copy of an operator.
struct TaskVertex {
  std::string id;  // "enrich_3"
  int op = 0;      // Index in JobGraph::operators.
  int copy = 0;
  int chain = 0;  // Index in ExecutionGraph::chains: its task is (chain, copy).
};

// Operators that run as one task, `parallelism` times.
struct Chain {
  std::vector<int> operators;  // In the order in which rows pass.
  int parallelism = 1;
};

struct ShuffleEdge {
  int from_chain = 0;
  int to_chain = 0;
  int from = 0;  // Operators.
  int to = 0;
  int input = 0;
  EdgeKind kind = EdgeKind::kForward;
  std::string why = {};                // It is of this kind, for people.
  std::vector<std::string> keys = {};  // Of kHash and kRange.
  std::string range_bounds = "[]";
  std::string spill = "never";
  // Pairs of copies (sender, receiver) that a channel or, within a chain, a direct call connects.
  std::vector<std::pair<int, int>> channels = {};
};

class ExecutionGraph {
 public:
  // Errors (kOption), with the operator's name: no source; an operator that nothing feeds, or whose rows nothing takes
  // (one, which has the job's result, may be without sink); inputs with a gap; a kind that splits a key or does not fit
  // the copies; bounds of a kRange edge that do not fit its receiver's copies; more tasks or channels than there may
  // be.
  static arrow::Result<ExecutionGraph> Make(JobGraph job);

  const JobGraph& job() const { return job_; }
  const std::vector<TaskVertex>& vertices() const { return vertices_; }  // By operator, then copy.
  const std::vector<Chain>& chains() const { return chains_; }  // In an order in which rows pass.
  const std::vector<ShuffleEdge>& edges() const { return edges_; }  // Between chains; those within are direct calls.
  const std::vector<ShuffleEdge>& forward_edges() const { return forward_edges_; }  // Those within chains.
  int tasks() const;  // Copies of all chains.

  // For each key group the copy of a chain that owns it: group * copies / groups.
  std::vector<int32_t> KeyGroupTable(int chain) const;

  std::string Explain() const;  // For people, as text.
  std::string ToMermaid() const;  // As a Mermaid flowchart.
  std::string ToSvg() const;  // As a picture that stands alone.
  std::string ToJson(int indent = 2) const;

 private:
  explicit ExecutionGraph(JobGraph job) : job_(std::move(job)) {}

  JobGraph job_;
  std::vector<TaskVertex> vertices_;
  std::vector<Chain> chains_;
  std::vector<ShuffleEdge> edges_;
  std::vector<ShuffleEdge> forward_edges_;
};

}  // namespace sabot::graph
