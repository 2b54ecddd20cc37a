// Batches into Parquet files whose bytes are decided by their rows alone, never by how they were cut into batches: row
// groups are cut by row count and written whole, dictionaries are decoded, metadata of schema and fields is left out.
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

struct ParquetSinkOptions {
  int64_t row_group_rows = 131'072;
  std::string compression = "zstd";  // "zstd", "snappy", "lz4", "none".
  int64_t rows_per_file = 0;  // See sink.h.
  std::optional<int64_t> resume_at = std::nullopt;  // The same.
  std::shared_ptr<env::Storage> storage = nullptr;  // Instead of the one that the path names.
};

// The path may be that of a disk or of S3 (env/storage.h); an older file stays until Close. At most one row group is
// held in memory, and its columns are encoded in parallel by Arrow's threads. Strings of a dictionary and of utf8_view
// become utf8. Errors: an option out of its range (kOption), a column type that Parquet lacks (kSchema), the file
// cannot be made (IOError, errno kept).
arrow::Result<std::unique_ptr<Sink>> OpenParquetSink(const std::string& path, std::shared_ptr<arrow::Schema> schema,
                                                     ParquetSinkOptions options = {});
arrow::Result<std::vector<std::unique_ptr<Sink>>> OpenParquetSinks(const std::string& folder,
                                                                   const std::shared_ptr<arrow::Schema>& schema,
                                                                   const ParquetSinkOptions& options, int partitions);

}  // namespace sabot::connectors
