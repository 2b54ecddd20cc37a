// The bounds of a RANGE edge as values of the column that they divide.
#pragma once

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <memory>
#include <string_view>

namespace sabot::graph {

// `json`: an array, as in Edge::range_bounds. Numbers divide a column of numbers or durations, text one of text or
// binary; dates and times are text ("2024-01-31", "2024-01-31T09:30:00Z") or whole numbers of their units. For a
// dictionary they are of the type of its values. Errors (kOption): no array; a bound that the type does not hold; names
// the column, the bound and the type. A type that has no ranges is left to the partitioner, which says so.
arrow::Result<std::shared_ptr<arrow::Array>> RangeBounds(std::string_view json, const arrow::Field& column);

}  // namespace sabot::graph
