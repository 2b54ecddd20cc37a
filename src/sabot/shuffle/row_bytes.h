// What a row of a batch takes up, for credits.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>

namespace sabot::shuffle {

// Bytes of a row, at least 1, rounded up: exact for columns of a fixed width, the batch's average for others. A value
// of a dictionary counts as its index. Costs a few instructions a column, nothing a row.
int64_t RowBytes(const arrow::RecordBatch& batch);

}  // namespace sabot::shuffle
