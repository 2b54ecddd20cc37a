// Runs in which key groups move from copy to copy: what they give is what they give without, and nothing is told twice.
#include "sabot/engine/job_run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <thread>

#include "sabot/data/errors.h"
#include "sabot/engine/job_state.h"
#include "sabot/engine/key_group_moves.h"
#include "sabot/engine/stream.h"
#include "sabot/kernels/online_statistics.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::engine {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRows = 120'000;
constexpr int kCopies = 4;
const std::string kKernel = "kernel_0";

// A few symbols have most of the rows.
Stream Skewed(int64_t rows = kRows) {
  return Stream::FromGenerator({.rows = rows, .symbols = 60, .batch_rows = 1'000, .skew = 1.3}).ValueOrDie();
}
Stream Averaged(const Stream& ticks) { return ticks.Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie(); }

RunContext Context(int copies = kCopies) {
  RunContext context{.executor = env::MakeTbbExecutor(2)};
  context.shuffle.parallelism = copies;
  context.shuffle.segments.roomy = false;  // Else the source has ended before anybody looks.
  return context;
}

// Does something each time the run asks whether to stop: on its thread, between steps.
class Between final : public env::Interrupt {
 public:
  explicit Between(std::function<arrow::Status()> something) : something_(std::move(something)) {}
  arrow::Status Check() override { return something_(); }

 private:
  std::function<arrow::Status()> something_;
};

class Keeper final : public connectors::Sink {
 public:
  explicit Keeper(arrow::RecordBatchVector& into) : into_(into) {}
  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    into_.push_back(batch);
    return arrow::Status::OK();
  }
  arrow::Status Close() override { return arrow::Status::OK(); }
  int64_t rows_written() const override { return 0; }
  int64_t bytes_written() const override { return 0; }

 private:
  arrow::RecordBatchVector& into_;
};

struct Ran {
  RunSummary summary;
  std::shared_ptr<arrow::RecordBatch> rows;
};
arrow::Result<Ran> Give(const Stream& stream, RunContext context) {
  Ran ran;
  arrow::RecordBatchVector batches;
  ARROW_ASSIGN_OR_RAISE(ran.summary, stream.To(
                                         [&](const auto&) -> arrow::Result<std::unique_ptr<connectors::Sink>> {
                                           return std::make_unique<Keeper>(batches);
                                         },
                                         std::move(context)));
  ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches(stream.schema(), batches));
  ARROW_ASSIGN_OR_RAISE(ran.rows, table->CombineChunksToBatch());
  return ran;
}

double Metric(const RunSummary& summary, const std::string& name) {
  double sum = 0;
  for (const auto& metric : summary.metrics) {
    if (metric.name != name) continue;
    for (const auto& sample : metric.samples) sum += sample.value;
  }
  return sum;
}

// Of the rows sent to copies of the kernel, those that the hottest got.
double HottestShare(const RunSummary& summary) {
  std::map<std::string, double> rows;
  for (const auto& metric : summary.metrics) {
    if (metric.name != "sabot_channel_rows_total") continue;
    for (const auto& sample : metric.samples) {
      if (sample.labels[1].second.starts_with(kKernel)) rows[sample.labels[1].second] += sample.value;
    }
  }
  double all = 0;
  double hottest = 0;
  for (const auto& [copy, count] : rows) {
    all += count;
    hottest = std::max(hottest, count);
  }
  return hottest / all;
}

// All groups to one copy.
std::vector<int32_t> AllTo(int32_t copy, std::size_t groups = 256) { return std::vector<int32_t>(groups, copy); }

// Asks `moves` for something once, when the run has begun.
RunContext Asking(const std::shared_ptr<KeyGroupMoves>& moves, std::function<arrow::Status()> ask) {
  RunContext context = Context();
  context.moves = moves;
  context.interrupt = std::make_shared<Between>([ask = std::move(ask), asked = false]() mutable {
    return std::exchange(asked, true) ? arrow::Status::OK() : ask();
  });
  return context;
}

void ExpectOptionError(const arrow::Status& status, const std::string& part) {
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << status;
  EXPECT_NE(status.message().find(part), std::string::npos) << status;
}

// --- wrong use ---

TEST(JobRun, RefusesAPolicyThatMakesNoSense) {
  const auto refused = [](const BalancePolicy& policy) {
    auto context = Context();
    context.balance = policy;
    return Averaged(Skewed(10)).Collect(std::move(context)).status();
  };
  ExpectOptionError(refused({.limits = {.tolerance = 0.5}}), "tolerance is 0.5");
  ExpectOptionError(refused({.limits = {.gain = 2}}), "gain is 2");
  ExpectOptionError(refused({.check_rows = -1}), "check_rows is -1");
  ExpectOptionError(refused({.check_rows = 0}), "the run takes none");
}

TEST(JobRun, RefusesTablesThatDoNotFit) {
  auto context = Context();
  context.shuffle.tables.copies = {{kKernel, AllTo(kCopies)}};
  ExpectOptionError(Averaged(Skewed(10)).Collect(context).status(), "operator 'kernel_0': group 0 is given to copy 4");
}

TEST(JobRun, RefusesMovesThatCannotBe) {
  const auto moves = std::make_shared<KeyGroupMoves>();
  ExpectOptionError(moves->MoveKeyGroups(kKernel, AllTo(0)), "nothing runs");
  const auto refused = [&](const Stream& stream, const std::string& op, std::vector<int32_t> copies) {
    arrow::Status status;
    const auto context = Asking(moves, [&] {
      status = moves->MoveKeyGroups(op, copies);
      return arrow::Status::OK();
    });
    EXPECT_TRUE(stream.Collect(context).ok());
    EXPECT_EQ(moves->moved(), 0);
    return status;
  };
  const auto stream = Averaged(Skewed(5'000));
  ExpectOptionError(refused(stream, "kernel_1", AllTo(0)), "'kernel_0'");
  ExpectOptionError(refused(stream, kKernel, AllTo(0, 255)), "255 groups, expected 256");
  ExpectOptionError(refused(stream, kKernel, AllTo(4)), "group 0 is given to copy 4, expected 0 to 3");
  ExpectOptionError(refused(stream, "source_0", AllTo(0)), "one copy");
  const auto reader = std::make_shared<arrow::TableBatchReader>(Skewed(5'000).Collect().ValueOrDie());
  ExpectOptionError(refused(Averaged(Stream::FromReader(reader).ValueOrDie()), kKernel, AllTo(0)), "read once only");
  const auto same = [](const data::Batch& batch) -> arrow::Result<arrow::RecordBatchVector> {
    return arrow::RecordBatchVector{batch.rows};
  };
  const auto mapped = stream.Map({.name = "map same", .output = stream.schema()}, same).ValueOrDie();
  ExpectOptionError(refused(mapped, kKernel, AllTo(0)), "step 'map same' calls a function");
  ExpectOptionError(moves->MoveKeyGroups(kKernel, AllTo(0)), "nothing runs");
}

// --- edges ---

TEST(JobRun, APolicyLeavesAloneWhatCannotMove) {
  const auto table = Skewed(20'000).Collect().ValueOrDie();
  const auto stream = [&] {
    return Averaged(Stream::FromReader(std::make_shared<arrow::TableBatchReader>(table)).ValueOrDie());
  };
  const auto expected = Give(stream(), Context()).ValueOrDie();
  auto context = Context();
  context.balance = {.check_rows = 1'000};
  const auto found = Give(stream(), context).ValueOrDie();
  EXPECT_TRUE(operators::SameBits(*expected.rows, *found.rows));
  EXPECT_EQ(found.summary.key_groups_moved, 0);
}

TEST(JobRun, WithoutSkewOrCopiesNothingMoves) {
  for (const int copies : {1, kCopies}) {
    auto context = Context(copies);
    context.balance = {.check_rows = 1'000, .limits = {.tolerance = 100}};
    EXPECT_EQ(Give(Averaged(Skewed(20'000)), context)->summary.key_groups_moved, 0) << copies;
  }
}

TEST(JobRun, AMoveToWhereTheyAreIsNone) {
  const auto moves = std::make_shared<KeyGroupMoves>();
  const auto context = Asking(moves, [&] { return moves->MoveKeyGroups(kKernel, moves->tables().copies[kKernel]); });
  const auto ran = Give(Averaged(Skewed(5'000)), context).ValueOrDie();
  EXPECT_EQ(ran.summary.key_groups_moved, 0);
  EXPECT_EQ(Metric(ran.summary, "sabot_key_groups_moved_total"), 0);
}

// --- what it gives ---

TEST(JobRun, TablesAtTheBeginningChangeNothing) {
  const auto stream = Averaged(Skewed());
  const auto expected = Give(stream, Context()).ValueOrDie();
  auto context = Context();
  context.shuffle.tables = {.version = 3, .copies = {{kKernel, AllTo(2)}}};
  const auto found = Give(stream, context).ValueOrDie();
  EXPECT_TRUE(operators::SameBits(*expected.rows, *found.rows));
  EXPECT_EQ(HottestShare(found.summary), 1);
  EXPECT_LT(HottestShare(expected.summary), 0.9);
}

TEST(JobRun, APolicyCoolsTheHottestCopy) {
  const auto stream = Averaged(Skewed());
  const auto expected = Give(stream, Context()).ValueOrDie();
  auto context = Context();
  context.balance = {.check_rows = 10'000};
  const auto found = Give(stream, context).ValueOrDie();
  EXPECT_TRUE(operators::SameBits(*expected.rows, *found.rows));
  EXPECT_GT(found.summary.key_groups_moved, 0);
  EXPECT_LT(HottestShare(found.summary), HottestShare(expected.summary) - 0.05);
  EXPECT_EQ(Metric(found.summary, "sabot_key_groups_moved_total"), found.summary.key_groups_moved);
  EXPECT_EQ(found.summary.rows_read, kRows);
  EXPECT_EQ(found.summary.rows_written, kRows);
  EXPECT_EQ(Metric(found.summary, "sabot_rows_read_total"), kRows);
  EXPECT_EQ(Metric(found.summary, "sabot_rows_written_total"), kRows);
  EXPECT_EQ(Metric(found.summary, "sabot_channel_rows_total"), 2 * kRows);
}

TEST(JobRun, MovesByHand) {
  const auto stream = Averaged(Skewed());
  const auto expected = Give(stream, Context()).ValueOrDie();
  const auto moves = std::make_shared<KeyGroupMoves>();
  auto context = Asking(moves, [&] {
    EXPECT_EQ(moves->tables().version, 0);
    const auto copies = moves->tables().copies[kKernel];
    EXPECT_EQ(std::count(copies.begin(), copies.end(), 1), 64);
    return moves->MoveKeyGroups(kKernel, AllTo(1));
  });
  graph::KeyGroupTables then;
  context.progress = [&](const RunProgress&) {
    if (moves->moved() > 0) then = moves->tables();
    return arrow::Status::OK();
  };
  const auto found = Give(stream, context).ValueOrDie();
  EXPECT_TRUE(operators::SameBits(*expected.rows, *found.rows));
  EXPECT_EQ(found.summary.key_groups_moved, 192);
  EXPECT_EQ(moves->moved(), 192);
  EXPECT_FALSE(moves->pending());
  EXPECT_GT(HottestShare(found.summary), HottestShare(expected.summary));
  if (then.version != 0) {  // Progress is told ten times a second at most.
    EXPECT_EQ(then, (graph::KeyGroupTables{.version = 1, .copies = {{kKernel, AllTo(1)}}}));
  }
}

TEST(JobRun, BatchesThatAreAskedForAreTheSame) {
  const auto stream = Averaged(Skewed());
  const auto expected = stream.Collect(Context(1)).ValueOrDie();
  auto context = Context();
  context.balance = {.check_rows = 5'000};
  context.moves = std::make_shared<KeyGroupMoves>();
  const auto moves = context.moves;
  const auto reader = stream.Run(std::move(context)).ValueOrDie();
  const auto found = reader->ToTable().ValueOrDie();
  EXPECT_GT(moves->moved(), 0);
  EXPECT_TRUE(operators::SameBits(**expected->CombineChunksToBatch(), **found->CombineChunksToBatch()));
}

TEST(JobRun, AnyThreadMayAsk) {
  const auto stream = Averaged(Skewed());
  const auto expected = Give(stream, Context()).ValueOrDie();
  auto context = Context();
  context.moves = std::make_shared<KeyGroupMoves>();
  std::atomic<bool> ended = false;
  std::thread asker([&, moves = context.moves] {
    for (int32_t copy = 0; !ended && moves->moved() < 2'000; copy = (copy + 1) % kCopies) {
      static_cast<void>(moves->MoveKeyGroups(kKernel, AllTo(copy)));  // Refused before the run and after it.
      std::this_thread::yield();
    }
  });
  const auto found = Give(stream, context);
  ended = true;
  asker.join();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(operators::SameBits(*expected.rows, *found->rows));
  EXPECT_EQ(found->summary.rows_read, kRows);
}

// --- beside checkpoints ---

class Often final : public Checkpoints {
 public:
  std::optional<int64_t> Due() override { return ++asked_; }
  arrow::Status Keep(TakenState taken) override {
    ARROW_ASSIGN_OR_RAISE(auto state, std::move(taken).Read());
    kept.push_back(std::make_shared<JobState>(std::move(state)));
    return arrow::Status::OK();
  }
  std::vector<std::shared_ptr<const JobState>> kept;

 private:
  int64_t asked_ = 0;
};

TEST(JobRun, APolicyMayLookAtCheckpoints) {
  const auto stream = Averaged(Skewed());
  const auto expected = Give(stream, Context()).ValueOrDie();
  const auto checkpoints = std::make_shared<Often>();
  auto context = Context();
  context.checkpoints = checkpoints;
  context.balance = {.check_rows = 0};
  const auto found = Give(stream, context).ValueOrDie();
  EXPECT_TRUE(operators::SameBits(*expected.rows, *found.rows));
  EXPECT_GT(found.summary.key_groups_moved, 0);
  ASSERT_FALSE(checkpoints->kept.empty());
  const auto& last = checkpoints->kept.back();  // Where sinks are, and sources, is counted from the beginning.
  const int64_t given = last->sinks.front().rows;
  EXPECT_EQ(last->sources.front().offset, given);
  auto resumed = Context(3);
  resumed.restore = last;
  EXPECT_TRUE(operators::SameBits(*expected.rows->Slice(given), *Give(stream, resumed)->rows));
}

// --- what is told beside the rows ---

class JobRunFiles : public ::testing::Test {
 protected:
  JobRunFiles() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~JobRunFiles() override { fs::remove_all(folder_); }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  std::map<std::string, std::string> Files(const std::string& name) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(Path(name))) {
      std::ifstream file(entry.path(), std::ios::binary);
      files[entry.path().filename().string()] = {std::istreambuf_iterator<char>(file), {}};
    }
    return files;
  }
  fs::path folder_ = fs::temp_directory_path() / ("sabot_job_run_test_" + std::to_string(::getpid()));
};

class Listed final : public data::RejectLog {
 public:
  arrow::Status Add(const data::Reject& reject) override {
    const std::lock_guard lock(mutex_);
    where.push_back(reject.where);
    return arrow::Status::OK();
  }
  int64_t count() const override { return static_cast<int64_t>(where.size()); }
  std::vector<std::string> where;

 private:
  std::mutex mutex_;
};

TEST_F(JobRunFiles, RejectsAreToldOnce) {
  std::ofstream file(Path("ticks.csv"));
  file << "symbol,timestamp,price\n";
  int bad = 0;
  for (int row = 0; row < 30'000; ++row) {
    const bool is_bad = row % 1'000 == 7;
    bad += is_bad;
    file << "S" << (row % 3 == 0 ? row % 50 : row % 9) << "," << row << "," << (is_bad ? "none" : std::to_string(row))
         << "\n";
  }
  file.close();
  const auto stream = Averaged(Stream::FromCsv(Path("ticks.csv"),
                                               {.types = {{"timestamp", arrow::int64()}, {"price", arrow::float64()}},
                                                .batch_rows = 500})
                                   .ValueOrDie())
                          .Require(*operators::ParseExpression("timestamp > 4 and timestamp < 29995"), "neither end")
                          .ValueOrDie();
  const auto with = [&](bool moving) {
    auto context = Context();
    const auto rejects = std::make_shared<Listed>();
    context.rejects = rejects;
    if (moving) context.balance = {.check_rows = 1'000, .limits = {.tolerance = 1, .gain = 0}};
    auto ran = Give(stream, context).ValueOrDie();
    std::sort(rejects->where.begin(), rejects->where.end());
    return std::pair(std::move(ran), rejects->where);
  };
  const auto [expected, where] = with(false);
  const auto [found, where_moving] = with(true);
  ASSERT_GT(found.summary.key_groups_moved, 0);
  EXPECT_EQ(where.size(), static_cast<std::size_t>(bad + 10));
  EXPECT_EQ(where_moving, where);
  EXPECT_TRUE(operators::SameBits(*expected.rows, *found.rows));
  EXPECT_EQ(found.summary.rows_read, 30'000);
  EXPECT_EQ(expected.summary.rows_read, 30'000);
  EXPECT_EQ(found.summary.rows_rejected, bad + 10);
  EXPECT_EQ(found.summary.rows_written, expected.summary.rows_written);
}

TEST_F(JobRunFiles, ReportsAndFilesAreTheSame) {
  const auto stream = Averaged(Skewed().DataQuality({}).ValueOrDie());
  fs::create_directories(Path("with"));
  fs::create_directories(Path("without"));
  const auto expected = stream.ToCsv(Path("without/ticks.csv"), {}, Context()).ValueOrDie();
  auto context = Context();
  context.balance = {.check_rows = 5'000, .limits = {.tolerance = 1, .gain = 0}};
  const auto found = stream.ToCsv(Path("with/ticks.csv"), {}, context).ValueOrDie();
  EXPECT_GT(found.key_groups_moved, 0);
  ASSERT_EQ(found.reports.size(), 1);
  EXPECT_TRUE(found.reports.at("data_quality")->Equals(*expected.reports.at("data_quality")));
  EXPECT_EQ(Files("with"), Files("without"));
}

TEST_F(JobRunFiles, PartitionsOfASinkKeepTheirKeys) {
  const auto stream = Averaged(Skewed());
  ASSERT_TRUE(stream.ToIpc(Path("without"), {}, Context(), kCopies).ok());
  for (const int copies : {3, kCopies}) {
    auto context = Context(copies);
    context.balance = {.check_rows = 5'000};
    const std::string with = "with-" + std::to_string(copies);
    const auto found = stream.ToIpc(Path(with), {}, context, kCopies);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->key_groups_moved > 0, copies != kCopies);  // As many as files: they write them themselves.
    EXPECT_EQ(Files(with), Files("without")) << copies;
  }
}

}  // namespace
}  // namespace sabot::engine
