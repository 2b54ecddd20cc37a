#include "sabot/engine/idle.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/engine/stream.h"

namespace sabot::engine {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kNothing = std::numeric_limits<int64_t>::min();

// --- Who is idle. ---

struct Policy {
  using Decided = std::vector<std::optional<int64_t>>;

  explicit Policy(int64_t after_ns) : policy(MakeIdleAfter(after_ns, [this] { return now; })) {}
  Decided At(int64_t time, const std::vector<PartitionProgress>& partitions) {
    now = time;
    return policy->Due() ? policy->Decide(partitions) : Decided{-1};
  }

  int64_t now = 0;
  std::unique_ptr<IdlePolicy> policy;
};

using Decided = Policy::Decided;

PartitionProgress Reads(int64_t offset, int64_t time) { return {.offset = offset, .time = time}; }
PartitionProgress Waits(int64_t offset, int64_t time) { return {.offset = offset, .time = time, .waits = true}; }
PartitionProgress Ended(int64_t time) { return {.offset = 9, .time = time, .ended = true}; }

TEST(IdleAfter, IsNotAskedAllTheTime) {
  Policy policy(1000 * kMs);
  EXPECT_TRUE(policy.policy->Due());
  policy.now = 49 * kMs;
  EXPECT_FALSE(policy.policy->Due());
  policy.now = 50 * kMs;
  EXPECT_TRUE(policy.policy->Due());
  EXPECT_FALSE(policy.policy->Due());
}

TEST(IdleAfter, WaitsForWhomHasNotBeenSilentForLong) {
  Policy policy(100 * kMs);
  const std::vector<PartitionProgress> both = {Waits(1, 10), Reads(5, 50)};
  EXPECT_EQ(policy.At(0, both), (Decided{{}, {}}));
  EXPECT_EQ(policy.At(99 * kMs, both), (Decided{{}, {}}));
  EXPECT_EQ(policy.At(150 * kMs, {Waits(2, 20), Reads(5, 50)}), (Decided{{}, {}}));  // It gave a row.
  EXPECT_EQ(policy.At(249 * kMs, {Waits(2, 20), Reads(5, 50)}), (Decided{{}, {}}));
  EXPECT_EQ(policy.At(300 * kMs, {Waits(2, 20), Reads(5, 50)}), (Decided{50, {}}));
  EXPECT_EQ(policy.At(350 * kMs, {Reads(2, 20), Reads(5, 50)}), (Decided{{}, {}}));  // It has one, and no room.
  EXPECT_EQ(policy.At(400 * kMs, {Waits(2, 20), Reads(5, 50)}), (Decided{{}, {}}));
}

TEST(IdleAfter, GoesWhereTheLastOfThoseIsThatAreNotIdle) {
  const auto after = [](const std::vector<PartitionProgress>& partitions) {
    Policy policy(100 * kMs);
    policy.At(0, partitions);
    return policy.At(100 * kMs, partitions);
  };
  EXPECT_EQ(after({Waits(1, 10), Reads(5, 50), Reads(5, 40)}), (Decided{40, {}, {}}));
  EXPECT_EQ(after({Waits(1, 10), Reads(5, 50), Ended(30)}), (Decided{50, {}, {}}));
  EXPECT_EQ(after({Waits(1, 10), Reads(0, kNothing)}), (Decided{{}, {}}));  // It may begin anywhere.
  EXPECT_EQ(after({Waits(1, 10), Reads(5, 9)}), (Decided{{}, {}}));         // It waits for nobody.
  EXPECT_EQ(after({Waits(1, 10), Reads(5, 10)}), (Decided{10, {}}));        // At one time ranks decide.
}

TEST(IdleAfter, WhereAllAreIdleNoRowIsLeftBehind) {
  Policy policy(100 * kMs);
  const std::vector<PartitionProgress> all = {Waits(1, 10), Waits(5, 50), Ended(60)};
  policy.At(0, all);
  EXPECT_EQ(policy.At(100 * kMs, all), (Decided{60, 60, {}}));
  const std::vector<PartitionProgress> none = {Waits(0, kNothing), Waits(0, kNothing)};
  policy.At(200 * kMs, none);
  EXPECT_EQ(policy.At(300 * kMs, none), (Decided{{}, {}}));
}

// --- In a job. ---

std::shared_ptr<arrow::Schema> Columns() {
  return arrow::schema({arrow::field("timestamp", arrow::int64()), arrow::field("n", arrow::int64())});
}

std::shared_ptr<arrow::RecordBatch> RowsOf(const std::vector<std::pair<int64_t, int64_t>>& rows) {
  arrow::Int64Builder times, numbers;
  for (const auto& [time, number] : rows) {
    EXPECT_TRUE(times.Append(time).ok());
    EXPECT_TRUE(numbers.Append(number).ok());
  }
  return arrow::RecordBatch::Make(Columns(), static_cast<int64_t>(rows.size()),
                                  {times.Finish().ValueOrDie(), numbers.Finish().ValueOrDie()});
}

// Gives a batch whenever the test says so.
class Tap final : public connectors::Source {
 public:
  std::shared_ptr<arrow::Schema> schema() const override { return Columns(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>*) override { return arrow::Status::NotImplemented(""); }
  arrow::Result<bool> TryNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    const std::lock_guard lock(mutex_);
    *batch = std::exchange(next_, nullptr);
    return *batch != nullptr || ended_;
  }
  void set_wake(std::function<void()> wake) override { wake_ = std::move(wake); }

  void Give(std::shared_ptr<arrow::RecordBatch> batch) {
    {
      const std::lock_guard lock(mutex_);
      next_ = std::move(batch);
      ended_ = next_ == nullptr;
    }
    wake_();
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<arrow::RecordBatch> next_;
  bool ended_ = false;
  std::function<void()> wake_;
};

Stream Of(const std::shared_ptr<Tap>& tap) {
  const OpenSource open = [tap](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> { return tap; };
  return Stream::FromSource("tap", Columns(), {.partitions = {open}}).ValueOrDie();
}

std::vector<int64_t> Numbers(const arrow::RecordBatch& rows) {
  const auto& numbers = static_cast<const arrow::Int64Array&>(*rows.column(1));
  return {numbers.raw_values(), numbers.raw_values() + numbers.length()};
}

// Two sources and their union, of which only the second has rows.
struct TwoTaps {
  std::shared_ptr<arrow::RecordBatchReader> Run(RunContext context) {
    auto reader = Of(silent).Union({Of(speaks)}).ValueOrDie().Run(std::move(context)).ValueOrDie();
    speaks->Give(RowsOf({{10, 1}, {20, 2}}));
    return reader;
  }
  std::shared_ptr<Tap> silent = std::make_shared<Tap>();
  std::shared_ptr<Tap> speaks = std::make_shared<Tap>();
};

arrow::Result<std::vector<int64_t>> Next(arrow::RecordBatchReader& reader) {
  std::shared_ptr<arrow::RecordBatch> batch;
  ARROW_RETURN_NOT_OK(reader.ReadNext(&batch));
  return batch == nullptr ? std::vector<int64_t>() : Numbers(*batch);
}

// Of a clock that moves on whenever somebody looks.
std::shared_ptr<IdlePolicy> IdleSoon() {
  return MakeIdleAfter(100 * kMs, [now = int64_t{0}]() mutable { return now += 60 * kMs; });
}

TEST(IdleJob, ATimeThatIsNoneIsRefused) {
  for (const int64_t ms : {int64_t{-1}, std::numeric_limits<int64_t>::max() / kMs + 1}) {
    const auto status = Of(std::make_shared<Tap>()).Run({.idle_after_ms = ms}).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
    EXPECT_EQ(status.message(), "idle_after_ms: found " + std::to_string(ms) + ", expected 0 to 9223372036854.");
  }
}

TEST(IdleJob, NobodyWaitsForASourceThatIsSilent) {
  TwoTaps taps;
  const auto log = std::make_shared<checkpoint::DecisionsInMemory>();
  const auto reader = taps.Run({.idle = IdleSoon(), .decisions = log});
  EXPECT_EQ(Next(*reader).ValueOrDie(), (std::vector<int64_t>{1, 2}));
  ASSERT_FALSE(log->taken().empty());
  const auto decided = log->taken().front();
  EXPECT_EQ(decided, (checkpoint::Decision{.source = decided.source, .partition = 0, .offset = 0, .time = 20}));

  taps.silent->Give(RowsOf({{5, 3}, {30, 4}}));  // Late, and behind what was given.
  taps.speaks->Give(RowsOf({{25, 5}}));
  std::vector<int64_t> rest;
  while (rest.size() < 3) {
    const auto next = Next(*reader).ValueOrDie();
    rest.insert(rest.end(), next.begin(), next.end());
  }
  EXPECT_LT(std::find(rest.begin(), rest.end(), 3), std::find(rest.begin(), rest.end(), 4));
  taps.silent->Give(nullptr);
  taps.speaks->Give(nullptr);
  EXPECT_TRUE(Next(*reader).ValueOrDie().empty());

  // The same rows come of the same decisions, all at once.
  RunContext told{.decisions = std::make_shared<checkpoint::DecisionsInMemory>(log->taken())};
  const auto table = [](const std::vector<std::pair<int64_t, int64_t>>& rows) {
    return Stream::FromTable(arrow::Table::FromRecordBatches({RowsOf(rows)}).ValueOrDie()).ValueOrDie();
  };
  const auto both = table({{5, 3}, {30, 4}}).Union({table({{10, 1}, {20, 2}, {25, 5}})}).ValueOrDie();
  const auto rows = both.Collect(std::move(told)).ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  std::vector<int64_t> expected = {1, 2};
  expected.insert(expected.end(), rest.begin(), rest.end());
  EXPECT_EQ(Numbers(*rows), expected);
}

TEST(IdleJob, TheRealClockWillDo) {
  TwoTaps taps;
  const auto reader = taps.Run({.idle_after_ms = 1});
  EXPECT_EQ(Next(*reader).ValueOrDie(), (std::vector<int64_t>{1, 2}));
}

TEST(IdleJob, NothingHoldsThatCouldNotBeKept) {
  class FullLog final : public checkpoint::Decisions {
   public:
    std::vector<checkpoint::Decision> taken() const override { return {}; }
    arrow::Status Append(const std::vector<checkpoint::Decision>&) override {
      return arrow::Status::IOError("the disk is full");
    }
  };
  TwoTaps taps;
  const auto reader = taps.Run({.idle = IdleSoon(), .decisions = std::make_shared<FullLog>()});
  EXPECT_EQ(Next(*reader).status().message(), "the disk is full");
}

TEST(IdleJob, ByArrivalAndOfOneSourceThereIsNothingToDecide) {
  class NotAsked final : public IdlePolicy {
   public:
    bool Due() override { return ADD_FAILURE() << "asked", false; }
    std::vector<std::optional<int64_t>> Decide(std::span<const PartitionProgress>) override { return {}; }
  };
  TwoTaps taps;
  const auto reader =
      taps.Run({.shuffle = {.ordering = graph::Ordering::kArrival}, .idle = std::make_shared<NotAsked>()});
  EXPECT_EQ(Next(*reader).ValueOrDie(), (std::vector<int64_t>{1, 2}));
  const auto tap = std::make_shared<Tap>();
  const auto alone = Of(tap).Run({.idle = std::make_shared<NotAsked>()}).ValueOrDie();
  tap->Give(RowsOf({{10, 1}}));
  EXPECT_EQ(Next(*alone).ValueOrDie(), (std::vector<int64_t>{1}));
}

}  // namespace
}  // namespace sabot::engine
