// The power fails at every write, commit and removal: what is found afterwards is the old checkpoint or the new one,
// whole, and never less than what a caller was told is there.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "sabot/checkpoint/store.h"
#include "tests/checkpoint/checkpoints.h"

namespace sabot::checkpoint {
namespace {

constexpr int64_t kRoom = int64_t{1} << 30;

// Everything that a manifest names can be read.
void ExpectWhole(Store& store, const Manifest& manifest) {
  for (const StateFile& file : FilesOf(manifest)) {
    const auto table = store.Read(file);
    ASSERT_TRUE(table.ok()) << table.status();
  }
}

void CrashEverywhere(bool tears) {
  bool crashed = true;
  std::set<int64_t> found;
  for (int64_t operations = 0; crashed; ++operations) {
    SCOPED_TRACE(operations);
    const auto disk = env::MakeSimulatedStorage(kRoom);
    Store store(disk, "jobs");
    const Manifest older = CommitCheckpoint(store, 1, 1).ValueOrDie();

    disk->FailAfter(operations, tears);
    std::optional<Manifest> newer;
    const auto run = [&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(newer, WriteCheckpoint(store, 1, 2));
      newer->operators[0].files = older.operators[0].files;
      return store.Commit(*newer);
    };
    const bool committed = run().ok();
    crashed = !(committed && store.Sweep(1, 1).ok());
    disk->Restart();

    std::vector<std::string> skipped;
    const auto newest = store.Newest(skipped);
    ASSERT_TRUE(newest.ok()) << newest.status();
    ASSERT_TRUE(newest->has_value());
    EXPECT_EQ(**newest, committed ? *newer : older);
    EXPECT_TRUE(!committed || skipped.empty()) << skipped[0];
    ExpectWhole(store, **newest);
    found.insert((*newest)->id.number);

    EXPECT_EQ(store.NextAttempt().ValueOrDie(), 2);
    const Manifest next = CommitCheckpoint(store, 2, 1).ValueOrDie();
    ASSERT_TRUE(store.Sweep(1, 2).ok());
    EXPECT_EQ(store.Newest(skipped).ValueOrDie(), next);
    EXPECT_EQ(disk->files().size(), 3u);  // Nothing that died is left.
  }
  EXPECT_EQ(found, (std::set<int64_t>{1, 2}));
}

TEST(StoreCrash, LeavesTheOldOrTheNewCheckpoint) { CrashEverywhere(/*tears=*/false); }

TEST(StoreCrash, LeavesTheOldOrTheNewCheckpointOnADiskThatTears) { CrashEverywhere(/*tears=*/true); }

// Attempts that write, share files, sweep and die at any point, for long.
TEST(StoreCrash, NeverLosesWhatWasCommitted) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto disk = env::MakeSimulatedStorage(kRoom);
    Store store(disk, "jobs");
    std::optional<Manifest> committed;
    for (int restart = 0; restart < 20; ++restart) {
      const int64_t attempt = store.NextAttempt().ValueOrDie();
      const int keep = 1 + static_cast<int>(random() % 3);
      std::optional<Manifest> tried = committed;
      disk->FailAfter(static_cast<int64_t>(random() % 60), random() % 2 == 0);
      const auto run = [&]() -> arrow::Status {
        for (int64_t number = 1;; ++number) {
          ARROW_ASSIGN_OR_RAISE(Manifest next, WriteCheckpoint(store, attempt, number));
          if (committed && random() % 2 == 0) next.operators[0].files = committed->operators[0].files;
          tried = next;
          if (random() % 4 == 0) continue;  // Aborted.
          ARROW_RETURN_NOT_OK(store.Commit(next));
          committed = next;
          if (random() % 2 == 0) ARROW_RETURN_NOT_OK(store.Sweep(keep, attempt));
        }
      };
      const auto status = run();
      EXPECT_TRUE(status.IsIOError()) << status;
      disk->Restart();
      std::vector<std::string> skipped;
      const auto newest = store.Newest(skipped);
      if (!committed && !newest.ok()) continue;  // The first commit was torn: said, not passed over.
      ASSERT_TRUE(newest.ok()) << newest.status();
      EXPECT_EQ(*newest, committed);
      if (committed) ExpectWhole(store, *committed);
    }
  }
}

}  // namespace
}  // namespace sabot::checkpoint
