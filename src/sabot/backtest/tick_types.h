// Ticks that are in memory, from the types that libraries give their columns to those that a simulation reads.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>

namespace sabot::backtest {

// The same ticks as Ticks::From reads them: timestamps of any unit, without a zone or in UTC, as timestamp[ns]; numbers
// of any width as float64 (`side` may stay int8); text of any kind, also in dictionaries with indices of any width, as
// utf8. Columns that have their type are not copied, and those of other types stay: Ticks::From says what it expected.
// Errors: a zone that is not UTC (kSchema); a value that would be another one, such as an integer above 2^53 or a time
// out of the range of nanoseconds (kData).
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadableTicks(std::shared_ptr<arrow::RecordBatch> ticks);

}  // namespace sabot::backtest
