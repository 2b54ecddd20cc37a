#include "sabot/engine/state_options.h"

#include <vector>

#include "sabot/data/errors.h"
#include "sabot/env/file_system.h"
#include "sabot/state/rocksdb_store.h"

namespace sabot::engine {

namespace {

const std::vector<std::string> kBackends = {"memory", "rocksdb"};

}  // namespace

arrow::Status CheckState(const StateOptions& options) {
  if (options.backend == "memory") return arrow::Status::OK();
  if (options.backend != "rocksdb") {
    return data::OptionError("state: there is no backend '" + options.backend + "'. Use memory or rocksdb." +
                             data::NearestNames(options.backend, kBackends));
  }
  if (!state::HasRocksDb()) {
    return data::OptionError("state: this build has no backend rocksdb. Use memory, or build with RocksDB.");
  }
  if (options.folder.empty()) {
    return data::OptionError("state: backend rocksdb needs a folder to work in. Name one on a local disk.");
  }
  if (!env::SchemeOf(options.folder).empty()) {
    return data::OptionError("state: '" + env::PublicName(options.folder) +
                             "' is no path on a local disk, which backend rocksdb works on. Name a folder there.");
  }
  if (options.cached_bytes < 1) {
    return data::OptionError("state: cached_bytes is " + std::to_string(options.cached_bytes) + ". Use at least 1.");
  }
  return arrow::Status::OK();
}

}  // namespace sabot::engine
