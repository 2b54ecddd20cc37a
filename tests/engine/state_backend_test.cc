// Runs whose state by key lies in RocksDB: they give what runs give that have it in memory, die and go on from files of
// either form at any parallelism, write again only what changed, and leave no folder behind.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "sabot/checkpoint/store.h"
#include "sabot/data/errors.h"
#include "sabot/engine/key_group_moves.h"
#include "sabot/engine/operator_files.h"
#include "sabot/engine/stream.h"
#include "sabot/kernels/features.h"
#include "sabot/kernels/online_statistics.h"
#include "tests/connectors/temporary_folder.h"
#include "tests/engine/dying_runs.h"

namespace sabot::engine {
namespace {

namespace fs = std::filesystem;
using connectors::BytesOf;

constexpr int64_t kRows = 40'000;
const connectors::ParquetSinkOptions kOutput = {.row_group_rows = 3'000, .rows_per_file = 7'000};

Stream Ticks(int32_t symbols = 300, int64_t rows = kRows) {
  return Stream::FromGenerator({.rows = rows, .symbols = symbols, .batch_rows = 500}).ValueOrDie();
}

Stream Features(const Stream& ticks = Ticks()) {
  return ticks.Filter("volume > 10")
      .ValueOrDie()
      .Kernel<kernels::Ewma>({.alpha = 0.1})
      .ValueOrDie()
      .Uid("fast")
      .ValueOrDie()
      .Kernel<kernels::RollingStd>({.window = 20})
      .ValueOrDie()
      .Uid("spread")
      .ValueOrDie();
}

class StateBackendTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_ / name; }
  RunContext Context(const std::string& backend, int parallelism = 1) const {
    RunContext context{.executor = env::MakeTbbExecutor(1), .world = std::make_shared<AtOnce>()};
    context.shuffle.parallelism = parallelism;
    context.shuffle.segments.roomy = false;  // Or all rows are on their way before the first checkpoint.
    context.shuffle.segments.segment_bytes = 4'096;
    context.cut_seed = 1;  // Small batches.
    context.state = {.backend = backend, .folder = Path("state"), .cached_bytes = 20'000};
    return context;
  }
  RunContext Checkpointed(const std::string& backend, int parallelism = 1) const {
    RunContext context = Context(backend, parallelism);
    context.checkpoint.folder = Path("checkpoints");
    context.checkpoint.interval_ms = 1'000'000;
    context.checkpoint.resume = true;
    context.checkpoint.keep = 1'000;
    return context;
  }
  // A run that ends behind a checkpoint, by its death.
  void Die(const std::string& backend, int parallelism, const std::string& checkpoint,
           const Stream& stream = Features()) const {
    RunContext context = Checkpointed(backend, parallelism);
    context.checkpoint.interval_ms = 0;  // One after another.
    context.interrupt = std::make_shared<DiesWhenThereIs>(Path("checkpoints/" + checkpoint + ".json"));
    const auto ran = stream.ToParquet(Path("out"), kOutput, context);
    ASSERT_TRUE(ran.status().IsCancelled()) << ran.status();
    EXPECT_EQ(Leftovers(), std::set<std::string>{});
  }
  RunSummary Finish(const std::string& backend, int parallelism, const Stream& stream = Features()) const {
    const auto ran = stream.ToParquet(Path("out"), kOutput, Checkpointed(backend, parallelism));
    EXPECT_TRUE(ran.ok()) << ran.status();
    EXPECT_EQ(Leftovers(), std::set<std::string>{});
    return ran.ok() ? *ran : RunSummary{};
  }
  void Write(const std::string& name, const Stream& stream = Features()) const {
    ASSERT_TRUE(stream.ToParquet(Path(name), kOutput).ok());
  }
  // Bytes by name of the files in a folder.
  std::map<std::string, std::string> Files(const std::string& name) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(Path(name))) {
      files[entry.path().filename().string()] = BytesOf(entry.path().string());
    }
    return files;
  }
  std::set<std::string> Leftovers() const {
    std::set<std::string> left;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(Path("state"), none)) left.insert(entry.path().string());
    return left;
  }
  checkpoint::Store Checkpoints() const {
    const auto place = env::StorageOf(Path("checkpoints")).ValueOrDie();
    return checkpoint::Store(place.storage, place.path);
  }
  std::vector<checkpoint::Manifest> Manifests() const {  // The oldest first.
    auto store = Checkpoints();
    std::vector<checkpoint::Manifest> manifests;
    for (const auto& id : store.List().ValueOrDie()) manifests.push_back(store.Open(id).ValueOrDie());
    std::reverse(manifests.begin(), manifests.end());
    return manifests;
  }

  connectors::TemporaryFolder folder_;
};

std::set<std::string> FormsOf(const checkpoint::Manifest& manifest) {
  std::set<std::string> forms;
  for (const auto& op : manifest.operators) forms.insert(op.form);
  return forms;
}

// Of a checkpoint: what it wrote itself of operators, and what it names of earlier ones.
struct Bytes {
  int64_t own = 0;
  int64_t earlier = 0;
};
Bytes BytesOf(const checkpoint::Manifest& manifest) {
  Bytes bytes;
  for (const auto& op : manifest.operators) {
    for (const auto& file : op.files) {
      (file.name.starts_with(manifest.id.ToString() + "/") ? bytes.own : bytes.earlier) += file.bytes;
    }
  }
  return bytes;
}

// --- wrong use ---

TEST_F(StateBackendTest, OptionsThatCannotBe) {
  const auto error_of = [&](const StateOptions& state) {
    RunContext context = Context("memory");
    context.state = state;
    const auto status = Features().Collect(context).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << status;
    return status.message();
  };
  EXPECT_TRUE(error_of({.backend = "rokcsdb"}).starts_with("state: there is no backend 'rokcsdb'. Use memory or"));
  EXPECT_EQ(error_of({.backend = "rocksdb"}),
            "state: backend rocksdb needs a folder to work in. Name one on a local disk.");
  EXPECT_EQ(error_of({.backend = "rocksdb", .folder = "s3://a/b"}),
            "state: 's3://a/b' is no path on a local disk, which backend rocksdb works on. Name a folder there.");
  EXPECT_EQ(error_of({.backend = "rocksdb", .folder = Path("state"), .cached_bytes = 0}),
            "state: cached_bytes is 0. Use at least 1.");
}

TEST_F(StateBackendTest, AFolderThatCannotBeMadeIsNamed) {
  connectors::WriteBytes(Path("file"), "x");
  RunContext context = Context("rocksdb");
  context.state.folder = Path("file/state");
  const auto status = Features().Collect(context).status();
  EXPECT_TRUE(status.IsIOError()) << status;
  EXPECT_NE(status.message().find("state folder '" + Path("file/state")), std::string::npos) << status;
}

TEST_F(StateBackendTest, AnotherKernelIsRefused) {
  Die("rocksdb", 2, "1-2");
  const auto other = Stream::FromGenerator({.rows = kRows, .symbols = 300, .batch_rows = 500})
                         .ValueOrDie()
                         .Filter("volume > 10")
                         .ValueOrDie()
                         .Kernel<kernels::Ewma>({.alpha = 0.2})
                         .ValueOrDie()
                         .Uid("fast")
                         .ValueOrDie();
  for (const std::string backend : {"rocksdb", "memory"}) {
    auto context = Checkpointed(backend, 2);
    context.checkpoint.drop = {"spread"};
    const auto status = other.ToParquet(Path("out"), kOutput, context).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSnapshot) << status;
    EXPECT_NE(status.message().find("operator 'fast'"), std::string::npos) << status;
    EXPECT_EQ(Leftovers(), std::set<std::string>{});
  }
}

// --- edges ---

// A process of the same number may have died here.
TEST_F(StateBackendTest, WhatAnotherProcessLeftIsNotTakenOver) {
  for (int number = 0; number < 1'000; ++number) {
    fs::create_directories(Path("state/" + std::to_string(::getpid()) + "-" + std::to_string(number) + "/fast.0"));
  }
  const auto before = Leftovers();
  EXPECT_TRUE(Features()
                  .Collect(Context("rocksdb"))
                  .ValueOrDie()
                  ->Equals(*Features().Collect().ValueOrDie(), arrow::EqualOptions::Defaults().nans_equal(true)));
  EXPECT_EQ(Leftovers(), before);
}

TEST_F(StateBackendTest, ATornFileIsNamedAndTheCheckpointBeforeItIsUsed) {
  Write("whole");
  Die("rocksdb", 2, "1-4");
  const auto manifests = Manifests();
  ASSERT_GE(manifests.size(), 3);
  std::string torn;
  for (const auto& op : manifests.back().operators) {
    for (const auto& file : op.files) {
      if (file.name.starts_with(manifests.back().id.ToString()) && file.name.ends_with(".sst")) torn = file.name;
    }
  }
  ASSERT_NE(torn, "");
  fs::resize_file(Path("checkpoints/" + torn), fs::file_size(Path("checkpoints/" + torn)) - 1);
  const auto ran = Finish("rocksdb", 3);
  ASSERT_EQ(ran.checkpoints.skipped.size(), 1);
  EXPECT_NE(ran.checkpoints.skipped[0].find(torn), std::string::npos) << ran.checkpoints.skipped[0];
  EXPECT_EQ(ran.checkpoints.restored, manifests[manifests.size() - 2].id.ToString());
  EXPECT_EQ(Files("out"), Files("whole"));
}

// Nothing is known of what it had written: the next one relies on none of it.
TEST_F(StateBackendTest, BehindACheckpointThatFailedAllIsWrittenAgain) {
  Write("whole");
  auto context = Checkpointed("rocksdb", 2);
  context.checkpoint.interval_ms = 0;
  context.interrupt = std::make_shared<WhenThereIs>(Path("checkpoints/1-2.json"), [this] {
    fs::create_directories(Path("checkpoints/1-3"));
    connectors::WriteBytes(Path("checkpoints/1-3/spread.1.CURRENT"), "of somebody else");
    return fs::exists(Path("checkpoints/1-6.json")) ? arrow::Status::Cancelled("died") : arrow::Status::OK();
  });
  EXPECT_TRUE(Features().ToParquet(Path("out"), kOutput, context).status().IsCancelled());
  std::map<std::string, Bytes> bytes;
  for (const auto& manifest : Manifests()) bytes[manifest.id.ToString()] = BytesOf(manifest);
  ASSERT_EQ(bytes.count("1-3"), 0);
  ASSERT_EQ(bytes.count("1-4"), 1);
  EXPECT_GT(bytes["1-2"].earlier, 0);
  EXPECT_EQ(bytes["1-4"].earlier, 0);
  EXPECT_GT(bytes["1-5"].earlier, 0);
  Finish("rocksdb", 3);
  EXPECT_EQ(Files("out"), Files("whole"));
}

// --- values ---

TEST_F(StateBackendTest, RowsAreThoseOfStateInMemory) {
  for (const int parallelism : {1, 2, 5}) {
    const auto memory = Features().Collect(Context("memory", parallelism)).ValueOrDie();
    for (const int64_t cached_bytes : {int64_t{1}, int64_t{20'000}, int64_t{1} << 30}) {
      auto context = Context("rocksdb", parallelism);
      context.state.cached_bytes = cached_bytes;
      const auto stored = Features().Collect(context);
      ASSERT_TRUE(stored.ok()) << stored.status();
      EXPECT_TRUE((*stored)->Equals(*memory, arrow::EqualOptions::Defaults().nans_equal(true))) << parallelism;
      EXPECT_EQ(Leftovers(), std::set<std::string>{});
    }
  }
}

TEST_F(StateBackendTest, ItDiesAndGoesOnAtAnotherParallelism) {
  Write("whole");
  Die("rocksdb", 2, "1-3");
  EXPECT_EQ(FormsOf(Manifests().back()), std::set<std::string>{"files"});
  Die("rocksdb", 5, "2-3");
  const auto ran = Finish("rocksdb", 3);
  EXPECT_TRUE(ran.checkpoints.restored.starts_with("2-")) << ran.checkpoints.restored;
  EXPECT_LT(ran.rows_read, kRows);
  EXPECT_EQ(Files("out"), Files("whole"));
}

TEST_F(StateBackendTest, EitherFormRestoresIntoEitherBackend) {
  Write("whole");
  Die("memory", 2, "1-3");
  EXPECT_EQ(FormsOf(Manifests().back()), std::set<std::string>{"tables"});
  Die("rocksdb", 3, "2-3");
  EXPECT_EQ(FormsOf(Manifests().back()), std::set<std::string>{"files"});
  Die("memory", 5, "3-3");
  EXPECT_EQ(FormsOf(Manifests().back()), std::set<std::string>{"tables"});
  Die("rocksdb", 1, "4-3");
  const auto ran = Finish("memory", 2);
  EXPECT_TRUE(ran.checkpoints.restored.starts_with("4-")) << ran.checkpoints.restored;
  EXPECT_EQ(Files("out"), Files("whole"));
}

// Where rows are not divided by key groups, files are read as tables.
TEST_F(StateBackendTest, RowsThatAreDividedOtherwise) {
  std::vector<std::string> paths;
  for (const std::string symbol : {"S0000", "S0001", "S0002"}) {
    paths.push_back(Path(symbol + ".parquet"));
    const auto one = Ticks(3).Filter("symbol == '" + symbol + "'").ValueOrDie();
    ASSERT_TRUE(one.ToParquet(paths.back(), {.row_group_rows = 500}).ok());
  }
  const auto by_file = Features(Stream::FromParquet(paths, {}, "timestamp", {"symbol"}).ValueOrDie());
  const auto by_range = Features(Ticks(3).Ranged("symbol", R"(["S0001", "S0002"])").ValueOrDie());
  for (const auto& stream : {by_file, by_range}) {
    for (const std::string name : {"whole", "out", "checkpoints"}) fs::remove_all(Path(name));
    Write("whole", stream);
    Die("rocksdb", 3, "1-2", stream);
    EXPECT_EQ(FormsOf(Manifests().back()).count("files"), 1);
    EXPECT_GT(Manifests().back().cut.offset, 0);
    Die("rocksdb", 3, "2-1", stream);
    const auto ran = Finish("rocksdb", 3, stream);
    EXPECT_TRUE(ran.checkpoints.restored.starts_with("2-")) << ran.checkpoints.restored;
    EXPECT_EQ(Files("out"), Files("whole"));
  }
}

// Each job of a run has stores of its own, whose files have the same names and hold something else.
TEST_F(StateBackendTest, KeyGroupsMoveBetweenStores) {
  Write("whole");
  auto context = Checkpointed("rocksdb", 4);
  context.checkpoint.interval_ms = 0;
  context.moves = std::make_shared<KeyGroupMoves>();
  context.interrupt = std::make_shared<WhenThereIs>(Path("checkpoints/1-2.json"), [moves = context.moves] {
    return moves->moved() > 0 ? arrow::Status::OK() : moves->MoveKeyGroups("fast", std::vector<int32_t>(256, 1));
  });
  const auto ran = Features().ToParquet(Path("out"), kOutput, context);
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_GT(ran->key_groups_moved, 0);
  EXPECT_EQ(Leftovers(), std::set<std::string>{});
  EXPECT_EQ(Files("out"), Files("whole"));
  const auto manifests = Manifests();
  EXPECT_EQ(FormsOf(manifests.front()), std::set<std::string>{"files"});
  EXPECT_EQ(FormsOf(manifests.back()), std::set<std::string>{"files"});
  Finish("memory", 3);  // From the last one, behind the move.
  EXPECT_EQ(Files("out"), Files("whole"));
}

// Both hold the same rows, so tools need not know the form.
TEST_F(StateBackendTest, AnyFormIsReadAsTables) {
  std::set<int64_t> places;
  const auto rows_of = [&](const std::string& backend) {
    std::map<std::string, std::set<std::string>> rows;
    auto context = Checkpointed(backend, 2);
    context.checkpoint.requests = std::make_shared<CheckpointRequests>();
    context.checkpoint.requests->stop = true;
    EXPECT_TRUE(Features().ToParquet(Path("out"), kOutput, context).ok());
    auto store = Checkpoints();
    const auto manifest = Manifests().back();
    places.insert(manifest.cut.offset);
    for (const auto& op : manifest.operators) {
      const auto tables = ReadOperator(store, op).ValueOrDie();
      for (std::size_t table = 0; table < tables.size(); ++table) {
        const auto batch = tables[table]->CombineChunksToBatch().ValueOrDie();
        const std::string of = op.uid + "." + std::to_string(op.copy) + "." + std::to_string(table);
        for (int64_t row = 0; row < batch->num_rows(); ++row) {
          std::string text;
          for (const auto& column : batch->columns()) text += column->GetScalar(row).ValueOrDie()->ToString() + ",";
          rows[of].insert(std::move(text));
        }
      }
    }
    fs::remove_all(Path("checkpoints"));
    fs::remove_all(Path("out"));
    return rows;
  };
  const auto memory = rows_of("memory");
  EXPECT_FALSE(memory.empty());
  EXPECT_EQ(rows_of("rocksdb"), memory);
  EXPECT_EQ(places.size(), 1);
}

// Many keys that come once, then few: what the many left is not written again.
TEST_F(StateBackendTest, WhatDidNotChangeIsNotWrittenAgain) {
  const auto many = Ticks(/*symbols=*/4'000, /*rows=*/6'000).Collect().ValueOrDie();
  const auto few = Ticks(/*symbols=*/5).Collect().ValueOrDie();
  const auto stream = Features(Stream::FromTable(arrow::ConcatenateTables({many, few}).ValueOrDie()).ValueOrDie());
  Write("whole", stream);
  Die("rocksdb", 2, "1-8", stream);
  const auto manifests = Manifests();
  ASSERT_GE(manifests.size(), 4);
  EXPECT_EQ(BytesOf(manifests.front()).earlier, 0);
  bool little = false;
  for (const auto& manifest : manifests) {
    const auto bytes = BytesOf(manifest);
    little = little || (manifest.cut.offset > many->num_rows() && 5 * bytes.own < bytes.earlier);
  }
  EXPECT_TRUE(little);
  Finish("rocksdb", 3, stream);
  EXPECT_EQ(Files("out"), Files("whole"));
}

// Files of checkpoints that went stay as long as a later one names them.
TEST_F(StateBackendTest, ASweepKeepsFilesThatAreStillNamed) {
  Write("whole");
  auto context = Checkpointed("rocksdb", 2);
  context.checkpoint.interval_ms = 0;
  context.checkpoint.keep = 1;
  context.interrupt = std::make_shared<DiesWhenThereIs>(Path("checkpoints/1-6.json"));
  ASSERT_TRUE(Features().ToParquet(Path("out"), kOutput, context).status().IsCancelled());
  const auto manifests = Manifests();  // Each was opened: its files are whole.
  ASSERT_EQ(manifests.size(), 1);
  EXPECT_GT(BytesOf(manifests[0]).earlier, 0);
  std::set<std::string> named, there;
  for (const auto& file : checkpoint::FilesOf(manifests[0])) named.insert(file.name);
  for (const auto& entry : fs::recursive_directory_iterator(Path("checkpoints"))) {
    const auto name = fs::relative(entry.path(), Path("checkpoints")).string();
    if (entry.is_regular_file() && name.find('/') != std::string::npos) there.insert(name);
  }
  EXPECT_EQ(there, named);
  Finish("rocksdb", 3);
  EXPECT_EQ(Files("out"), Files("whole"));
}

}  // namespace
}  // namespace sabot::engine
