// graph::JobGraph and graph::ExecutionGraph, as plain dicts and tuples; sabot.execution has the classes of users.
#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <vector>

#include "python/bindings/errors.h"
#include "python/bindings/module.h"
#include "sabot/data/errors.h"
#include "sabot/graph/execution_graph.h"
#include "sabot/graph/job_graph.h"

namespace nb = nanobind;

namespace sabot::python {
namespace {

using Names = std::vector<std::string>;

void Add(graph::JobGraph& job, std::string id, std::string name, std::string type, int parallelism, bool stateful,
         Names key_by, bool keeps_columns, const std::string& ordering, Names partitioned_by, std::string parameters) {
  Check(job.Add({.id = std::move(id),
                 .name = std::move(name),
                 .type = std::move(type),
                 .parallelism = parallelism,
                 .stateful = stateful,
                 .key_by = std::move(key_by),
                 .keeps_columns = keeps_columns,
                 .ordering = Check(graph::OrderingOf(ordering)),
                 .partitioned_by = std::move(partitioned_by),
                 .parameters = std::move(parameters)}));
}

void Connect(graph::JobGraph& job, std::string from, std::string to, int input, const std::optional<std::string>& kind,
             Names range_by, std::string range_bounds, std::string spill) {
  graph::Edge edge{.from = std::move(from),
                   .to = std::move(to),
                   .input = input,
                   .range_by = std::move(range_by),
                   .range_bounds = std::move(range_bounds),
                   .spill = std::move(spill)};
  if (kind) edge.kind = Check(graph::EdgeKindOf(*kind));
  Check(job.Connect(std::move(edge)));
}

nb::list Operators(const graph::JobGraph& job) {
  nb::list operators;
  for (const auto& op : job.operators()) {
    nb::dict entry;
    entry["id"] = op.id;
    entry["name"] = op.name;
    entry["type"] = op.type;
    entry["parallelism"] = op.parallelism;
    entry["stateful"] = op.stateful;
    entry["key_by"] = op.key_by;
    entry["keeps_columns"] = op.keeps_columns;
    entry["ordering"] = std::string(graph::ToString(op.ordering));
    entry["partitioned_by"] = op.partitioned_by;
    entry["parameters"] = op.parameters;
    operators.append(entry);
  }
  return operators;
}

nb::list Edges(const graph::JobGraph& job) {
  nb::list edges;
  for (const auto& edge : job.edges()) {
    nb::dict entry;
    entry["from"] = edge.from;
    entry["to"] = edge.to;
    entry["input"] = edge.input;
    entry["kind"] = edge.kind ? nb::cast(std::string(graph::ToString(*edge.kind))) : nb::none();
    entry["range_by"] = edge.range_by;
    entry["range_bounds"] = edge.range_bounds;
    entry["spill"] = edge.spill;
    edges.append(entry);
  }
  return edges;
}

// (id, operator's id, copy, chain)
nb::list Vertices(const graph::ExecutionGraph& graph) {
  nb::list vertices;
  for (const auto& vertex : graph.vertices()) {
    vertices.append(nb::make_tuple(vertex.id, graph.job().operators()[vertex.op].id, vertex.copy, vertex.chain));
  }
  return vertices;
}

// (operators' ids, parallelism)
nb::list Chains(const graph::ExecutionGraph& graph) {
  nb::list chains;
  for (const auto& chain : graph.chains()) {
    Names ids;
    for (const int op : chain.operators) ids.push_back(graph.job().operators()[op].id);
    chains.append(nb::make_tuple(ids, chain.parallelism));
  }
  return chains;
}

// In the order of the chains they leave, those within a chain first.
nb::list ShuffleEdges(const graph::ExecutionGraph& graph) {
  nb::list edges;
  const auto add = [&](const graph::ShuffleEdge& edge) {
    nb::dict entry;
    entry["from"] = graph.job().operators()[edge.from].id;
    entry["to"] = graph.job().operators()[edge.to].id;
    entry["from_chain"] = edge.from_chain;
    entry["to_chain"] = edge.to_chain;
    entry["input"] = edge.input;
    entry["kind"] = std::string(graph::ToString(edge.kind));
    entry["why"] = edge.why;
    entry["keys"] = edge.keys;
    entry["receivers"] = graph.job().operators()[edge.to].parallelism;
    entry["range_bounds"] = edge.range_bounds;
    entry["spill"] = edge.spill;
    entry["channels"] = edge.channels;
    edges.append(entry);
  };
  for (int chain = 0; chain < static_cast<int>(graph.chains().size()); ++chain) {
    for (const auto* list : {&graph.forward_edges(), &graph.edges()}) {
      for (const auto& edge : *list) {
        if (edge.from_chain == chain) add(edge);
      }
    }
  }
  return edges;
}

std::vector<int32_t> KeyGroupTable(const graph::ExecutionGraph& graph, int chain) {
  const int chains = static_cast<int>(graph.chains().size());
  if (chain < 0 || chain >= chains) {
    Check(data::OptionError("key_group_table: there is no chain " + std::to_string(chain) + ". The chains of job '" +
                            graph.job().job_id() + "' are 0 to " + std::to_string(chains - 1) + "."));
  }
  return graph.KeyGroupTable(chain);
}

}  // namespace

void RegisterGraph(nb::module_& module) {
  nb::class_<graph::JobGraph>(module, "JobGraph", "Operators and edges, as they were asked for.")
      .def(
          "__init__",
          [](graph::JobGraph* self, std::string job_id, int key_groups) {
            graph::JobGraph job(std::move(job_id), key_groups);
            Check(job.Check());
            new (self) graph::JobGraph(std::move(job));
          },
          nb::arg("job_id"), nb::arg("key_groups"))
      .def_static(
          "from_json", [](const std::string& text) { return Check(graph::JobGraph::FromJson(text)); }, nb::arg("text"))
      .def("add", &Add, nb::kw_only(), nb::arg("id"), nb::arg("name"), nb::arg("type"), nb::arg("parallelism"),
           nb::arg("stateful"), nb::arg("key_by"), nb::arg("keeps_columns"), nb::arg("ordering"),
           nb::arg("partitioned_by"), nb::arg("parameters"))
      .def("connect", &Connect, nb::kw_only(), nb::arg("from_"), nb::arg("to"), nb::arg("input"),
           nb::arg("kind").none(), nb::arg("range_by"), nb::arg("range_bounds"), nb::arg("spill"))
      .def("check_id", [](const graph::JobGraph& job, const std::string& id) { Check(job.IndexOf(id)); })
      .def("to_json", &graph::JobGraph::ToJson, nb::arg("indent"))
      .def("plan", [](const graph::JobGraph& job) { return Check(graph::ExecutionGraph::Make(job)); })
      .def_prop_ro("job_id", &graph::JobGraph::job_id)
      .def_prop_ro("key_groups", &graph::JobGraph::key_groups)
      .def_prop_ro("operators", &Operators)
      .def_prop_ro("edges", &Edges);
  nb::class_<graph::ExecutionGraph>(module, "ExecutionGraph", "Tasks, chains and the edges between them.")
      .def_prop_ro(
          "job", [](const graph::ExecutionGraph& graph) -> const graph::JobGraph& { return graph.job(); },
          nb::rv_policy::reference_internal)
      .def_prop_ro("vertices", &Vertices)
      .def_prop_ro("chains", &Chains)
      .def_prop_ro("edges", &ShuffleEdges)
      .def_prop_ro("tasks", &graph::ExecutionGraph::tasks)
      .def("key_group_table", &KeyGroupTable, nb::arg("chain"))
      .def("explain", &graph::ExecutionGraph::Explain)
      .def("to_mermaid", &graph::ExecutionGraph::ToMermaid)
      .def("to_svg", &graph::ExecutionGraph::ToSvg)
      .def("to_json", &graph::ExecutionGraph::ToJson, nb::arg("indent"));
}

}  // namespace sabot::python
