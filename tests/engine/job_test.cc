// Jobs of several tasks: the rows of one task, in bounded memory, and what is said of them.
#include "sabot/engine/job.h"

#include <arrow/array/util.h>
#include <arrow/scalar.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/engine/stream.h"
#include "sabot/kernels/online_statistics.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::engine {
namespace {

constexpr int64_t kRows = 200'000;

// The rows of a table in small batches, counting what was taken of them.
Stream Counted(const std::shared_ptr<arrow::Table>& table, std::shared_ptr<std::atomic<int64_t>> taken) {
  class Source final : public connectors::Source {
   public:
    Source(const std::shared_ptr<arrow::Table>& table, std::shared_ptr<std::atomic<int64_t>> taken)
        : table_(table), reader_(table), taken_(std::move(taken)) {
      reader_.set_chunksize(1000);
    }
    std::shared_ptr<arrow::Schema> schema() const override { return table_->schema(); }
    arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
      ARROW_RETURN_NOT_OK(reader_.ReadNext(batch));
      if (*batch != nullptr) *taken_ += (*batch)->num_rows();
      return arrow::Status::OK();
    }

   private:
    std::shared_ptr<arrow::Table> table_;
    arrow::TableBatchReader reader_;
    std::shared_ptr<std::atomic<int64_t>> taken_;
  };
  const OpenSource open = [table, taken](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> {
    return std::make_shared<Source>(table, taken);
  };
  return Stream::FromSource("counted", table->schema(), {.partitions = {open}, .at_rest = true}).ValueOrDie();
}

std::shared_ptr<arrow::Table> Ticks() {
  return Stream::FromGenerator({.rows = kRows, .symbols = 50, .dictionary_symbols = false})->Collect().ValueOrDie();
}

Stream Averaged(const Stream& ticks) { return ticks.Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie(); }

std::map<std::string, double> Sums(const std::vector<metrics::Metric>& metrics) {
  std::map<std::string, double> sums;
  for (const auto& metric : metrics) {
    for (const auto& sample : metric.samples) sums[metric.name] += sample.value;
  }
  return sums;
}

TEST(Job, AStepWithStateAndWithoutKeyIsRefusedBeforeARowFlows) {
  const auto taken = std::make_shared<std::atomic<int64_t>>(0);
  const auto stream = Counted(Ticks(), taken).Parallelism(2)->DataQuality({.by = {"symbol"}}).ValueOrDie();
  EXPECT_EQ(data::KindOf(stream.Collect().status()), data::ErrorKind::kOption);
  EXPECT_EQ(*taken, 0);
}

TEST(Job, APoolThatIsTooSmallIsNamedBeforeARowFlows) {
  const auto taken = std::make_shared<std::atomic<int64_t>>(0);
  RunContext context{.shuffle = {.parallelism = 4}};
  context.shuffle.segments.pool_segments = 20;
  const auto status = Averaged(Counted(Ticks(), taken)).Collect(context).status();
  EXPECT_NE(status.message().find("pool_segments"), std::string::npos) << status;
  EXPECT_EQ(*taken, 0);
}

TEST(Job, ARowThatNoChannelCanHoldIsNamed) {
  RunContext context{.shuffle = {.parallelism = 2}};
  context.shuffle.segments.segment_bytes = 1024;
  context.shuffle.segments.channel_segments = 1;
  const auto large = arrow::field("note", arrow::utf8());
  const auto ticks = Ticks();
  const auto note = arrow::MakeArrayFromScalar(arrow::StringScalar(std::string(3000, 'x')), ticks->num_rows());
  const auto wide = ticks->AddColumn(0, large, std::make_shared<arrow::ChunkedArray>(*note)).ValueOrDie();
  const auto status = Averaged(Stream::FromTable(wide).ValueOrDie()).Collect(context).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_NE(status.message().find("of source 0 has about 3085 bytes"), std::string::npos) << status;
}

class JobWithCopies : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Parallelism, JobWithCopies, ::testing::Values(1, 2, 4, 7));

TEST_P(JobWithCopies, GivesTheRowsOfOneTask) {
  const auto stream = Averaged(Stream::FromTable(Ticks()).ValueOrDie());
  const auto expected = stream.Collect({.shuffle = {.parallelism = 1}}).ValueOrDie()->CombineChunksToBatch();
  for (const int threads : {1, 2, 4}) {
    const RunContext context{.executor = env::MakeTbbExecutor(threads), .shuffle = {.parallelism = GetParam()}};
    const auto found = stream.Collect(context).ValueOrDie()->CombineChunksToBatch();
    EXPECT_TRUE(operators::SameBits(**expected, **found)) << threads << " threads";
  }
}

// Ranges of `copies` copies between the least and the greatest value of a column, as a JSON array.
std::string Bounds(const arrow::Table& table, const std::string& column, int copies) {
  const auto values = table.GetColumnByName(column);
  std::vector<double> all;
  for (const auto& chunk : values->chunks()) {
    for (int64_t row = 0; row < chunk->length(); ++row) {
      const auto value = (*chunk->GetScalar(row))->CastTo(arrow::int64()).ValueOrDie();
      all.push_back(static_cast<double>(static_cast<const arrow::Int64Scalar&>(*value).value));
    }
  }
  const auto [least, most] = std::minmax_element(all.begin(), all.end());
  std::string bounds = "[";
  for (int copy = 1; copy < copies; ++copy) {
    bounds += (copy == 1 ? "" : ", ") + std::to_string(static_cast<int64_t>(*least + (*most - *least) * copy / copies));
  }
  return bounds + "]";
}

TEST_P(JobWithCopies, ByRangesGivesTheRowsOfOneTask) {
  const auto table = Ticks();
  const auto ticks = Stream::FromTable(table).ValueOrDie();
  const auto rest = [](const Stream& stream) {
    return Averaged(stream.Filter("volume > 100").ValueOrDie()).Filter("ewma > 0").ValueOrDie();
  };
  const auto expected = rest(ticks).Collect({.shuffle = {.parallelism = 1}}).ValueOrDie()->CombineChunksToBatch();
  EXPECT_LT((*expected)->num_rows(), kRows);
  // Of volumes every batch has all; times ascend, so that one copy after the other gets all rows.
  for (const char* column : {"volume", "timestamp"}) {
    const auto ranged = ticks.Ranged(column, Bounds(*table, column, GetParam())).ValueOrDie();
    for (const int threads : {1, 3}) {
      const RunContext context{.executor = env::MakeTbbExecutor(threads), .shuffle = {.parallelism = 2}};
      const auto found = rest(ranged).Collect(context).ValueOrDie()->CombineChunksToBatch();
      EXPECT_TRUE(operators::SameBits(**expected, **found)) << column << ", " << threads << " threads";
    }
  }
}

TEST(Job, RangesOfTheKeyAndRowsInTurnGiveTheRowsOfOneTask) {
  const auto first = Stream::FromTable(Ticks()).ValueOrDie();
  const auto second = Stream::FromGenerator({.rows = 30'000, .symbols = 9, .seed = 5, .dictionary_symbols = false});
  const auto both = first.Union({*second}).ValueOrDie();
  const auto expected = Averaged(both).Collect({.shuffle = {.parallelism = 1}}).ValueOrDie()->CombineChunksToBatch();
  const auto ranged = first.Ranged("symbol", R"(["S0003", "S0010", "S0040"])")->Filter("price > 0").ValueOrDie();
  const auto in_turn = second->Rebalanced().Parallelism(3)->Filter("price > 0")->Parallelism(0).ValueOrDie();
  const auto by_key = ranged.Union({in_turn})->Ranged("symbol", R"(["S0007"])").ValueOrDie();
  for (const int copies : {1, 2, 5}) {
    const auto found = Averaged(by_key).Collect({.shuffle = {.parallelism = copies}}).ValueOrDie();
    EXPECT_TRUE(operators::SameBits(**expected, **found->CombineChunksToBatch())) << copies << " copies";
  }
}

TEST(Job, RowsGoToTheCopyOfTheirRange) {
  const auto table = Ticks();
  const auto stream = Stream::FromTable(table)->Ranged("volume", "[100, 500]")->Filter("price > 0").ValueOrDie();
  const auto job = Job::Make(stream.plan(), {}).ValueOrDie();
  for (auto batch = *job->Next(); batch != nullptr; batch = *job->Next()) continue;
  std::map<std::string, double> rows;
  for (const auto& metric : job->metrics()) {
    if (metric.name != "sabot_channel_rows_total") continue;
    for (const auto& sample : metric.samples) {
      for (const auto& [name, value] : sample.labels) {
        if (name == "to") rows[value] += sample.value;
      }
    }
  }
  const auto count = [&](std::string_view keep) {
    return static_cast<double>((*Stream::FromTable(table)->Filter(keep)->Collect())->num_rows());
  };
  EXPECT_EQ(rows["filter_0[0]"], count("volume < 100"));
  EXPECT_EQ(rows["filter_0[1]"], count("volume >= 100 and volume < 500"));
  EXPECT_EQ(rows["filter_0[2]"], count("volume >= 500"));
}

TEST_P(JobWithCopies, ByArrivalGivesTheSameRowsInAnyOrder) {
  const auto stream = Averaged(Stream::FromTable(Ticks()).ValueOrDie());
  RunContext context{.shuffle = {.parallelism = GetParam(), .ordering = graph::Ordering::kArrival}};
  EXPECT_EQ(stream.Collect(context).ValueOrDie()->num_rows(), kRows);
}

// Whoever takes one batch and no more stops the source behind as many rows as there are credits.
TEST_P(JobWithCopies, AReaderThatStallsStopsTheSource) {
  const auto taken = std::make_shared<std::atomic<int64_t>>(0);
  const auto ticks = Ticks();
  RunContext context{.shuffle = {.parallelism = GetParam()}};
  context.shuffle.segments.roomy = false;
  const auto reader = Averaged(Counted(ticks, taken)).Run(context).ValueOrDie();
  std::shared_ptr<arrow::RecordBatch> batch;
  ASSERT_TRUE(reader->ReadNext(&batch).ok());
  // Two edges of at most (channels * 2 + 8) segments of 32 KB, a row of 80 bytes; four results and what is being cut.
  const int64_t segments = 2 * (GetParam() * 2 + 8) + GetParam() * 8;
  const int64_t bound = segments * 32 * 1024 / 80 + 6 * 131'072 / (GetParam() > 1 ? 4 : 1);
  EXPECT_LE(*taken, std::min(bound, kRows));
  if (GetParam() > 1) {
    EXPECT_LT(*taken, kRows / 2) << "it read on";
  }
  int64_t rows = batch->num_rows();
  for (; batch != nullptr; rows += batch == nullptr ? 0 : batch->num_rows()) ASSERT_TRUE(reader->ReadNext(&batch).ok());
  EXPECT_EQ(rows, kRows);
}

TEST(Job, TellsWhatItsTasksAndChannelsDid) {
  const auto ticks = Ticks();
  const auto stream = Averaged(Stream::FromTable(ticks).ValueOrDie());
  const auto job = Job::Make(stream.plan(), {.shuffle = {.parallelism = 3}}).ValueOrDie();
  int64_t rows = 0;
  for (auto batch = *job->Next(); batch != nullptr; batch = *job->Next()) rows += batch->num_rows();
  EXPECT_EQ(rows, kRows);
  const auto metrics = job->metrics();
  auto sums = Sums(metrics);
  EXPECT_EQ(sums["sabot_rows_read_total"], kRows);
  EXPECT_EQ(sums["sabot_channel_rows_total"], 2 * kRows);  // To the kernels, and from them.
  EXPECT_EQ(sums["sabot_channel_credits_held"], 0);
  EXPECT_EQ(sums["sabot_channel_queued_bytes"], 0);
  EXPECT_GT(sums["sabot_task_busy_seconds_total"], 0);
  EXPECT_GT(sums["sabot_hot_key_share"], 0);
  EXPECT_NE(
      metrics::ToPrometheusText(metrics).find("sabot_channel_rows_total{from=\"source_0[0]\",to=\"kernel_0[2]\"}"),
      std::string::npos);
}

TEST(Job, GoesOverADiskAndLeavesNothingThere) {
  const auto folder = std::filesystem::temp_directory_path() / ("sabot_job_test_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto stream = Averaged(Stream::FromTable(Ticks()).ValueOrDie());
  const auto expected = stream.Collect({.shuffle = {.parallelism = 1}}).ValueOrDie()->CombineChunksToBatch();
  for (const std::string spill : {"overflow", "always"}) {
    RunContext context{.shuffle = {.parallelism = 3, .spill = spill, .spill_folder = folder.string()}};
    context.shuffle.segments.roomy = false;
    const auto job = Job::Make(stream.plan(), std::move(context)).ValueOrDie();
    arrow::RecordBatchVector batches;
    for (auto batch = *job->Next(); batch != nullptr; batch = *job->Next()) batches.push_back(std::move(batch));
    const auto found = arrow::Table::FromRecordBatches(batches).ValueOrDie()->CombineChunksToBatch();
    EXPECT_TRUE(operators::SameBits(**expected, **found)) << spill;
    if (spill == "always") {
      EXPECT_GT(Sums(job->metrics())["sabot_channel_spilled_bytes_total"], 0);
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
}

// One source has the first half of an hour, the other the second: the one that the merge waits for lags.
TEST(Job, TellsWhichChannelOthersWaitFor) {
  const auto of_hour = [](int64_t first_ns) {
    return *Stream::FromGenerator({.rows = kRows, .symbols = 5, .start_ns = first_ns, .dictionary_symbols = false});
  };
  const auto both = of_hour(0).Union({of_hour(int64_t{3'600'000'000'000})}).ValueOrDie();
  RunContext context{.shuffle = {.parallelism = 1}};
  context.shuffle.segments.roomy = false;
  const auto job = Job::Make(both.plan(), std::move(context)).ValueOrDie();
  ASSERT_NE(*job->Next(), nullptr);
  double lag = -1;
  for (const auto& metric : job->metrics()) {
    if (metric.name != "sabot_channel_frontier_lag_seconds") continue;
    for (const auto& sample : metric.samples) lag = std::max(lag, sample.value);
  }
  EXPECT_GT(lag, 3'000);
  EXPECT_LT(lag, 3'700);
}

}  // namespace
}  // namespace sabot::engine
