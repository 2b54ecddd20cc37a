#include "sabot/ticks/convert_ticks.h"

#include <arrow/util/io_util.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
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

TEST(ConvertTicks, TwoSourcesOfOneSecurityClash) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "in/x");
  WriteBytes(folder / "in/a.csv", "timestamp,type,price,size\n2024-08-08 09:30:00,bid,1,2\n");
  WriteBytes(folder / "in/x/A.csv", CsvOf(100, 1).erase(0, std::string("symbol,").size()));  // The larger one.
  const auto results = ConvertTicks({folder / "in"}, folder / "out").ValueOrDie();
  ASSERT_EQ(results.size(), 2U);
  EXPECT_TRUE(results[0].status.ok()) << results[0].status;
  EXPECT_NE(results[1].status.message().find("is made from a.csv already"), std::string::npos) << results[1].status;
  EXPECT_TRUE(results[1].path.empty());
  EXPECT_EQ(Read(folder / "out/a.parquet").size(), 1U);
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
  EXPECT_FALSE(results[1].status.ok());
  EXPECT_EQ(results[2].security, "S0");
  EXPECT_TRUE(results[2].status.ok());
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
