// Rows of a CSV or a Parquet file as ticks.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sabot/ticks/tick_buffer.h"
#include "sabot/ticks/tick_columns.h"

namespace sabot::ticks {

// What the rows of a file are.
enum class TickRows : uint8_t {
  kTicks,   // A bid, an ask or a trade each.
  kTrades,  // A trade each.
  kQuotes,  // Both best quotes each: two ticks.
};

// The types that the columns of a CSV file are to be read with: numbers and texts, but no times, which are inferred.
std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>> CsvTypesOf(const TickColumnPositions& columns,
                                                                                 const arrow::Schema& schema);

// Reads batches of one schema. Times are timestamps of any unit (with a zone: UTC), text (see tick_times.h), or
// integers that are nanoseconds since 1970. Beside a column of dates they may have a date, if it is that one. Rows of
// nothing but blanks are passed over.
class TickBatches {
 public:
  struct Options {
    bool day_first = true;
    // Of symbols whose exchange time is missing somewhere: their rows go by local time. See feed_clocks.h.
    std::function<bool(std::string_view symbol)> uses_local_time;
  };
  static arrow::Result<TickBatches> Make(const arrow::Schema& schema, TickRows rows, Options options);

  struct Taker {
    // `symbol` is empty where there is no such column. Errors stop the reading.
    std::function<arrow::Status(std::string_view symbol, const Tick& tick)> tick;
    // `row` counts from 0 in the batch.
    std::function<arrow::Status(std::string_view symbol, int64_t row, const std::string& reason)> reject;
  };
  // Error (kSchema): values of a type that cannot be read.
  arrow::Status Read(const arrow::RecordBatch& batch, const Taker& taker) const;

  // The columns that are read: others need not be.
  std::vector<std::string> names() const;

 private:
  class Columns;
  TickBatches(TickColumnPositions columns, std::vector<std::string> names, TickRows rows, Options options)
      : columns_(columns), names_(std::move(names)), rows_(rows), options_(std::move(options)) {}

  TickColumnPositions columns_;
  std::vector<std::string> names_;  // Of all columns.
  TickRows rows_;
  Options options_;
};

// The row as text, values between commas.
std::string TextOf(const arrow::RecordBatch& batch, int64_t row);

}  // namespace sabot::ticks
