// Which key groups to move so that no copy of a step has many more rows than the others. Pure: the same counts give the
// same moves.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <span>
#include <vector>

#include "sabot/data/key_group.h"

namespace sabot::engine {

struct BalanceOptions {
  double tolerance = 1.2;  // The hottest copy may have so many times the mean of all copies.
  double gain = 0.1;  // Nothing moves for less than this share of the hottest copy's rows.
};

// When a run looks at the rows of its copies.
struct BalancePolicy {
  // Rows that the sources give between two looks; it is doubled with each move, because what has to be read again
  // grows. 0: at each of the run's checkpoints.
  int64_t check_rows = 1'000'000;
  BalanceOptions limits = {};
};

// Errors (kOption): a tolerance below 1, or a gain out of [0, 1).
arrow::Status CheckBalance(const BalanceOptions& options);

// What makes the hottest copy cooler, of each group at most one move, in the order of groups; none, where that gains
// too little. One group that alone is more than a copy's share gets a copy for itself: the groups beside it move, and
// it moves only to a copy without rows. Groups without rows stay. Errors (kOption): of the options; counts that are not
// one a group, or negative.
arrow::Result<std::vector<data::KeyGroupTable::Move>> Balance(std::span<const int64_t> rows_of_group,
                                                              const data::KeyGroupTable& table,
                                                              const BalanceOptions& options = {});

}  // namespace sabot::engine
