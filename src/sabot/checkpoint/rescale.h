// State by key for another number of copies: each row goes to the copy that will get the rows of its key. Rows are
// found their copy by the same hash as rows of the stream (docs/reference/key-hash.md), so int32 and dictionary keys of
// a feed meet the int64 and text keys of its snapshots.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sabot/data/key_group.h"

namespace sabot::checkpoint {

using TableVector = std::vector<std::shared_ptr<arrow::Table>>;

// One table a task of `tasks`, with the rows of its key groups in their order; schema and metadata stay as they are.
// Errors: `key_by` is empty or names a column twice (kOption); the table has no such column, or it is no key (kSchema).
// A table without rows needs no key columns.
arrow::Result<TableVector> SplitByKeyGroup(const arrow::Table& table, const std::vector<std::string>& key_by,
                                           const data::KeyGroupTable& tasks);

// The same of the tables of all copies: `copies` has the table at one index of each copy's snapshot. Rows stand in the
// order of the copies. Errors: as above; two copies with rows have other columns or metadata (kSnapshot); no copy
// (kOption).
arrow::Result<TableVector> Rescale(std::span<const std::shared_ptr<arrow::Table>> copies,
                                   const std::vector<std::string>& key_by, const data::KeyGroupTable& tasks);

}  // namespace sabot::checkpoint
