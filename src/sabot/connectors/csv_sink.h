// Batches into CSV files whose bytes are decided by their rows alone: a header, a line a row, null as nothing at all,
// an empty string as "", text in quotes where it must be, numbers in the shortest form that reads back as the same
// bits, timestamps in ISO 8601 with all digits of their unit.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/connectors/sink.h"
#include "sabot/env/storage.h"

namespace sabot::connectors {

struct CsvSinkOptions {
  char delimiter = ',';
  bool header = true;
  int64_t rows_per_file = 0;  // See sink.h.
  std::optional<int64_t> resume_at = std::nullopt;  // The same.
  std::shared_ptr<env::Storage> storage = nullptr;  // Instead of the one that the path names.
};

// Writes numbers, bool, strings, timestamps, dates, times, durations and decimals. A timestamp with a time zone is
// written in UTC, with a Z. Null in a file of one column is "", since an empty line would be no row elsewhere.
// Errors: a column of another type (kSchema), a delimiter that cannot be used (kOption), the file cannot be made
// (IOError, errno kept).
arrow::Result<std::unique_ptr<Sink>> OpenCsvSink(const std::string& path, std::shared_ptr<arrow::Schema> schema,
                                                 CsvSinkOptions options = {});
arrow::Result<std::vector<std::unique_ptr<Sink>>> OpenCsvSinks(const std::string& folder,
                                                               const std::shared_ptr<arrow::Schema>& schema,
                                                               const CsvSinkOptions& options, int partitions);

}  // namespace sabot::connectors
