#include "sabot/engine/restoring.h"

#include <arrow/record_batch.h>
#include <arrow/table.h>

#include <algorithm>
#include <unordered_set>

#include "sabot/data/errors.h"
#include "sabot/data/gather.h"
#include "sabot/data/key_hash.h"
#include "sabot/engine/operator_files.h"

namespace sabot::engine {
namespace {

using Tables = std::vector<std::shared_ptr<arrow::Table>>;

// The rows of a state table whose keys go to a copy.
arrow::Result<std::shared_ptr<arrow::Table>> Owned(const arrow::Table& table, int copy,
                                                   const Restoring::Division& division) {
  ARROW_ASSIGN_OR_RAISE(const auto partitioner, division.divide(table.schema()));
  ARROW_ASSIGN_OR_RAISE(const auto rows, table.CombineChunksToBatch());
  ARROW_ASSIGN_OR_RAISE(const auto split, partitioner->Partition({.rows = rows}));
  const auto& part = split.parts[static_cast<std::size_t>(copy)];
  if (part.all) return arrow::Table::FromRecordBatches(table.schema(), {rows});
  ARROW_ASSIGN_OR_RAISE(const auto gathered, data::Gather(*rows, part.rows.rows()));
  return arrow::Table::FromRecordBatches(table.schema(), {gathered});
}

// Those whose keys are among `keys`.
arrow::Result<std::shared_ptr<arrow::Table>> OwnedByPartition(const arrow::Table& table, const arrow::Table* keys,
                                                              const std::vector<std::string>& partitioned_by) {
  std::unordered_set<std::string> known;
  std::string bytes;
  if (keys != nullptr) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, keys->CombineChunksToBatch());
    ARROW_ASSIGN_OR_RAISE(auto hasher, data::KeyHasher::Make(*rows->schema(), partitioned_by));
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      bytes.clear();
      ARROW_RETURN_NOT_OK(hasher.AppendBytes(*rows, row, bytes));
      known.insert(bytes);
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, table.CombineChunksToBatch());
  ARROW_ASSIGN_OR_RAISE(auto hasher, data::KeyHasher::Make(*rows->schema(), partitioned_by));
  std::vector<int32_t> owned;
  for (int64_t row = 0; row < rows->num_rows(); ++row) {
    bytes.clear();
    ARROW_RETURN_NOT_OK(hasher.AppendBytes(*rows, row, bytes));
    if (known.contains(bytes)) owned.push_back(static_cast<int32_t>(row));
  }
  ARROW_ASSIGN_OR_RAISE(const auto gathered, data::Gather(*rows, owned));
  return arrow::Table::FromRecordBatches(table.schema(), {gathered});
}

}  // namespace

arrow::Status Restoring::Check(const std::vector<graph::Operator>& operators) const {
  if (state_ == nullptr) return arrow::Status::OK();
  std::vector<std::string> ids;
  for (const auto& op : operators) ids.push_back(op.id);
  const auto known = [&](const std::string& id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); };
  for (const auto& state : state_->operators) {
    if (state.empty() || known(state.uid)) continue;
    return data::SnapshotError("the checkpoint has the state of operator '" + state.uid + "', which the job has not." +
                               data::NearestNames(state.uid, ids) + " Go on with the pipeline it was taken of.");
  }
  for (const auto& source : state_->sources) {
    const auto found = std::find_if(operators.begin(), operators.end(), [&](const auto& op) {
      return op.id == source.uid && op.parallelism > source.partition;
    });
    if (found != operators.end()) continue;
    return data::SnapshotError("the checkpoint has partition " + std::to_string(source.partition) + " of source '" +
                               source.uid + "', which the job has not. Go on with the sources it was taken of.");
  }
  return arrow::Status::OK();
}

bool Restoring::Ended(const std::string& op) const {
  return state_ != nullptr && std::find(state_->ended.begin(), state_->ended.end(), op) != state_->ended.end();
}

SourcePosition Restoring::Begin(const std::string& op, int partition) const {
  if (state_ == nullptr) return {};
  for (const auto& source : state_->sources) {
    if (source.uid == op && source.partition == partition)
      return {.offset = source.offset, .time = source.time, .last = state_->cut};
  }
  return {};
}

int64_t Restoring::SinkRows(int partition) const {
  if (state_ == nullptr) return 0;
  for (const auto& sink : state_->sinks) {
    if (sink.partition == partition) return sink.rows;
  }
  return 0;
}

std::shared_ptr<arrow::Table> Restoring::KeysOf(int partition, const Division& division) const {
  for (const auto& state : state_->operators) {
    if (state.uid == division.partition_check && state.copy == partition && !state.tables.empty()) {
      return state.tables.front();
    }
  }
  return nullptr;
}

bool Restoring::TakesFiles(const graph::Operator& op, const std::vector<const OperatorState*>& states,
                           const Division& division, const operators::Operator& into) const {
  if (states.empty() || !into.state_in_files()) return false;
  const bool by_group = division.owned_groups != nullptr && division.keys == op.key_by;
  if (op.parallelism > 1 && !by_group) return false;
  return std::all_of(states.begin(), states.end(), [](const auto* state) { return state->files != nullptr; });
}

arrow::Result<Tables> Restoring::TablesOf(const OperatorState& state) const {
  if (state.files == nullptr) return state.tables;
  const auto [known, first] = read_.try_emplace(&state);
  if (first) {
    ARROW_ASSIGN_OR_RAISE(known->second, ReadTables(*state.files));
  }
  return known->second;
}

arrow::Status Restoring::Restore(const graph::Operator& op, int copy, const Division& division,
                                 operators::Operator& into) const {
  if (state_ == nullptr) return arrow::Status::OK();
  std::vector<const OperatorState*> states;
  for (const auto& state : state_->operators) {
    if (state.uid != op.id || state.empty()) continue;
    if (op.id == division.partition_check && state.copy != copy) continue;  // It is of its partition.
    states.push_back(&state);
  }
  if (op.key_by.empty() && op.id != division.partition_check && !states.empty() && op.parallelism > 1) {
    return data::SnapshotError("operator '" + op.id + "' has state that is not by key, of which the checkpoint has " +
                               std::to_string(states.size()) + " copies, and the job " +
                               std::to_string(op.parallelism) +
                               ". Nobody can tell which rows it was of: run it with one copy, or drop its state.");
  }
  if (op.key_by.empty() && states.size() > 1) {
    return data::SnapshotError("the checkpoint has the state of " + std::to_string(states.size()) +
                               " copies of operator '" + op.id + "', which has no key. Nobody can tell whose it is.");
  }
  const auto named = [&](const arrow::Status& status) {
    return status.ok() ? status : status.WithMessage("operator '", op.id, "': ", status.message());
  };
  if (TakesFiles(op, states, division, into)) {
    std::function<bool(uint16_t group)> owned = [](uint16_t) { return true; };
    if (op.parallelism > 1) {
      ARROW_ASSIGN_OR_RAISE(owned, division.owned_groups());
    }
    std::vector<std::shared_ptr<state::KeyStore>> stores;
    for (const auto* const state : states) stores.push_back(state->files);
    return named(into.RestoreFiles(stores, owned));
  }
  for (const auto* const state : states) {
    ARROW_ASSIGN_OR_RAISE(Tables tables, TablesOf(*state));
    for (auto& table : tables) {
      if (op.key_by.empty() || table->num_rows() == 0) continue;
      if (division.divide != nullptr) {
        ARROW_ASSIGN_OR_RAISE(table, Owned(*table, copy, division));
      } else if (!division.partition_check.empty()) {
        const auto keys = KeysOf(copy, division);
        ARROW_ASSIGN_OR_RAISE(table, OwnedByPartition(*table, keys.get(), division.partitioned_by));
      }
    }
    ARROW_RETURN_NOT_OK(named(into.Restore(tables)));
  }
  return arrow::Status::OK();
}

}  // namespace sabot::engine
