// A build without RocksDB says what to install. This test is linked with what such a build has in its place.
#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "sabot/state/rocksdb_store.h"

namespace sabot::state {
namespace {

TEST(RocksDbMissing, SaysWhatToInstall) {
  EXPECT_FALSE(HasRocksDb());
  for (const auto& opened : {OpenRocksDb("/tmp/state"), OpenRocksDbFiles("/tmp/state")}) {
    EXPECT_EQ(data::KindOf(opened.status()), data::ErrorKind::kOption);
    EXPECT_EQ(
        opened.status().message(),
        "state '/tmp/state': this build has no RocksDB. Install librocksdb-dev and build Sabot again, or keep the "
        "state in memory.");
  }
}

}  // namespace
}  // namespace sabot::state
