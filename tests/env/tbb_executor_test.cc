// What the executor promises of memory, with plain variables: ThreadSanitizer (`ctest --preset tsan`) sees it broken.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "sabot/env/executor.h"

namespace sabot::env {
namespace {

constexpr int kCalls = 100;

// Each call writes one plain variable, asks for the next call having prepared one for it, and all are read at the end.
void RunInTurn(Executor& executor) {
  std::vector<int> prepared(kCalls + 1), done(kCalls);
  std::atomic<int> begun = 0;
  executor.Run([&](const Executor::Another& another) {
    const int call = begun++;
    done[call] = prepared[call] + 1;
    if (call + 1 == kCalls) return;
    prepared[call + 1] = call + 1;
    another();
  });
  for (int call = 0; call < kCalls; ++call) EXPECT_EQ(done[call], call + 1);
}

TEST(TbbExecutor, ReturnsWhereNothingWasAsked) {
  int calls = 0;
  MakeTbbExecutor(4)->Run([&](const Executor::Another&) { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(TbbExecutor, HasTheThreadsAskedFor) {
  EXPECT_EQ(MakeTbbExecutor(3)->concurrency(), 3);
  EXPECT_GE(MakeTbbExecutor()->concurrency(), 1);
}

TEST(TbbExecutor, ShowsACallWhatWasWrittenBeforeItWasAskedFor) {
  const auto executor = MakeTbbExecutor(4);
  for (int round = 0; round < 20; ++round) RunInTurn(*executor);
}

TEST(TbbExecutor, CallsOnceMoreForEachRequest) {
  const auto executor = MakeTbbExecutor(4);
  std::vector<int> written(kCalls);
  std::atomic<int> begun = 0;
  executor->Run([&](const Executor::Another& another) {
    const int call = begun++;
    written[call] = 1;
    for (int child : {2 * call + 1, 2 * call + 2}) {
      if (child < kCalls) another();
    }
  });
  EXPECT_EQ(begun, kCalls);
  EXPECT_EQ(written, std::vector<int>(kCalls, 1));
}

TEST(TbbExecutor, RunsForManyThreadsAtOnce) {  // More than the executor has; some wait until others' calls are done.
  const auto executor = MakeTbbExecutor(2);
  std::array<std::thread, 6> callers;
  for (auto& caller : callers) {
    caller = std::thread([&] {
      for (int round = 0; round < 20; ++round) RunInTurn(*executor);
    });
  }
  for (auto& caller : callers) caller.join();
}

}  // namespace
}  // namespace sabot::env
