// What was asked for: operators with parallelism and key, and the edges between them. Data only: it knows what an
// operator is called and what it promises, not how it computes.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::graph {

inline constexpr int kKeyGroupsDefault = 256;
inline constexpr int kKeyGroupsMax = 32'768;
inline constexpr int kOperatorsMax = 4'096;
inline constexpr int kEdgesMax = 16'384;
inline constexpr int kInputsMax = 1'024;  // Of one operator.

enum class EdgeKind {
  kForward,    // Copy i to copy i: both run in one task.
  kHash,       // By the receiver's key.
  kRebalance,  // In turn, by blocks of source offsets.
  kBroadcast,  // Every row to every copy.
  kRange,      // By bounds that the edge gives.
};
std::string_view ToString(EdgeKind kind);  // "HASH", as in JSON.
arrow::Result<EdgeKind> EdgeKindOf(std::string_view text);

// In which order a task with several inputs takes their rows.
enum class Ordering {
  kPlace,    // By place: the same bits however fast each input was.
  kArrival,  // As they come: lower latency, and no promise.
};
std::string_view ToString(Ordering ordering);  // "place", as in JSON.
arrow::Result<Ordering> OrderingOf(std::string_view text);

struct Operator {
  std::string id = {};  // Unique in the graph, stable between versions of a job: letters, digits, '_', '-' and '.'.
  std::string name = {};  // For people; the id, unless given.
  std::string type = {};  // "source", "map", "filter", "kernel", "union", "sink", ... lower case.
  int parallelism = 1;
  bool stateful = false;
  // Rows of one key go to one copy, whose state is by this key. Empty: one state for all rows, or none.
  std::vector<std::string> key_by = {};
  // A promise: the key columns of its input reach its output unchanged, so what follows may rely on them. An operator
  // that does not give it costs a shuffle; one that breaks it splits keys.
  bool keeps_columns = false;
  Ordering ordering = Ordering::kPlace;
  // Of a source: its partitions hold disjoint sets of these keys.
  std::vector<std::string> partitioned_by = {};
  std::string parameters = "{}";  // A JSON object: what makes the operator; the graph does not look into it.

  bool operator==(const Operator&) const = default;
};

struct Edge {
  std::string from = {};
  std::string to = {};
  int input = 0;  // Which of the receiver's inputs it feeds; each is fed by one edge.
  std::optional<EdgeKind> kind = std::nullopt;  // Unset: as the rules say (ExecutionGraph).
  std::vector<std::string> range_by = {};  // Of kRange: one column, ...
  std::string range_bounds = "[]";  // ...and the ascending bounds, a JSON array; one fewer than copies.
  std::string spill = "never";  // "never", "overflow" or "always" write to disk instead of waiting.

  bool operator==(const Edge&) const = default;
};

class JobGraph {
 public:
  // Key groups are fixed for a job's life. What is wrong with id and number is an error of the first Add, and of
  // ExecutionGraph::Make.
  explicit JobGraph(std::string job_id, int key_groups = kKeyGroupsDefault)
      : job_id_(std::move(job_id)), key_groups_(key_groups) {}

  // Errors (kOption), with the operator's name: an id that exists, a parallelism out of [1, key groups] or, of an
  // operator that keeps state without a key, other than 1.
  arrow::Status Add(Operator added);
  // Errors (kOption): an operator that does not exist, an input that has an edge, an edge into a source, out of a sink,
  // or one that closes a cycle; bounds that do not ascend.
  arrow::Status Connect(Edge edge);
  // Errors (kOption): of the job's id and number of key groups.
  arrow::Status Check() const;

  const std::string& job_id() const { return job_id_; }
  int key_groups() const { return key_groups_; }
  const std::vector<Operator>& operators() const { return operators_; }
  const std::vector<Edge>& edges() const { return edges_; }
  const Operator* Find(std::string_view id) const;  // Valid until the next Add.
  // Index in operators(). Error (kOption): none has this id; with the nearest ones.
  arrow::Result<int> IndexOf(std::string_view id) const;

  // The whole graph as JSON, and back: the same graph, and the same text. Errors (kOption): not of the schema, which
  // docs/concepts/job-graphs.md describes; says where, found, expected.
  std::string ToJson(int indent = 2) const;
  static arrow::Result<JobGraph> FromJson(std::string_view text);

  bool operator==(const JobGraph& other) const {
    return job_id_ == other.job_id_ && key_groups_ == other.key_groups_ && operators_ == other.operators_ &&
           edges_ == other.edges_;
  }

 private:
  std::string job_id_;
  int key_groups_;
  std::vector<Operator> operators_;
  std::vector<Edge> edges_;
  std::map<std::string, int, std::less<>> index_;  // By id.
  std::vector<std::vector<int>> takers_;  // By operator: who takes its rows.
};

}  // namespace sabot::graph
