// What texts and pictures say of operators and edges.
#pragma once

#include <string>

#include "sabot/graph/execution_graph.h"

namespace sabot::graph {

std::string Count(int64_t number, const std::string& noun);    // "1 channel", "50 channels"
std::string OperatorLabel(const Operator& op);                 // "fraud (group_by, key 'user_id')"
std::string EdgeLabel(const ShuffleEdge& edge);                // "HASH by 'user_id', 50 channels"

}  // namespace sabot::graph
