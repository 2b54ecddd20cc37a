// Rows a second that the tick generator makes, by number of symbols.
#include "sabot/connectors/tick_generator.h"

#include <arrow/util/logging.h>
#include <benchmark/benchmark.h>

#include <memory>

namespace sabot::connectors {
namespace {

void Generate(benchmark::State& state, TickGeneratorOptions options) {
  options.symbols = static_cast<int32_t>(state.range(0));
  options.start_ns = 0;
  options.mean_gap_ns = 1;
  options.rows = int64_t{1} << 40;
  const auto reader = GenerateTicks(options).ValueOrDie();
  std::shared_ptr<arrow::RecordBatch> batch;
  for (auto _ : state) {
    ARROW_CHECK_OK(reader->ReadNext(&batch));
    benchmark::DoNotOptimize(batch);
  }
  state.SetItemsProcessed(state.iterations() * options.batch_rows);
}

void Ticks(benchmark::State& state) { Generate(state, {}); }
BENCHMARK(Ticks)->Arg(100)->Arg(1'000)->Arg(1'000'000);

void TicksWithStrings(benchmark::State& state) { Generate(state, {.dictionary_symbols = false}); }
BENCHMARK(TicksWithStrings)->Arg(1'000);

void DisturbedTicks(benchmark::State& state) { Generate(state, {.late = 0.01, .gaps = 0.0001, .nulls = 0.01}); }
BENCHMARK(DisturbedTicks)->Arg(1'000);

void Trades(benchmark::State& state) { Generate(state, {.kind = "trades"}); }
BENCHMARK(Trades)->Arg(1'000);

}  // namespace
}  // namespace sabot::connectors
