#include "sabot/engine/restoring.h"

#include <arrow/record_batch.h>
#include <arrow/table.h>

#include <algorithm>
#include <unordered_set>

#include "sabot/data/errors.h"
#include "sabot/data/gather.h"
#include "sabot/data/key_hash.h"

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
    if (state.tables.empty() || known(state.op)) continue;
    return data::SnapshotError("the checkpoint has the state of operator '" + state.op + "', which the job has not." +
                               data::NearestNames(state.op, ids) + " Go on with the pipeline it was taken of.");
  }
  for (const auto& source : state_->sources) {
    const auto found = std::find_if(operators.begin(), operators.end(), [&](const auto& op) {
      return op.id == source.op && op.parallelism > source.partition;
    });
    if (found != operators.end()) continue;
    return data::SnapshotError("the checkpoint has partition " + std::to_string(source.partition) + " of source '" +
                               source.op + "', which the job has not. Go on with the sources it was taken of.");
  }
  return arrow::Status::OK();
}

bool Restoring::Ended(const std::string& op) const {
  return state_ != nullptr && std::find(state_->ended.begin(), state_->ended.end(), op) != state_->ended.end();
}

SourcePosition Restoring::Begin(const std::string& op, int partition) const {
  if (state_ == nullptr) return {};
  for (const auto& source : state_->sources) {
    if (source.op == op && source.partition == partition)
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
    if (state.op == division.partition_check && state.copy == partition && !state.tables.empty()) {
      return state.tables.front();
    }
  }
  return nullptr;
}

arrow::Status Restoring::Restore(const graph::Operator& op, int copy, const Division& division,
                                 operators::Operator& into) const {
  if (state_ == nullptr) return arrow::Status::OK();
  std::vector<const OperatorState*> states;
  for (const auto& state : state_->operators) {
    if (state.op != op.id || state.tables.empty()) continue;
    if (op.id == division.partition_check && state.copy != copy) continue;  // It is of its partition.
    states.push_back(&state);
  }
  if (op.key_by.empty() && states.size() > 1) {
    return data::SnapshotError("the checkpoint has the state of " + std::to_string(states.size()) +
                               " copies of operator '" + op.id + "', which has no key. Nobody can tell whose it is.");
  }
  for (const auto* const state : states) {
    Tables tables = state->tables;
    for (auto& table : tables) {
      if (op.key_by.empty() || table->num_rows() == 0) continue;
      if (division.divide != nullptr) {
        ARROW_ASSIGN_OR_RAISE(table, Owned(*table, copy, division));
      } else if (!division.partition_check.empty()) {
        const auto keys = KeysOf(copy, division);
        ARROW_ASSIGN_OR_RAISE(table, OwnedByPartition(*table, keys.get(), division.partitioned_by));
      }
    }
    const auto status = into.Restore(tables);
    if (!status.ok()) return status.WithMessage("operator '", op.id, "': ", status.message());
  }
  return arrow::Status::OK();
}

}  // namespace sabot::engine
