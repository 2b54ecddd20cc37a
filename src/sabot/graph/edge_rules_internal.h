// Which kind each edge of a job has, and why.
#pragma once

#include <arrow/result.h>

#include <string>
#include <vector>

#include "sabot/graph/job_graph.h"

namespace sabot::graph {

struct DecidedEdge {
  int from = 0;  // Operators.
  int to = 0;
  EdgeKind kind = EdgeKind::kForward;
  std::string why;
};

// `order`: the operators as rows pass them. Entry i is of edge i. Errors (kOption): of kinds that were asked for.
arrow::Result<std::vector<DecidedEdge>> DecideEdges(const JobGraph& job, const std::vector<int>& order);

// "'user_id', 'venue'"
std::string Listed(const std::vector<std::string>& names);

}  // namespace sabot::graph
