// CSV files as batches, in file order. Blocks convert whole; a row that cannot be used is found, handed to a log with
// its reason, and left out, and nothing else is lost. Rows do not depend on how the file was cut into blocks.
#pragma once

#include <arrow/result.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sabot/connectors/file_set.h"
#include "sabot/connectors/source.h"
#include "sabot/data/reject_log.h"

namespace sabot::connectors {

struct CsvSourceOptions {
  char delimiter = ',';
  char quote = '"';                            // Doubled, it stands for itself; '\0': values are not quoted.
  bool newlines_in_values = false;             // Whether a quoted value may hold line ends.
  std::vector<std::string> column_names = {};  // Of files without a header line. Empty: the first line names them.
  std::vector<std::string> columns = {};       // To read. Empty: all. Order as in the file.
  // Of columns by name. A timestamp without a time zone takes ISO 8601 in UTC, with or without a zone. The types of
  // other columns are inferred from the first 4 MB: int64, float64, bool, timestamp[ns], else utf8.
  std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>> types = {};
  // What stands for null. Unless given: nothing at all and, but for strings, NA, N/A, NULL and null. A quoted value of
  // a string column is never null.
  std::optional<std::vector<std::string>> nulls = std::nullopt;
  // The name of one column more, the last: the line of the file (from 1, int64) on which each row begins. Empty: none.
  std::string line_column = {};
  int64_t batch_rows = 65'536;  // Of a batch, at most.
  int64_t block_bytes = int64_t{1} << 20;  // Read and converted at once.
  std::shared_ptr<data::RejectLog> rejects = nullptr;  // None: the first bad row is an error (kData).
};

// Rejected are rows with another number of fields than the header, values that are not of their column's type, text
// that is no UTF-8, quotes that are not closed. An empty line is no row, unless there is one column only: then it is
// null.
//
// Memory: a few blocks; a row of more than 16 MB is an error (kData). Of a folder the files are read that end in .csv
// or .tsv; a pipe can be read, too, and where types are inferred its first 4 MB are waited for. Errors: a file is
// missing (IOError, errno kept), is empty, compressed or binary (kData), a header with an empty or a double name, or
// with numbers only, as if it were a row; `columns` or `types` with a name that no column has (kSchema, nearest names),
// options that cannot be used (kOption). A later file with other columns (kSchema) is an error of Next.
arrow::Result<std::shared_ptr<Source>> ReadCsv(const std::vector<std::string>& files, CsvSourceOptions options = {});
arrow::Result<std::shared_ptr<Source>> ReadCsv(const std::string& file, CsvSourceOptions options = {});

// The two halves of it, for who reads the files as partitions of their own: which files are named, and what is in some.
arrow::Result<std::vector<InputFile>> FindCsvFiles(const std::vector<std::string>& named);
arrow::Result<std::shared_ptr<Source>> ReadCsvFiles(std::vector<InputFile> files, CsvSourceOptions options = {});

}  // namespace sabot::connectors
