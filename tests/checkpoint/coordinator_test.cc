#include "sabot/checkpoint/coordinator.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "sabot/checkpoint/store.h"
#include "sabot/data/errors.h"
#include "tests/checkpoint/checkpoints.h"

namespace sabot::checkpoint {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

CoordinatedJob Job(int tasks) {
  return {.job_id = "prices", .attempt = 3, .plan_digest = std::string(64, 'a'), .key_groups = 256, .tasks = tasks};
}

// Begins at 0; due at 100, 5 of pause, 30 of time.
Coordinator Make(int tasks) {
  return Coordinator::Make(Job(tasks), {.interval_ns = 100, .pause_ns = 5, .timeout_ns = 30}, 0).ValueOrDie();
}

// The answer of a task that has one copy, one partition and one file of `bytes`, after `rows` rows.
Acknowledgement Answer(int task, int64_t rows, int64_t bytes = 10) {
  const std::string name = "3-1/fast." + std::to_string(task) + ".0.arrow";
  return {.operators = {{.uid = "fast",
                         .copy = task,
                         .type = "kernel",
                         .key_by = {"symbol"},
                         .files = {{.name = name, .bytes = bytes, .sha256 = std::string(64, 'b'), .rows = 1}}}},
          .sources = {{.uid = "ticks", .partition = task, .offset = rows, .time = rows, .ended = false}},
          .sinks = {{.uid = "out", .partition = task, .rows = rows, .durable = rows, .files = {}}}};
}

bool Ack(Coordinator& coordinator, int64_t number, int task, int64_t rows) {
  return coordinator.Ack(number, task, Answer(task, rows)).ValueOrDie();
}

std::optional<Manifest> Complete(Coordinator& coordinator, int64_t now_ns) {
  return coordinator.Complete({.time = 7}, /*created_ms=*/8, now_ns).ValueOrDie();
}

// --- Wrong use. ---

TEST(Coordinator, RefusesWhatCannotBe) {
  const auto error = [](CoordinatedJob job, CoordinatorOptions options) {
    const auto status = Coordinator::Make(std::move(job), options, 0).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
    return status.message();
  };
  EXPECT_EQ(error(Job(0), {}), "checkpoint: tasks: found 0, expected at least 1.");
  EXPECT_EQ(error(Job(1), {.interval_ns = 0}), "checkpoint: interval in ns: found 0, expected at least 1.");
  EXPECT_EQ(error(Job(1), {.pause_ns = -1}), "checkpoint: pause in ns: found -1, expected at least 0.");
  EXPECT_EQ(error(Job(1), {.timeout_ns = 0}), "checkpoint: timeout in ns: found 0, expected at least 1.");
  CoordinatedJob job = Job(1);
  job.attempt = 0;
  EXPECT_EQ(error(job, {}), "checkpoint: attempt: found 0, expected at least 1.");
}

TEST(Coordinator, RefusesAnswersThatNobodyAskedFor) {
  Coordinator coordinator = Make(2);
  EXPECT_EQ(coordinator.Ack(1, 0, {}).status().message(),
            "checkpoint: task 0 answered for number 1, the last one that began is 0.");
  ASSERT_EQ(coordinator.Trigger(100), 1);
  EXPECT_EQ(coordinator.Ack(1, 2, {}).status().message(), "checkpoint: task 2 answered, the tasks are 0 to 1.");
  EXPECT_EQ(coordinator.Ack(1, -1, {}).status().message(), "checkpoint: task -1 answered, the tasks are 0 to 1.");
  EXPECT_FALSE(coordinator.Ack(2, 0, {}).ok());
  EXPECT_FALSE(coordinator.Ack(0, 0, {}).ok());
  EXPECT_FALSE(coordinator.Ended(2, {}).ok());
  EXPECT_EQ(coordinator.Missing(), (std::vector<int>{0, 1}));
}

TEST(Coordinator, AbortsWhatTwoTasksClaim) {
  Coordinator coordinator = Make(2);
  ASSERT_EQ(coordinator.Trigger(100), 1);
  ASSERT_TRUE(coordinator.Ack(1, 0, Answer(0, 1)).ValueOrDie());
  ASSERT_TRUE(coordinator.Ack(1, 1, Answer(0, 1)).ValueOrDie());
  const auto status = coordinator.Complete({}, 0, 105).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_EQ(status.message(), "checkpoint 3-1: $.operators[1]: found copy 0 of 'fast' twice, expected it once.");
  EXPECT_EQ(coordinator.counters().aborted, 1);
  EXPECT_EQ(coordinator.number(), std::nullopt);
}

// --- Edges: time. ---

TEST(Coordinator, BeginsByIntervalAndPause) {
  Coordinator coordinator = Make(1);
  EXPECT_EQ(coordinator.DueNs(), 100);
  EXPECT_EQ(coordinator.Trigger(99), std::nullopt);
  EXPECT_EQ(coordinator.Trigger(100), 1);
  EXPECT_EQ(coordinator.Trigger(10'000), std::nullopt);  // One at a time.
  ASSERT_TRUE(Ack(coordinator, 1, 0, 1));
  ASSERT_TRUE(Complete(coordinator, 110));
  EXPECT_EQ(coordinator.Trigger(10'000), std::nullopt);  // It is not committed yet.
  EXPECT_EQ(coordinator.DueNs(), std::nullopt);
  coordinator.Committed(1, 120);
  EXPECT_EQ(coordinator.DueNs(), 200);
  EXPECT_EQ(coordinator.Trigger(199), std::nullopt);
  EXPECT_EQ(coordinator.Trigger(200), 2);
  ASSERT_TRUE(Ack(coordinator, 2, 0, 1));
  ASSERT_TRUE(Complete(coordinator, 210));
  coordinator.Committed(2, 299);  // Took so long that the pause is what counts.
  EXPECT_EQ(coordinator.DueNs(), 304);
  EXPECT_EQ(coordinator.Trigger(303), std::nullopt);
  EXPECT_EQ(coordinator.Trigger(304), 3);
}

TEST(Coordinator, BeginsWhenItIsAskedTo) {
  Coordinator coordinator = Make(1);
  EXPECT_EQ(coordinator.Trigger(1, /*asked=*/true), 1);
  EXPECT_EQ(coordinator.Trigger(2, /*asked=*/true), std::nullopt);
  coordinator.Abort(1, 10);
  EXPECT_EQ(coordinator.Trigger(14, /*asked=*/true), std::nullopt);  // The pause.
  EXPECT_EQ(coordinator.Trigger(15, /*asked=*/true), 2);
  coordinator.Abort(2, 20);
  EXPECT_EQ(coordinator.DueNs(), 115);
}

TEST(Coordinator, AbortsWhatTakesTooLong) {
  Coordinator coordinator = Make(2);
  EXPECT_EQ(coordinator.Tick(1'000), std::nullopt);
  ASSERT_EQ(coordinator.Trigger(100), 1);
  ASSERT_TRUE(Ack(coordinator, 1, 1, 5));
  EXPECT_EQ(coordinator.DueNs(), 130);
  EXPECT_EQ(coordinator.Tick(129), std::nullopt);
  EXPECT_EQ(coordinator.Missing(), std::vector<int>{0});
  EXPECT_EQ(coordinator.Tick(130), 1);
  EXPECT_EQ(coordinator.Tick(131), std::nullopt);
  EXPECT_EQ(coordinator.counters().aborted, 1);
  EXPECT_FALSE(Ack(coordinator, 1, 0, 5));  // Late.
  EXPECT_EQ(Complete(coordinator, 132), std::nullopt);
  ASSERT_EQ(coordinator.Trigger(200), 2);
  EXPECT_FALSE(Ack(coordinator, 1, 0, 5));  // Later still.
  EXPECT_EQ(coordinator.counters().late_acks, 2);
  EXPECT_EQ(coordinator.Missing(), (std::vector<int>{0, 1}));  // What was given for 1 does not count for 2.
}

TEST(Coordinator, WhatIsBeingCommittedHasNoTimeLimit) {
  Coordinator coordinator = Make(1);
  ASSERT_EQ(coordinator.Trigger(100), 1);
  ASSERT_TRUE(Ack(coordinator, 1, 0, 5));
  EXPECT_EQ(coordinator.Tick(1'000), std::nullopt);
  ASSERT_TRUE(Complete(coordinator, 1'000));
  EXPECT_EQ(coordinator.Tick(2'000), std::nullopt);
  coordinator.Committed(1, 2'000);
  EXPECT_EQ(coordinator.counters().completed, 1);
  EXPECT_EQ(coordinator.counters().last_duration_ns, 1'900);
}

TEST(Coordinator, TimesMayMeanNever) {
  Coordinator coordinator =
      Coordinator::Make(Job(1), {.interval_ns = kNever, .pause_ns = 0, .timeout_ns = kNever}, 5).ValueOrDie();
  EXPECT_EQ(coordinator.Trigger(kNever - 1), std::nullopt);
  EXPECT_EQ(coordinator.Trigger(10, /*asked=*/true), 1);
  EXPECT_EQ(coordinator.Tick(kNever - 1), std::nullopt);
}

// --- Edges: answers. ---

TEST(Coordinator, TakesTheFirstAnswerOfATask) {
  Coordinator coordinator = Make(2);
  ASSERT_EQ(coordinator.Trigger(100), 1);
  EXPECT_TRUE(Ack(coordinator, 1, 0, 5));
  EXPECT_FALSE(Ack(coordinator, 1, 0, 6));
  EXPECT_EQ(Complete(coordinator, 101), std::nullopt);
  EXPECT_TRUE(Ack(coordinator, 1, 1, 7));
  const auto manifest = Complete(coordinator, 101);
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->sources[0].offset, 5);
  EXPECT_EQ(Complete(coordinator, 101), std::nullopt);  // Given out once.
  EXPECT_FALSE(Ack(coordinator, 1, 0, 6));
  EXPECT_EQ(coordinator.counters().late_acks, 0);  // A duplicate is not late.
}

TEST(Coordinator, ATaskThatEndedHasAnswered) {
  Coordinator coordinator = Make(3);
  ASSERT_TRUE(coordinator.Ended(2, Answer(2, 50)).ok());
  ASSERT_TRUE(coordinator.Ended(2, Answer(2, 51)).ok());  // Nothing changes any more.
  ASSERT_EQ(coordinator.Trigger(100), 1);
  EXPECT_EQ(coordinator.Missing(), (std::vector<int>{0, 1}));
  EXPECT_FALSE(Ack(coordinator, 1, 2, 52));
  ASSERT_TRUE(coordinator.Ended(1, Answer(1, 40)).ok());  // Before the barrier reached it.
  ASSERT_TRUE(Ack(coordinator, 1, 0, 30));
  ASSERT_TRUE(coordinator.Ended(0, Answer(0, 35)).ok());  // After: its answer is for this one, its end for the next.
  const auto manifest = Complete(coordinator, 101);
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->sources[0].offset, 30);
  EXPECT_EQ(manifest->sources[1].offset, 40);
  EXPECT_EQ(manifest->sources[2].offset, 50);
  coordinator.Abort(1, 110);
  EXPECT_EQ(coordinator.Trigger(1'000), std::nullopt);  // Nobody is left to take a barrier.
  EXPECT_EQ(coordinator.DueNs(), std::nullopt);
}

TEST(Coordinator, AnEndCountsForAllLaterCheckpoints) {
  Coordinator coordinator = Make(2);
  ASSERT_TRUE(coordinator.Ended(0, Answer(0, 50)).ok());
  for (int64_t number = 1; number <= 3; ++number) {
    const int64_t now = number * 1'000;
    ASSERT_EQ(coordinator.Trigger(now), number);
    ASSERT_TRUE(Ack(coordinator, number, 1, number));
    const auto manifest = Complete(coordinator, now);
    ASSERT_TRUE(manifest);
    EXPECT_EQ(manifest->sources[0].offset, 50);
    EXPECT_EQ(manifest->sources[1].offset, number);
    coordinator.Committed(number, now + 1);
  }
  EXPECT_EQ(coordinator.counters().completed, 3);
}

TEST(Coordinator, AFailedCommitIsAnAbort) {
  Coordinator coordinator = Make(1);
  ASSERT_EQ(coordinator.Trigger(100), 1);
  ASSERT_TRUE(Ack(coordinator, 1, 0, 5));
  ASSERT_TRUE(Complete(coordinator, 101));
  coordinator.Committed(2, 102);  // Of no checkpoint.
  coordinator.Abort(2, 102);
  EXPECT_EQ(coordinator.number(), 1);
  coordinator.Abort(1, 103);
  coordinator.Abort(1, 104);
  coordinator.Committed(1, 104);
  EXPECT_EQ(coordinator.counters().aborted, 1);
  EXPECT_EQ(coordinator.counters().completed, 0);
  EXPECT_EQ(coordinator.Trigger(200), 2);
}

// --- Values. ---

TEST(Coordinator, GivesTheSameManifestWhoeverAnswersFirst) {
  Manifest expected;
  for (const std::vector<int>& order : {std::vector<int>{0, 1, 2}, {2, 1, 0}, {1, 2, 0}}) {
    Coordinator coordinator = Make(3);
    ASSERT_EQ(coordinator.Trigger(100), 1);
    for (const int task : order) ASSERT_TRUE(coordinator.Ack(1, task, Answer(task, 10 * task, 5)).ValueOrDie());
    const auto manifest = Complete(coordinator, 120);
    ASSERT_TRUE(manifest);
    coordinator.Committed(1, 140);
    if (expected.job_id.empty()) expected = *manifest;
    EXPECT_EQ(*manifest, expected);
    EXPECT_EQ(manifest->job_id, "prices");
    EXPECT_EQ(manifest->id, (CheckpointId{3, 1}));
    EXPECT_EQ(manifest->plan_digest, std::string(64, 'a'));
    EXPECT_EQ(manifest->cut, (data::Place{.time = 7}));
    EXPECT_EQ(manifest->created_ms, 8);
    for (int task = 0; task < 3; ++task) {
      const auto at = static_cast<std::size_t>(task);
      EXPECT_EQ(manifest->operators[at], Answer(task, 0, 5).operators[0]);
      EXPECT_EQ(manifest->sources[at].offset, 10 * task);
      EXPECT_EQ(manifest->sinks[at].rows, 10 * task);
    }
    EXPECT_EQ(coordinator.counters().triggered, 1);
    EXPECT_EQ(coordinator.counters().last_bytes, 15);
    EXPECT_EQ(coordinator.counters().last_duration_ns, 40);
  }
}

// A job of tasks that count rows, with slow answers, lost answers, ends, and a power that fails: whatever is found
// afterwards is what every task held when one and the same barrier passed it.
TEST(Coordinator, ManifestsAreCutsWhateverHappens) {
  int completed = 0, resumed = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto disk = env::MakeSimulatedStorage(int64_t{1} << 30);
    Store store(disk, "jobs");
    constexpr int kTasks = 3;
    for (int restart = 0; restart < 4; ++restart) {
      CoordinatedJob job = Job(kTasks);
      job.attempt = store.NextAttempt().ValueOrDie();
      auto coordinator = Coordinator::Make(job, {.interval_ns = 10, .pause_ns = 2, .timeout_ns = 12}, 0).ValueOrDie();
      std::map<int64_t, std::vector<int64_t>> held;  // By number: the rows of each task at the barrier.
      std::vector<int64_t> rows(kTasks, 0);
      std::vector<bool> ended(kTasks, false);
      std::optional<Manifest> committed;
      struct Late {
        int64_t at_ns, number;
        int task;
      };
      std::vector<Late> late;
      const auto acknowledge = [&](int64_t number, int task, int64_t of) -> arrow::Result<Acknowledgement> {
        Acknowledgement answer = Answer(task, of);
        ARROW_RETURN_NOT_OK(store.Write({job.attempt, number}, answer.operators[0], {StateTable(of, 2)}));
        return answer;
      };
      disk->FailAfter(static_cast<int64_t>(random() % 80), random() % 2 == 0);
      const auto run = [&]() -> arrow::Status {
        for (int64_t now = 0; now < 300; ++now) {
          coordinator.Tick(now);
          for (int task = 0; task < kTasks; ++task) {
            const auto at = static_cast<std::size_t>(task);
            if (!ended[at]) rows[at] += static_cast<int64_t>(random() % 5);
            if (ended[at] || random() % 400 != 0) continue;
            ended[at] = true;
            // Barriers that have not reached it never will: what it holds now is what it held for them.
            ARROW_ASSIGN_OR_RAISE(auto last, acknowledge(coordinator.next_number(), task, rows[at]));
            ARROW_RETURN_NOT_OK(coordinator.Ended(task, std::move(last)));
          }
          if (const auto number = coordinator.Trigger(now)) {
            held[*number] = rows;
            for (int task = 0; task < kTasks; ++task) {
              if (random() % 10 != 0) late.push_back({now + static_cast<int64_t>(random() % 15), *number, task});
            }
          }
          for (const Late& one : late) {
            if (one.at_ns != now || ended[static_cast<std::size_t>(one.task)]) continue;
            const int64_t of = held[one.number][static_cast<std::size_t>(one.task)];
            ARROW_ASSIGN_OR_RAISE(auto answer, acknowledge(one.number, one.task, of));
            ARROW_RETURN_NOT_OK(coordinator.Ack(one.number, one.task, std::move(answer)).status());
          }
          ARROW_ASSIGN_OR_RAISE(const auto manifest, coordinator.Complete({}, now, now));
          if (!manifest) continue;
          ARROW_RETURN_NOT_OK(store.Commit(*manifest));
          coordinator.Committed(manifest->id.number, now);
          committed = manifest;
          ARROW_RETURN_NOT_OK(store.Sweep(2, job.attempt));
          ++completed;
        }
        return arrow::Status::OK();
      };
      const auto status = run();
      ASSERT_TRUE(status.ok() || status.IsIOError()) << status;
      disk->Restart();
      std::vector<std::string> skipped;
      const auto newest = store.Newest(skipped);
      if (!committed) continue;
      ASSERT_TRUE(newest.ok()) << newest.status();
      EXPECT_EQ(*newest, committed);
      ++resumed;
      const Manifest& found = **newest;
      ASSERT_EQ(found.operators.size(), static_cast<std::size_t>(kTasks));
      for (std::size_t task = 0; task < kTasks; ++task) {
        const int64_t of = found.sources[task].offset;
        EXPECT_TRUE(of == held[found.id.number][task] || (ended[task] && of == rows[task]));
        EXPECT_TRUE(store.Read(found.operators[task].files[0]).ValueOrDie()->Equals(*StateTable(of, 2)));
      }
    }
  }
  EXPECT_GT(completed, 100);  // Else nothing was tried.
  EXPECT_GT(resumed, 50);
}

}  // namespace
}  // namespace sabot::checkpoint
