// Runs that die and go on from the checkpoints in a folder: what is in their files is what a run leaves that nothing
// disturbed, and a folder that cannot be used is an error that says why.
#include <arrow/table.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "sabot/checkpoint/store.h"
#include "sabot/data/errors.h"
#include "sabot/engine/idle.h"
#include "sabot/engine/stream.h"
#include "sabot/env/digest.h"
#include "sabot/kernels/features.h"
#include "sabot/kernels/online_statistics.h"
#include "tests/engine/dying_runs.h"

namespace sabot::engine {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRows = 60'000;

Stream Features(double alpha = 0.1, int64_t rows = kRows) {
  return Stream::FromGenerator({.rows = rows, .symbols = 20, .batch_rows = 500})
      .ValueOrDie()
      .Filter("volume > 10")
      .ValueOrDie()
      .Kernel<kernels::Ewma>({.alpha = alpha})
      .ValueOrDie()
      .Uid("fast")
      .ValueOrDie()
      .Kernel<kernels::RollingStd>({.window = 50})
      .ValueOrDie()
      .Uid("spread")
      .ValueOrDie();
}

class CheckpointsTest : public ::testing::Test {
 protected:
  CheckpointsTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~CheckpointsTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  RunContext Context(int parallelism = 0, const std::string& folder = "checkpoints") const {
    // On one thread each step is followed by a look at what is due.
    RunContext context{.executor = env::MakeTbbExecutor(1), .world = std::make_shared<AtOnce>()};
    context.shuffle.parallelism = parallelism;
    context.shuffle.segments.roomy = false;  // Or all rows are on their way before the first checkpoint.
    context.shuffle.segments.segment_bytes = 4'096;
    context.checkpoint.folder = Path(folder);
    context.checkpoint.interval_ms = 1'000'000;
    return context;
  }
  RunContext Resumed(int parallelism = 0, const std::string& folder = "checkpoints") const {
    RunContext context = Context(parallelism, folder);
    context.checkpoint.resume = true;
    return context;
  }
  // One that dies behind a checkpoint.
  RunContext Dying(RunContext context, const std::string& checkpoint) const {
    context.checkpoint.interval_ms = 0;  // One after another.
    context.interrupt = std::make_shared<DiesWhenThereIs>(context.checkpoint.folder + "/" + checkpoint + ".json");
    return context;
  }
  void Die(const Stream& stream, const std::string& out, RunContext context, const std::string& checkpoint,
           connectors::ParquetSinkOptions options = {}, int partitions = 0) const {
    const auto ran = stream.ToParquet(Path(out), options, Dying(std::move(context), checkpoint), partitions);
    ASSERT_TRUE(ran.status().IsCancelled()) << ran.status();
  }
  // Digests by name of the files in a folder, or of a file.
  std::map<std::string, std::string> Files(const std::string& name) const {
    std::map<std::string, std::string> files;
    const auto add = [&](const fs::path& path) {
      std::ifstream file(path, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      files[path == Path(name) ? "" : path.filename().string()] = env::DigestOf(bytes).ValueOrDie();
    };
    if (fs::is_regular_file(Path(name))) add(Path(name));
    if (!fs::is_directory(Path(name))) return files;
    for (const auto& entry : fs::directory_iterator(Path(name))) {
      if (entry.is_regular_file()) add(entry.path());
    }
    return files;
  }
  std::vector<checkpoint::CheckpointId> Checkpoints(const std::string& folder = "checkpoints") const {
    const auto place = env::StorageOf(Path(folder)).ValueOrDie();
    return checkpoint::Store(place.storage, place.path).List().ValueOrDie();
  }
  arrow::Status ErrorOf(const Stream& stream, const RunContext& context, int partitions = 0) const {
    return stream.ToParquet(Path("out"), {}, context, partitions).status();
  }

  fs::path folder_ = fs::temp_directory_path() / ("sabot_checkpoints_test_" + std::to_string(::getpid()));
};

// --- wrong use ---

TEST_F(CheckpointsTest, OptionsHaveRanges) {
  auto context = Context();
  context.checkpoint.keep = 0;
  EXPECT_EQ(ErrorOf(Features(), context).message(), "checkpoints: keep is 0. Use at least 1.");
  context = Context();
  context.checkpoint.interval_ms = -1;
  EXPECT_EQ(ErrorOf(Features(), context).message(), "checkpoints: interval_ms is -1. Use at least 0.");
  EXPECT_FALSE(fs::exists(Path("out")));
}

TEST_F(CheckpointsTest, AFolderOfAnEarlierRunIsNotForgottenInSilence) {
  Die(Features(), "out", Context(), "1-2");
  const auto status = ErrorOf(Features(), Context());
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_TRUE(status.message().starts_with("checkpoints: '" + Path("checkpoints") + "' has those of an earlier run"))
      << status;
}

TEST_F(CheckpointsTest, WhatAJobHasForEverStays) {
  Die(Features(), "out", Context(), "1-2");
  auto context = Resumed();
  context.shuffle.key_groups = 16;
  EXPECT_NE(ErrorOf(Features(), context).message().find("is of a job of 256 key groups, this run has 16"),
            std::string::npos);
  EXPECT_NE(ErrorOf(Features(), Resumed(), 3).message().find("is of a sink of 1 partitions, this one has 3"),
            std::string::npos);
  const auto other = Features().ToParquet(Path("out"), {.rows_per_file = 1'000}, Resumed()).status();
  EXPECT_NE(other.message().find("rows_per_file is 1000, but the files of 1-2 are of 0"), std::string::npos) << other;
}

TEST_F(CheckpointsTest, AnotherPipelineSaysWhatDoesNotFit) {
  Die(Features(), "out", Context(), "1-3");
  const auto other = ErrorOf(Features(0.2), Resumed());
  EXPECT_EQ(data::KindOf(other), data::ErrorKind::kSnapshot);
  EXPECT_NE(other.message().find("operator 'fast': the snapshot is of ewma version"), std::string::npos) << other;
  const auto less = Stream::FromGenerator({.rows = kRows, .symbols = 20, .batch_rows = 500})
                        .ValueOrDie()
                        .Filter("volume > 10")
                        .ValueOrDie()
                        .Kernel<kernels::Ewma>({.alpha = 0.1})
                        .ValueOrDie()
                        .Uid("fast")
                        .ValueOrDie();
  const auto gone = ErrorOf(less, Resumed());
  EXPECT_NE(gone.message().find("operator 'spread', which the job has not"), std::string::npos) << gone;
  auto typo = Resumed();
  typo.checkpoint.drop = {"spred"};
  EXPECT_NE(ErrorOf(less, typo).message().find("'spred' shall be dropped"), std::string::npos);
}

// --- what checkpoints hold ---

TEST_F(CheckpointsTest, AStateIsATable) {
  Die(Features(), "out", Context(), "1-3");
  const auto place = env::StorageOf(Path("checkpoints")).ValueOrDie();
  checkpoint::Store store(place.storage, place.path);
  std::vector<std::string> skipped;
  const auto manifest = store.Newest(skipped).ValueOrDie();
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->id.attempt, 1);
  ASSERT_EQ(manifest->sources.size(), 1);
  EXPECT_GT(manifest->sources[0].offset, 0);
  ASSERT_EQ(manifest->operators.size(), 2);  // The filter has no state.
  for (const auto& op : manifest->operators) {
    if (op.uid != "fast") continue;
    ASSERT_EQ(op.files.size(), 1);
    const auto table = store.Read(op.files[0]).ValueOrDie();
    EXPECT_EQ(table->num_rows(), 20);
    EXPECT_EQ(table->schema()->field(0)->name(), "symbol");
    EXPECT_NE(table->GetColumnByName("value"), nullptr) << table->schema()->ToString();
  }
}

TEST_F(CheckpointsTest, AsManyStayAsWereAskedFor) {
  auto context = Context();
  context.checkpoint.keep = 2;
  Die(Features(), "out", context, "1-5");
  EXPECT_EQ(Checkpoints().size(), 2);
}

// --- going on ---

TEST_F(CheckpointsTest, FilesAreThoseOfARunThatNothingDisturbed) {
  for (const int64_t rows_per_file : {int64_t{0}, int64_t{7'000}}) {
    for (const int partitions : {0, 3}) {
      if (rows_per_file > 0 && partitions > 0) continue;
      const std::string name = std::to_string(rows_per_file) + "_" + std::to_string(partitions);
      const connectors::ParquetSinkOptions options{.row_group_rows = 3'000, .rows_per_file = rows_per_file};
      ASSERT_TRUE(Features().ToParquet(Path("whole" + name), options, {}, partitions).ok());
      const std::string folder = "checkpoints" + name;
      Die(Features(), "out" + name, Context(2, folder), "1-4", options, partitions);
      Die(Features(), "out" + name, Resumed(5, folder), "2-3", options, partitions);
      const auto ran = Features().ToParquet(Path("out" + name), options, Resumed(3, folder), partitions);
      ASSERT_TRUE(ran.ok()) << ran.status();
      EXPECT_TRUE(ran->checkpoints.restored.starts_with("2-")) << ran->checkpoints.restored;
      EXPECT_LT(ran->rows_read, kRows);
      EXPECT_EQ(Files("out" + name), Files("whole" + name)) << name;
    }
  }
}

TEST_F(CheckpointsTest, EachOneThatIsKeptLeadsToTheSameFiles) {
  const auto stream = Features(0.1, 20'000);
  const connectors::ParquetSinkOptions options{.row_group_rows = 1'000, .rows_per_file = 3'000};
  ASSERT_TRUE(stream.ToParquet(Path("whole"), options).ok());
  auto context = Context(2);
  context.checkpoint.keep = 1'000;
  context.checkpoint.interval_ms = 0;
  ASSERT_TRUE(stream.ToParquet(Path("out"), options, context).ok());
  const auto ids = Checkpoints();
  ASSERT_GT(ids.size(), 3);
  for (const auto& id : ids) {  // The newest first.
    auto resumed = Resumed(3);
    resumed.checkpoint.keep = 1'000;
    const auto ran = stream.ToParquet(Path("out"), options, resumed);
    ASSERT_TRUE(ran.ok()) << ran.status();
    EXPECT_EQ(ran->checkpoints.restored, id.ToString());
    EXPECT_EQ(Files("out"), Files("whole")) << id.ToString();
    for (const auto& newer : Checkpoints()) {
      if (newer >= id) fs::remove(Path("checkpoints/" + newer.ToString() + ".json"));
    }
  }
}

TEST_F(CheckpointsTest, ARunThatDiedBeforeTheFirstBeginsAnew) {
  const connectors::ParquetSinkOptions options{.rows_per_file = 5'000};
  ASSERT_TRUE(Features().ToParquet(Path("whole"), options).ok());
  auto context = Context();
  context.checkpoint.interval_ms = 1'000'000;
  context.interrupt = std::make_shared<DiesWhenThereIs>(Path("out/part-00001.parquet"));
  ASSERT_TRUE(Features().ToParquet(Path("out"), options, context).status().IsCancelled());
  const auto ran = Features().ToParquet(Path("out"), options, Resumed());
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->checkpoints.restored, "");
  EXPECT_EQ(Files("out"), Files("whole"));
}

TEST_F(CheckpointsTest, ATornOneIsNamedAndPassedOver) {
  ASSERT_TRUE(Features().ToParquet(Path("whole")).ok());
  Die(Features(), "out", Context(), "1-4");
  const auto ids = Checkpoints();
  ASSERT_EQ(ids.size(), 3);
  fs::resize_file(Path("checkpoints/" + ids[0].ToString() + ".json"), 100);
  fs::path state;
  for (const auto& entry : fs::directory_iterator(Path("checkpoints/" + ids[1].ToString()))) {
    if (entry.path().filename().string().starts_with("fast.")) state = entry.path();
  }
  fs::resize_file(state, fs::file_size(state) - 1);
  const auto ran = Features().ToParquet(Path("out"), {}, Resumed());
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->checkpoints.restored, ids[2].ToString());
  ASSERT_EQ(ran->checkpoints.skipped.size(), 2);
  EXPECT_NE(ran->checkpoints.skipped[0].find(ids[0].ToString() + ".json"), std::string::npos);
  EXPECT_NE(ran->checkpoints.skipped[1].find(state.filename().string()), std::string::npos);
  EXPECT_EQ(Files("out"), Files("whole"));
}

TEST_F(CheckpointsTest, WhereNoneCanBeUsedNothingBegins) {
  Die(Features(), "out", Context(), "1-3");
  for (const auto& id : Checkpoints()) fs::resize_file(Path("checkpoints/" + id.ToString() + ".json"), 10);
  const auto status = ErrorOf(Features(), Resumed());
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_NE(status.message().find("can be used"), std::string::npos) << status;
}

// --- what the clock decided ---

// Rows of one price, whose first are late until somebody waits for them no more.
class LateSource final : public connectors::Source {
 public:
  LateSource(std::shared_ptr<arrow::RecordBatch> rows, bool late) : rows_(std::move(rows)), late_(late) {}
  std::shared_ptr<arrow::Schema> schema() const override { return rows_->schema(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = std::exchange(rows_, rows_ == nullptr ? nullptr : rows_->Slice(0, 0));
    if (*batch != nullptr && (*batch)->num_rows() == 0) *batch = nullptr;
    return arrow::Status::OK();
  }
  arrow::Result<bool> TryNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    if (std::exchange(late_, false)) return false;
    ARROW_RETURN_NOT_OK(ReadNext(batch));
    return true;
  }

 private:
  std::shared_ptr<arrow::RecordBatch> rows_;
  bool late_;
};

// Nobody waits for a partition any longer than until the other one has come to some row.
class NotForLong final : public IdlePolicy {
 public:
  bool Due() override { return true; }
  std::vector<std::optional<int64_t>> Decide(std::span<const PartitionProgress> partitions) override {
    std::vector<std::optional<int64_t>> decided(partitions.size());
    if (partitions[0].offset > 0 && partitions[1].waits) decided[1] = partitions[0].time;
    return decided;
  }
};

TEST_F(CheckpointsTest, WhatTheClockDecidedHoldsInTheNextRunToo) {
  const auto ticks = Stream::FromGenerator({.rows = 2'000, .symbols = 3}).ValueOrDie().Collect().ValueOrDie();
  const auto rows = ticks->CombineChunksToBatch().ValueOrDie();
  const auto joined = [&](bool late) {
    const auto part = [rows](int64_t begin, bool comes_late) -> OpenSource {
      return [rows, begin, comes_late](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> {
        return std::make_shared<LateSource>(rows->Slice(begin, 1'000), comes_late);
      };
    };
    return Stream::FromSource("parts", rows->schema(), {.partitions = {part(1'000, false), part(0, late)}})
        .ValueOrDie();
  };
  auto context = Context(1);
  context.idle = std::make_shared<NotForLong>();
  ASSERT_TRUE(joined(true).ToIpc(Path("decided"), {}, context).ok());
  EXPECT_TRUE(fs::exists(Path("checkpoints/decisions/1-1.json")));
  ASSERT_TRUE(joined(false).ToIpc(Path("undecided")).ok());
  EXPECT_NE(Files("undecided"), Files("decided"));
  const auto again = joined(false).ToIpc(Path("again"), {}, Resumed(1));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Files("again"), Files("decided"));
}

// --- stopping ---

TEST_F(CheckpointsTest, AStopThatCannotBeKeptIsAnError) {
  class Full final : public AtOnce {
    arrow::Result<env::StoragePath> Storage(const std::string& folder) override {
      return env::StoragePath{.storage = env::MakeSimulatedStorage(100), .path = folder};
    }
  };
  auto context = Context(2);
  context.world = std::make_shared<Full>();
  context.checkpoint.requests = std::make_shared<CheckpointRequests>();
  context.checkpoint.requests->stop = true;
  const auto status = ErrorOf(Features(), context);
  EXPECT_TRUE(status.IsIOError()) << status;
  EXPECT_TRUE(
      status.message().starts_with("checkpoints: the run was told to stop at one, which could not be written: "))
      << status;
}

TEST_F(CheckpointsTest, ItStopsWhereItIsToldAndGoesOnAtAnotherParallelism) {
  const connectors::ParquetSinkOptions options{.row_group_rows = 3'000, .rows_per_file = 5'000};
  ASSERT_TRUE(Features().ToParquet(Path("whole"), options).ok());
  for (const int parallelism : {2, 5, 3}) {
    auto context = Resumed(parallelism);
    context.checkpoint.interval_ms = 1'000'000;
    context.checkpoint.requests = std::make_shared<CheckpointRequests>();
    context.checkpoint.requests->stop = true;
    const auto stopped = Features().ToParquet(Path("out"), options, context);
    ASSERT_TRUE(stopped.ok()) << stopped.status();
    EXPECT_TRUE(stopped->checkpoints.stopped);
    EXPECT_EQ(stopped->checkpoints.completed, 1);
    EXPECT_EQ(stopped->checkpoints.newest, Checkpoints().front().ToString());
  }
  ASSERT_TRUE(Features().ToParquet(Path("out"), options, Resumed(4)).ok());
  EXPECT_EQ(Files("out"), Files("whole"));
}

TEST_F(CheckpointsTest, ASavepointBeginsARunInAFolderOfItsOwn) {
  ASSERT_TRUE(Features().ToParquet(Path("whole")).ok());
  Die(Features(), "out", Context(2), "1-3");
  auto context = Resumed(3, "other");
  context.checkpoint.from = Path("checkpoints");
  Die(Features(), "out", context, "1-2");
  const auto before = Files("checkpoints");
  const auto ran = Features().ToParquet(Path("out"), {}, context);
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->checkpoints.restored_from, Path("other"));
  EXPECT_EQ(Files("out"), Files("whole"));
  EXPECT_EQ(Files("checkpoints"), before);
}

TEST_F(CheckpointsTest, AChangedPipelineKeepsTheStateOfStepsWithTheSameName) {
  Die(Features(), "out", Context(2), "1-3");
  const auto changed = Stream::FromGenerator({.rows = kRows, .symbols = 20, .batch_rows = 500})
                           .ValueOrDie()
                           .Filter("volume > 10")
                           .ValueOrDie()
                           .Kernel<kernels::Diff>()
                           .ValueOrDie()
                           .Uid("new")
                           .ValueOrDie()
                           .Kernel<kernels::Ewma>({.alpha = 0.1})
                           .ValueOrDie()
                           .Uid("fast")
                           .ValueOrDie();
  auto context = Resumed(3);
  context.checkpoint.drop = {"spread"};
  context.checkpoint.new_output = true;
  const auto ran = changed.ToIpc(Path("other"), {}, context);
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_TRUE(ran->checkpoints.changed);
  EXPECT_EQ(ran->checkpoints.dropped, std::set<std::string>{"spread"});
  const auto all = Features().Collect().ValueOrDie();
  const auto rest = Stream::FromIpc(Path("other")).ValueOrDie().Collect().ValueOrDie();
  ASSERT_GT(rest->num_rows(), 0);
  ASSERT_LT(rest->num_rows(), all->num_rows());
  const auto expected = all->GetColumnByName("ewma")->Slice(all->num_rows() - rest->num_rows());
  EXPECT_TRUE(rest->GetColumnByName("ewma")->Equals(*expected, arrow::EqualOptions::Defaults().nans_equal(true)));
}

}  // namespace
}  // namespace sabot::engine
