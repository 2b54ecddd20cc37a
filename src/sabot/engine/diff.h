// Where two outputs differ, value by value: research against live, a run against its repetition.
//
// Rows are compared in their order, however either side is cut into batches; memory is that of a batch a side. Columns
// are matched by name. Values are equal if their bits are: -0.0 differs from 0.0, null from NaN. A dictionary equals
// what it stands for, and strings are equal whatever the width of their offsets.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/env/interrupt.h"

namespace sabot::engine {

struct DiffOptions {
  std::string by = "symbol";  // The column that tells whose row it is. Only the default one may be missing.
  bool nan_bits = false;  // A NaN equals a NaN of the same bits only; else any other. Inside lists always any other.
};

// What differs in a column that both sides have.
struct ColumnDiff {
  std::string column;
  int64_t values = 0;  // How many differ, among the rows that both sides have.
  int64_t first_row = -1;
  std::string key;  // Of that row, as text; "" without such a column.
  std::string left, right;  // Its values, as text that tells them apart.
  std::optional<double> max_difference;  // Absolute; of times in their unit. None, where nothing can be subtracted.
};

struct DiffResult {
  std::vector<std::string> schema;  // A sentence a difference; the left side is called A, the right one B.
  int64_t rows_left = 0;
  int64_t rows_right = 0;
  int64_t columns_compared = 0;
  std::vector<ColumnDiff> columns;  // Those that differ, in the left side's order.
  std::optional<std::size_t> first;  // Which of them differs in the earliest row.

  bool equal() const { return schema.empty() && rows_left == rows_right && columns.empty(); }
};

// Reads both sides to their end. Errors: what a reader raises; kSchema: a side has two columns of one name, or neither
// has the column `by`; Cancelled.
arrow::Result<DiffResult> Diff(arrow::RecordBatchReader& left, arrow::RecordBatchReader& right,
                               const DiffOptions& options = {},
                               std::shared_ptr<env::Interrupt> interrupt = std::make_shared<env::NoInterrupt>());

}  // namespace sabot::engine
