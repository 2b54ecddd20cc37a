#include "sabot/graph/edge_rules_internal.h"
#include "sabot/graph/execution_graph.h"
#include "sabot/graph/labels_internal.h"

namespace sabot::graph {
namespace {

// Text in a quoted label of Mermaid, whose own signs are escaped as entities.
std::string MermaidText(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    switch (letter) {
      case '"':
        escaped += "#quot;";
        break;
      case '#':
      case '&':
      case '<':
      case '>':
      case '`':
      case '\\':
        escaped += "#" + std::to_string(static_cast<int>(letter)) + ";";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

}  // namespace

std::string Count(int64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string OperatorLabel(const Operator& op) {
  std::string label = op.id;
  if (op.name != op.id) label += " \"" + op.name + "\"";
  label += " (" + op.type;
  if (!op.key_by.empty()) label += ", key " + Listed(op.key_by);
  if (!op.partitioned_by.empty()) label += ", partitioned by " + Listed(op.partitioned_by);
  if (op.ordering == Ordering::kArrival) label += ", rows as they arrive";
  return label + ")";
}

std::string EdgeLabel(const ShuffleEdge& edge) {
  std::string label(ToString(edge.kind));
  if (!edge.keys.empty()) label += " by " + Listed(edge.keys);
  if (edge.kind == EdgeKind::kRange) label += " at " + edge.range_bounds;
  label += ", " + Count(static_cast<int64_t>(edge.channels.size()), "channel");
  return edge.spill == "never" ? label : label + ", spill " + edge.spill;
}

std::string ExecutionGraph::Explain() const {
  const auto& operators = job_.operators();
  std::string text = "job " + job_.job_id() + ": " + Count(static_cast<int64_t>(operators.size()), "operator") + ", " +
                     std::to_string(vertices_.size()) +
                     (vertices_.size() == 1 ? " task vertex, " : " task vertices, ") + Count(tasks(), "task") + " in " +
                     Count(static_cast<int64_t>(chains_.size()), "chain") + ", " +
                     Count(job_.key_groups(), "key group") +
                     (tables_.copies.empty() ? "" : ", moved, version " + std::to_string(tables_.version)) + "\n";
  for (std::size_t at = 0; at < chains_.size(); ++at) {
    const Chain& chain = chains_[at];
    text += "chain " + std::to_string(at) + ", " + Count(chain.parallelism, "task") + ":\n";
    for (const int op : chain.operators) text += "  " + OperatorLabel(operators[op]) + "\n";
    for (const ShuffleEdge& edge : edges_) {
      if (edge.from_chain != static_cast<int>(at)) continue;
      text += "  -> chain " + std::to_string(edge.to_chain) + ", " + operators[edge.from].id + " to " +
              operators[edge.to].id + (edge.input == 0 ? "" : ", input " + std::to_string(edge.input)) + ": " +
              EdgeLabel(edge) + " (" + edge.why + ")\n";
    }
  }
  return text;
}

std::string ExecutionGraph::ToMermaid() const {
  const auto& operators = job_.operators();
  std::string text = "flowchart LR\n";
  for (std::size_t at = 0; at < chains_.size(); ++at) {
    text += "  subgraph chain_" + std::to_string(at) + "[\"chain " + std::to_string(at) + " x" +
            std::to_string(chains_[at].parallelism) + "\"]\n";
    for (const int op : chains_[at].operators) {
      text += "    op_" + std::to_string(op) + "[\"" + MermaidText(OperatorLabel(operators[op])) + "\"]\n";
    }
    text += "  end\n";
  }
  for (const ShuffleEdge& edge : forward_edges_) {
    text += "  op_" + std::to_string(edge.from) + " --> op_" + std::to_string(edge.to) + "\n";
  }
  for (const ShuffleEdge& edge : edges_) {
    text += "  op_" + std::to_string(edge.from) + " -->|\"" + MermaidText(EdgeLabel(edge)) + "\"| op_" +
            std::to_string(edge.to) + "\n";
  }
  return text;
}

}  // namespace sabot::graph
