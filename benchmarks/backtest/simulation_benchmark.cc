// Ticks a second through a simulation: v1_baseline on a market that moves, columns to fills.
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <benchmark/benchmark.h>

#include <memory>
#include <random>

#include "sabot/backtest/registry.h"
#include "sabot/backtest/simulation.h"

namespace sabot::backtest {
namespace {

constexpr int64_t kTicks = 65'536;
constexpr int64_t kGapNs = 200'000'000;

// Quotes at both sides of a price that walks by a cent, and a trade in five ticks at one of them, or now and then
// through it.
std::shared_ptr<arrow::RecordBatch> MovingMarket() {
  std::minstd_rand random(7);
  const auto below = [&](uint32_t bound) { return static_cast<int64_t>(random() >> 4) % bound; };
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::NANO), arrow::default_memory_pool());
  arrow::StringDictionary32Builder types;
  arrow::DoubleBuilder prices;
  arrow::DoubleBuilder volumes;
  int64_t cents = 1'000;
  for (int64_t i = 0; i < kTicks; ++i) {
    cents += below(20) == 0 ? below(2) * 2 - 1 : 0;
    const int64_t kind = below(5);
    const bool trade = kind == 4;
    const bool bid = below(2) == 0;
    const int64_t through = trade && below(50) == 0 ? 1 : 0;
    (void)times.Append(i * kGapNs);
    (void)types.Append(trade ? "trade" : bid ? "bid" : "ask");
    (void)prices.Append(static_cast<double>(cents + (bid ? -1 - through : 1 + through)) / 100);
    (void)volumes.Append(static_cast<double>((1 + below(40)) * 2'500));
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("timestamp", arrow::timestamp(arrow::TimeUnit::NANO)),
                     arrow::field("type", arrow::dictionary(arrow::int32(), arrow::utf8())),
                     arrow::field("price", arrow::float64()), arrow::field("volume", arrow::float64())}),
      kTicks,
      {times.Finish().ValueOrDie(), types.Finish().ValueOrDie(), prices.Finish().ValueOrDie(),
       volumes.Finish().ValueOrDie()});
}

void Simulates(benchmark::State& state, const char* name, const char* json) {
  const auto batch = MovingMarket();
  const auto* info = FindStrategy(name).ValueOrDie();
  const auto config = StrategyConfig::Parse(json, info->parameters, name).ValueOrDie().For("X").ValueOrDie();
  int64_t fills = 0;
  for (auto _ : state) {
    auto simulation = Simulation::Make({.venue = config.venue}, info->make(config.settings).ValueOrDie()).ValueOrDie();
    if (const auto status = simulation->Push(Ticks::From(batch).ValueOrDie()); !status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      return;
    }
    fills = simulation->Finish().ValueOrDie().trades;
  }
  state.SetItemsProcessed(state.iterations() * kTicks);
  state.counters["fills"] = static_cast<double>(fills);
}

BENCHMARK_CAPTURE(Simulates, v1_baseline, "v1_baseline", R"({"DEFAULT": {"quote_size": 5000}})");
BENCHMARK_CAPTURE(Simulates, v1_baseline_10ms, "v1_baseline",
                  R"({"DEFAULT": {"quote_size": 5000, "order_latency_ms": 10, "refill_interval_sec": 1}})");

void ReadsTicks(benchmark::State& state) {
  const auto batch = MovingMarket();
  for (auto _ : state) benchmark::DoNotOptimize(Ticks::From(batch).ValueOrDie());
  state.SetItemsProcessed(state.iterations() * kTicks);
}
BENCHMARK(ReadsTicks);

}  // namespace
}  // namespace sabot::backtest
