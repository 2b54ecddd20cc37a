// A keyed ewma whose state lies in RocksDB: rows a second by the number of keys, those that have their state in memory,
// and the rows of a batch. Keys are text, and each row's is drawn evenly from all. Time is that of the CPU, of all
// threads: flushes and compactions count.
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/util/logging.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include "sabot/operators/kernel_chain.h"
#include "sabot/state/rocksdb_store.h"

namespace sabot::operators {
namespace {

std::shared_ptr<arrow::RecordBatch> Rows(int64_t rows, int64_t keys, std::mt19937_64& random, int64_t first_key = -1) {
  arrow::StringBuilder symbols;
  arrow::DoubleBuilder prices;
  for (int64_t row = 0; row < rows; ++row) {
    const auto key = first_key >= 0 ? first_key + row : static_cast<int64_t>(random() % static_cast<uint64_t>(keys));
    ARROW_CHECK_OK(symbols.Append("S" + std::to_string(1'000'000'000 + key * 7919 % 1'000'000'007)));
    ARROW_CHECK_OK(prices.Append(static_cast<double>(random() % 10'000) / 100));
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("price", arrow::float64())}), rows,
      arrow::ArrayVector{symbols.Finish().ValueOrDie(), prices.Finish().ValueOrDie()});
}

// Arguments: keys, keys in memory (0: all, without a store), rows of a batch.
void Ewma(benchmark::State& state) {
  const int64_t keys = state.range(0), cached_keys = state.range(1), rows = state.range(2);
  std::string folder = (std::filesystem::temp_directory_path() / "sabot-benchmark-XXXXXX").string();
  ARROW_CHECK(mkdtemp(folder.data()) != nullptr);
  {
    auto chain = KernelChain::Make({{.kernel = "ewma", .options = {{"alpha", 0.1}}}}).ValueOrDie();
    if (cached_keys > 0) {
      ARROW_CHECK_OK(chain.UseStore(state::OpenRocksDb(folder + "/db").ValueOrDie(), cached_keys));
    }
    std::mt19937_64 random(1);
    for (int64_t key = 0; key < keys; key += 8192) {
      ARROW_CHECK_OK(chain.Process(Rows(std::min<int64_t>(8192, keys - key), keys, random, key)).status());
    }
    arrow::RecordBatchVector batches;
    for (int64_t made = 0; made < 4'000'000; made += rows) batches.push_back(Rows(rows, keys, random));
    std::size_t next = 0;
    for (auto _ : state) {
      benchmark::DoNotOptimize(chain.Process(batches[next++ % batches.size()]).ValueOrDie());
    }
    state.SetItemsProcessed(state.iterations() * rows);
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(Ewma)
    ->ArgNames({"keys", "cached", "batch"})
    ->Args({100'000, 0, 65'536})
    ->Args({100'000, 200'000, 65'536})
    ->Args({100'000, 200'000, 8'192})
    ->Args({1'000'000, 0, 65'536})
    ->Args({1'000'000, 100'000, 8'192})
    ->Args({1'000'000, 100'000, 65'536})
    ->Args({1'000'000, 100'000, 524'288})
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sabot::operators
