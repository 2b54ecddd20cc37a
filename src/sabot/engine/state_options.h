// Where a run's state by key lies.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <string>

namespace sabot::engine {

struct StateOptions {
  std::string backend = "memory";  // Or "rocksdb", for more of it than memory holds.
  // Of rocksdb: on a local disk, and made where it is missing. A run uses one of its own in it, which goes with the
  // run.
  std::string folder = {};
  // Of rocksdb: keys and states in memory, of all copies of all operators together, beside what RocksDB itself holds.
  int64_t cached_bytes = int64_t{256} << 20;
};

// Errors (kOption): no such backend, or not in this build; no folder, or none on a local disk; nothing to cache in.
arrow::Status CheckState(const StateOptions& options);

}  // namespace sabot::engine
