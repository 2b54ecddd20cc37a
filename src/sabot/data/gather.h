// Rows of a batch by their numbers: what filters keep, and what merges put in order. Arrow's Take does the same for any
// type; columns of fixed width without nulls, nearly all that a feed has, are faster here.
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sabot::data {

// The numbers of the rows that are true; null is not.
std::vector<int32_t> TrueRows(const arrow::BooleanArray& values);

// `rows` are numbers below column.length(), in any order.
arrow::Result<std::shared_ptr<arrow::Array>> Gather(const arrow::Array& column, std::span<const int32_t> rows);
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Gather(const arrow::RecordBatch& batch,
                                                          std::span<const int32_t> rows);

}  // namespace sabot::data
