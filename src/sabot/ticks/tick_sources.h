// The files that ticks can come from, among those that a user names.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sabot/ticks/tick_file.h"

namespace sabot::ticks {

struct TickSource {
  enum class Kind : uint8_t {
    kTickFile,   // OpenTickFile reads it as it is.
    kToConvert,  // A workbook, or columns of ticks, trades or quotes; also what only its conversion can say no to.
    kBroken,     // It cannot be read: `why`.
    kNoTicks,    // Found in a folder or by a glob, and something else: `why`.
  };
  std::string path;
  Kind kind = Kind::kToConvert;
  TickFileInfo info = {};  // Of a tick file.
  std::string why = {};
};

// Files, globs and folders, in their order; those of one folder or glob by name, each file once. Of a folder all files
// in it and below count, but for those whose names begin with '.' or '_' or end in '.partial'. Workbooks (.xlsx, .xlsm)
// are not opened; CSV files (.csv, .tsv) and Parquet files (.parquet, .pq) are ticks by their columns. Errors: a path
// or a glob for which there is nothing, and Cancelled.
arrow::Result<std::vector<TickSource>> FindTickSources(const std::vector<std::string>& paths);

}  // namespace sabot::ticks
