// An execution graph as JSON, for those who show it: nothing reads it back.
#include "sabot/graph/execution_graph.h"
#include "sabot/graph/json_text.h"

namespace sabot::graph {

std::string ExecutionGraph::ToJson(int indent) const {
  const auto& operators = job_.operators();
  Json json = {{"job_id", job_.job_id()},
               {"key_groups", job_.key_groups()},
               {"task_vertices", vertices_.size()},
               {"tasks", tasks()}};
  json["operators"] = Json::parse(job_.ToJson(-1))["operators"];
  json["chains"] = Json::array();
  for (const Chain& chain : chains_) {
    Json ids = Json::array();
    for (const int op : chain.operators) ids.push_back(operators[op].id);
    json["chains"].push_back({{"operators", std::move(ids)}, {"parallelism", chain.parallelism}});
  }
  if (!tables_.copies.empty()) {
    json["key_group_tables"] = {{"version", tables_.version}, {"copies", tables_.copies}};
  }
  const auto add = [&](Json& list, const ShuffleEdge& edge) {
    Json entry = {{"from", operators[edge.from].id},
                  {"to", operators[edge.to].id},
                  {"input", edge.input},
                  {"from_chain", edge.from_chain},
                  {"to_chain", edge.to_chain},
                  {"kind", ToString(edge.kind)},
                  {"why", edge.why},
                  {"channels", edge.channels.size()}};
    if (!edge.keys.empty()) entry["keys"] = edge.keys;
    if (edge.kind == EdgeKind::kRange) entry["range_bounds"] = Json::parse(edge.range_bounds);
    if (edge.spill != "never") entry["spill"] = edge.spill;
    list.push_back(std::move(entry));
  };
  json["edges"] = Json::array();
  for (const ShuffleEdge& edge : edges_) add(json["edges"], edge);
  json["calls"] = Json::array();
  for (const ShuffleEdge& edge : forward_edges_) add(json["calls"], edge);
  return Dump(json, indent);
}

}  // namespace sabot::graph
