// Parquet files as batches, in file order, some pages at a time: memory is bounded whatever the files' size.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sabot/connectors/file_set.h"
#include "sabot/connectors/source.h"

namespace sabot::connectors {

struct ParquetSourceOptions {
  std::vector<std::string> columns = {};  // Empty: all. Order as in the file.
  int64_t batch_rows = 65'536;            // Of a batch, at most.
};

// Opens the files (see file_set.h; of a folder those that end in .parquet or .pq) and reads the first one's schema.
// Errors: a file is missing (IOError, errno kept), is no Parquet file or is truncated (kData, names the file and says
// what is wrong), a column is missing (kSchema, nearest names), batch_rows is below one (kOption). Errors of Next: a
// damaged page (kData), a later file with other columns (kSchema), each naming the file.
arrow::Result<std::shared_ptr<Source>> ReadParquet(const std::vector<std::string>& files,
                                                   ParquetSourceOptions options = {});
arrow::Result<std::shared_ptr<Source>> ReadParquet(const std::string& file, ParquetSourceOptions options = {});

// The two halves of it, for who reads the files as partitions of their own: which files are named, and what is in some.
arrow::Result<std::vector<InputFile>> FindParquetFiles(const std::vector<std::string>& named);
arrow::Result<std::shared_ptr<Source>> ReadParquetFiles(std::vector<InputFile> files,
                                                        ParquetSourceOptions options = {});

}  // namespace sabot::connectors
