// A job graph as JSON, version 1. What is left out has the default that job_graph.h gives:
//   {"version": 1, "job_id": "prices", "key_groups": 256,
//    "operators": [{"id": "ticks", "type": "source", "parallelism": 10, "partitioned_by": ["symbol"]}, ...],
//    "edges": [{"from": "ticks", "to": "fast", "kind": "HASH"}, ...]}
#include "sabot/data/errors.h"
#include "sabot/graph/job_graph.h"
#include "sabot/graph/json_text.h"

namespace sabot::graph {
namespace {

constexpr int kVersion = 1;
constexpr std::string_view kWhat = "job graph";

Json OperatorJson(const Operator& op) {
  Json json = {{"id", op.id}};
  if (op.name != op.id) json["name"] = op.name;
  json["type"] = op.type;
  json["parallelism"] = op.parallelism;
  if (op.stateful) json["stateful"] = true;
  if (!op.key_by.empty()) json["key_by"] = op.key_by;
  if (op.keeps_columns) json["keeps_columns"] = true;
  if (op.ordering != Ordering::kPlace) json["ordering"] = ToString(op.ordering);
  if (!op.partitioned_by.empty()) json["partitioned_by"] = op.partitioned_by;
  if (op.parameters != "{}") json["parameters"] = Json::parse(op.parameters);
  return json;
}

Json EdgeJson(const Edge& edge) {
  Json json = {{"from", edge.from}, {"to", edge.to}};
  if (edge.input != 0) json["input"] = edge.input;
  if (edge.kind) json["kind"] = ToString(*edge.kind);
  if (!edge.range_by.empty()) json["range_by"] = edge.range_by;
  if (edge.range_bounds != "[]") json["range_bounds"] = Json::parse(edge.range_bounds);
  if (edge.spill != "never") json["spill"] = edge.spill;
  return json;
}

arrow::Result<Operator> OperatorFrom(const Json& json, const std::string& path) {
  Operator op;
  std::string ordering(ToString(op.ordering));
  ObjectReader reader(json, path, kWhat);
  reader.Read("id", op.id, /*required=*/true);
  reader.Read("name", op.name);
  reader.Read("type", op.type, /*required=*/true);
  reader.Read("parallelism", op.parallelism);
  reader.Read("stateful", op.stateful);
  reader.Read("key_by", op.key_by);
  reader.Read("keeps_columns", op.keeps_columns);
  reader.Read("ordering", ordering);
  reader.Read("partitioned_by", op.partitioned_by);
  reader.ReadText("parameters", op.parameters, Json::value_t::object);
  const auto known = OrderingOf(ordering);
  if (known.ok()) {
    op.ordering = *known;
  } else {
    reader.Fail(path + ".ordering", known.status().message());
  }
  ARROW_RETURN_NOT_OK(reader.Finish());
  return op;
}

arrow::Result<Edge> EdgeFrom(const Json& json, const std::string& path) {
  Edge edge;
  std::string kind;
  ObjectReader reader(json, path, kWhat);
  reader.Read("from", edge.from, /*required=*/true);
  reader.Read("to", edge.to, /*required=*/true);
  reader.Read("input", edge.input);
  reader.Read("kind", kind);
  reader.Read("range_by", edge.range_by);
  reader.ReadText("range_bounds", edge.range_bounds, Json::value_t::array);
  reader.Read("spill", edge.spill);
  if (json.is_object() && json.contains("kind")) {
    const auto known = EdgeKindOf(kind);
    if (known.ok()) {
      edge.kind = *known;
    } else {
      reader.Fail(path + ".kind", known.status().message());
    }
  }
  ARROW_RETURN_NOT_OK(reader.Finish());
  return edge;
}

arrow::Status At(const std::string& path, const arrow::Status& status) {
  return status.ok() ? status : data::OptionError(std::string(kWhat) + ": " + path + ": " + status.message());
}

}  // namespace

std::string JobGraph::ToJson(int indent) const {
  Json json = {{"version", kVersion}, {"job_id", job_id_}, {"key_groups", key_groups_}};
  json["operators"] = Json::array();
  for (const Operator& op : operators_) json["operators"].push_back(OperatorJson(op));
  json["edges"] = Json::array();
  for (const Edge& edge : edges_) json["edges"].push_back(EdgeJson(edge));
  return Dump(json, indent);
}

arrow::Result<JobGraph> JobGraph::FromJson(std::string_view text) {
  ARROW_ASSIGN_OR_RAISE(const Json json, ParseJson(text, kWhat));
  int version = 0;
  std::string job_id;
  int key_groups = kKeyGroupsDefault;
  ObjectReader reader(json, "$", kWhat);
  reader.Read("version", version, /*required=*/true);
  if (json.is_object() && json.contains("version") && version != kVersion) {
    reader.Fail("$.version", "found " + std::to_string(version) + ", this Sabot reads version " +
                                 std::to_string(kVersion) + ". Write the graph anew, or use the Sabot that wrote it.");
  }
  reader.Read("job_id", job_id, /*required=*/true);
  reader.Read("key_groups", key_groups);
  const Json* operators = reader.Array("operators");
  const Json* edges = reader.Array("edges");
  ARROW_RETURN_NOT_OK(reader.Finish());

  JobGraph job(std::move(job_id), key_groups);
  ARROW_RETURN_NOT_OK(At("$", job.Check()));
  for (std::size_t at = 0; operators != nullptr && at < operators->size(); ++at) {
    const std::string path = "$.operators[" + std::to_string(at) + "]";
    ARROW_ASSIGN_OR_RAISE(auto op, OperatorFrom((*operators)[at], path));
    ARROW_RETURN_NOT_OK(At(path, job.Add(std::move(op))));
  }
  for (std::size_t at = 0; edges != nullptr && at < edges->size(); ++at) {
    const std::string path = "$.edges[" + std::to_string(at) + "]";
    ARROW_ASSIGN_OR_RAISE(auto edge, EdgeFrom((*edges)[at], path));
    ARROW_RETURN_NOT_OK(At(path, job.Connect(std::move(edge))));
  }
  return job;
}

}  // namespace sabot::graph
