// A hash of 64 bits for each row of a batch: equal values give equal hashes, whatever the encoding of strings. For
// recognising rows that were sent twice, never for state.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <vector>

namespace sabot::operators {

// `columns` are indices into the batch. Columns of nested types do not count. A null differs from every value.
arrow::Result<std::vector<uint64_t>> HashRows(const arrow::RecordBatch& batch, const std::vector<int>& columns);

}  // namespace sabot::operators
