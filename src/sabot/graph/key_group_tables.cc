// Which copy owns which key groups: as the default says, or by a table for those that divide their rows alike.
#include <algorithm>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/graph/execution_graph.h"

namespace sabot::graph {

void ExecutionGraph::FindDivisions() {
  divided_with_.resize(chains_.size());
  for (std::size_t chain = 0; chain < chains_.size(); ++chain) divided_with_[chain] = static_cast<int>(chain);
  for (const ShuffleEdge& edge : edges_) {
    if (edge.kind != EdgeKind::kForward) continue;
    const int from = DividedWith(edge.from_chain);
    const int to = DividedWith(edge.to_chain);
    std::replace(divided_with_.begin(), divided_with_.end(), std::max(from, to), std::min(from, to));
  }
}

arrow::Result<int> ExecutionGraph::MovableChain(std::string_view op) const {
  ARROW_ASSIGN_OR_RAISE(const int index, job_.IndexOf(op));
  int chain = 0;
  while (std::find(chains_[chain].operators.begin(), chains_[chain].operators.end(), index) ==
         chains_[chain].operators.end()) {
    ++chain;
  }
  const std::string who = "key groups of operator '" + std::string(op) + "' cannot move: ";
  if (chains_[chain].parallelism == 1) return data::OptionError(who + "it has one copy. Give it more.");
  const int division = DividedWith(chain);
  const bool by_hash = std::any_of(edges_.begin(), edges_.end(), [&](const ShuffleEdge& edge) {
    return edge.kind == EdgeKind::kHash && DividedWith(edge.to_chain) == division;
  });
  if (!by_hash) {
    return data::OptionError(who + "no HASH edge leads to its copies. Take an operator that keeps a state by key.");
  }
  for (std::size_t other = 0; other < chains_.size(); ++other) {
    if (DividedWith(static_cast<int>(other)) != division) continue;
    for (const int each : chains_[other].operators) {
      if (job_.operators()[each].type != "sink") continue;
      return data::OptionError(who + "its copies write the partitions of '" + job_.operators()[each].id +
                               "', and which keys are in which of them is fixed. Give it another parallelism than " +
                               std::to_string(chains_[chain].parallelism) + ".");
    }
  }
  return chain;
}

arrow::Status ExecutionGraph::TakeTables(KeyGroupTables tables) {
  std::map<int, std::string> said_by;
  for (const auto& [op, copies] : tables.copies) {
    ARROW_ASSIGN_OR_RAISE(const int chain, MovableChain(op));
    const std::string who = "key groups of operator '" + op + "': ";
    const auto groups = static_cast<std::size_t>(job_.key_groups());
    if (copies.size() != groups) {
      return data::OptionError(who + "the table has the copies of " + std::to_string(copies.size()) +
                               " groups, expected " + std::to_string(groups) + ", one for each.");
    }
    for (std::size_t group = 0; group < groups; ++group) {
      if (copies[group] >= 0 && copies[group] < chains_[chain].parallelism) continue;
      return data::OptionError(who + "group " + std::to_string(group) + " is given to copy " +
                               std::to_string(copies[group]) + ", expected 0 to " +
                               std::to_string(chains_[chain].parallelism - 1) + ".");
    }
    const int division = DividedWith(chain);
    const auto [known, added] = said_by.emplace(division, op);
    if (!added && table_of_[division] != copies) {
      return data::OptionError(who + "the table differs from the one of '" + known->second +
                               "', and rows go from copy to copy between them. Give one of them only.");
    }
    table_of_[division] = copies;
  }
  tables_ = std::move(tables);
  return arrow::Status::OK();
}

std::vector<int32_t> ExecutionGraph::KeyGroupTable(int chain) const {
  if (const auto known = table_of_.find(DividedWith(chain)); known != table_of_.end()) return known->second;
  std::vector<int32_t> owners(static_cast<std::size_t>(job_.key_groups()));
  for (std::size_t group = 0; group < owners.size(); ++group) {
    owners[group] = static_cast<int32_t>(group * static_cast<std::size_t>(chains_[chain].parallelism) / owners.size());
  }
  return owners;
}

}  // namespace sabot::graph
