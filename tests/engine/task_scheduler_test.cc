// Who runs tasks: each as long as it has something to do, nobody's wake-up lost, the first error told.
#include "sabot/engine/task_scheduler.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <numeric>
#include <thread>
#include <utility>

namespace sabot::engine {
namespace {

class Doing final : public Task {
 public:
  using Step1 = std::function<arrow::Result<Turn>()>;
  Doing(std::string name, Step1 step, bool on_caller = false)
      : name_(std::move(name)), step_(std::move(step)), on_caller_(on_caller) {}
  std::string_view name() const override { return name_; }
  arrow::Result<Turn> Step() override { return step_(); }
  bool on_caller() const override { return on_caller_; }

 private:
  std::string name_;
  Step1 step_;
  bool on_caller_;
};

arrow::Result<bool> ToTheEnd(bool) { return false; }

int Add(TaskScheduler& scheduler, Doing::Step1 step, bool on_caller = false) {
  return scheduler.Add(
      std::make_unique<Doing>("task_" + std::to_string(scheduler.tasks()), std::move(step), on_caller));
}

class TaskSchedulerTest : public ::testing::TestWithParam<int> {  // Threads; 0: one, and a seed.
 protected:
  std::unique_ptr<env::Executor> executor_ =
      GetParam() == 0 ? env::MakeSeededExecutor(7, 3) : env::MakeTbbExecutor(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Threads, TaskSchedulerTest, ::testing::Values(0, 1, 2, 4));

TEST_P(TaskSchedulerTest, WithoutTasksEndsAtOnce) {
  TaskScheduler scheduler(*executor_);
  EXPECT_TRUE(scheduler.Run(ToTheEnd).ok());
  EXPECT_TRUE(scheduler.ended());
}

TEST_P(TaskSchedulerTest, TheFirstErrorIsToldAndStays) {
  TaskScheduler scheduler(*executor_);
  int steps = 0;
  Add(scheduler, [&]() -> arrow::Result<Turn> {
    if (++steps == 10) return arrow::Status::Invalid("on purpose");
    return Turn::kMore;
  });
  Add(scheduler, [&]() -> arrow::Result<Turn> { return Turn::kNoInput; });
  EXPECT_EQ(scheduler.Run(ToTheEnd).message(), "on purpose");
  EXPECT_EQ(scheduler.Run(ToTheEnd).message(), "on purpose");
  EXPECT_EQ(steps, 10);
}

TEST_P(TaskSchedulerTest, AnErrorOfTheCallerEndsTheRun) {
  TaskScheduler scheduler(*executor_);
  Add(scheduler, [] { return Turn::kMore; }, /*on_caller=*/true);
  const auto status = scheduler.Run([steps = 0](bool) mutable -> arrow::Result<bool> {
    if (++steps == 100) return arrow::Status::Cancelled("interrupted");
    return false;
  });
  EXPECT_TRUE(status.IsCancelled());
}

TEST_P(TaskSchedulerTest, WhereNothingCanWakeATaskItSaysWhichOneWaits) {
  TaskScheduler scheduler(*executor_, /*world_ends_here=*/true);
  Add(scheduler, [] { return Turn::kEnded; });
  Add(scheduler, [] { return Turn::kNoInput; });
  EXPECT_EQ(scheduler.Run(ToTheEnd).message(), "the job stands still: task_1 wait for one another.");
}

TEST_P(TaskSchedulerTest, GoesOnWhereItStoppedWhenItWasEnough) {
  TaskScheduler scheduler(*executor_);
  int steps = 0;
  Add(scheduler, [&] { return ++steps == 50 ? Turn::kEnded : Turn::kMore; }, /*on_caller=*/true);
  int runs = 0;
  for (; !scheduler.ended(); ++runs) {
    const int begun = steps;
    ASSERT_TRUE(scheduler.Run([&](bool) -> arrow::Result<bool> { return steps >= begun + 10; }).ok());
  }
  EXPECT_EQ(steps, 50);
  EXPECT_EQ(runs, 5);
}

TEST_P(TaskSchedulerTest, TasksOfTheCallerStayOnItsThread) {
  TaskScheduler scheduler(*executor_);
  const auto caller = std::this_thread::get_id();
  std::array<int, 4> steps{};
  for (int task = 0; task < 4; ++task) {
    Add(
        scheduler,
        [&, task] {
          EXPECT_EQ(std::this_thread::get_id(), caller);
          return ++steps[task] == 100 ? Turn::kEnded : Turn::kMore;
        },
        /*on_caller=*/true);
  }
  EXPECT_TRUE(scheduler.Run(ToTheEnd).ok());
  EXPECT_EQ(std::accumulate(steps.begin(), steps.end(), 0), 400);
}

// A ring of tasks passes a token with one atomic variable each: a wake-up that is lost stops it for ever.
TEST_P(TaskSchedulerTest, NoWakeUpIsLost) {
  constexpr int kTasks = 5;
  constexpr int kRounds = 20'000;
  TaskScheduler scheduler(*executor_, /*world_ends_here=*/true);
  std::array<std::atomic<int>, kTasks> tokens{};
  tokens[0] = 1;
  std::atomic<bool> done = false;
  for (int task = 0; task < kTasks; ++task) {
    Add(scheduler, [&, task, round = 0]() mutable {
      if (done) {
        scheduler.Wake((task + 1) % kTasks);
        return Turn::kEnded;
      }
      if (tokens[task].exchange(0) == 0) return Turn::kNoInput;
      if (task == 0 && ++round == kRounds) {
        done = true;
        scheduler.Wake(1);
        return Turn::kEnded;
      }
      tokens[(task + 1) % kTasks] = 1;
      scheduler.Wake((task + 1) % kTasks);
      return Turn::kMore;
    });
  }
  EXPECT_TRUE(scheduler.Run(ToTheEnd).ok());
}

// The outside world wakes from a thread of its own.
TEST_P(TaskSchedulerTest, AThreadOutsideWakes) {
  TaskScheduler scheduler(*executor_);
  std::atomic<int> given = 0;
  int taken = 0;
  const int task = Add(scheduler, [&] {
    while (taken < given) ++taken;
    return taken == 1000 ? Turn::kEnded : Turn::kNoInput;
  });
  std::thread outside([&] {
    for (int i = 0; i < 1000; ++i) {
      ++given;
      scheduler.Wake(task);
    }
  });
  EXPECT_TRUE(scheduler.Run(ToTheEnd).ok());
  outside.join();
  EXPECT_EQ(taken, 1000);
}

// A run that failed is taken down task by task, while what others read ahead may still wake any of them.
TEST_P(TaskSchedulerTest, ATaskThatEndsMayWakeThoseThatAreGone) {
  auto scheduler = std::make_unique<TaskScheduler>(*executor_);
  int woken = 0;
  for (int task = 0; task < 3; ++task) {
    const auto at_its_end = std::shared_ptr<void>(nullptr, [&scheduler_here = *scheduler, &woken](void*) {
      for (int each = 0; each < 3; ++each) scheduler_here.Wake(each);
      ++woken;
    });
    Add(*scheduler, [at_its_end]() -> arrow::Result<Turn> { return Turn::kNoInput; });
  }
  Add(*scheduler, []() -> arrow::Result<Turn> { return arrow::Status::Invalid("on purpose"); });
  for (int run = 0; run < 2; ++run) EXPECT_EQ(scheduler->Run(ToTheEnd).message(), "on purpose");
  scheduler = nullptr;
  EXPECT_EQ(woken, 3);
}

// Work within a step is shared by those who have no task, and is done when the step goes on.
TEST_P(TaskSchedulerTest, AStepIsHelped) {
  TaskScheduler scheduler(*executor_);
  std::atomic<int> called = 0;
  for (int task = 0; task < 3; ++task) {
    Add(scheduler, [&, round = 0]() mutable {
      std::atomic<int> begun = 0;
      scheduler.helpers().Run([&](const env::Executor::Another& another) {
        if (++begun < 8) another();
        ++called;
      });
      EXPECT_EQ(begun, 8);
      return ++round == 50 ? Turn::kEnded : Turn::kMore;
    });
  }
  EXPECT_TRUE(scheduler.Run(ToTheEnd).ok());
  EXPECT_EQ(called, 3 * 50 * 8);
}

TEST_P(TaskSchedulerTest, KnowsWhatItsTasksDid) {
  TaskScheduler scheduler(*executor_);
  Add(scheduler, [steps = 0]() mutable { return ++steps == 9 ? Turn::kEnded : Turn::kMore; });
  EXPECT_TRUE(scheduler.Run(ToTheEnd).ok());
  EXPECT_EQ(scheduler.counters(0).steps, 9);
}

}  // namespace
}  // namespace sabot::engine
