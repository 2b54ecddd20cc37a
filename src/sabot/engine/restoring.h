// Where a job begins: from nothing, or from a state, whatever its parallelism then was.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/engine/job_state.h"
#include "sabot/engine/task_input.h"
#include "sabot/graph/job_graph.h"
#include "sabot/operators/operator.h"
#include "sabot/shuffle/partitioner.h"

namespace sabot::engine {

class Restoring {
 public:
  // nullptr: from nothing.
  explicit Restoring(std::shared_ptr<const JobState> state) : state_(std::move(state)) {}

  // Errors (kSnapshot): the state has an operator, or a source partition, that the job has not.
  arrow::Status Check(const std::vector<graph::Operator>& operators) const;

  bool Ended(const std::string& op) const;
  SourcePosition Begin(const std::string& op, int partition) const;
  int64_t SinkRows(int partition) const;
  // What divides the rows of a chain's copies by key: an edge on the way to it, whose partitioner divides state as
  // well, or the partitions of a source that is partitioned_by, whose keys an operator of this id knows; else nothing.
  struct Division {
    std::function<arrow::Result<std::unique_ptr<shuffle::Partitioner>>(const std::shared_ptr<arrow::Schema>& keys)>
        divide = nullptr;
    // Where rows go by the key groups of `keys`: which of them are the copy's.
    std::function<arrow::Result<std::function<bool(uint16_t group)>>()> owned_groups = nullptr;
    std::vector<std::string> keys = {};
    std::string partition_check = {};
    std::vector<std::string> partitioned_by = {};
  };
  // What a copy of an operator had, or, by key, of the keys that it owns now. Errors: those of the operator's Restore;
  // (kSnapshot) copies without a key had state, of which nobody knows whose it is now.
  arrow::Status Restore(const graph::Operator& op, int copy, const Division& division, operators::Operator& into) const;

 private:
  // Whether the state of all earlier copies is in files that the operator can take as they are.
  bool TakesFiles(const graph::Operator& op, const std::vector<const OperatorState*>& states, const Division& division,
                  const operators::Operator& into) const;
  arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> TablesOf(const OperatorState& state) const;
  // The keys that a partition had; none: it had no rows.
  std::shared_ptr<arrow::Table> KeysOf(int partition, const Division& division) const;

  std::shared_ptr<const JobState> state_;
  mutable std::map<const OperatorState*, std::vector<std::shared_ptr<arrow::Table>>> read_;  // Of files, once for all.
};

}  // namespace sabot::engine
