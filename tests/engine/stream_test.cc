#include "sabot/engine/stream.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "sabot/data/errors.h"
#include "sabot/kernels/microstructure.h"
#include "sabot/kernels/online_statistics.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::engine {
namespace {

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() { std::filesystem::create_directories(folder_); }
  ~StreamTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string Bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("sabot_stream_test_" + std::to_string(::getpid()));
};

Stream Ticks(int64_t batch_rows = 65'536) {
  return Stream::FromGenerator({.rows = 200'000, .symbols = 20, .batch_rows = batch_rows}).ValueOrDie();
}
Stream Features(const Stream& ticks) {
  return ticks.Kernel<kernels::LogReturns>()
      .ValueOrDie()
      .Kernel<kernels::Ewma>({.span = 20})
      .ValueOrDie()
      .Kernel<kernels::Midprice>()
      .ValueOrDie();
}

TEST_F(StreamTest, ReportsAMistakeOnTheCallThatMadeIt) {
  const auto ticks = Ticks();
  EXPECT_EQ(ticks.Kernel<kernels::Ewma>({.alpha = 2}).status().message(),
            "ewma: option 'alpha' must be in (0, 1], found 2.");
  EXPECT_FALSE(ticks.Kernel<kernels::Ewma>({}, {.by = std::vector<std::string>{"ticker"}}).ok());
  EXPECT_FALSE(Features(ticks).Kernel<kernels::Midprice>().ok());  // The output exists.
  EXPECT_FALSE(Stream::FromParquet(Path("none.parquet")).ok());
}

TEST_F(StreamTest, KnowsItsSchemaAndStaysAsItWas) {
  const auto ticks = Ticks();
  const auto fields = ticks.schema()->num_fields();
  const auto features = Features(ticks);
  EXPECT_EQ(ticks.schema()->num_fields(), fields);
  EXPECT_EQ(features.schema()->num_fields(), fields + 3);
  EXPECT_TRUE(features.Collect().ValueOrDie()->schema()->Equals(*features.schema()));
}

TEST_F(StreamTest, BatchSizesChangeNoBit) {
  const auto expected = Features(Ticks()).Collect().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  for (const int64_t batch_rows : {int64_t{1000}, int64_t{8192}, int64_t{200'000}}) {
    const auto other = Features(Ticks(batch_rows)).Collect().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
    EXPECT_TRUE(operators::SameBits(*expected, *other)) << batch_rows;
  }
}

TEST_F(StreamTest, WritesTheSameFileHoweverItsBatchesWereCut) {
  const auto summary = Features(Ticks()).ToParquet(Path("a.parquet")).ValueOrDie();
  EXPECT_EQ(summary.rows_read, 200'000);
  EXPECT_EQ(summary.rows_written, 200'000);
  ASSERT_TRUE(Features(Ticks(777)).ToParquet(Path("b.parquet")).ok());
  EXPECT_EQ(Bytes(Path("a.parquet")), Bytes(Path("b.parquet")));
  const auto read = Stream::FromParquet(Path("a.parquet")).ValueOrDie();
  EXPECT_EQ(read.Collect().ValueOrDie()->num_rows(), 200'000);
}

TEST_F(StreamTest, ATableCanBeRunAgainAReaderCannot) {
  const auto table = Ticks().Collect().ValueOrDie();
  const auto twice = Stream::FromTable(table).ValueOrDie();
  EXPECT_EQ(twice.Collect().ValueOrDie()->num_rows(), twice.Collect().ValueOrDie()->num_rows());
  const auto once = Stream::FromReader(std::make_shared<arrow::TableBatchReader>(table)).ValueOrDie();
  EXPECT_TRUE(once.Collect().ok());
  EXPECT_TRUE(once.Collect().status().message().starts_with("the stream's reader was read by an earlier run."));
}

TEST_F(StreamTest, DescribesItself) {
  const std::string text = Features(Ticks()).Explain();
  EXPECT_TRUE(
      text.starts_with("source 0: generator ticks rows=200000 symbols=20 seed=1\n"
                       "kernels, one pass by symbol:\n  log_returns()\n  ewma(span=20)\n  midprice()\n"
                       "columns: symbol dictionary<"))
      << text;
}

TEST_F(StreamTest, FiltersComputesAndMergesWhateverTheThreads) {
  const auto pipeline = [](const Stream& ticks) {
    const auto busy = ticks.Filter("volume > 300").ValueOrDie();
    const auto columns =
        busy.WithColumns({{.name = "notional", .expression = *operators::ParseExpression("price * volume")},
                          {.name = "", .expression = *operators::ParseExpression("ewma(price, alpha=0.1)")}})
            .ValueOrDie();
    return columns.Filter("side == 1").ValueOrDie().Union({columns.Filter("side != 1").ValueOrDie()}).ValueOrDie();
  };
  const auto run = [&](int64_t batch_rows, int threads) {
    RunContext context{.executor = env::MakeTbbExecutor(threads)};
    return pipeline(Ticks(batch_rows)).Collect(std::move(context)).ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  };
  const auto expected = run(65'536, 1);
  EXPECT_GT(expected->num_rows(), 0);
  EXPECT_EQ(expected->schema()->field_names().back(), "ewma");
  // Both halves come from one source: together they are what was split, in its order.
  const auto unsplit = Ticks().Filter("volume > 300").ValueOrDie().Collect().ValueOrDie();
  EXPECT_TRUE(expected->GetColumnByName("timestamp")
                  ->Equals(unsplit->CombineChunksToBatch().ValueOrDie()->GetColumnByName("timestamp")));
  for (const int threads : {1, 2}) {
    for (const int64_t batch_rows : {777, 8192}) {
      EXPECT_TRUE(operators::SameBits(*expected, *run(batch_rows, threads))) << threads << " threads, " << batch_rows;
    }
  }
}

TEST_F(StreamTest, CountsRejectedRowsAndStopsAtThemWhereAsked) {
  const auto stream = Ticks().Require(*operators::ParseExpression("volume > 300"), "too small").ValueOrDie();
  RunContext counting;
  const auto summary = stream.ToParquet(Path("kept.parquet"), {}, counting).ValueOrDie();
  EXPECT_GT(summary.rows_rejected, 0);
  EXPECT_EQ(summary.rows_rejected + summary.rows_written, summary.rows_read);
  RunContext strict{.rejects = std::make_shared<data::StrictRejects>()};
  const auto status = stream.ToParquet(Path("none.parquet"), {}, strict).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_NE(status.message().find("of source 0"), std::string::npos) << status;
  EXPECT_FALSE(std::filesystem::exists(Path("none.parquet")));
}

// The order in which rows are rejected is that of the rows, whoever has time first.
TEST_F(StreamTest, RejectsRowsInTheirOrder) {
  class Places final : public data::RejectLog {
   public:
    arrow::Status Add(const data::Reject& reject) override {
      const std::scoped_lock lock(mutex_);
      where.push_back(reject.where);
      return arrow::Status::OK();
    }
    int64_t count() const override { return 0; }
    std::vector<std::string> where;

   private:
    std::mutex mutex_;
  };
  const auto stream = Ticks(1000).Require(*operators::ParseExpression("volume > 300")).ValueOrDie();
  const auto rejected = [&](std::shared_ptr<env::Executor> executor) {
    const auto log = std::make_shared<Places>();
    EXPECT_TRUE(stream.Collect({.executor = std::move(executor), .rejects = log}).ok());
    return log->where;
  };
  const auto expected = rejected(env::MakeTbbExecutor(1));
  EXPECT_GT(expected.size(), 1000U);
  for (int run = 0; run < 5; ++run) EXPECT_EQ(rejected(env::MakeTbbExecutor(2)), expected);
}

}  // namespace
}  // namespace sabot::engine
