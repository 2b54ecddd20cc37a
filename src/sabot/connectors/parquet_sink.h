// Batches into one Parquet file whose bytes are decided by its rows alone, never by how they were cut into batches: row
// groups are cut by row count and written whole, dictionaries are decoded, metadata of schema and fields is left out.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>
#include <string>

namespace sabot::connectors {

struct ParquetSinkOptions {
  int64_t row_group_rows = 131'072;
  std::string compression = "zstd";  // "zstd", "snappy", "lz4", "none".
};

// Writes under a temporary name beside `path` and renames when Close succeeds; a sink destroyed before that leaves
// nothing. Strings of a dictionary and of utf8_view become utf8. One thread at a time; Write and Close block on the
// disk.
class ParquetSink {
 public:
  // Errors: an option out of its range (kOption), a column type that Parquet lacks (kSchema), the file cannot be made
  // (IOError, errno kept).
  static arrow::Result<std::unique_ptr<ParquetSink>> Open(const std::string& path,
                                                          std::shared_ptr<arrow::Schema> schema,
                                                          ParquetSinkOptions options = {});
  ~ParquetSink();
  // At most one row group is held in memory. Errors: columns other than those of Open (kSchema); a dictionary index
  // outside its dictionary, a null where the schema allows none (kData); the disk's (IOError). After the last two kinds
  // the sink can only be destroyed.
  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch);
  // Writes what is left; the file and its name are on disk when it returns.
  arrow::Status Close();

 private:
  struct Impl;
  explicit ParquetSink(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sabot::connectors
