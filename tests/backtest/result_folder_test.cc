#include "sabot/backtest/result_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "sabot/backtest/activity_file.h"
#include "sabot/backtest/result_files.h"
#include "tests/backtest/expect_error.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::backtest {
namespace {

using connectors::BytesOf;
using connectors::TemporaryFolder;
using connectors::WriteBytes;
using Names = std::vector<std::string>;

class ResultFolderTest : public testing::Test {
 protected:
  Names Files() const {
    Names names;
    for (const auto& entry : std::filesystem::directory_iterator(out_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  void WriteFilesOf(const std::string& security, bool parquet = true) const {
    ASSERT_TRUE(CreateResultFiles(out_, security, parquet).ValueOrDie()->Commit().ok());
  }

  TemporaryFolder folder_;
  const std::string out_ = folder_ / "a/out";
};

TEST_F(ResultFolderTest, LeavesWhatIsOfNoRun) {
  ASSERT_TRUE(PrepareFolder(out_, Names{"AAA"}).ok());
  WriteFilesOf("BBB");  // Nobody said that it would.
  WriteBytes(out_ + "/notes.txt", "mine");
  WriteBytes(out_ + "/backtest_summary.csv", "name,pnl\nBBB,1\n");  // Another program's.
  ASSERT_TRUE(PrepareFolder(out_, {}).ok());
  EXPECT_EQ(Files(), (Names{kUnfinishedFileName, "bbb_equity.csv", "bbb_equity.parquet", "bbb_trades_timeseries.csv",
                            "bbb_trades_timeseries.parquet", "notes.txt"}));
}

TEST_F(ResultFolderTest, TakesAwayWhatTheSummaryNames) {
  const Names securities{"AAA", "B \"b\", c"};  // One that stands in quotes.
  ASSERT_TRUE(PrepareFolder(out_, securities).ok());
  for (const auto& security : securities) WriteFilesOf(security);
  const std::vector<SummaryRow> rows{{.security = securities[0]}, {.security = securities[1]}};
  ASSERT_TRUE(WriteSummary(out_, rows, /*parquet=*/true).ok());
  EXPECT_EQ(Files().size(), 11u);
  EXPECT_EQ(BytesOf(out_ + "/" + kSummaryFileName), SummaryText(rows));
  ASSERT_TRUE(PrepareFolder(out_, Names{"CCC"}).ok());
  EXPECT_EQ(Files(), Names{kUnfinishedFileName});
}

TEST_F(ResultFolderTest, TakesAwayWhatARunLeftThatDidNotEnd) {
  ASSERT_TRUE(PrepareFolder(out_, Names{"BBB", "AAA, Inc"}, /*parquet=*/true).ok());
  EXPECT_EQ(BytesOf(out_ + "/" + kUnfinishedFileName), "security,parquet\n\"AAA, Inc\",true\nBBB,true\n");
  WriteFilesOf("AAA, Inc");
  ASSERT_TRUE(PrepareFolder(out_, Names{"CCC"}).ok());
  EXPECT_EQ(Files(), Names{kUnfinishedFileName});
  WriteFilesOf("CCC");
  ASSERT_TRUE(WriteSummary(out_, std::vector<SummaryRow>{{.security = "CCC"}}).ok());
  EXPECT_EQ(Files(), (Names{kActivityFileName, kSummaryFileName, "ccc_equity.csv", "ccc_equity.parquet",
                            "ccc_trades_timeseries.csv", "ccc_trades_timeseries.parquet"}));
}

TEST_F(ResultFolderTest, LeavesParquetThatNoRunWrote) {
  const Names converted{"aaa_equity.parquet", "backtest_summary.parquet"};
  const auto convert = [&] {
    for (const auto& name : converted) WriteBytes(out_ + "/" + name, "mine");
  };
  ASSERT_TRUE(PrepareFolder(out_, Names{"AAA"}).ok());
  WriteFilesOf("AAA", /*parquet=*/false);
  convert();
  ASSERT_TRUE(PrepareFolder(out_, Names{"AAA"}).ok());  // The run before did not end.
  EXPECT_EQ(Files(), (Names{"aaa_equity.parquet", "backtest_summary.parquet", kUnfinishedFileName}));
  WriteFilesOf("AAA", /*parquet=*/false);
  std::filesystem::remove(out_ + "/backtest_summary.parquet");
  ASSERT_TRUE(WriteSummary(out_, std::vector<SummaryRow>{{.security = "AAA"}}).ok());
  ASSERT_TRUE(PrepareFolder(out_, Names{"BBB"}).ok());
  EXPECT_EQ(Files(), (Names{"aaa_equity.parquet", kUnfinishedFileName}));
}

TEST_F(ResultFolderTest, TakesAwayWhatAKilledRunHadBegun) {
  ASSERT_TRUE(PrepareFolder(out_, Names{"AAA"}).ok());
  for (const char* name : {"aaa_equity.csv", kSummaryFileName, kUnfinishedFileName}) {
    WriteBytes(out_ + "/" + name + ".4711-12.partial", "begun");
  }
  const Names others{"aaa_equity.csv.4711.partial", "aaa_equity.csv.mine-1.partial", "bbb_equity.csv.4711-1.partial"};
  for (const auto& name : others) WriteBytes(out_ + "/" + name, "mine");
  ASSERT_TRUE(PrepareFolder(out_, Names{"BBB"}).ok());
  EXPECT_EQ(Files(), (Names{others[0], others[1], kUnfinishedFileName, others[2]}));
}

TEST_F(ResultFolderTest, RefusesToTouchTicksThatAreRead) {
  std::filesystem::create_directories(out_);
  const Names files{"fab_equity.csv", "fab_equity.parquet", "backtest_summary.parquet", kUnfinishedFileName};
  const auto refused = [&](const Names& securities, bool parquet, const std::string& ticks) {
    const auto before = Files();
    const auto status = PrepareFolder(out_, securities, parquet, Names{folder_ / "fab_equity.csv", ticks});
    if (status.ok()) return false;
    ExpectOptionError(status, "'" + ticks + "' holds ticks", "the output folder '" + out_ + "'");
    EXPECT_EQ(Files(), before);
    return true;
  };
  for (const auto& name : files) EXPECT_TRUE(refused({"FAB"}, true, out_ + "/../out/" + name)) << name;
  EXPECT_TRUE(refused({"FAB"}, false, out_ + "/fab_equity.csv"));
  EXPECT_FALSE(refused({"FAB"}, false, out_ + "/fab_equity.parquet"));
  EXPECT_FALSE(refused({"FAB", "FAB_EQUITY"}, true, out_ + "/fab.parquet"));
  EXPECT_TRUE(refused({"BBB"}, false, out_ + "/fab_equity.parquet"));  // Which the run before left.
}

}  // namespace
}  // namespace sabot::backtest
