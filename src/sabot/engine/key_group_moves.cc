#include "sabot/engine/key_group_moves.h"

#include <set>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::engine {

graph::KeyGroupTables WithTable(const graph::ExecutionGraph& graph, graph::KeyGroupTables tables, const std::string& op,
                                std::vector<int32_t> copies) {
  const auto division = [&](const std::string& of) {
    const auto chain = graph.MovableChain(of);
    return chain.ok() ? graph.DividedWith(*chain) : -1;
  };
  std::erase_if(tables.copies, [&](const auto& table) { return division(table.first) == division(op); });
  tables.copies[op] = std::move(copies);
  return tables;
}

std::vector<std::string> MovableOperators(const graph::ExecutionGraph& graph) {
  std::vector<std::string> movable;
  std::set<int> known;
  for (const auto& edge : graph.edges()) {
    if (edge.kind != graph::EdgeKind::kHash || known.contains(graph.DividedWith(edge.to_chain))) continue;
    const std::string& op = graph.job().operators()[static_cast<std::size_t>(edge.to)].id;
    if (!graph.MovableChain(op).ok()) continue;
    known.insert(graph.DividedWith(edge.to_chain));
    movable.push_back(op);
  }
  return movable;
}

arrow::Status KeyGroupMoves::MoveKeyGroups(const std::string& op, std::vector<int32_t> copies) {
  const std::lock_guard lock(mutex_);
  if (!graph_) {
    return data::OptionError("key groups of operator '" + op +
                             "' cannot move: nothing runs. Say where they are at first with the run's tables, or move "
                             "them while it runs.");
  }
  if (!fixed_.empty()) return data::OptionError("key groups of operator '" + op + "' cannot move: " + fixed_);
  ARROW_RETURN_NOT_OK(graph_->MovableChain(op).status());
  auto next = WithTable(*graph_, {.version = 0, .copies = asked_}, op, std::move(copies)).copies;
  ARROW_RETURN_NOT_OK(graph::ExecutionGraph::Make(graph_->job(), {.version = 0, .copies = next}).status());
  asked_ = std::move(next);
  return arrow::Status::OK();
}

graph::KeyGroupTables KeyGroupMoves::tables() const {
  const std::lock_guard lock(mutex_);
  if (!graph_) return {};
  graph::KeyGroupTables tables{.version = graph_->key_group_tables().version};
  for (const auto& op : MovableOperators(*graph_)) {
    tables.copies[op] = graph_->KeyGroupTable(graph_->MovableChain(op).ValueOrDie());
  }
  return tables;
}

bool KeyGroupMoves::pending() const {
  const std::lock_guard lock(mutex_);
  return !asked_.empty();
}

int64_t KeyGroupMoves::moved() const {
  const std::lock_guard lock(mutex_);
  return moved_;
}

void KeyGroupMoves::Begin(const graph::ExecutionGraph& graph, std::string fixed, int64_t moved) {
  const std::lock_guard lock(mutex_);
  graph_ = graph;
  fixed_ = std::move(fixed);
  moved_ = moved;
}

void KeyGroupMoves::End() {
  const std::lock_guard lock(mutex_);
  graph_ = std::nullopt;
  asked_.clear();
}

std::optional<graph::KeyGroupTables> KeyGroupMoves::Take() {
  const std::lock_guard lock(mutex_);
  if (!graph_ || asked_.empty()) return std::nullopt;
  graph::KeyGroupTables next = graph_->key_group_tables();
  for (auto& [op, copies] : std::exchange(asked_, {}))
    next = WithTable(*graph_, std::move(next), op, std::move(copies));
  ++next.version;
  return next;
}

}  // namespace sabot::engine
