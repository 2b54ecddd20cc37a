// Arrow IPC files as batches, in file order: the file format (Feather version 2 is the same) and the stream format,
// told apart by their first bytes.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sabot/connectors/file_set.h"
#include "sabot/connectors/source.h"

namespace sabot::connectors {

struct IpcSourceOptions {
  std::vector<std::string> columns = {};  // Empty: all. Order as in the file.
  int64_t batch_rows = 65'536;            // Larger batches of a file are cut, smaller ones stay.
};

// Holds one batch of a file. Of a folder those files are read that end in .arrow, .arrows, .ipc or .feather. Each batch
// is checked from end to end, so that a damaged one is an error here and no crash later.
// Errors: as ReadParquet's, in parquet_source.h.
arrow::Result<std::shared_ptr<Source>> ReadIpc(const std::vector<std::string>& files, IpcSourceOptions options = {});
arrow::Result<std::shared_ptr<Source>> ReadIpc(const std::string& file, IpcSourceOptions options = {});

// The two halves of it, for who reads the files as partitions of their own: which files are named, and what is in some.
arrow::Result<std::vector<InputFile>> FindIpcFiles(const std::vector<std::string>& named);
arrow::Result<std::shared_ptr<Source>> ReadIpcFiles(std::vector<InputFile> files, IpcSourceOptions options = {});

}  // namespace sabot::connectors
