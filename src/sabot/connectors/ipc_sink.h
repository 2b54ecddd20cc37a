// Batches into Arrow IPC files (Feather version 2) whose bytes are decided by their rows alone: record batches are cut
// by row count, dictionaries are decoded, what lies under nulls is zero, metadata is left out.
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

struct IpcSinkOptions {
  int64_t batch_rows = 65'536;      // Of each record batch in the file, but the last.
  std::string compression = "lz4";  // "lz4", "zstd", "none".
  int64_t rows_per_file = 0;  // See sink.h.
  std::optional<int64_t> resume_at = std::nullopt;  // The same.
  std::shared_ptr<env::Storage> storage = nullptr;  // Instead of the one that the path names.
};

// Holds at most one record batch. Errors: an option out of its range (kOption), a column of an
// extension type (kSchema), the file cannot be made (IOError, errno
// kept).
arrow::Result<std::unique_ptr<Sink>> OpenIpcSink(const std::string& path, std::shared_ptr<arrow::Schema> schema,
                                                 IpcSinkOptions options = {});
arrow::Result<std::vector<std::unique_ptr<Sink>>> OpenIpcSinks(const std::string& folder,
                                                               const std::shared_ptr<arrow::Schema>& schema,
                                                               const IpcSinkOptions& options, int partitions);

}  // namespace sabot::connectors
