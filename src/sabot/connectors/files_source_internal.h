// Files one after another as one source: what the readers of all formats share.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/connectors/file_set.h"
#include "sabot/connectors/source.h"

namespace sabot::connectors::internal {

// One file being read.
class FileReader {
 public:
  virtual ~FileReader() = default;
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  virtual arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) = 0;
  // How many rows it has, where the format knows that without reading them. Before the first ReadNext.
  virtual arrow::Result<std::optional<int64_t>> CountRows() { return std::nullopt; }
  // Passes over rows at its beginning without reading them: how many, at most `rows`. Before the first ReadNext.
  virtual arrow::Result<int64_t> Skip(int64_t /*rows*/) { return 0; }
  // The share of it that has been read or passed over, 0 to 1. Called by the thread that reads.
  virtual double done() const = 0;
  // Rows of it that were rejected. Called by the thread that reads.
  virtual int64_t rows_rejected() const { return 0; }
};

using OpenFile = std::function<arrow::Result<std::shared_ptr<FileReader>>(const InputFile& file)>;

// The positions in `names` of the columns asked for (none: of all), in the order of `names`. Error (kSchema): one is
// missing, with the nearest names.
arrow::Result<std::vector<int>> FindColumns(const std::string& where, const std::vector<std::string>& names,
                                            const std::vector<std::string>& columns);

// Opens the first file, the others when they are reached. Batches hold at most `batch_rows` rows and at least one.
// Error of a later file (kSchema): it has other columns, with the first difference.
arrow::Result<std::shared_ptr<Source>> ReadFiles(std::string connector, std::vector<InputFile> files, OpenFile open,
                                                 int64_t batch_rows);

}  // namespace sabot::connectors::internal
