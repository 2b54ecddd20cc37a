// The law of law.h where partitions are waited for no more: a job gives the rows of the same job run plainly and told
// what was decided. Seeds as in simulation_test.cc.
#include <gtest/gtest.h>

#include "tests/simulation/idle.h"

namespace sabot::simulation {
namespace {

constexpr uint64_t kSeeds = 500;

// Decisions are taken, and some of them change the order of rows.
TEST(IdleSimulation, DecisionsMatter) {
  int with_decisions = 0;
  int with_other_rows = 0;
  for (const uint64_t seed : Seeds(kSeeds, 0.2)) {
    IdleJob job(seed);
    const auto found = job.Run();
    if (job.log->taken().empty()) continue;
    ++with_decisions;
    if (!SameRows(seed, RunPlainly(seed), found)) ++with_other_rows;
  }
  EXPECT_GT(with_decisions, 0);
  EXPECT_GT(with_other_rows, 0);
}

TEST(IdleSimulation, TheLawHoldsForEverySeed) {
  for (const uint64_t seed : Seeds(kSeeds, 0.6)) {
    IdleJob job(seed);
    const auto found = job.Run({.world = {.network = seed % 4 == 0}, .spills = seed % 3 == 0});
    ASSERT_TRUE(SameRows(seed, job.Plainly(), found));
  }
}

TEST(IdleSimulation, AfterCrashesAJobGoesOnAsItHadDecided) {
  Crashes told;
  for (const uint64_t seed : Seeds(kSeeds, 0.6)) {
    IdleJob job(seed);
    const auto found = job.Crash(&told);
    ASSERT_TRUE(SameRows(seed, job.Plainly(), found));
  }
  EXPECT_GT(told.restored, 0);
  EXPECT_LT(told.restored, told.crashes);
}

// Told again, the same comes of it with any batches and tasks, and nothing new is decided.
TEST(IdleSimulation, ARunThatIsToldGivesTheSame) {
  for (const uint64_t seed : Seeds(kSeeds, 0.2)) {
    IdleJob job(seed);
    const auto found = job.Run();
    const auto tell = [&](engine::RunContext& context) {
      context.decisions = std::make_shared<checkpoint::DecisionsInMemory>(job.log->taken());
    };
    const auto again = RunSimulated(seed + 1'000'000, {.adjust = tell, .job_seed = seed});
    ASSERT_TRUE(SameRows(seed, found, again));
  }
}

}  // namespace
}  // namespace sabot::simulation
