// Checkpoints as released versions wrote them, in tests/golden/checkpoints: a run goes on from each, at other
// parallelisms, and leaves the rows that an undisturbed run leaves. That of this version also has the form that
// checkpoints have today, so that a change of the format is noticed.
//
// A new version has one of its own. This writes it, and its folder is then committed:
//   SABOT_WRITE_GOLDEN=1 build/release/tests/engine/golden_checkpoint_test
#include <arrow/table.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "sabot/checkpoint/store.h"
#include "sabot/engine/row_digest.h"
#include "sabot/engine/stream.h"
#include "sabot/graph/json_text.h"
#include "sabot/kernels/features.h"
#include "sabot/kernels/online_statistics.h"

namespace sabot::engine {
namespace {

namespace fs = std::filesystem;
using graph::Json;

const fs::path kGolden = SABOT_GOLDEN_CHECKPOINTS;
const fs::path kOfThisVersion = kGolden / SABOT_VERSION;
const connectors::ParquetSinkOptions kFiles{.row_group_rows = 100, .rows_per_file = 250};

// What all of them are checkpoints of: it stays as it is.
Stream Features() {
  return Stream::FromGenerator({.rows = 6'000, .symbols = 12, .seed = 7, .kind = "trades", .batch_rows = 10})
      .ValueOrDie()
      .DataQuality({})
      .ValueOrDie()
      .Uid("quality")
      .ValueOrDie()
      .Filter("volume > 2")
      .ValueOrDie()
      .Kernel<kernels::Ewma>({.alpha = 0.06})
      .ValueOrDie()
      .Uid("fast")
      .ValueOrDie()
      .Kernel<kernels::RollingStd>({.window = 20})  // It has a ring.
      .ValueOrDie()
      .Uid("spread")
      .ValueOrDie();
}

// Asks the run to stop when a file is there.
class StopsWhenThereIs final : public env::Interrupt {
 public:
  StopsWhenThereIs(fs::path path, std::shared_ptr<CheckpointRequests> requests)
      : path_(std::move(path)), requests_(std::move(requests)) {}
  arrow::Status Check() override {
    if (fs::exists(path_)) requests_->stop = true;
    return arrow::Status::OK();
  }

 private:
  fs::path path_;
  std::shared_ptr<CheckpointRequests> requests_;
};

RunContext Context(const fs::path& folder, int parallelism) {
  RunContext context{.executor = env::MakeTbbExecutor(1)};
  context.shuffle.parallelism = parallelism;
  context.shuffle.segments.roomy = false;  // Or all rows are on their way before it stops.
  context.shuffle.segments.segment_bytes = 1'024;
  context.shuffle.segments.shuffle_segments = 1;
  context.checkpoint = {.folder = (folder / "checkpoints").string(), .interval_ms = 1'000'000, .job = "golden"};
  return context;
}

// `checkpoints` and `out` of a run that was stopped in its midst.
RunSummary WriteGolden(const fs::path& folder) {
  fs::create_directories(folder);
  auto context = Context(folder, 2);
  context.checkpoint.requests = std::make_shared<CheckpointRequests>();
  context.interrupt =
      std::make_shared<StopsWhenThereIs>(folder / "out/part-00001.parquet", context.checkpoint.requests);
  return Features().ToParquet((folder / "out").string(), kFiles, context).ValueOrDie();
}

// Of the rows of each file, however it is encoded.
std::map<std::string, std::string> RowsOf(const fs::path& folder) {
  std::map<std::string, std::string> digests;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto rows = Stream::FromParquet(entry.path().string()).ValueOrDie().Run().ValueOrDie();
    RowDigest digest(rows->schema());
    for (auto batch = rows->Next(); *batch != nullptr; batch = rows->Next()) EXPECT_TRUE(digest.Add(**batch).ok());
    digests[entry.path().filename().string()] = digest.Hex() + " of " + std::to_string(digest.rows());
  }
  return digests;
}

// Names and types of members instead of values, each kind of element of a list once.
Json FormOf(const Json& value) {
  if (value.is_object()) {
    Json members = Json::object();
    for (const auto& [name, member] : value.items()) members[name] = FormOf(member);
    return members;
  }
  if (!value.is_array()) return value.type_name();
  Json kinds = Json::array();
  for (const Json& element : value) {
    auto form = FormOf(element);
    if (std::find(kinds.begin(), kinds.end(), form) == kinds.end()) kinds.push_back(std::move(form));
  }
  return kinds;
}

// That of the only checkpoint in the folder: of its manifest, and the schema of each kind of state file.
arrow::Result<std::string> FormOfCheckpoint(const fs::path& folder) {
  ARROW_ASSIGN_OR_RAISE(const auto place, env::StorageOf(folder.string()));
  checkpoint::Store store(place.storage, place.path);
  ARROW_ASSIGN_OR_RAISE(const auto ids, store.List());
  if (ids.size() != 1) return arrow::Status::Invalid(folder, " has ", ids.size(), " checkpoints, expected 1.");
  ARROW_ASSIGN_OR_RAISE(const auto manifest, store.Open(ids[0]));
  std::ifstream file(folder / (manifest.id.ToString() + ".json"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  ARROW_ASSIGN_OR_RAISE(const Json json, graph::ParseJson(text, "manifest"));
  std::string form = graph::Dump(FormOf(json), 2) + "\n";
  std::set<std::string> seen;
  for (const auto& state : checkpoint::FilesOf(manifest)) {
    const auto kind = state.name.substr(state.name.find('/') + 1);
    const auto owner = kind.substr(0, kind.find('.'));
    if (!seen.insert(owner).second) continue;
    ARROW_ASSIGN_OR_RAISE(const auto table, store.Read(state));
    form += owner + ":\n" + table->schema()->ToString(/*show_metadata=*/true) + "\n";
  }
  return form;
}

class GoldenCheckpointTest : public ::testing::Test {
 protected:
  GoldenCheckpointTest() { fs::create_directories(folder_); }
  ~GoldenCheckpointTest() override { fs::remove_all(folder_); }

  fs::path folder_ = fs::temp_directory_path() / ("sabot_golden_checkpoint_test_" + std::to_string(::getpid()));
};

TEST_F(GoldenCheckpointTest, ThatOfThisVersionHasTheFormOfToday) {
  if (std::getenv("SABOT_WRITE_GOLDEN") != nullptr) {
    fs::remove_all(kOfThisVersion);
    WriteGolden(kOfThisVersion);
    for (const auto& [name, rows] : RowsOf(kOfThisVersion / "out")) {  // The run was further than its checkpoint.
      if (name > "part-00003.parquet") fs::remove(kOfThisVersion / "out" / name);
    }
  }
  ASSERT_TRUE(fs::exists(kOfThisVersion)) << "There is no " << kOfThisVersion << ": see the first lines of this test.";
  ASSERT_TRUE(WriteGolden(folder_).checkpoints.stopped);
  const auto golden = FormOfCheckpoint(kOfThisVersion / "checkpoints");
  const std::string changed = "The format of checkpoints is another one: see " + (kGolden / "README.md").string();
  ASSERT_TRUE(golden.ok()) << golden.status() << "\n" << changed;
  EXPECT_EQ(FormOfCheckpoint(folder_ / "checkpoints").ValueOrDie(), *golden) << changed;
}

TEST_F(GoldenCheckpointTest, ARunGoesOnFromEachAndLeavesTheSameRows) {
  const auto whole = Features().ToParquet((folder_ / "whole").string(), kFiles).ValueOrDie();
  const auto expected = RowsOf(folder_ / "whole");
  ASSERT_GT(expected.size(), 8);
  for (const auto& version : fs::directory_iterator(kGolden)) {
    if (!version.is_directory()) continue;
    for (const int parallelism : {1, 3, 5}) {
      SCOPED_TRACE(version.path().filename().string() + " with " + std::to_string(parallelism) + " copies");
      const auto folder = folder_ / (version.path().filename().string() + "_" + std::to_string(parallelism));
      fs::copy(version.path(), folder, fs::copy_options::recursive);
      ASSERT_LT(RowsOf(folder / "out").size(), expected.size());
      auto context = Context(folder, parallelism);
      context.checkpoint.resume = true;
      const auto ran = Features().ToParquet((folder / "out").string(), kFiles, context);
      ASSERT_TRUE(ran.ok()) << ran.status();
      EXPECT_EQ(ran->checkpoints.restored, "1-1");
      EXPECT_FALSE(ran->checkpoints.changed && version.path() == kOfThisVersion);
      EXPECT_LT(ran->rows_read, 6'000);
      EXPECT_EQ(RowsOf(folder / "out"), expected);
      ASSERT_EQ(ran->reports.size(), 1);
      EXPECT_TRUE(ran->reports.at("data_quality")->Equals(*whole.reports.at("data_quality")));
    }
  }
}

}  // namespace
}  // namespace sabot::engine
