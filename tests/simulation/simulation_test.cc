// The law of law.h over thousands of seeds, and over those kept in corpus.txt.
//
//   SABOT_SIMULATION_SEEDS=100000 simulation_test     how many seeds; 5,000 unless given, 300 in a sanitizer's build
//   SABOT_SIMULATION_SEED=17 simulation_test          this one only
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/simulation/law.h"

namespace sabot::simulation {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSeeds = 300;
#else
constexpr uint64_t kSeeds = 5'000;
#endif

TEST(Simulation, TheLawHoldsForEverySeed) {
  for (const uint64_t seed : Seeds(kSeeds)) ASSERT_TRUE(SameRows(seed, RunPlainly(seed), RunSimulated(seed)));
}

// Seeds that once failed, or met something rare.
TEST(Simulation, TheLawHoldsForTheCorpus) {
  std::ifstream corpus(SABOT_SIMULATION_CORPUS);
  ASSERT_TRUE(corpus) << SABOT_SIMULATION_CORPUS;
  int seeds = 0;
  for (std::string line; std::getline(corpus, line);) {
    if (line.empty() || line.front() == '#') continue;
    const uint64_t seed = std::stoull(line);
    EXPECT_TRUE(SameRows(seed, RunPlainly(seed), RunSimulated(seed)));
    EXPECT_TRUE(SameRows(seed, RunPlainly(seed), RunCrashing(seed)));
    ++seeds;
  }
  EXPECT_GT(seeds, 0);
}

TEST(Simulation, AcrossANetworkTheLawHolds) {
  for (const uint64_t seed : Seeds(kSeeds, 0.2)) {
    ASSERT_TRUE(SameRows(seed, RunPlainly(seed), RunSimulated(seed, {.world = {.network = true}})));
  }
}

TEST(Simulation, OverADiskTheLawHolds) {
  for (const uint64_t seed : Seeds(kSeeds, 0.2)) {
    const int64_t disk = seed % 3 == 0 ? 4'000 : int64_t{1} << 30;  // Some are soon full.
    ASSERT_TRUE(SameRows(seed, RunPlainly(seed), RunSimulated(seed, {.world = {.disk_bytes = disk}, .spills = true})));
  }
}

TEST(Simulation, AConnectionThatBreaksIsAnErrorOrChangesNothing) {
  int broken = 0;
  for (const uint64_t seed : Seeds(kSeeds, 0.2)) {
    const auto found = RunSimulated(seed, {.world = {.network = true, .breaks = true}});
    if (found.ok()) {
      ASSERT_TRUE(SameRows(seed, RunPlainly(seed), found));
    } else {
      ASSERT_TRUE(found.status().IsIOError()) << "seed " << seed << ": " << found.status();
      ++broken;
    }
  }
  EXPECT_GT(broken, 0);
}

TEST(Simulation, AfterCrashesAJobGoesOnAsIfNothingHadHappened) {
  Crashes told;
  for (const uint64_t seed : Seeds(kSeeds, 0.6))
    ASSERT_TRUE(SameRows(seed, RunPlainly(seed), RunCrashing(seed, &told)));
  EXPECT_GT(told.restored, 0);
  EXPECT_LT(told.restored, told.crashes);
}

TEST(Simulation, WhileKeyGroupsMoveTheLawHolds) {
  int64_t moved = 0;
  for (const uint64_t seed : Seeds(kSeeds, 0.3)) {
    const bool network = seed % 4 == 0;
    ASSERT_TRUE(SameRows(
        seed, RunPlainly(seed),
        RunSimulated(seed, {.world = {.network = network}, .spills = seed % 3 == 0, .moves = true, .moved = &moved})));
  }
  EXPECT_GT(moved, 0);
}

TEST(Simulation, WhileKeyGroupsMoveAJobMayCrash) {
  int64_t moved = 0;
  for (const uint64_t seed : Seeds(kSeeds, 0.2)) {
    ASSERT_TRUE(SameRows(seed, RunPlainly(seed), RunCrashing(seed, nullptr, {.moves = true, .moved = &moved})));
  }
  EXPECT_GT(moved, 0);
}

// Says that the user wants to stop when it has been asked so often.
class InterruptAfter final : public env::Interrupt {
 public:
  explicit InterruptAfter(uint64_t checks) : left_(checks) {}
  arrow::Status Check() override {
    if (left_ == 0) return arrow::Status::Cancelled("interrupted");
    --left_;
    return arrow::Status::OK();
  }

 private:
  uint64_t left_;
};

TEST(Simulation, AJobStopsCleanlyWheneverItIsToldTo) {
  int cancelled = 0;
  for (const uint64_t seed : Seeds(kSeeds, 0.1)) {
    const auto found = RunSimulated(seed, {.interrupt = std::make_shared<InterruptAfter>((seed * 37) % 400)});
    if (found.ok()) {
      EXPECT_TRUE(SameRows(seed, RunPlainly(seed), found));
    } else {
      EXPECT_TRUE(found.status().IsCancelled()) << "seed " << seed << ": " << found.status();
      ++cancelled;
    }
  }
  EXPECT_GT(cancelled, 0);
}

}  // namespace
}  // namespace sabot::simulation
