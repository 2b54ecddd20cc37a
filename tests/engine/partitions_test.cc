// Sources and sinks of several partitions: the rows are the same whatever runs beside what, and what a source promises
// about its partitions is checked.
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "sabot/data/errors.h"
#include "sabot/data/key_group.h"
#include "sabot/data/key_hash.h"
#include "sabot/engine/job.h"
#include "sabot/engine/job_state.h"
#include "sabot/engine/stream.h"
#include "sabot/kernels/online_statistics.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kSymbols = 6;

// With a venue that has nothing to do with the symbol.
Stream Ticks(int64_t batch_rows = 65'536, int64_t rows = 60'000) {
  return Stream::FromGenerator({.rows = rows, .symbols = kSymbols, .batch_rows = batch_rows})
      .ValueOrDie()
      .WithColumns({{.name = "venue", .expression = *operators::ParseExpression("cast(side, 'int64')")}})
      .ValueOrDie();
}

Stream Features(const Stream& ticks) {
  return ticks.Kernel<kernels::Ewma>({.span = 20})
      .ValueOrDie()
      .Filter("price > 99")
      .ValueOrDie()
      .Kernel<kernels::LogReturns>()
      .ValueOrDie();
}

RunContext Context(int parallelism, int threads = 2) {
  RunContext context{.executor = env::MakeTbbExecutor(threads)};
  context.shuffle.parallelism = parallelism;
  return context;
}

class PartitionsTest : public ::testing::Test {
 protected:
  PartitionsTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~PartitionsTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  // A file a symbol; names them.
  std::vector<std::string> WriteSymbols() const {
    std::vector<std::string> files;
    for (int symbol = 0; symbol < kSymbols; ++symbol) {
      files.push_back(Path("ticks/S000" + std::to_string(symbol) + ".arrow"));
      fs::create_directories(Path("ticks"));
      const auto rows = Ticks().Filter("symbol == 'S000" + std::to_string(symbol) + "'").ValueOrDie();
      EXPECT_TRUE(rows.ToIpc(files.back()).ok());
    }
    return files;
  }
  Stream BySymbol() const {
    return Stream::FromIpc(Path("ticks"), {.batch_rows = 1000}, "timestamp", {"symbol"}).ValueOrDie();
  }
  // Bytes by name of the files in a folder.
  std::map<std::string, std::string> Files(const std::string& name) const {
    std::map<std::string, std::string> files;
    if (!fs::exists(Path(name))) return files;
    for (const auto& entry : fs::directory_iterator(Path(name))) {
      std::ifstream file(entry.path(), std::ios::binary);
      files[entry.path().filename().string()] = {std::istreambuf_iterator<char>(file), {}};
    }
    return files;
  }

  fs::path folder_ = fs::temp_directory_path() / ("sabot_partitions_test_" + std::to_string(::getpid()));
};

std::string Explained(const Stream& stream, int parallelism = 0) {
  return Job::Make(stream.plan(), Context(parallelism)).ValueOrDie()->graph().Explain();
}

// --- sources ---

TEST_F(PartitionsTest, KeysOfASourceAreColumns) {
  WriteSymbols();
  const auto status = Stream::FromIpc(Path("ticks"), {}, "timestamp", {"symbl"}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_TRUE(status.message().starts_with("partitioned_by: key column 'symbl' is missing")) << status;
  EXPECT_EQ(data::KindOf(Stream::FromIpc(Path("ticks"), {}, "timestamp", {"price"}).status()),
            data::ErrorKind::kSchema);
}

TEST_F(PartitionsTest, FilesWithOtherColumnsAreNamed) {
  const auto files = WriteSymbols();
  ASSERT_TRUE(Ticks().Rename({{"price", "px"}}).ValueOrDie().ToIpc(files[3]).ok());
  const auto status = Stream::FromIpc(files, {}, "timestamp", {"symbol"}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_NE(status.message().find("the columns of '" + files[3] + "' are not those of '" + files[0] +
                                  "': column 3 is 'px' double, expected 'price' double"),
            std::string::npos)
      << status;
}

TEST_F(PartitionsTest, ThereAreNotTooMany) {
  fs::create_directories(Path("many"));
  ASSERT_TRUE(Ticks(65'536, 10).ToIpc(Path("many/0.arrow")).ok());
  for (int file = 1; file <= 256; ++file) {
    fs::copy_file(Path("many/0.arrow"), Path("many/" + std::to_string(file) + ".arrow"));
  }
  const auto status = Stream::FromIpc(Path("many"), {}, "timestamp", {"symbol"}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_NE(status.message().find("at most 256, found 257 files"), std::string::npos) << status;
}

TEST_F(PartitionsTest, AKeyInTwoIsAnErrorThatNamesBoth) {
  const auto files = WriteSymbols();
  const auto both = Ticks().Filter("symbol == 'S0004' or (symbol == 'S0001' and price > 100)").ValueOrDie();
  ASSERT_TRUE(both.ToIpc(files[4]).ok());
  const auto stream = Features(BySymbol());
  for (const int threads : {1, 2, 4}) {
    for (const int parallelism : {0, 1, 4}) {
      const auto status = stream.Collect(Context(parallelism, threads)).status();
      EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
      EXPECT_EQ(status.message(), "partitioned_by: symbol 'S0001' is in two partitions of source ipc " + Path("ticks") +
                                      ", 6 partitions by symbol: '" + files[1] + "' and '" + files[4] +
                                      "'. Bring the rows of a key into one of them, or leave partitioned_by out.");
    }
  }
}

TEST_F(PartitionsTest, OneFileIsOnePartition) {
  const auto files = WriteSymbols();
  const auto one = Stream::FromIpc(files[2], {}, "timestamp", {"symbol"}).ValueOrDie();
  EXPECT_TRUE(one.Collect().ValueOrDie()->Equals(*Stream::FromIpc(files[2]).ValueOrDie().Collect().ValueOrDie()));
}

TEST_F(PartitionsTest, RowsAreThoseOfTheFilesByPlace) {
  const auto files = WriteSymbols();
  std::vector<Stream> alone;
  for (const auto& file : files) alone.push_back(Features(Stream::FromIpc(file).ValueOrDie()));
  const auto merged = alone.front().Union({alone.begin() + 1, alone.end()}).ValueOrDie();
  const auto expected = merged.Collect().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  ASSERT_GT(expected->num_rows(), 10'000);
  const auto stream = Features(BySymbol());
  for (const int threads : {1, 2, 4}) {
    for (const int parallelism : {0, 1, 2, 4, 7}) {
      const auto rows = stream.Collect(Context(parallelism, threads)).ValueOrDie();
      EXPECT_TRUE(operators::SameBits(*expected, *rows->CombineChunksToBatch().ValueOrDie()))
          << threads << " threads, parallelism " << parallelism;
    }
  }
}

TEST_F(PartitionsTest, RowsWithoutEventTimeComeFileByFile) {
  const auto files = WriteSymbols();
  for (const auto& file : files) {
    const auto plain = Stream::FromTable(Stream::FromIpc(file).ValueOrDie().Collect().ValueOrDie()).ValueOrDie();
    ASSERT_TRUE(plain.Rename({{"timestamp", "at"}}).ValueOrDie().ToIpc(file).ok());
  }
  const auto expected = Features(Stream::FromIpc(Path("ticks")).ValueOrDie()).Collect().ValueOrDie();
  for (const int parallelism : {0, 4}) {
    const auto rows = Features(BySymbol()).Collect(Context(parallelism)).ValueOrDie();
    EXPECT_TRUE(operators::SameBits(*expected->CombineChunksToBatch().ValueOrDie(),
                                    *rows->CombineChunksToBatch().ValueOrDie()));
  }
}

TEST_F(PartitionsTest, ThereIsNoShuffleBeforeTheSink) {
  WriteSymbols();
  const std::string text = Explained(Features(BySymbol()));
  EXPECT_EQ(text.find("HASH"), std::string::npos) << text;
  EXPECT_NE(text.find("7 tasks in 2 chains"), std::string::npos) << text;  // Six up to the sink, and the sink.
  const auto finer = BySymbol().Kernel<kernels::Ewma>({.span = 20}, {.by = {{"venue", "symbol"}}}).ValueOrDie();
  EXPECT_EQ(Explained(finer).find("HASH"), std::string::npos) << Explained(finer);
  const auto coarser = BySymbol().Kernel<kernels::Ewma>({.span = 20}, {.by = {{"venue"}}}).ValueOrDie();
  EXPECT_EQ(coarser.Collect(Context(4)).ValueOrDie()->num_rows(), 60'000);
  EXPECT_NE(Explained(coarser, 4).find("HASH"), std::string::npos);
}

TEST_F(PartitionsTest, MetricsShowARowOfChannelsIntoTheSink) {
  WriteSymbols();
  const auto summary = Features(BySymbol()).ToIpc(Path("out.arrow")).ValueOrDie();
  std::set<std::string> receivers;
  int64_t channels = 0;
  for (const auto& metric : summary.metrics) {
    if (metric.name != "sabot_channel_rows_total") continue;
    for (const auto& sample : metric.samples) {
      ++channels;
      for (const auto& [name, value] : sample.labels) {
        if (name == "to") receivers.insert(value);
      }
    }
  }
  EXPECT_EQ(channels, kSymbols);
  EXPECT_EQ(receivers, std::set<std::string>{"sink[0]"});
}

// Another column that takes the key's name is not what the source is divided by.
TEST_F(PartitionsTest, AnotherColumnOfTheKeysNameIsShuffled) {
  WriteSymbols();
  const auto renamed = BySymbol()
                           .Rename({{"symbol", "security"}, {"venue", "symbol"}})
                           .ValueOrDie()
                           .Kernel<kernels::Ewma>({.span = 20}, {.by = {{"symbol"}}})
                           .ValueOrDie();
  const auto later = BySymbol()
                         .Rename({{"symbol", "security"}})
                         .ValueOrDie()
                         .WithColumns({{.name = "symbol", .expression = *operators::ParseExpression("venue")}})
                         .ValueOrDie()
                         .Kernel<kernels::Ewma>({.span = 20}, {.by = {{"symbol"}}})
                         .ValueOrDie();
  for (const auto& stream : {renamed, later}) {
    const auto expected = stream.Collect(Context(1)).ValueOrDie()->CombineChunksToBatch().ValueOrDie();
    for (const int parallelism : {0, kSymbols}) {
      const auto rows = stream.Collect(Context(parallelism)).ValueOrDie()->CombineChunksToBatch().ValueOrDie();
      EXPECT_TRUE(operators::SameBits(*expected, *rows)) << Explained(stream, parallelism);
    }
  }
}

// The state of a key goes on where its partition is read, or where its key group is, as the next run divides them.
TEST_F(PartitionsTest, GoesOnFromACheckpointHoweverItIsDivided) {
  class First final : public Checkpoints {
   public:
    std::optional<int64_t> Due() override { return ++asked_; }
    arrow::Status Keep(TakenState taken) override {
      ARROW_ASSIGN_OR_RAISE(auto state, std::move(taken).Read());
      const bool some = !state.sinks.empty() && state.sinks.front().rows > 5000;
      if (kept == nullptr && some) kept = std::make_shared<JobState>(std::move(state));
      return arrow::Status::OK();
    }
    std::shared_ptr<const JobState> kept;

   private:
    int asked_ = 0;
  };
  WriteSymbols();
  const auto stream = Features(BySymbol());
  const auto expected = stream.Collect(Context(1)).ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  for (const int before : {0, 1, 4}) {
    const auto first = std::make_shared<First>();
    auto context = Context(before, /*threads=*/1);  // Which asks after each step,
    context.shuffle.segments.roomy = false;         // and not all rows are on their way before the first.
    context.shuffle.segments.segment_bytes = 4'096;
    context.checkpoints = first;
    ASSERT_TRUE(stream.Collect(context).ok());
    ASSERT_NE(first->kept, nullptr);
    const int64_t given = first->kept->sinks.front().rows;
    ASSERT_GT(given, 0);
    ASSERT_LT(given, expected->num_rows());
    for (const int after : {0, 1, 4}) {
      auto resumed = Context(after);
      resumed.restore = first->kept;
      const auto rest = stream.Collect(resumed);
      ASSERT_TRUE(rest.ok()) << rest.status();
      const auto rows = (*rest)->CombineChunksToBatch().ValueOrDie();
      EXPECT_TRUE(operators::SameBits(*expected->Slice(given), *rows)) << before << " to " << after;
    }
  }
}

// --- sinks ---

TEST_F(PartitionsTest, APartitionedSinkSaysWhatItNeeds) {
  const auto message = [](const arrow::Result<RunSummary>& made) { return made.status().message(); };
  const auto ticks = Ticks();
  const std::string out = Path("out");
  EXPECT_EQ(message(ticks.ToParquet(out, {}, {}, -1)),
            "parquet sink '" + out + "': partitions is -1. Use a value from 1 to 99999.");
  EXPECT_EQ(message(ticks.ToParquet(out, {}, {}, 257)),
            "partitions is 257, but the run has 256 key groups, each of which is in one partition. Use at most as "
            "many.");
  EXPECT_EQ(message(ticks.ToIpc(out, {.rows_per_file = 10}, {}, 4)),
            "ipc sink '" + out +
                "': partitions and rows_per_file both say how rows are put into files: partitions by their key, "
                "rows_per_file by their number. Give one of them.");
  const auto unkeyed = ticks.Select({{.name = "price", .expression = operators::MakeColumn("price")}}).ValueOrDie();
  const auto status = unkeyed.ToCsv(out, {}, {}, 4).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_NE(status.message().find("by the stream's key: key column 'symbol' is missing"), std::string::npos) << status;
  EXPECT_TRUE(status.message().ends_with("Say what the key is with key_by.")) << status;
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(PartitionsTest, AFolderWithPartsIsNotMixedWithOthers) {
  ASSERT_TRUE(Ticks().ToCsv(Path("out"), {}, {}, 2).ok());
  const auto before = Files("out");
  const auto status = Ticks().ToCsv(Path("out"), {}, {}, 4).status();
  EXPECT_NE(status.message().find("already. Name an empty folder"), std::string::npos) << status;
  EXPECT_EQ(Files("out"), before);
  ASSERT_TRUE(Ticks().ToCsv(Path("file.csv")).ok());
  EXPECT_EQ(Ticks().ToCsv(Path("file.csv"), {}, {}, 4).status().message(),
            "csv sink '" + Path("file.csv") +
                "': with partitions it is a folder of files, but a file is in the way. Name a folder, or leave "
                "partitions out.");
}

TEST_F(PartitionsTest, AFailedRunLeavesNoFile) {
  RunContext strict{.rejects = std::make_shared<data::StrictRejects>()};
  const auto bad = Ticks().Require(*operators::ParseExpression("volume < 500")).ValueOrDie();
  EXPECT_EQ(data::KindOf(bad.ToIpc(Path("out"), {.batch_rows = 10}, strict, 4).status()), data::ErrorKind::kData);
  EXPECT_TRUE(Files("out").empty());
}

// What does not fit is found when the last file is finished; none of the others is there then.
TEST_F(PartitionsTest, ADiskThatIsFullAtTheEndHasNoneOfTheFiles) {
  const auto large = env::MakeSimulatedStorage(int64_t{1} << 30);
  ASSERT_TRUE(Ticks().ToParquet("out", {.storage = large}, {}, 4).ok());
  int64_t bytes = 0;
  for (const auto& [name, content] : large->files()) bytes += static_cast<int64_t>(content.size());
  ASSERT_EQ(large->files().size(), 4U);
  const auto small = env::MakeSimulatedStorage(bytes - 1);
  const auto status = Ticks().ToParquet("out", {.storage = small}, {}, 4).status();
  EXPECT_TRUE(status.IsIOError()) << status;
  EXPECT_TRUE(small->files().empty());
}

TEST_F(PartitionsTest, RowsGoByTheHashOfTheirKeyInOrder) {
  const auto all = Features(Ticks()).Collect().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  auto hasher = data::KeyHasher::Make(*all->schema(), {"symbol"}).ValueOrDie();
  std::vector<uint32_t> hashes(static_cast<std::size_t>(all->num_rows()));
  ASSERT_TRUE(hasher.Hash(*all, hashes).ok());
  const auto summary = Features(Ticks()).ToIpc(Path("out"), {}, Context(2), 4).ValueOrDie();
  EXPECT_EQ(summary.rows_written, all->num_rows());
  int with_rows = 0;
  for (int partition = 0; partition < 4; ++partition) {
    arrow::Int64Builder builder;
    for (std::size_t row = 0; row < hashes.size(); ++row) {
      if (static_cast<int>(hashes[row] % 256 * 4 / 256) != partition) continue;
      ASSERT_TRUE(builder.Append(static_cast<int64_t>(row)).ok());
    }
    const auto rows = builder.Finish().ValueOrDie();
    with_rows += rows->length() > 0 ? 1 : 0;
    const auto expected = arrow::compute::Take(arrow::Datum(all), arrow::Datum(rows)).ValueOrDie().record_batch();
    const auto plain = Stream::FromTable(arrow::Table::FromRecordBatches({expected}).ValueOrDie()).ValueOrDie();
    ASSERT_TRUE(plain.ToIpc(Path("expected.arrow")).ok());
    std::ifstream file(Path("expected.arrow"), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(Files("out").at("part-0000" + std::to_string(partition) + ".arrow"), bytes) << partition;
  }
  EXPECT_GT(with_rows, 1);
}

TEST_F(PartitionsTest, BytesFollowFromTheRowsAlone) {
  WriteSymbols();
  using Write = std::function<arrow::Result<RunSummary>(const Stream&, const std::string&, RunContext)>;
  const std::map<std::string, Write> formats = {
      {"parquet", [](const auto& stream, const auto& path,
                     auto context) { return stream.ToParquet(path, {.row_group_rows = 999}, context, 4); }},
      {"csv", [](const auto& stream, const auto& path, auto context) { return stream.ToCsv(path, {}, context, 4); }},
      {"ipc", [](const auto& stream, const auto& path, auto context) { return stream.ToIpc(path, {}, context, 4); }}};
  for (const auto& [format, write] : formats) {
    // Of the same rows from one partition, and from one a symbol.
    const auto merged = BySymbol().Collect().ValueOrDie();
    std::map<std::string, std::string> expected;
    for (const int64_t batch_rows : {777, 65'536}) {
      for (const int parallelism : {0, 1, 2, 4, kSymbols, 7}) {
        arrow::TableBatchReader reader(*merged);
        reader.set_chunksize(batch_rows);
        const auto cut = arrow::Table::FromRecordBatches(merged->schema(), reader.ToRecordBatches().ValueOrDie());
        const auto single = Features(Stream::FromTable(*cut).ValueOrDie());
        const auto several =
            Features(Stream::FromIpc(Path("ticks"), {.batch_rows = batch_rows}, "timestamp", {"symbol"}).ValueOrDie());
        for (const auto& stream : {single, several}) {
          fs::remove_all(Path("out"));
          const auto written = write(stream, Path("out"), Context(parallelism, 4));
          ASSERT_TRUE(written.ok()) << written.status();
          if (expected.empty()) expected = Files("out");
          EXPECT_EQ(expected.size(), 4U);
          EXPECT_TRUE(Files("out") == expected) << format << ", " << batch_rows << " rows, parallelism " << parallelism;
        }
      }
    }
  }
}

// Six partitions and six files: still by hash, as rows that were never divided.
TEST_F(PartitionsTest, AsManyFilesAsPartitionsAreNotTheirCopies) {
  WriteSymbols();
  const auto merged = Stream::FromTable(BySymbol().Collect().ValueOrDie()).ValueOrDie();
  ASSERT_TRUE(merged.ToIpc(Path("one"), {}, Context(0), kSymbols).ok());
  ASSERT_TRUE(BySymbol().ToIpc(Path("two"), {}, Context(0), kSymbols).ok());
  EXPECT_TRUE(Files("one") == Files("two"));
}

TEST_F(PartitionsTest, PartitionsWithoutRowsAreFilesWithoutRows) {
  const auto one = Ticks().Filter("symbol == 'S0000'").ValueOrDie();
  const auto summary = one.ToParquet(Path("out"), {}, {}, 16).ValueOrDie();
  ASSERT_EQ(Files("out").size(), 16U);
  int with_rows = 0;
  for (const auto& [name, bytes] : Files("out")) {
    const auto rows = Stream::FromParquet(Path("out/" + name)).ValueOrDie().Collect().ValueOrDie();
    EXPECT_EQ(rows->num_columns(), one.schema()->num_fields());
    with_rows += rows->num_rows() > 0 ? 1 : 0;
  }
  EXPECT_EQ(with_rows, 1);
  EXPECT_EQ(Stream::FromParquet(Path("out")).ValueOrDie().Collect().ValueOrDie()->num_rows(), summary.rows_written);
}

TEST_F(PartitionsTest, OnePartitionIsAFolderWithOneFileAndNeedsNoKey) {
  const auto unkeyed = Ticks().Rename({{"symbol", "security"}}).ValueOrDie();
  ASSERT_TRUE(unkeyed.ToCsv(Path("out"), {}, {}, 1).ok());
  ASSERT_TRUE(unkeyed.ToCsv(Path("out.csv")).ok());
  std::ifstream file(Path("out.csv"), std::ios::binary);
  EXPECT_EQ(Files("out").at("part-00000.csv"), (std::string{std::istreambuf_iterator<char>(file), {}}));
}

// What a partitioned sink wrote is a source that is partitioned by the same key.
TEST_F(PartitionsTest, WhatWasWrittenReadsBackPartitioned) {
  ASSERT_TRUE(Ticks().ToParquet(Path("out"), {}, {}, 4).ok());
  const auto back = Stream::FromParquet(Path("out"), {}, "timestamp", {"symbol"}).ValueOrDie();
  EXPECT_EQ(Features(back).Collect().ValueOrDie()->num_rows(), Features(Ticks()).Collect().ValueOrDie()->num_rows());
}

}  // namespace
}  // namespace sabot::engine
