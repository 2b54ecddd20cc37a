// Moves key groups of a run by hand, from copies that have more to do than others. What a run gives does not depend on
// it.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sabot/graph/execution_graph.h"

namespace sabot::engine {

// May be called by any thread. Of one run at a time: RunContext::moves.
class KeyGroupMoves {
 public:
  // From its next opportunity on the run gives key group g of an operator, and of all that get its rows from copy to
  // copy, to copy `copies[g]`. One that comes before an earlier one was done takes its place. A run that ends before
  // does nothing. Errors (kOption): nothing runs; an input that can be read once only, or a function with a memory of
  // its own; those of graph::ExecutionGraph for tables.
  arrow::Status MoveKeyGroups(const std::string& op, std::vector<int32_t> copies);

  // Who owns what: of all operators whose key groups may move that a HASH edge leads to. Empty: nothing runs.
  graph::KeyGroupTables tables() const;
  bool pending() const;  // A move was asked for, and not done yet.
  int64_t moved() const;  // Key groups of this run, so far.

  // The run's side. A job has begun; `fixed`: why nothing of it may move.
  void Begin(const graph::ExecutionGraph& graph, std::string fixed, int64_t moved);
  void End();
  // What was asked for: all tables of the next job, their version one more.
  std::optional<graph::KeyGroupTables> Take();

 private:
  mutable std::mutex mutex_;  // Of all below.
  std::optional<graph::ExecutionGraph> graph_;
  std::string fixed_;
  std::map<std::string, std::vector<int32_t>> asked_;  // By operator.
  int64_t moved_ = 0;
};

// `tables` with those copies for an operator, and for all that share its table.
graph::KeyGroupTables WithTable(const graph::ExecutionGraph& graph, graph::KeyGroupTables tables, const std::string& op,
                                std::vector<int32_t> copies);

// The operators that HASH edges lead to and whose key groups may move, one of those that share a table.
std::vector<std::string> MovableOperators(const graph::ExecutionGraph& graph);

}  // namespace sabot::engine
