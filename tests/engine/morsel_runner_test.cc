#include "sabot/engine/morsel_runner.h"

#include <arrow/array/util.h>
#include <gtest/gtest.h>

#include "sabot/operators/chain_run.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::engine {
namespace {

using operators::EveryKernel;
using operators::KernelChain;
using operators::KernelSpec;
using operators::SameBits;
using operators::SampleTicks;

// Every kernel of one symbol once, then some that read what others write.
std::vector<KernelSpec> WideChain() {
  std::vector<KernelSpec> specs;
  for (auto& kernel : EveryKernel()) {
    const bool pair = kernels::FindKernel(kernel.spec.kernel).ValueOrDie()->pair;
    if (kernel.name == kernel.spec.kernel && !pair) specs.push_back(kernel.spec);
  }
  specs.push_back(
      {.kernel = "realized_var", .columns = {{"x", "out_log_return"}}, .outputs = {{"realized_var", "from_returns"}}});
  specs.push_back({.kernel = "ewma", .columns = {{"x", "from_returns"}}, .outputs = {{"ewma", "from_variance"}}});
  specs.push_back({.kernel = "midprice",
                   .columns = {{"bid", "out_ewma"}, {"ask", "from_variance"}},
                   .outputs = {{"midprice", "from_both"}}});
  return specs;
}

KernelChain MakeChain() { return KernelChain::Make(WideChain()).ValueOrDie(); }

TEST(RunMorsels, GivesTheSameBitsInAnyAllowedOrder) {
  const auto ticks = SampleTicks({.rows = 5 * operators::MorselRows() + 17, .symbols = 50});
  auto sequential = MakeChain();
  const auto expected = sequential.Process(ticks).ValueOrDie();
  const auto expected_next = sequential.Process(ticks).ValueOrDie();
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const auto executor = env::MakeSeededExecutor(seed, 4);
    env::NoInterrupt interrupt;
    auto chain = MakeChain();
    EXPECT_TRUE(SameBits(*expected, *RunMorsels(chain, ticks, *executor, interrupt).ValueOrDie())) << "seed " << seed;
    // And the same state, which the next batch shows.
    EXPECT_TRUE(SameBits(*expected_next, *chain.Process(ticks).ValueOrDie())) << "seed " << seed;
  }
}

TEST(RunMorsels, GivesTheSameBitsOnManyThreads) {
  const auto ticks = SampleTicks({.rows = 40 * operators::MorselRows(), .symbols = 50});  // More than may be in flight.
  auto sequential = MakeChain();
  const auto expected = sequential.Process(ticks).ValueOrDie();
  const auto executor = env::MakeTbbExecutor(4);
  env::NoInterrupt interrupt;
  for (int round = 0; round < 3; ++round) {
    auto chain = MakeChain();
    EXPECT_TRUE(SameBits(*expected, *RunMorsels(chain, ticks, *executor, interrupt).ValueOrDie()));
  }
}

// Alone, or two of which the second reads the first, on more threads than that: their slots are split.
std::vector<std::vector<KernelSpec>> NarrowChains() {
  const kernels::OptionMap window = {{"window", int64_t{7}}, {"min_periods", int64_t{2}}};
  return {{{.kernel = "rolling_skew", .options = window}},
          {{.kernel = "vpin", .options = {{"bucket_volume", 300.0}, {"n_buckets", int64_t{3}}}}},
          {{.kernel = "rolling_kurt", .options = window}, {.kernel = "historical_var", .options = window}},
          {{.kernel = "rolling_skew", .options = window},
           {.kernel = "rolling_kurt", .options = window, .columns = {{"x", "rolling_skew"}}}}};
}

TEST(RunMorsels, GivesTheSameBitsWhereSlotsAreSplit) {
  // New symbols come all the time, so that state grows while others use theirs.
  const auto ticks = SampleTicks({.rows = 6 * operators::MorselRows() + 17, .symbols = 20'000});
  const auto few = SampleTicks({.rows = 4 * operators::MorselRows(), .symbols = 3});
  for (const auto& specs : NarrowChains()) {
    auto sequential = KernelChain::Make(specs).ValueOrDie();
    const auto expected = sequential.Process(ticks).ValueOrDie();
    const auto expected_next = sequential.Process(few).ValueOrDie();
    ASSERT_LT(expected->columns().back()->null_count(), expected->num_rows());
    const auto check = [&](env::Executor& executor) {
      env::NoInterrupt interrupt;
      auto chain = KernelChain::Make(specs).ValueOrDie();
      EXPECT_TRUE(SameBits(*expected, *RunMorsels(chain, ticks, executor, interrupt).ValueOrDie()));
      EXPECT_TRUE(SameBits(*expected_next, *RunMorsels(chain, few, executor, interrupt).ValueOrDie()));
      EXPECT_TRUE(chain.Snapshot(0).ValueOrDie()->Equals(*sequential.Snapshot(0).ValueOrDie()));
    };
    for (uint64_t seed = 0; seed < 5; ++seed) check(*env::MakeSeededExecutor(seed, 2 + 5 * static_cast<int>(seed % 2)));
    for (const int threads : {2, 4}) check(*env::MakeTbbExecutor(threads));
  }
}

TEST(RunMorsels, SplitsSlotsOnlyWhereThreadsAreLeft) {
  const auto ticks = SampleTicks({.rows = 3 * operators::MorselRows(), .symbols = 3});
  const auto stages = [&](const std::vector<KernelSpec>& specs, int threads) {
    auto chain = KernelChain::Make(specs).ValueOrDie();
    return chain.Begin(ticks, threads).ValueOrDie()->stages();
  };
  const KernelSpec costly{.kernel = "rolling_skew"}, cheap{.kernel = "ewma"};
  EXPECT_EQ(stages({costly}, 1), 2);  // With the keys.
  EXPECT_EQ(stages({costly}, 2), 3);
  EXPECT_EQ(stages({costly}, 7), 5);
  EXPECT_EQ(stages({costly}, 100), 9);
  EXPECT_EQ(stages({cheap}, 100), 2);
  EXPECT_EQ(stages({{.kernel = "rolling_min"}}, 100), 2);
  EXPECT_EQ(stages({{.kernel = "rolling_std"}}, 100), 2);  // Its parts would take longer than one thread for all.
  EXPECT_EQ(stages({costly, cheap}, 3), 3);
  EXPECT_EQ(stages({costly, cheap}, 4), 4);
  EXPECT_EQ(stages({{.kernel = "rolling_skew", .options = {{"window", std::string("5s")}}}}, 2), 2);  // Rings grow.
}

class StopAt final : public env::Interrupt {
 public:
  explicit StopAt(int calls) : left_(calls) {}
  arrow::Status Check() override { return --left_ < 0 ? arrow::Status::Cancelled("stopped") : arrow::Status::OK(); }

 private:
  int left_;
};

TEST(RunMorsels, StopsWhenInterrupted) {
  const auto ticks = SampleTicks({.rows = 5 * operators::MorselRows()});
  for (const int threads : {1, 2}) {
    const auto executor = env::MakeTbbExecutor(threads);
    StopAt interrupt(2);
    auto chain = MakeChain();
    EXPECT_TRUE(RunMorsels(chain, ticks, *executor, interrupt).status().IsCancelled());
  }
}

TEST(RunMorsels, ReportsTheErrorOfAMorsel) {
  // A time that overflows, in the third morsel.
  const int64_t rows = 4 * operators::MorselRows();
  const auto ticks = SampleTicks({.rows = rows});
  arrow::Int64Builder builder;
  for (int64_t row = 0; row < rows; ++row) {
    ASSERT_TRUE(builder.Append(row == 2 * operators::MorselRows() + 5 ? int64_t{1} << 40 : row).ok());
  }
  const auto type = arrow::timestamp(arrow::TimeUnit::SECOND);
  const auto times = builder.Finish().ValueOrDie()->View(type).ValueOrDie();
  const auto bad = ticks->SetColumn(1, arrow::field("timestamp", type), times).ValueOrDie();
  const auto executor = env::MakeTbbExecutor(2);
  env::NoInterrupt interrupt;
  auto chain = KernelChain::Make({{.kernel = "ewma", .options = {{"halflife", std::string("5s")}}}, {.kernel = "diff"}})
                   .ValueOrDie();
  const auto status = RunMorsels(chain, bad, *executor, interrupt).status();
  EXPECT_TRUE(status.message().starts_with("column 'timestamp' of type timestamp[s] holds a time")) << status;
}

}  // namespace
}  // namespace sabot::engine
