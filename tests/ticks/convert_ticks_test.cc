#include "sabot/ticks/convert_ticks.h"

#include <arrow/util/io_util.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_buffer.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::ticks {
namespace {

using connectors::BytesOf;
using connectors::TemporaryFolder;
using connectors::WriteBytes;

constexpr int64_t kMorning = 1'723'109'400'000'000'000;  // 2024-08-08 09:30:00.

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

std::vector<Tick> Read(const std::string& path) {
  std::vector<Tick> ticks;
  const auto reader = OpenTickFile(path).ValueOrDie();
  while (const auto batch = reader->Next().ValueOrDie()) {
    TickBuffer buffer;
    buffer.Append(TickColumnsOf(*batch));
    for (std::size_t row = 0; row < buffer.timestamps().size(); ++row) ticks.push_back(buffer[row]);
  }
  return ticks;
}

// Rows of `symbols` securities in turn, a second apart; every fifth stands 50 rows late.
std::string CsvOf(int64_t rows, int64_t symbols) {
  std::string text = "symbol,timestamp,type,price,size\n";
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t second = row - (row % 5 == 0 && row > 50 ? 50 : 0);
    text += "S" + std::to_string(row % symbols) + "," + std::to_string(kMorning + second * 1'000'000'000) +
            ",bid,1.5," + std::to_string(row) + "\n";
  }
  return text;
}

class Stopping final : public env::Interrupt {
 public:
  arrow::Status Check() override { return arrow::Status::Cancelled("stop"); }
};

// --- Wrong use. ---

TEST(ConvertTicks, RefusesWhatItCannotUse) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a.csv", CsvOf(10, 1));
  const auto kind_of = [&](ConvertTicksOptions options) {
    return data::KindOf(ConvertTicks({folder / "a.csv"}, folder / "out", std::move(options)).status());
  };
  EXPECT_EQ(kind_of({.header_row = 0}), data::ErrorKind::kOption);
  EXPECT_EQ(kind_of({.max_workers = -1}), data::ErrorKind::kOption);
  EXPECT_EQ(kind_of({.max_sheets = 0}), data::ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(ConvertTicks({}, folder / "out").status()), data::ErrorKind::kOption);
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(ConvertTicks({folder / "none.csv"}, folder / "out").status()), ENOENT);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  WriteBytes(folder / "file", "");
  EXPECT_TRUE(ConvertTicks({folder / "a.csv"}, folder / "file").status().IsIOError());
}

TEST(ConvertTicks, LeavesNothingWhenItIsStopped) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a.csv", CsvOf(100'000, 3));
  const auto stopped = ConvertTicks({folder / "a.csv"}, folder / "out", {.interrupt = std::make_shared<Stopping>()});
  EXPECT_TRUE(stopped.status().IsCancelled()) << stopped.status();
  const auto failed =
      ConvertTicks({folder / "a.csv"}, folder / "out",
                   {.progress = [](const ConvertProgress&) { return arrow::Status::KeyError("enough"); }});
  EXPECT_TRUE(failed.status().IsKeyError()) << failed.status();
  for (const std::string& name : NamesIn(folder / "out")) EXPECT_TRUE(name.ends_with(".parquet")) << name;
}

// --- Edges. ---

TEST(ConvertTicks, AFileWithoutRowsIsASecurityWithoutTicks) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a.csv", "timestamp,type,price,size\n");
  const auto results = ConvertTicks({folder / "a.csv"}, folder / "out").ValueOrDie();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_TRUE(results[0].status.ok()) << results[0].status;
  EXPECT_EQ(results[0].info.rows, 0);
  EXPECT_TRUE(Read(folder / "out/a.parquet").empty());
}

// A tick a line: its second, and its size, by which it is known again.
std::string LinesOf(const std::vector<std::pair<int, int>>& ticks, const std::string& symbol = "") {
  std::string text = symbol.empty() ? "timestamp,type,price,size\n" : "symbol,timestamp,type,price,size\n";
  for (const auto& [second, size] : ticks) {
    text += (symbol.empty() ? "" : symbol + ",") + std::to_string(kMorning + second * 1'000'000'000LL) + ",bid,1.5," +
            std::to_string(size) + "\n";
  }
  return text;
}

std::vector<double> VolumesOf(const std::string& path) {
  std::vector<double> volumes;
  for (const Tick& tick : Read(path)) volumes.push_back(tick.volume);
  return volumes;
}

using Volumes = std::vector<double>;

TEST(ConvertTicks, TwoInputsOfTheSameTicksAreAnError) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "in");
  WriteBytes(folder / "in/a.csv", LinesOf({{5, 1}, {1, 2}, {1, 3}}));
  WriteBytes(folder / "in/b.csv", LinesOf({{1, 3}, {1, 2}, {5, 1}}, "A"));  // In another order, with symbols.
  const auto check = [&](const std::vector<std::string>& sources) {
    const auto results = ConvertTicks(sources, folder / "out").ValueOrDie();
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(data::KindOf(results[0].status), data::ErrorKind::kData);
    EXPECT_EQ(results[0].status.message(), "'" + sources[0] + "' and '" + sources[1] +
                                               "' hold the same 3 ticks of a: joined, each would count twice. Leave "
                                               "one of them out.");
    EXPECT_TRUE(NamesIn(folder / "out").empty());
  };
  check({folder / "in/a.csv", folder / "in/b.csv"});
  ASSERT_TRUE(ConvertTicks({folder / "in/b.csv"}, folder / "made").ValueOrDie()[0].status.ok());
  std::filesystem::rename(folder / "made/a.parquet", folder / "in/a.parquet");
  check({folder / "in/a.csv", folder / "in/a.parquet"});
}

TEST(ConvertTicks, InputsThatShareSomeTicksAreJoined) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "in");
  WriteBytes(folder / "a.csv", LinesOf({{1, 1}, {2, 2}, {3, 3}}));
  WriteBytes(folder / "in/a.csv", LinesOf({{1, 1}, {2, 2}, {3, 4}}));
  const auto results = ConvertTicks({folder / "a.csv", folder / "in/a.csv"}, folder / "out").ValueOrDie();
  EXPECT_TRUE(results[0].status.ok()) << results[0].status;
  EXPECT_EQ(VolumesOf(folder / "out/a.parquet"), (Volumes{1, 1, 2, 2, 3, 4}));
}

TEST(ConvertTicks, InputsWithoutTicksAreNoCopies) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "in");
  WriteBytes(folder / "a.csv", LinesOf({}));
  WriteBytes(folder / "in/a.csv", LinesOf({}));
  const auto results = ConvertTicks({folder / "a.csv", folder / "in/a.csv"}, folder / "out").ValueOrDie();
  EXPECT_TRUE(results[0].status.ok()) << results[0].status;
}

TEST(ConvertTicks, InputsOfOneSecurityAreJoinedByTime) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "in/x");
  WriteBytes(folder / "in/a.csv", LinesOf({{5, 1}, {1, 2}, {9, 3}}));
  WriteBytes(folder / "in/x/A.csv", LinesOf({{1, 4}, {5, 5}}));
  const std::vector<std::string> sources = {folder / "in/a.csv", folder / "in/x/A.csv"};
  const auto results = ConvertTicks(sources, folder / "out").ValueOrDie();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_TRUE(results[0].status.ok()) << results[0].status;
  EXPECT_EQ(results[0].source, "a.csv, A.csv");
  EXPECT_EQ(results[0].info.rows, 5);
  EXPECT_EQ(results[0].info.reordered, 1);  // Within its own input.
  EXPECT_EQ(VolumesOf(folder / "out/a.parquet"), (Volumes{2, 4, 1, 5, 3}));  // Equal times: in the order of inputs.
  EXPECT_TRUE(ConvertTicks(sources, folder / "out").ValueOrDie()[0].skipped);
  EXPECT_EQ(ConvertTicks(sources, folder / "out//").ValueOrDie()[0].path, folder / "out/a.parquet");
  const auto turned = ConvertTicks({sources[1], sources[0]}, folder / "out").ValueOrDie();
  EXPECT_FALSE(turned[0].skipped);
  EXPECT_EQ(VolumesOf(folder / "out/a.parquet"), (Volumes{4, 2, 5, 1, 3}));
  EXPECT_EQ(NamesIn(folder / "out"), std::vector<std::string>{"a.parquet"});
}

TEST(ConvertTicks, FilesWithAndWithoutSymbolsAreJoined) {
  const TemporaryFolder folder;
  WriteBytes(folder / "1.csv", LinesOf({{1, 1}, {3, 2}}, "a") + LinesOf({{1, 8}}, "b").substr(33));
  WriteBytes(folder / "a.csv", LinesOf({{1, 3}, {2, 4}}));
  WriteBytes(folder / "c.csv", LinesOf({{1, 9}}));
  const std::vector<std::string> sources = {folder / "a.csv", folder / "1.csv", folder / "c.csv"};
  for (int times = 0; times < 2; ++times) {
    const auto results = ConvertTicks(sources, folder / "out").ValueOrDie();
    ASSERT_EQ(results.size(), 3U);
    for (const auto& result : results) EXPECT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(VolumesOf(folder / "out/a.parquet"), (Volumes{3, 1, 4, 2}));
    EXPECT_EQ(VolumesOf(folder / "out/b.parquet"), (Volumes{8}));
    EXPECT_EQ(VolumesOf(folder / "out/c.parquet"), (Volumes{9}));
  }
  // A file that comes later has part of what was up to date.
  WriteBytes(folder / "b.csv", LinesOf({{0, 7}}));
  const auto results = ConvertTicks({folder / "1.csv", folder / "b.csv"}, folder / "new").ValueOrDie();
  EXPECT_EQ(VolumesOf(folder / "new/b.parquet"), (Volumes{7, 8}));
  ASSERT_TRUE(ConvertTicks({folder / "1.csv"}, folder / "later").ok());
  ASSERT_TRUE(ConvertTicks({folder / "1.csv", folder / "b.csv"}, folder / "later").ok());
  EXPECT_EQ(VolumesOf(folder / "later/b.parquet"), (Volumes{7, 8}));
}

TEST(ConvertTicks, ManyInputsAreJoinedInPasses) {
  const TemporaryFolder folder;
  std::vector<std::string> sources;
  Volumes expected;
  constexpr int kInputs = 150;
  for (int input = 0; input < kInputs; ++input) {
    sources.push_back(folder / ("in/" + std::to_string(input) + "/a.csv"));
    std::filesystem::create_directories(folder / ("in/" + std::to_string(input)));
    WriteBytes(sources.back(), LinesOf({{1, input}, {2, kInputs + input}}));
  }
  for (int volume = 0; volume < 2 * kInputs; ++volume) expected.push_back(volume);
  ASSERT_TRUE(ConvertTicks(sources, folder / "out").ValueOrDie()[0].status.ok());
  EXPECT_EQ(VolumesOf(folder / "out/a.parquet"), expected);
}

TEST(ConvertTicks, TicksOfOtherInputsAreNotOverwritten) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "monday");
  std::filesystem::create_directories(folder / "tuesday");
  const std::string monday = folder / "monday/a.csv";
  const std::string tuesday = folder / "tuesday/a.csv";
  WriteBytes(monday, LinesOf({{1, 1}}));
  WriteBytes(tuesday, LinesOf({{2, 2}}));
  WriteBytes(folder / "b.csv", LinesOf({{3, 3}}));
  const std::string out = folder / "out";
  ASSERT_TRUE(ConvertTicks({monday}, out).ValueOrDie()[0].status.ok());

  const auto refused = ConvertTicks({tuesday, folder / "b.csv"}, out).ValueOrDie();
  ASSERT_EQ(refused.size(), 2U);
  for (const std::string& part :
       {monday, std::string("a.csv"), out + "/a.parquet", std::string("together"), std::string("--overwrite")}) {
    EXPECT_NE(refused[0].status.message().find(part), std::string::npos) << refused[0].status;
  }
  EXPECT_TRUE(refused[1].status.ok());  // Others go on.
  EXPECT_EQ(VolumesOf(out + "/a.parquet"), (Volumes{1}));

  WriteBytes(monday, LinesOf({{1, 4}}));  // The same path with other content.
  ASSERT_TRUE(ConvertTicks({monday}, out).ValueOrDie()[0].status.ok());
  EXPECT_EQ(VolumesOf(out + "/a.parquet"), (Volumes{4}));
  ASSERT_TRUE(ConvertTicks({monday, tuesday}, out).ValueOrDie()[0].status.ok());
  EXPECT_EQ(VolumesOf(out + "/a.parquet"), (Volumes{4, 2}));
  EXPECT_FALSE(ConvertTicks({monday}, out).ValueOrDie()[0].status.ok());  // Tuesday would be lost.
  ASSERT_TRUE(ConvertTicks({tuesday}, out, {.overwrite = true}).ValueOrDie()[0].status.ok());
  EXPECT_EQ(VolumesOf(out + "/a.parquet"), (Volumes{2}));

  // One symbol of many.
  WriteBytes(folder / "many.csv", LinesOf({{5, 5}}, "a") + LinesOf({{6, 6}}, "z").substr(33));
  const auto one = ConvertTicks({folder / "many.csv"}, out).ValueOrDie();
  ASSERT_EQ(one.size(), 2U);
  EXPECT_FALSE(one[0].status.ok());
  EXPECT_TRUE(one[1].status.ok());
  EXPECT_EQ(VolumesOf(out + "/a.parquet"), (Volumes{2}));
  EXPECT_EQ(VolumesOf(out + "/z.parquet"), (Volumes{6}));
}

TEST(ConvertTicks, AnInputThatIsBrokenCostsNoTicksOfBefore) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "other");
  WriteBytes(folder / "a.csv", LinesOf({{1, 1}}));
  WriteBytes(folder / "other/a.csv", LinesOf({{2, 2}}));
  WriteBytes(folder / "many.csv", LinesOf({{3, 3}}, "a"));
  const std::vector<std::string> sources = {folder / "a.csv", folder / "other/a.csv", folder / "many.csv"};
  ASSERT_TRUE(ConvertTicks(sources, folder / "out").ValueOrDie()[0].status.ok());
  for (const std::string& broken : {sources[1], sources[2]}) {
    const std::string whole = BytesOf(broken);
    WriteBytes(broken, "\x1F\x8B");
    const auto results = ConvertTicks(sources, folder / "out").ValueOrDie();
    ASSERT_EQ(results.size(), 2U);
    for (const auto& result : results) EXPECT_FALSE(result.status.ok());
    EXPECT_EQ(VolumesOf(folder / "out/a.parquet"), (Volumes{1, 2, 3}));
    WriteBytes(broken, whole);
  }
}

TEST(ConvertTicks, ATickFileIsAnInputUnlessItIsACopy) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a.csv", LinesOf({{1, 1}, {2, 2}}));
  ASSERT_TRUE(ConvertTicks({folder / "a.csv"}, folder / "old").ok());
  std::filesystem::create_directories(folder / "new");
  WriteBytes(folder / "new/a.csv", LinesOf({{1, 3}}));
  // Beside what it was made from it is a copy; also where that was moved.
  ASSERT_TRUE(ConvertTicks({folder / "a.csv", folder / "old/a.parquet"}, folder / "out").ok());
  EXPECT_EQ(VolumesOf(folder / "out/a.parquet"), (Volumes{1, 2}));
  std::filesystem::create_directories(folder / "moved");
  std::filesystem::copy(folder / "a.csv", folder / "moved/a.csv");
  ASSERT_TRUE(ConvertTicks({folder / "moved/a.csv", folder / "old/a.parquet"}, folder / "out2").ok());
  EXPECT_EQ(VolumesOf(folder / "out2/a.parquet"), (Volumes{1, 2}));
  // Of another file of the same name nobody knows.
  const auto unsure = ConvertTicks({folder / "new/a.csv", folder / "old/a.parquet"}, folder / "out3").ValueOrDie();
  ASSERT_EQ(unsure.size(), 1U);
  EXPECT_NE(unsure[0].status.message().find("may hold the same ticks"), std::string::npos) << unsure[0].status;
  std::filesystem::create_directories(folder / "other");
  WriteBytes(folder / "many.csv", LinesOf({{1, 4}}, "a"));
  ASSERT_TRUE(ConvertTicks({folder / "old/a.parquet", folder / "many.csv"}, folder / "out4").ok());
  EXPECT_EQ(VolumesOf(folder / "out4/a.parquet"), (Volumes{1, 4, 2}));
  const auto itself = ConvertTicks({folder / "old/a.parquet", folder / "many.csv"}, folder / "old").ValueOrDie();
  EXPECT_FALSE(itself[0].status.ok());
  EXPECT_EQ(VolumesOf(folder / "old/a.parquet"), (Volumes{1, 2}));
}

TEST(ConvertTicks, AFileThatCannotBeWrittenKeepsNoneOfTheOthers) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "out/bad.parquet/x");
  WriteBytes(folder / "many.csv", LinesOf({{1, 1}}, "good") + LinesOf({{1, 2}}, "bad").substr(33) +
                                      LinesOf({{1, 3}}, std::string(300, 'n')).substr(33));
  const auto results = ConvertTicks({folder / "many.csv"}, folder / "out").ValueOrDie();
  ASSERT_EQ(results.size(), 3U);
  EXPECT_FALSE(results[0].status.ok());
  EXPECT_EQ(results[0].security, "bad");
  EXPECT_TRUE(results[1].status.ok());
  EXPECT_FALSE(results[2].status.ok());  // No file's name is that long.
  EXPECT_EQ(VolumesOf(folder / "out/good.parquet"), (Volumes{1}));
}

TEST(ConvertTicks, RemovesWhatAKilledConversionLeft) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "out/.1-1.sorting/1");
  WriteBytes(folder / "out/.1-1.sorting/lock", "");
  WriteBytes(folder / "a.csv", LinesOf({{1, 1}}));
  ASSERT_TRUE(ConvertTicks({folder / "a.csv"}, folder / "out").ok());
  EXPECT_EQ(NamesIn(folder / "out"), std::vector<std::string>{"a.parquet"});
}

TEST(ConvertTicks, ABadFileKeepsNoneOfTheOthers) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "in");
  WriteBytes(folder / "in/a.parquet", "PAR1 torn");
  WriteBytes(folder / "in/b.csv", CsvOf(100, 1));
  WriteBytes(folder / "in/c.xlsx", "no zip file");
  const auto results = ConvertTicks({folder / "in"}, folder / "out").ValueOrDie();
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].security, "a");
  EXPECT_FALSE(results[0].status.ok());
  EXPECT_EQ(results[1].security, "S0");
  EXPECT_TRUE(results[1].status.ok());
  EXPECT_EQ(results[2].security, "c");
  EXPECT_FALSE(results[2].status.ok());
  EXPECT_EQ(NamesIn(folder / "out"), std::vector<std::string>{"s0.parquet"});
}

// --- Values. ---

TEST(ConvertTicks, EverySymbolIsInItsOrder) {
  const TemporaryFolder folder;
  constexpr int64_t kRows = 20'000;
  WriteBytes(folder / "a.csv", CsvOf(kRows, 3));
  for (const int workers : {1, 3}) {
    const std::string out = folder / ("out" + std::to_string(workers));
    const auto results = ConvertTicks({folder / "a.csv"}, out, {.max_workers = workers}).ValueOrDie();
    ASSERT_EQ(results.size(), 3U);
    for (int64_t symbol = 0; symbol < 3; ++symbol) {
      std::vector<int64_t> rows;
      for (int64_t row = symbol; row < kRows; row += 3) rows.push_back(row);
      const auto second_of = [](int64_t row) { return row - (row % 5 == 0 && row > 50 ? 50 : 0); };
      std::ranges::stable_sort(rows, {}, second_of);
      const auto ticks = Read(out + "/s" + std::to_string(symbol) + ".parquet");
      ASSERT_EQ(ticks.size(), rows.size());
      for (std::size_t at = 0; at < rows.size(); ++at) {
        ASSERT_EQ(ticks[at].timestamp, kMorning + second_of(rows[at]) * 1'000'000'000);
        ASSERT_EQ(ticks[at].volume, static_cast<double>(rows[at]));
      }
      EXPECT_GT(results[static_cast<std::size_t>(symbol)].info.reordered, kRows / 3 / 6);
    }
  }
  EXPECT_EQ(BytesOf(folder / "out1/s1.parquet"), BytesOf(folder / "out3/s1.parquet"));
}

}  // namespace
}  // namespace sabot::ticks
