// Ticks a second of all simulations of a sweep, by how many they see before the next batch, and by workers.
#include "sabot/backtest/sweep.h"

#include <arrow/array/array_dict.h>
#include <arrow/builder.h>
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include "sabot/backtest/registry.h"
#include "sabot/ticks/tick_file.h"

namespace sabot::backtest {
namespace {

constexpr int64_t kTicks = 200'000;
constexpr int64_t kGapNs = 500'000'000;
constexpr int kSets = 200;

// A file of one security whose price walks by a cent, gone at the end.
class TickFile {
 public:
  TickFile()
      : path_(std::filesystem::temp_directory_path() / ("sabot-sweep-" + std::to_string(getpid()) + ".parquet")) {
    std::minstd_rand random(7);
    const auto below = [&](uint32_t bound) { return static_cast<int64_t>(random() >> 4) % bound; };
    arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::NANO), arrow::default_memory_pool());
    arrow::Int8Builder types;
    arrow::DoubleBuilder prices;
    arrow::DoubleBuilder volumes;
    int64_t cents = 1'000;
    for (int64_t i = 0; i < kTicks; ++i) {
      cents += below(20) == 0 ? below(2) * 2 - 1 : 0;
      const int64_t kind = below(5);
      const bool bid = below(2) == 0;
      (void)times.Append(i * kGapNs);
      (void)types.Append(static_cast<int8_t>(kind == 4 ? 2 : bid ? 0 : 1));
      (void)prices.Append(static_cast<double>(cents + (bid ? -1 : 1)) / 100);
      (void)volumes.Append(static_cast<double>((1 + below(40)) * 2'500));
    }
    const auto schema = ticks::TickSchema(false);
    const auto type = arrow::DictionaryArray::FromArrays(schema->field(1)->type(), types.Finish().ValueOrDie(),
                                                         ticks::TickTypeNames())
                          .ValueOrDie();
    const auto writer = ticks::OpenTickFileWriter(path_.string(), false).ValueOrDie();
    (void)writer->Write(arrow::RecordBatch::Make(
        schema, kTicks,
        {times.Finish().ValueOrDie(), type, prices.Finish().ValueOrDie(), volumes.Finish().ValueOrDie()}));
    (void)writer->Close({.security = "X"});
  }
  ~TickFile() { std::filesystem::remove(path_); }

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

void Sweeps(benchmark::State& state) {
  const TickFile file;
  const auto* info = FindStrategy("v1_baseline").ValueOrDie();
  const SweepPlan plan{
      .run = {.strategy = *info, .config = StrategyConfig::Parse("{}", info->parameters).ValueOrDie()},
      .securities = FindTicks({file.path()}).ValueOrDie().ticks,
      .sets =
          RandomSets(R"({"refill_interval_sec": {"log_uniform": [5, 600]}, "quote_size": {"integer": [1000, 50000]}})",
                     kSets, 1)
              .ValueOrDie()};
  const auto executor = env::MakeTbbExecutor(static_cast<int>(state.range(1)));
  env::NoInterrupt interrupt;
  for (auto _ : state) {
    if (const auto result = RunSweep(plan, {.batch_rows = state.range(0)}, *executor, interrupt, {}); !result.ok()) {
      state.SkipWithError(result.status().ToString().c_str());
      return;
    }
  }
  state.SetItemsProcessed(state.iterations() * kTicks * kSets);
}
BENCHMARK(Sweeps)
    ->ArgNames({"batch_rows", "workers"})
    ->Args({256, 1})
    ->Args({1'024, 1})
    ->Args({4'096, 1})
    ->Args({16'384, 1})
    ->Args({65'536, 1})
    ->Args({200'000, 1})
    ->Args({0, 1})
    ->Args({0, 2})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sabot::backtest
