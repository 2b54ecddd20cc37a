// A Parquet file as batches, in file order, some pages at a time: memory is bounded whatever the file's size.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>
#include <string>
#include <vector>

namespace sabot::connectors {

struct ParquetSourceOptions {
  std::vector<std::string> columns = {};  // Empty: all. Order as in the file.
  int64_t batch_rows = 65'536;
};

// Opens the file and reads its schema. Errors: the file is missing (IOError, errno kept), is no Parquet file or is
// truncated (kData, names the file and says what is wrong), a column is missing (kSchema, nearest names), batch_rows is
// below one (kOption). A damaged page shows itself as a kData error of the reader's Next, naming the file.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadParquet(const std::string& path,
                                                                     ParquetSourceOptions options = {});

}  // namespace sabot::connectors
