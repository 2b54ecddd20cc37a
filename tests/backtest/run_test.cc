#include "sabot/backtest/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sabot/backtest/activity_file.h"
#include "sabot/backtest/result_folder.h"
#include "sabot/connectors/parquet_source.h"
#include "tests/backtest/ending_plan.h"
#include "tests/backtest/tick_folder.h"

namespace sabot::backtest {
namespace {

using connectors::BytesOf;
using connectors::TemporaryFolder;
using connectors::WriteBytes;

std::map<std::string, std::string> FilesOf(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename().string()] = BytesOf(entry.path().string());
  }
  return files;
}

std::vector<SecurityResult> RunAll(const RunPlan& plan, const std::string& ticks, const RunOptions& options) {
  env::NoInterrupt interrupt;
  const auto securities = FindTicks({ticks}).ValueOrDie().ticks;
  if (!options.folder.empty()) {
    std::vector<std::string> names;
    for (const auto& each : securities) names.push_back(each.security);
    EXPECT_TRUE(PrepareFolder(options.folder, names, options.parquet).ok());
  }
  auto results = RunSecurities(plan, securities, options, interrupt, {});
  EXPECT_TRUE(results.ok()) << results.status();
  return std::move(results).ValueOr({});
}

class RunTest : public testing::Test {
 protected:
  RunTest() {
    std::filesystem::create_directory(ticks_);
    WriteTicks(ticks_ + "/aaa.parquet", "AAA", Alternating(40, 100), "", 3);
    WriteTicks(ticks_ + "/bbb.parquet", "BBB", Alternating(90, 20));
    WriteTicks(ticks_ + "/ccc.parquet", "CCC", Alternating(7, 5));
  }

  TemporaryFolder folder_;
  const std::string ticks_ = folder_ / "ticks";
  const std::string out_ = folder_ / "out";
};

TEST_F(RunTest, OptionsThatCannotBe) {
  env::NoInterrupt interrupt;
  const auto found = FindTicks({ticks_}).ValueOrDie().ticks;
  ExpectError(RunSecurities(JoinsPlan(), found, {.chunk_rows = 0}, interrupt, {}).status(), data::ErrorKind::kOption,
              {"chunk_size", ">= 1", "0"});
  ExpectError(RunSecurities(JoinsPlan(), found, {.workers = -1}, interrupt, {}).status(), data::ErrorKind::kOption,
              {"max_workers", "-1"});
}

TEST_F(RunTest, WhereThereAreNoTicks) {
  EXPECT_TRUE(FindTicks({folder_ / "nowhere"}).status().IsIOError());
  EXPECT_TRUE(FindTicks({folder_ / "*.xlsx"}).status().IsIOError());
  std::filesystem::create_directory(folder_ / "other");
  WriteBytes(folder_ / "other/a.csv", "a,b\n1,2\n");
  WriteBytes(folder_ / "other/notes.txt", "none");
  ExpectError(
      FindTicks({folder_ / "other"}).status(), data::ErrorKind::kData,
      {"no ticks in", "other/a.csv': there is no Dates", "other/notes.txt' is no workbook, CSV or Parquet file"});
}

TEST_F(RunTest, TwoFilesOfOneSecurityAreToBeJoined) {
  const std::string other = folder_ / "old_aaa.parquet";
  WriteTicks(other, "Aaa", Alternating(5, 100));
  const auto found = FindTicks({ticks_, other}).ValueOrDie();
  EXPECT_TRUE(found.ticks.empty());
  EXPECT_EQ(found.to_convert, (std::vector<std::string>{ticks_ + "/aaa.parquet", ticks_ + "/bbb.parquet",
                                                        ticks_ + "/ccc.parquet", other}));
}

TEST_F(RunTest, AllThatAFolderHoldsIsUsedOrNamed) {
  EXPECT_EQ(FindTicks({ticks_ + "/b*.parquet", ticks_}).ValueOrDie().ticks.size(), 3U);
  std::filesystem::create_directory(folder_ / "ticks/more");
  WriteBytes(ticks_ + "/more/d.csv", "timestamp,type,price,size\n");
  WriteBytes(ticks_ + "/.hidden.csv", "");
  WriteBytes(ticks_ + "/e.xlsx", "opened by who converts it");
  WriteBytes(ticks_ + "/notes.txt", "");
  WriteBytes(ticks_ + "/trades.csv", "timestamp,fill_price\n");
  const auto found = FindTicks({ticks_}).ValueOrDie();
  EXPECT_EQ(found.to_convert.size(), 5U);
  EXPECT_EQ(found.to_convert.back(), ticks_ + "/more/d.csv");
  ASSERT_EQ(found.passed_over.size(), 2U);
  EXPECT_NE(found.passed_over[0].find("notes.txt"), std::string::npos);
  EXPECT_NE(found.passed_over[1].find("trades.csv"), std::string::npos);
}

TEST_F(RunTest, AFileThatIsNoneFailsAloneAndItsOldFilesGo) {
  RunAll(JoinsPlan(), ticks_, {.folder = out_});
  const auto whole = FilesOf(out_);
  EXPECT_TRUE(whole.contains("bbb_equity.csv"));
  WriteBytes(ticks_ + "/bbb.parquet", "PAR1 or so");
  const auto results = RunAll(JoinsPlan(), ticks_, {.folder = out_});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[1].summary.security, "bbb");
  EXPECT_NE(results[1].summary.error.find("bbb.parquet"), std::string::npos) << results[1].summary.error;
  EXPECT_EQ(results[1].summary.outcome, std::nullopt);
  auto expected = whole;
  expected.erase("bbb_equity.csv");
  expected.erase("bbb_trades_timeseries.csv");
  expected[kUnfinishedFileName] = "security,parquet\nAAA,false\nCCC,false\nbbb,false\n";  // Named by its file.
  EXPECT_EQ(FilesOf(out_), expected);
}

TEST_F(RunTest, AnInterruptedStrategyEndsTheRun) {
  env::NoInterrupt interrupt;
  const auto securities = FindTicks({ticks_}).ValueOrDie().ticks;
  for (const auto& status : {Interrupted(), arrow::Status::Cancelled("it gave up")}) {
    for (const bool in_make : {false, true}) {
      const auto results = RunSecurities(EndingPlan(status, in_make), securities, {.workers = 1}, interrupt, {});
      if (IsInterrupted(status)) {
        EXPECT_TRUE(IsInterrupted(results.status())) << results.status();
        continue;
      }
      ASSERT_TRUE(results.ok()) << results.status();
      for (const auto& each : *results) EXPECT_EQ(each.summary.error, "it gave up") << each.summary.security;
    }
  }
}

TEST_F(RunTest, AFileThatIsDamagedInTheMiddleFailsAlone) {
  std::string bytes = BytesOf(ticks_ + "/bbb.parquet");
  for (std::size_t at = 20; at < bytes.size() / 2; ++at) bytes[at] = '\x55';
  WriteBytes(ticks_ + "/bbb.parquet", bytes);
  const auto results = RunAll(JoinsPlan(), ticks_, {.chunk_rows = 7, .folder = out_});
  EXPECT_NE(results[1].summary.error, "");
  EXPECT_TRUE(results[1].read_failed);
  EXPECT_EQ(results[0].summary.error, "");
  EXPECT_EQ(results[2].summary.error, "");
  EXPECT_EQ(FilesOf(out_).size(), 5u);  // With the list of a run that did not end.
}

TEST_F(RunTest, AFileFromWhichEveryRowWasRejectedFails) {
  WriteTicks(ticks_ + "/bbb.parquet", "BBB", {}, "", 12);
  WriteTicks(ticks_ + "/ccc.parquet", "CCC", {});
  const auto results = RunAll(JoinsPlan(), ticks_, {.folder = out_});
  EXPECT_NE(results[1].summary.error.find("bbb.parquet: there are no ticks in it: all 12 rows"), std::string::npos)
      << results[1].summary.error;
  EXPECT_EQ(results[2].summary.error, "");  // A day without ticks is none that went wrong.
  EXPECT_TRUE(results[1].read_failed);
  EXPECT_EQ(FilesOf(out_).size(), 5u);      // With the list of a run that did not end.
}

TEST_F(RunTest, ActivityOfSeveralIsALineEachAndATable) {
  std::vector<SummaryRow> rows;
  for (const auto& each : RunAll(JoinsPlan(R"({"BBB": {"fails_at": 1}})"), ticks_, {})) rows.push_back(each.summary);
  const std::string text = ActivityText(rows);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_EQ(text.find("BBB"), std::string::npos);
  const auto batch = ActivityBatch(rows).ValueOrDie();
  ASSERT_TRUE(batch->ValidateFull().ok());
  EXPECT_EQ(batch->num_rows(), 3);
  EXPECT_EQ(batch->column(0)->null_count(), 0);
  EXPECT_EQ(batch->column(1)->null_count(), 3);
  EXPECT_EQ(batch->GetColumnByName("ticks")->null_count(), 1);
  EXPECT_EQ(batch->GetColumnByName("refused_nothing_to_take")->type_id(), arrow::Type::INT64);
  EXPECT_EQ(ActivityText({}), "{}\n");
}

TEST_F(RunTest, AStrategyThatFailsIsARowWithoutFiles) {
  const auto results = RunAll(JoinsPlan(R"({"BBB": {"fails_at": 100}})"), ticks_, {.folder = out_, .keep_rows = true});
  EXPECT_EQ(results[1].summary.error, "it fails,\nas it was told");
  EXPECT_EQ(results[1].trades, nullptr);
  EXPECT_GT(results[0].trades->num_rows(), 0);
  std::vector<SummaryRow> rows;
  for (const auto& each : results) rows.push_back(each.summary);
  ASSERT_TRUE(WriteSummary(out_, rows).ok());
  EXPECT_EQ(FilesOf(out_).size(), 6u);
  const std::string text = SummaryText(rows);
  EXPECT_NE(text.find("\nBBB,,,,,,,,,,,,,\"it fails, as it was told\"\n"), std::string::npos) << text;
}

// Cancelled is what ends a run that is interrupted. A strategy that says it has failed like with any other error.
TEST_F(RunTest, AStrategyThatCancelsIsARow) {
  auto plan = JoinsPlan();
  plan.strategy.make = [](const Settings&) -> arrow::Result<std::unique_ptr<Strategy>> {
    class Cancels final : public Strategy {
      arrow::Status OnTick(const Moment&, Orders&) override { return arrow::Status::Cancelled("I give up"); }
    };
    return std::make_unique<Cancels>();
  };
  const auto results = RunAll(plan, ticks_, {.folder = out_});
  ASSERT_EQ(results.size(), 3u);
  for (const auto& each : results) EXPECT_EQ(each.summary.error, "I give up") << each.summary.security;
  env::NoInterrupt interrupt;
  const auto batch = Batch(Alternating(4, 100));
  const auto reader = arrow::RecordBatchReader::Make({batch}, batch->schema()).ValueOrDie();
  EXPECT_FALSE(RunTicks(plan, "AAA", *reader, {}, interrupt).status().IsCancelled());
}

TEST_F(RunTest, AFolderThatIsAFile) {
  WriteBytes(out_, "mine");
  EXPECT_FALSE(PrepareFolder(out_, {}).ok());
  EXPECT_EQ(BytesOf(out_), "mine");
}

TEST_F(RunTest, InterruptedItLeavesWholeFilesOnly) {
  ASSERT_TRUE(PrepareFolder(out_, std::vector<std::string>{"AAA", "BBB", "CCC"}).ok());
  env::StopFlag stop;
  int64_t rows = 0;
  const auto after_rows = [&](int64_t more) {
    rows += more;
    return rows > 50 ? arrow::Status::Cancelled("enough") : arrow::Status::OK();
  };
  const auto found = FindTicks({ticks_}).ValueOrDie().ticks;
  const auto result = RunSecurity(JoinsPlan(), found[0], {.chunk_rows = 10, .folder = out_}, after_rows);
  EXPECT_TRUE(result.status().IsCancelled());
  const std::string list = "security,parquet\nAAA,false\nBBB,false\nCCC,false\n";
  EXPECT_EQ(FilesOf(out_), (std::map<std::string, std::string>{{kUnfinishedFileName, list}}));
  stop.Set();
  const auto all = RunSecurities(JoinsPlan(), found, {.workers = 2, .folder = out_}, stop, {});
  EXPECT_TRUE(all.ok() || all.status().IsCancelled());
  for (const auto& [name, bytes] : FilesOf(out_)) EXPECT_TRUE(name.ends_with(".csv")) << name;
}

TEST_F(RunTest, ProgressThatFailsEndsTheRun) {
  env::NoInterrupt interrupt;
  const auto result = RunSecurities(JoinsPlan(), FindTicks({ticks_}).ValueOrDie().ticks, {}, interrupt,
                                    [](const RunProgress&) { return arrow::Status::Invalid("no more"); });
  EXPECT_EQ(result.status().message(), "no more");
}

TEST_F(RunTest, TellsHowFarItIs) {
  env::NoInterrupt interrupt;
  RunProgress last;
  ASSERT_TRUE(RunSecurities(JoinsPlan(), FindTicks({ticks_}).ValueOrDie().ticks, {.workers = 2}, interrupt,
                            [&](const RunProgress& now) {
                              EXPECT_GE(now.rows, last.rows);
                              last = now;
                              return arrow::Status::OK();
                            })
                  .ok());
  EXPECT_EQ(last.rows, 3 * (40 + 90 + 7));
  EXPECT_EQ(last.rows_all, last.rows);
  EXPECT_EQ(last.securities, 3);
  EXPECT_EQ(last.securities_all, 3);
}

// Bids and asks of 10 in front of ours; each trade of 15 takes them, and 5 of ours.
TEST_F(RunTest, TheBytesOfTheFiles) {
  const std::vector<Tick> ticks = {
      Bid(kMorningNs, 100, 10),
      Ask(kMorningNs + 1, 100.25, 10),
      Trade(kMorningNs + 2, 100, 15),
      Trade(kMorningNs + 59 * kSecondNs, 100.25, 20),
      Bid(kMorningNs + 61 * kSecondNs, 100, 10),
  };
  std::filesystem::create_directory(folder_ / "one");
  WriteTicks(folder_ / "one/x.parquet", "X/Y", ticks, "", 2);
  const auto results =
      RunAll(JoinsPlan(R"({"DEFAULT": {"maker_fee_bps": 156.25}})"), folder_ / "one", {.folder = out_});
  ASSERT_EQ(results.size(), 1u);
  ASSERT_TRUE(WriteSummary(out_, std::vector{results[0].summary}).ok());
  const std::map<std::string, std::string> expected = {
      {"backtest_summary.csv",
       "security,trades,realized_pnl,market_dates,strategy_dates,final_position,volume,fees,max_drawdown,sharpe,"
       "win_rate,rows,rejected,error\n"
       "X/Y,2,1.25,1,1,-5,15,23.4765625,22.2265625,,1,5,2,\n"},
      {"backtest_activity.json",
       R"({
"X/Y": {"session":null,"ticks":5,"outside_session":0,"book_missing":1,"book_crossed":0,"market_trades":2,)"
       R"("orders":3,"orders_cut":0,"equity_interval_ns":1000000000,)"
       R"("refused_size":0,"refused_price":0,"refused_lot_size":0,"refused_tick_size":0,)"
       R"("refused_orders_max":0,"refused_limits":0,"refused_nothing_to_reduce":0,"refused_post_only":0,)"
       R"("refused_self_trade":0,"refused_nothing_to_take":0}
}
)"},
      {"x-y_trades_timeseries.csv",
       "timestamp,side,fill_price,fill_qty,realized_pnl,position,pnl,kind\n"
       "2024-08-08T10:10:00.000000002,buy,100,5,0,5,-7.8125,fill\n"
       "2024-08-08T10:10:59.000000000,sell,100.25,10,1.25,-5,-22.2265625,fill\n"},
      {"x-y_equity.csv",
       "timestamp,position,mid,pnl,equity\n"
       "2024-08-08T10:10:00.000000000,0,,0,0\n"
       "2024-08-08T10:10:59.000000000,-5,100.125,-22.2265625,-21.6015625\n"
       "2024-08-08T10:11:01.000000000,-5,100.125,-22.2265625,-21.6015625\n"
       "2024-08-08T10:11:01.000000000,-5,100.125,-22.2265625,-21.6015625\n"},
  };
  for (const auto& [name, bytes] : expected) EXPECT_EQ(FilesOf(out_)[name], bytes) << name;
  EXPECT_EQ(FilesOf(out_).size(), expected.size());
}

TEST_F(RunTest, TheSameBytesForEveryChunkAndNumberOfWorkers) {
  std::map<std::string, std::string> first;
  for (const int workers : {1, 2, 8}) {
    for (const int64_t chunk : {1, 7, 100'000}) {
      const auto results =
          RunAll(JoinsPlan(), ticks_, {.workers = workers, .chunk_rows = chunk, .folder = out_, .parquet = true});
      std::vector<SummaryRow> rows;
      for (const auto& each : results) rows.push_back(each.summary);
      ASSERT_TRUE(WriteSummary(out_, rows, /*parquet=*/true).ok());
      if (first.empty()) first = FilesOf(out_);
      EXPECT_EQ(FilesOf(out_), first) << workers << " workers, " << chunk << " rows";
    }
  }
  EXPECT_EQ(first.size(), 15u);
  EXPECT_GT(first["bbb_trades_timeseries.csv"].size(), 1'000u);
}

std::shared_ptr<arrow::Table> TableIn(const std::string& path) {
  const auto table = connectors::ReadParquet(path).ValueOrDie()->ToTable();
  EXPECT_TRUE(table.ok()) << table.status();
  return table.ValueOrDie()->CombineChunks().ValueOrDie();
}

TEST_F(RunTest, ParquetHasTheTablesOfTheResults) {
  const auto results =
      RunAll(JoinsPlan(), ticks_, {.chunk_rows = 9, .folder = out_, .parquet = true, .keep_rows = true});
  const auto same = [](const std::string& path, const std::shared_ptr<arrow::RecordBatch>& rows) {
    const auto expected = arrow::Table::FromRecordBatches({rows}).ValueOrDie();
    EXPECT_GT(expected->num_rows(), 0);
    EXPECT_TRUE(TableIn(path)->Equals(*expected)) << path;
  };
  same(out_ + "/bbb_trades_timeseries.parquet", results[1].trades);
  same(out_ + "/bbb_equity.parquet", results[1].equity);
  std::vector<SummaryRow> rows;
  for (const auto& each : results) rows.push_back(each.summary);
  ASSERT_TRUE(WriteSummary(out_, rows, /*parquet=*/true).ok());
  same(out_ + "/backtest_summary.parquet", SummaryBatch(rows).ValueOrDie());
}

TEST_F(RunTest, ParquetOfAnEarlierRunGoes) {
  std::vector<SummaryRow> rows;
  for (const auto& each : RunAll(JoinsPlan(), ticks_, {.folder = out_, .parquet = true})) rows.push_back(each.summary);
  ASSERT_TRUE(WriteSummary(out_, rows, /*parquet=*/true).ok());
  EXPECT_EQ(FilesOf(out_).size(), 15u);
  RunAll(JoinsPlan(R"({"BBB": {"fails_at": 1}})"), ticks_, {.folder = out_});
  EXPECT_EQ(FilesOf(out_).size(), 5u);  // Of two securities, and the list.
}

TEST_F(RunTest, TheMarketIsTheConfigurationsElseThatOfTheTicks) {
  auto ticks = Alternating(40, 100);
  for (auto& tick : ticks) tick.timestamp -= 3 * 3600 * kSecondNs;  // Long before the market opens.
  for (const auto* const name : {"closed", "open"}) std::filesystem::create_directory(folder_ / name);
  WriteTicks(folder_ / "closed/a.parquet", "A", ticks, "adx");
  WriteTicks(folder_ / "open/a.parquet", "A", ticks);
  const auto trades = [&](const std::string& data, const std::string& config) {
    return RunAll(JoinsPlan(config), folder_ / data, {})[0].summary.outcome->trades;
  };
  EXPECT_EQ(trades("closed", "{}"), 0);
  EXPECT_GT(trades("open", "{}"), 0);
  EXPECT_GT(trades("closed", R"({"DEFAULT": {"market": "continuous"}})"), 0);
  EXPECT_EQ(trades("open", R"({"A": {"market": "adx"}})"), 0);
}

TEST_F(RunTest, TicksInMemoryGiveTheSameRowsAndEveryError) {
  env::NoInterrupt interrupt;
  const auto batch = Batch(Alternating(40, 100));
  const auto run = [&](const RunPlan& plan, int64_t chunk) {
    const auto reader = arrow::RecordBatchReader::Make({batch}, batch->schema()).ValueOrDie();
    return RunTicks(plan, "AAA", *reader, {.chunk_rows = chunk, .keep_rows = true}, interrupt);
  };
  const auto expected = RunAll(JoinsPlan(), ticks_, {.keep_rows = true})[0];
  for (const int64_t chunk : {1, 7, 1'000}) {
    const auto result = run(JoinsPlan(), chunk).ValueOrDie();
    EXPECT_TRUE(result.trades->Equals(*expected.trades));
    EXPECT_TRUE(result.equity->Equals(*expected.equity));
  }
  auto bad = Alternating(40, 100);
  bad[100].volume = -1;
  const auto bad_batch = Batch(bad);
  for (const int64_t chunk : {1, 7, 1'000}) {  // The row of the whole, whatever the batches.
    const auto reader =
        arrow::RecordBatchReader::Make({bad_batch->Slice(0, 50), bad_batch->Slice(50)}, bad_batch->schema())
            .ValueOrDie();
    const auto result = RunTicks(JoinsPlan(), "AAA", *reader, {.chunk_rows = chunk}, interrupt);
    ExpectError(result.status(), data::ErrorKind::kData, {"row 100 has volume -1"});
  }
  EXPECT_EQ(run(JoinsPlan(R"({"AAA": {"fails_at": 3}})"), 7).status().message(), "it fails,\nas it was told");
}

}  // namespace
}  // namespace sabot::backtest
