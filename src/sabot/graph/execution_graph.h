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
#include <map>
#include <string>
#include <string_view>
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

// Who owns which key groups, where it is not as the default says.
struct KeyGroupTables {
  int64_t version = 0;  // Grows with each change.
  std::map<std::string, std::vector<int32_t>> copies = {};  // By operator's id: the copy of each key group.

  bool operator==(const KeyGroupTables&) const = default;
};

class ExecutionGraph {
 public:
  // Errors (kOption), with the operator's name: no source; an operator that nothing feeds, or whose rows nothing takes
  // (one, which has the job's result, may be without sink); inputs with a gap; a kind that splits a key or does not fit
  // the copies; bounds of a kRange edge that do not fit its receiver's copies; more tasks or channels than there may
  // be; a table of an operator that there is not, whose key groups cannot move, of another size than there are key
  // groups, with a copy that there is not, or beside another one for the same copies.
  static arrow::Result<ExecutionGraph> Make(JobGraph job, KeyGroupTables tables = {});

  const JobGraph& job() const { return job_; }
  const std::vector<TaskVertex>& vertices() const { return vertices_; }  // By operator, then copy.
  const std::vector<Chain>& chains() const { return chains_; }  // In an order in which rows pass.
  const std::vector<ShuffleEdge>& edges() const { return edges_; }  // Between chains; those within are direct calls.
  const std::vector<ShuffleEdge>& forward_edges() const { return forward_edges_; }  // Those within chains.
  int tasks() const;  // Copies of all chains.

  // For each key group the copy of a chain that owns it: group * copies / groups, unless a table says otherwise.
  std::vector<int32_t> KeyGroupTable(int chain) const;
  const KeyGroupTables& key_group_tables() const { return tables_; }
  // Chains between which rows go from copy to copy share their table: the number of the first of those.
  int DividedWith(int chain) const { return divided_with_[static_cast<std::size_t>(chain)]; }
  // The chain that an operator is in, if its key groups may move. Errors (kOption): there is no such operator; its rows
  // are not divided by key groups; or they reach files of a partitioned sink from copy to copy, and what is in which
  // file follows from the keys alone.
  arrow::Result<int> MovableChain(std::string_view op) const;

  std::string Explain() const;  // For people, as text.
  std::string ToMermaid() const;  // As a Mermaid flowchart.
  std::string ToSvg() const;  // As a picture that stands alone.
  std::string ToJson(int indent = 2) const;

 private:
  explicit ExecutionGraph(JobGraph job) : job_(std::move(job)) {}
  void FindDivisions();
  arrow::Status TakeTables(KeyGroupTables tables);

  JobGraph job_;
  std::vector<TaskVertex> vertices_;
  std::vector<Chain> chains_;
  std::vector<ShuffleEdge> edges_;
  std::vector<ShuffleEdge> forward_edges_;
  std::vector<int> divided_with_;  // By chain.
  KeyGroupTables tables_;
  std::map<int, std::vector<int32_t>> table_of_;  // By the first of the chains that share it.
};

}  // namespace sabot::graph
