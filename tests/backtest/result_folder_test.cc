#include "sabot/backtest/result_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "sabot/backtest/activity_file.h"
#include "sabot/backtest/result_files.h"
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
  void WriteFilesOf(const std::string& security) const {
    ASSERT_TRUE(CreateResultFiles(out_, security, /*parquet=*/true).ValueOrDie()->Commit().ok());
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
  ASSERT_TRUE(PrepareFolder(out_, Names{"AAA", "BBB"}).ok());
  WriteFilesOf("AAA");
  ASSERT_TRUE(PrepareFolder(out_, Names{"CCC"}).ok());
  EXPECT_EQ(Files(), Names{kUnfinishedFileName});
  WriteFilesOf("CCC");
  ASSERT_TRUE(WriteSummary(out_, std::vector<SummaryRow>{{.security = "CCC"}}).ok());
  EXPECT_EQ(Files(), (Names{kActivityFileName, kSummaryFileName, "ccc_equity.csv", "ccc_equity.parquet",
                            "ccc_trades_timeseries.csv", "ccc_trades_timeseries.parquet"}));
}

}  // namespace
}  // namespace sabot::backtest
