// How the readers of files say what is wrong.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "sabot/connectors/file_set.h"

namespace sabot::connectors {

// "parquet source 'a.parquet': "
std::string Where(std::string_view connector, const InputFile& file);

// What went wrong with a file: errors of the system, of an endpoint, and those with a kind keep it and get the file's
// name; everything else says that the file is damaged (kData).
arrow::Status ExplainFile(std::string_view connector, const InputFile& file, const arrow::Status& status);

// An error (kOption), unless batch_rows can be used.
arrow::Status CheckBatchRows(std::string_view connector, int64_t batch_rows);

}  // namespace sabot::connectors
