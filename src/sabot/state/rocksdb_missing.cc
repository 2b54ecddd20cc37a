// What stands for rocksdb_store.cc where RocksDB was not found.
#include "sabot/data/errors.h"
#include "sabot/state/rocksdb_store.h"

namespace sabot::state {
namespace {

arrow::Status Missing(const std::string& folder) {
  return data::OptionError(
      "state '" + folder +
      "': this build has no RocksDB. Install librocksdb-dev and build Sabot again, or keep the state in memory.");
}

}  // namespace

bool HasRocksDb() { return false; }

arrow::Result<std::shared_ptr<KeyStore>> OpenRocksDb(const std::string& folder, const RocksDbOptions& /*options*/) {
  return Missing(folder);
}

arrow::Result<std::shared_ptr<KeyStore>> OpenRocksDbFiles(const std::string& folder,
                                                          const RocksDbOptions& /*options*/) {
  return Missing(folder);
}

}  // namespace sabot::state
