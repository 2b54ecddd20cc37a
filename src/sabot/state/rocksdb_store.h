// A KeyStore on the disk, in RocksDB. docs/decisions/0009-rocksdb.md says why, and how it is set up.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>

#include "sabot/state/key_store.h"

namespace sabot::state {

struct RocksDbOptions {
  int64_t write_buffer_bytes = int64_t{16} << 20;  // Written entries in memory; up to three times as many for a while.
  int64_t block_cache_bytes = int64_t{64} << 20;  // Of files: indices, filters and what was read.
};

// Whether this build has RocksDB. Without, both functions below are errors (kOption) that say what to install.
bool HasRocksDb();

// Opens a folder, which is made where it is missing (its parent exists) and belongs to this store until it is
// destroyed. Files that Freeze() left, linked or copied there before, are what it holds then. Errors: IOError with the
// system's reason (no permission, no space); (kData): the files are damaged, or no such files.
arrow::Result<std::shared_ptr<KeyStore>> OpenRocksDb(const std::string& folder, const RocksDbOptions& options = {});

// A folder that Freeze() left, for reading: nothing in it changes; Write and Freeze are errors.
// Errors: as above; (kData) also where the folder is missing.
arrow::Result<std::shared_ptr<KeyStore>> OpenRocksDbFiles(const std::string& folder,
                                                          const RocksDbOptions& options = {});

}  // namespace sabot::state
