#include "sabot/env/background.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace sabot::env {
namespace {

TEST(Background, DoesEverythingInOrderBeforeItEnds) {
  std::vector<int> done;
  std::thread::id runner;
  {
    const auto background = MakeBackground();
    for (int i = 0; i < 100; ++i) {
      background->Post([&, i] {
        done.push_back(i);
        runner = std::this_thread::get_id();
      });
    }
    background->Post([&] { background->Post([&] { done.push_back(100); }); });  // What a job posts as well.
  }
  ASSERT_EQ(done.size(), 101u);
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
  EXPECT_NE(runner, std::this_thread::get_id());
}

TEST(SimulatedBackground, RunsTheChosenJob) {
  std::vector<int> done;
  SimulatedBackground background;
  EXPECT_FALSE(background.RunOne([](std::size_t) { return std::size_t{0}; }));
  for (int i = 0; i < 3; ++i) background.Post([&done, i] { done.push_back(i); });
  EXPECT_TRUE(done.empty());
  const auto last = [](std::size_t count) { return count - 1; };
  while (background.RunOne(last)) continue;
  EXPECT_EQ(done, (std::vector<int>{2, 1, 0}));
  EXPECT_EQ(background.pending(), 0u);
}

}  // namespace
}  // namespace sabot::env
