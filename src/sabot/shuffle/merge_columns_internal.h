// Columns of merged rows: each value goes from the batch that brought it straight to its rank.
#pragma once

#include <arrow/array.h>
#include <arrow/result.h>

#include <cstdint>
#include <span>

#include "sabot/shuffle/merge.h"

namespace sabot::shuffle {

// Rows [begin, end) of a piece, and where they go.
struct Segment {
  const Piece* piece = nullptr;
  int64_t begin = 0;
  int64_t end = 0;
  const int32_t* ranks = nullptr;  // [end - begin], of the first row on; ascending...
  int32_t first_rank = 0;          // ...from here, which is the output's row 0.
};

// Segments together have each of the `rows` ranks once.
arrow::Result<std::shared_ptr<arrow::Array>> MergeColumn(const std::shared_ptr<arrow::DataType>& type, int column,
                                                         std::span<const Segment> segments, int64_t rows);

}  // namespace sabot::shuffle
