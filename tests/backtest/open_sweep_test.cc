#include "sabot/backtest/open_sweep.h"

#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "sabot/env/interrupt.h"
#include "tests/backtest/expect_error.h"
#include "tests/backtest/tick_files.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::backtest {
namespace {

using connectors::BytesOf;
using connectors::TemporaryFolder;

// Two securities, of one day and of three, and four sets.
class OpenSweepTest : public testing::Test {
 protected:
  OpenSweepTest() {
    WriteTickFile(folder_ / "alpha.parquet", "ALPHA", WanderingTicks(1, 1, 1'000));
    WriteTickFile(folder_ / "beta.parquet", "BETA", WanderingTicks(2, 3, 500));
    const StrategyInfo* info = FindStrategy("v1_baseline").ValueOrDie();
    const char* config = R"({"DEFAULT": {"min_local_currency_before_quote": 0}})";
    plan_ = {.run = {*info, StrategyConfig::Parse(config, info->parameters).ValueOrDie()},
             .securities = FindTicks({folder_ / ""}).ValueOrDie().ticks,
             .sets = GridSets(R"({"quote_size": [100, 200, 700, 900]})").ValueOrDie()};
  }

  SummaryRow Simulated(std::size_t security, int64_t set) const {
    const RunPlan run{plan_.run.strategy, plan_.run.config.With(plan_.sets.Set(set)).ValueOrDie()};
    const auto go_on = [](int64_t) { return arrow::Status::OK(); };
    return RunSecurity(run, plan_.securities[security], {}, go_on).ValueOrDie().summary;
  }
  std::unique_ptr<OpenSweep> Opened(const std::string& name) const {
    return OpenSweep::Make(plan_, folder_ / name, /*restart=*/false).ValueOrDie();
  }
  std::string TablesOf(const std::string& name) const {
    return BytesOf(folder_ / (name + "/sweep_results.csv")) + BytesOf(folder_ / (name + "/sweep_summary.csv"));
  }

  TemporaryFolder folder_;
  SweepPlan plan_;
};

std::vector<std::pair<int64_t, int64_t>> PairsOf(const std::vector<SetRange>& ranges) {
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (const SetRange& range : ranges) pairs.emplace_back(range.first, range.count);
  return pairs;
}

TEST_F(OpenSweepTest, RefusesAPlanThatCannotBe) {
  plan_.sets = GridSets(R"({"quote_size": [100, 0]})").ValueOrDie();
  ExpectOptionError(OpenSweep::Make(plan_, "", false).status(), "sweep: set 1: ", "quote_size is 0");
  plan_.securities.clear();
  ExpectOptionError(OpenSweep::Make(plan_, "", false).status(), "there are no securities");
}

TEST_F(OpenSweepTest, IsInterruptedWhileItReadsTicks) {
  env::StopFlag stop;
  stop.Set();
  const env::InterruptScope scope(stop);
  EXPECT_TRUE(OpenSweep::Make(plan_, folder_ / "out", false).status().IsCancelled());
}

TEST_F(OpenSweepTest, SimulationsInAnyOrderAreASweep) {
  env::NoInterrupt interrupt;
  ASSERT_TRUE(RunSweep(plan_, {.folder = folder_ / "whole"}, *env::MakeTbbExecutor(1), interrupt, {}).ok());
  const auto sweep = Opened("out");
  for (const int64_t set : {3, 0, 2, 1}) {
    for (const std::size_t security : {1, 0}) {
      ASSERT_TRUE(sweep->Put(security, set, {Simulated(security, set)}).ok());
    }
  }
  EXPECT_EQ(sweep->Finish().ValueOrDie().simulations_failed, 0);
  EXPECT_EQ(TablesOf("out"), TablesOf("whole"));
}

TEST_F(OpenSweepTest, KeepsWhatIsDoneButNotWhatMayPass) {
  {
    const auto sweep = Opened("out");
    ASSERT_TRUE(sweep->Put(0, 1, {Simulated(0, 1), Simulated(0, 2)}).ok());
    const SummaryRow died{.security = "BETA", .error = "worker process died"};
    ASSERT_TRUE(sweep->Put(1, 2, {died}, /*passing=*/true).ok());
    EXPECT_EQ(sweep->done(1), 1);
  }
  const auto sweep = Opened("out");
  EXPECT_EQ(sweep->resumed(), 2);
  EXPECT_EQ(sweep->done(0), 2);
  EXPECT_EQ(PairsOf(sweep->Missing(0, 4)), (std::vector<std::pair<int64_t, int64_t>>{{0, 1}, {3, 1}}));
  EXPECT_EQ(PairsOf(sweep->Missing(1, 4)), (std::vector<std::pair<int64_t, int64_t>>{{0, 4}}));
  EXPECT_EQ(PairsOf(sweep->Missing(1, 3)), (std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {3, 1}}));
}

// A part of a folder with another column in place of one; its mark stays.
void ReplaceColumn(const std::string& path, const std::string& name, const std::string& json) {
  const auto file = arrow::io::ReadableFile::Open(path).ValueOrDie();
  const auto reader = arrow::ipc::RecordBatchFileReader::Open(file).ValueOrDie();
  const auto batch = reader->ReadRecordBatch(0).ValueOrDie();
  const int column = batch->schema()->GetFieldIndex(name);
  const auto array = arrow::json::ArrayFromJSONString(batch->column(column)->type(), json).ValueOrDie();
  const auto changed = batch->SetColumn(column, batch->schema()->field(column), array).ValueOrDie();
  const auto out = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const auto writer = arrow::ipc::MakeFileWriter(out, reader->schema()).ValueOrDie();
  ASSERT_TRUE(writer->WriteRecordBatch(*changed).ok());
  ASSERT_TRUE(writer->Close().ok());
}

TEST_F(OpenSweepTest, APartThatCannotBeIsMissing) {
  const std::string path = folder_ / "out/sweep_parts/alpha-1.arrow";
  const std::pair<const char*, const char*> damages[] = {
      {"trades", "[1, null]"},       {"fees", "[null, 1]"},      {"rejected", "[null, 0]"},
      {"error", "[null, null]"},     {"dates", "[null, null]"},  {"dates", "[[1, 2, 3], null]"},
      {"dates", "[[null], null]"},   {"daily_pnl", "[[1], []]"}, {"daily_pnl", "[[1], [null]]"},
      {"daily_pnl", "[[1], [1, 2]]"}};
  for (const auto& [name, json] : damages) {
    ASSERT_TRUE(Opened("out")->Put(0, 1, {Simulated(0, 1), Simulated(0, 2)}).ok());
    ASSERT_EQ(Opened("out")->done(0), 2);
    ReplaceColumn(path, name, json);
    EXPECT_EQ(Opened("out")->done(0), 0) << name << ": " << json;
  }
}

TEST_F(OpenSweepTest, APartThatIsDamagedWhileTheSweepRunsIsNamed) {
  const auto sweep = Opened("out");
  for (const std::size_t security : {0, 1}) {
    ASSERT_TRUE(sweep->Put(security, 0, {Simulated(security, 0), Simulated(security, 1)}).ok());
    ASSERT_TRUE(sweep->Put(security, 2, {Simulated(security, 2), Simulated(security, 3)}).ok());
  }
  ReplaceColumn(folder_ / "out/sweep_parts/alpha-2.arrow", "daily_pnl", "[[1], [1, 2]]");
  const auto status = sweep->Finish().status();
  EXPECT_NE(
      status.message().find("alpha-2.arrow' has 2 days in row 1 and 1 dates. Remove it, and run the sweep again."),
      std::string::npos)
      << status;
}

}  // namespace
}  // namespace sabot::backtest
