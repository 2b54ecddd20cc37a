#include "sabot/ticks/ordered_ticks.h"

#include <arrow/array.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "sabot/env/interrupt.h"
#include "sabot/ticks/sorting_folder_internal.h"
#include "sabot/ticks/tick_runs_internal.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::ticks {
namespace {

using connectors::BytesOf;
using connectors::TemporaryFolder;

// Each with a volume of its own, by which it is known again.
std::vector<Tick> TicksAt(const std::vector<int64_t>& times) {
  std::vector<Tick> ticks;
  for (const int64_t time : times) {
    const auto row = static_cast<double>(ticks.size());
    ticks.push_back({.timestamp = time,
                     .type = static_cast<TickType>(ticks.size() % 3),
                     .price = 1 + row,
                     .volume = row,
                     .side = static_cast<int8_t>(ticks.size() % 3 - 1)});
  }
  return ticks;
}

TickFileInfo Write(const std::string& path, const std::vector<Tick>& ticks, OrderedTicksOptions options) {
  OrderedTicks ordered(path, options);
  for (const Tick& tick : ticks) {
    ordered.Add(tick);
    ARROW_CHECK_OK(ordered.MakeRoom());
  }
  return ordered.Close({}).ValueOrDie();
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

void ExpectSame(const std::vector<Tick>& found, const std::vector<Tick>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t row = 0; row < found.size(); ++row) {
    ASSERT_EQ(found[row].timestamp, expected[row].timestamp) << row;
    ASSERT_EQ(found[row].type, expected[row].type) << row;
    ASSERT_EQ(found[row].price, expected[row].price) << row;
    ASSERT_EQ(found[row].volume, expected[row].volume) << row;
    ASSERT_EQ(found[row].side, expected[row].side) << row;
  }
}

int FilesIn(const std::string& folder) {
  const std::filesystem::directory_iterator files(folder);
  return static_cast<int>(std::distance(begin(files), end(files)));
}

TEST(OrderedTicks, LeavesNothingWhenItIsNotClosed) {
  const TemporaryFolder folder;
  {
    OrderedTicks in_order(folder / "a.parquet", {.run_rows = 10});
    OrderedTicks spilled(folder / "b.parquet", {.run_rows = 10});
    for (int64_t row = 0; row < 100; ++row) {
      in_order.Add({.timestamp = row, .price = 1});
      ARROW_CHECK_OK(in_order.MakeRoom());
      spilled.Add({.timestamp = -row, .price = 1});
      ARROW_CHECK_OK(spilled.MakeRoom());
    }
    EXPECT_EQ(FilesIn(folder / ""), 2);  // Hidden folders.
  }
  EXPECT_EQ(FilesIn(folder / ""), 0);
}

TEST(OrderedTicks, StopsWhenItIsToldTo) {
  const TemporaryFolder folder;
  env::StopFlag stop;
  const env::InterruptScope scope(stop);
  OrderedTicks ordered(folder / "a.parquet", {.run_rows = 10});
  for (int64_t row = 0; row < 100; ++row) ordered.Add({.timestamp = -row, .price = 1});
  stop.Set();
  EXPECT_TRUE(ordered.MakeRoom().IsCancelled());
}

TEST(OrderedTicks, NoTicksAreAFileWithoutRows) {
  const TemporaryFolder folder;
  EXPECT_EQ(Write(folder / "a.parquet", {}, {}).rows, 0);
  EXPECT_TRUE(Read(folder / "a.parquet").empty());
}

TEST(OrderedTicks, CountsRowsBehindALaterOne) {
  const TemporaryFolder folder;
  for (const int64_t run_rows : {1, 2, 3, 100}) {
    const auto info = Write(folder / "a.parquet", TicksAt({5, 5, 4, 6, 3, 5, 6, 7}), {.run_rows = run_rows});
    EXPECT_EQ(info.reordered, 3) << run_rows;
    EXPECT_EQ(info.rows, 8);
  }
  OrderedTicks two(folder / "b.parquet", {});
  for (const int64_t time : {5, 9}) two.Add({.timestamp = time, .price = 1});
  two.BeginStream();
  for (const int64_t time : {4, 3, 6}) two.Add({.timestamp = time, .price = 1});
  EXPECT_EQ(two.Close({}).ValueOrDie().reordered, 1);
}

// The file, its bytes too, is that of a stable sort in memory, whatever was held and wherever the time went back.
TEST(OrderedTicks, AreAStableSortWhateverIsHeld) {
  const TemporaryFolder folder;
  std::mt19937 random(7);
  std::vector<std::vector<int64_t>> series(5);
  for (int64_t row = 0; row < 3'000; ++row) {
    series[0].push_back(row / 3);                                           // In order, with equal times.
    series[1].push_back(row / 3 - (row % 5 == 0 ? 4 : 0));                  // Back by little, all the time.
    series[2].push_back(row < 2'500 ? row : row - 2'000);                   // Back by much, once, late.
    series[3].push_back(static_cast<int64_t>(random() % 100));              // In no order.
    series[4].push_back(-row / 2);                                          // Always back.
  }
  for (const auto& times : series) {
    const auto ticks = TicksAt(times);
    auto expected = ticks;
    std::stable_sort(expected.begin(), expected.end(),
                     [](const Tick& left, const Tick& right) { return left.timestamp < right.timestamp; });
    std::string bytes;
    for (const int64_t run_rows : {7, 100, 1'000, 2'999, 3'000, 1'000'000}) {
      Write(folder / "a.parquet", ticks, {.with_side = true, .run_rows = run_rows});
      ExpectSame(Read(folder / "a.parquet"), expected);
      EXPECT_EQ(FilesIn(folder / ""), 1);
      if (bytes.empty()) bytes = BytesOf(folder / "a.parquet");
      EXPECT_EQ(BytesOf(folder / "a.parquet"), bytes) << run_rows;
    }
  }
}

// Also where runs are merged in passes: the same bytes as with all of them at once, and nothing is left.
TEST(OrderedTicks, MergedInPassesTheyAreTheSame) {
  const TemporaryFolder folder;
  std::vector<int64_t> times;
  for (int64_t row = 0; row < 3'000; ++row) times.push_back((row < 1'000 ? row : 4'000 - row) / 7);
  const auto ticks = TicksAt(times);
  const std::string all = folder / "all.parquet";
  Write(all, ticks, {.with_side = true, .run_rows = 10, .merged_most = 1'000});
  for (const int merged_most : {2, 3, 7, 64}) {
    Write(folder / "a.parquet", ticks, {.with_side = true, .run_rows = 10, .merged_most = merged_most});
    EXPECT_EQ(BytesOf(folder / "a.parquet"), BytesOf(all)) << merged_most;
  }
  EXPECT_EQ(FilesIn(folder / ""), 2);
}

// As many files as a merge may open are enough for any number of runs, and those of a pass go as it ends.
TEST(OrderedTicks, OpenFewFilesAtOnce) {
  const TemporaryFolder folder;
  constexpr int kRuns = 300;
  const auto sorting = internal::SortingFolder::Make(folder / "").ValueOrDie();
  const auto runs = internal::TickRuns::Make(sorting).ValueOrDie();
  for (int run = 0; run < kRuns; ++run) {
    TickBuffer ticks;
    for (int64_t row = 0; row < 3; ++row) ticks.Append({.timestamp = row, .price = 1, .volume = 3.0 * run + row});
    ARROW_CHECK_OK(runs->Add(ticks));
  }
  EXPECT_EQ(FilesIn(runs->folder()), kRuns);
  int64_t rows = 0;
  ARROW_CHECK_OK(runs->Merge(4, [&](TickBuffer& ticks) {
    EXPECT_LE(FilesIn(runs->folder()), 4);
    for (std::size_t row = 0; row < ticks.timestamps().size(); ++row, ++rows) {
      EXPECT_EQ(ticks[row].volume, 3 * (rows % kRuns) + rows / kRuns);  // Those of an earlier run come first.
    }
    ticks.Clear();
    return arrow::Status::OK();
  }));
  EXPECT_EQ(rows, 3 * kRuns);
}

// --- What a killed process has left. ---

TEST(SortingFolder, IsRemovedByWhoComesNextUnlessItIsHeld) {
  const TemporaryFolder folder;
  const auto held = internal::SortingFolder::Make(folder / "").ValueOrDie();
  for (const char* const left : {".1-1.sorting", ".1-2.sorting/3", "mine.sorting", ".mine"}) {
    std::filesystem::create_directories(folder / left);
  }
  connectors::WriteBytes(folder / ".1-2.sorting/lock", "");
  connectors::WriteBytes(folder / ".1-2.sorting/3/run-1.arrow", "half a run");
  internal::RemoveLeftSortingFolders(folder / "");
  EXPECT_FALSE(std::filesystem::exists(folder / ".1-1.sorting"));  // Killed before it had a lock.
  EXPECT_FALSE(std::filesystem::exists(folder / ".1-2.sorting"));
  EXPECT_TRUE(std::filesystem::exists(folder / "mine.sorting"));
  EXPECT_TRUE(std::filesystem::exists(folder / ".mine"));
  EXPECT_TRUE(std::filesystem::exists(held->path() + "/lock"));
}

TEST(SortingFolder, GoesWithWhoMadeIt) {
  const TemporaryFolder folder;
  {
    const auto made = internal::SortingFolder::Make(folder / "").ValueOrDie();
    connectors::WriteBytes(made->NewPath(".parquet"), "x");
    EXPECT_EQ(FilesIn(folder / ""), 1);
  }
  EXPECT_EQ(FilesIn(folder / ""), 0);
}

TEST(OrderedTicks, SpilledBetweenTheyAreTheSame) {
  const TemporaryFolder folder;
  std::vector<int64_t> times;
  for (int64_t row = 0; row < 1'000; ++row) times.push_back(row - (row % 50 == 0 ? 70 : 0));
  const auto ticks = TicksAt(times);
  Write(folder / "a.parquet", ticks, {.with_side = true});
  OrderedTicks ordered(folder / "b.parquet", {.with_side = true, .run_rows = 300});
  for (std::size_t row = 0; row < ticks.size(); ++row) {
    ordered.Add(ticks[row]);
    ARROW_CHECK_OK(ordered.MakeRoom());
    if (row % 450 == 17) ARROW_CHECK_OK(ordered.Spill());
  }
  EXPECT_EQ(ordered.Close({}).ValueOrDie().rows, 1'000);
  EXPECT_EQ(BytesOf(folder / "a.parquet"), BytesOf(folder / "b.parquet"));
}

// What is unchanged is decided in the order of times: the ask that comes last stands between two others.
TEST(OrderedTicks, DropsQuotesThatRepeatTheOneBefore) {
  const TemporaryFolder folder;
  const auto bid = TickType::kBid;
  const auto ask = TickType::kAsk;
  const std::vector<Tick> ticks = {{1, bid, 10, 5}, {1, ask, 11, 5}, {2, bid, 10, 5}, {2, TickType::kTrade, 10, 5},
                                   {3, bid, 10, 6}, {3, ask, 11, 5}, {4, bid, 9, 6},  {4, TickType::kTrade, 10, 5},
                                   {5, ask, 11, 5}, {2, ask, 12, 5}};
  const std::vector<Tick> expected = {
      {1, bid, 10, 5}, {1, ask, 11, 5}, {2, TickType::kTrade, 10, 5}, {2, ask, 12, 5}, {3, bid, 10, 6},
      {3, ask, 11, 5}, {4, bid, 9, 6},  {4, TickType::kTrade, 10, 5}};
  for (const int64_t run_rows : {1, 4, 100}) {
    EXPECT_EQ(Write(folder / "a.parquet", ticks, {.drop_unchanged_quotes = true, .run_rows = run_rows}).rows, 8);
    ExpectSame(Read(folder / "a.parquet"), expected);
  }
}

}  // namespace
}  // namespace sabot::ticks
