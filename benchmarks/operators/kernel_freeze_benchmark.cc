// What a checkpoint costs a kernel chain: how long a gigabyte of state holds up the rows when it is frozen and written
// by another thread, and how long ten kernels on 10,000 symbols take to be saved and restored.
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/util/logging.h>
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sabot/checkpoint/store.h"
#include "sabot/env/storage.h"
#include "sabot/operators/kernel_chain.h"

namespace sabot::operators {
namespace {

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

constexpr int64_t kAccounts = 1'000'000;
constexpr int64_t kBatchRows = 8192;

std::shared_ptr<arrow::Array> Prices(int64_t rows, std::mt19937_64& random) {
  arrow::DoubleBuilder prices;
  for (int64_t row = 0; row < rows; ++row) ARROW_CHECK_OK(prices.Append(100 + static_cast<double>(random() % 1000)));
  return prices.Finish().ValueOrDie();
}

// Rows of random accounts, or of `rows` accounts from `first` on.
std::shared_ptr<arrow::RecordBatch> Trades(int64_t rows, std::mt19937_64& random, int64_t first = -1) {
  arrow::Int64Builder accounts;
  for (int64_t row = 0; row < rows; ++row) {
    ARROW_CHECK_OK(accounts.Append((first < 0 ? static_cast<int64_t>(random() % kAccounts) : first + row) * 1'000'003));
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("account", arrow::int64()), arrow::field("price", arrow::float64())}), rows,
      {accounts.Finish().ValueOrDie(), Prices(rows, random)});
}

// As many bytes from memory, durable as those of a checkpoint are: a measure of the disk.
double WriteBytes(env::Storage& storage, int64_t bytes, const std::string& path) {
  constexpr std::size_t kPiece = std::size_t{1} << 22;
  const std::string all(static_cast<std::size_t>(bytes), 'x');
  const auto begin = Clock::now();
  const auto file = storage.Create(path).ValueOrDie();
  for (std::size_t at = 0; at < all.size(); at += kPiece) {
    ARROW_CHECK_OK(file->stream()->Write(std::string_view(all).substr(at, kPiece)));
  }
  ARROW_CHECK_OK(file->Commit());
  return MillisecondsSince(begin);
}

// The longest that a batch of 8,192 random rows takes: alone, and while the state is written.
void OneGigabyte(benchmark::State& state) {
  std::mt19937_64 random(1);
  auto chain = KernelChain::Make({{.kernel = "sma", .options = {{"window", int64_t{115}}}}}, {"account"}).ValueOrDie();
  for (int64_t first = 0; first < kAccounts; first += 100'000) {
    ARROW_CHECK_OK(chain.Process(Trades(100'000, random, first)).status());
  }
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (int batch = 0; batch < 256; ++batch) batches.push_back(Trades(kBatchRows, random));
  std::size_t next = 0;
  const auto process = [&] {
    const auto begin = Clock::now();
    ARROW_CHECK_OK(chain.Process(batches[next++ % batches.size()]).status());
    return MillisecondsSince(begin);
  };
  const auto folder = std::filesystem::temp_directory_path() / ("sabot_kernel_freeze_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto place = env::StorageOf(folder.string()).ValueOrDie();
  checkpoint::Store store(place.storage, place.path);

  double write = std::numeric_limits<double>::infinity(), plain_write = write;
  for (auto _ : state) {
    std::vector<double> alone, disturbed;
    for (int batch = 0; batch < 256; ++batch) alone.push_back(process());
    auto begin = Clock::now();
    std::shared_ptr<arrow::RecordBatchReader> frozen = chain.Freeze(0).ValueOrDie();
    const double freeze = MillisecondsSince(begin);
    checkpoint::StateFile file;
    std::atomic<bool> written = false;
    begin = Clock::now();
    double writing = 0;
    std::thread writer([&] {
      file = store.Write({.attempt = 1, .number = 1}, "state", *frozen).ValueOrDie();
      writing = MillisecondsSince(begin);
      written = true;
    });
    while (!written) disturbed.push_back(process());
    writer.join();
    std::filesystem::remove_all(folder / "1-1");
    state.SetIterationTime(writing / 1000);
    std::sort(alone.begin(), alone.end());
    std::sort(disturbed.begin(), disturbed.end());
    state.counters["freeze_ms"] = std::max(state.counters["freeze_ms"].value, freeze);
    state.counters["batch_ms"] = alone[alone.size() / 2];
    state.counters["batch_most_ms"] = std::max(state.counters["batch_most_ms"].value, alone.back());
    state.counters["frozen_batch_ms"] = disturbed[disturbed.size() / 2];
    state.counters["frozen_batch_most_ms"] = std::max(state.counters["frozen_batch_most_ms"].value, disturbed.back());
    state.counters["frozen_batches"] = static_cast<double>(disturbed.size());
    state.counters["mb"] = static_cast<double>(file.bytes) / 1e6;
    state.counters["write_ms"] = write = std::min(write, writing);
    state.counters["plain_write_ms"] = plain_write =
        std::min(plain_write, WriteBytes(*place.storage, file.bytes, place.path + "/plain"));
    std::filesystem::remove(folder / "plain");
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(OneGigabyte)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);

// The first time that a million keys of an account and a symbol are frozen: they are encoded on the task's thread.
void FreezeOfNewKeys(benchmark::State& state) {
  std::mt19937_64 random(1);
  arrow::StringBuilder symbols;
  for (int64_t row = 0; row < kAccounts; ++row) {
    ARROW_CHECK_OK(symbols.Append("SYMBOL" + std::to_string(random() % 10'000)));
  }
  auto trades = Trades(kAccounts, random, 0);
  trades = trades->AddColumn(0, "symbol", symbols.Finish().ValueOrDie()).ValueOrDie();
  for (auto _ : state) {
    state.PauseTiming();
    auto chain = KernelChain::Make({{.kernel = "ewma"}}, {"symbol", "account"}).ValueOrDie();
    ARROW_CHECK_OK(chain.Process(trades).status());
    state.ResumeTiming();
    benchmark::DoNotOptimize(chain.Freeze(0).ValueOrDie());
  }
}
BENCHMARK(FreezeOfNewKeys)->Iterations(5)->Unit(benchmark::kMillisecond);

const std::vector<std::string> kKernels{"ewma", "ema",  "sma",  "rolling_std",     "rolling_zscore",
                                        "rsi",  "macd", "vwap", "bollinger_bands", "welford_mean_var"};

KernelChain TenKernels() {
  std::vector<KernelSpec> specs;
  for (const auto& kernel : kKernels) {
    KernelSpec spec{.kernel = kernel};
    const auto ticks = arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("price", arrow::float64()),
                                      arrow::field("volume", arrow::float64())});
    auto alone = KernelChain::Make({spec}).ValueOrDie();
    const auto output = alone.Bind(ticks).ValueOrDie();
    for (int field = 3; field < output->num_fields(); ++field) {  // Several write a column of the same name.
      const auto& name = output->field(field)->name();
      spec.outputs[name] = kernel + "_" + name;
    }
    specs.push_back(std::move(spec));
  }
  return KernelChain::Make(std::move(specs)).ValueOrDie();
}

KernelChain OfTenThousandSymbols() {
  std::mt19937_64 random(1);
  auto chain = TenKernels();
  for (int round = 0; round < 30; ++round) {
    arrow::StringBuilder symbols;
    for (int symbol = 0; symbol < 10'000; ++symbol) ARROW_CHECK_OK(symbols.Append("SYM" + std::to_string(symbol * 7)));
    const auto prices = Prices(10'000, random);
    const auto batch = arrow::RecordBatch::Make(
        arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("price", arrow::float64()),
                       arrow::field("volume", arrow::float64())}),
        10'000, {symbols.Finish().ValueOrDie(), prices, Prices(10'000, random)});
    ARROW_CHECK_OK(chain.Process(batch).status());
  }
  return chain;
}

std::vector<std::shared_ptr<arrow::Table>> SnapshotAll(const KernelChain& chain) {
  std::vector<std::shared_ptr<arrow::Table>> tables;
  for (std::size_t kernel = 0; kernel < kKernels.size(); ++kernel) {
    tables.push_back(chain.Snapshot(kernel).ValueOrDie());
  }
  return tables;
}

void SnapshotOfTenThousandSymbols(benchmark::State& state) {
  const auto chain = OfTenThousandSymbols();
  for (auto _ : state) benchmark::DoNotOptimize(SnapshotAll(chain));
}
BENCHMARK(SnapshotOfTenThousandSymbols)->Unit(benchmark::kMillisecond);

void RestoreOfTenThousandSymbols(benchmark::State& state) {
  const auto tables = SnapshotAll(OfTenThousandSymbols());
  for (auto _ : state) {
    state.PauseTiming();
    auto chain = TenKernels();
    state.ResumeTiming();
    for (std::size_t kernel = 0; kernel < tables.size(); ++kernel) {
      ARROW_CHECK_OK(chain.Restore(kernel, *tables[kernel]));
    }
  }
}
BENCHMARK(RestoreOfTenThousandSymbols)->Unit(benchmark::kMillisecond);

// The state of OneGigabyte at once.
void RestoreOfOneGigabyte(benchmark::State& state) {
  std::mt19937_64 random(1);
  const KernelSpec spec{.kernel = "sma", .options = {{"window", int64_t{115}}}};
  auto chain = KernelChain::Make({spec}, {"account"}).ValueOrDie();
  for (int64_t first = 0; first < kAccounts; first += 100'000) {
    ARROW_CHECK_OK(chain.Process(Trades(100'000, random, first)).status());
  }
  const auto table = chain.Snapshot(0).ValueOrDie();
  for (auto _ : state) {
    auto restored = KernelChain::Make({spec}, {"account"}).ValueOrDie();
    ARROW_CHECK_OK(restored.Restore(0, *table));
  }
}
BENCHMARK(RestoreOfOneGigabyte)->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sabot::operators
