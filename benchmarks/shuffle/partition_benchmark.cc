// Rows to 16 tasks by their key: a key column and six of eight bytes, in batches of 8,192 rows. Symbols follow a Zipf
// distribution, as a market's do. `HandWritten` is what a program for exactly this batch would do, to compare with.
#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/util/logging.h>
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sabot/data/key_hash.h"
#include "sabot/data/murmur3.h"
#include "sabot/shuffle/registry.h"

namespace sabot::shuffle {
namespace {

constexpr int64_t kRows = 8'192;
constexpr int kColumns = 6;
constexpr int kPartitions = 16;
constexpr int64_t kSymbols = 1'000;
constexpr int kBatches = 8;  // In turn, so that no branch predictor learns the rows by heart.

std::string Name(int32_t symbol) {  // Three to five letters.
  std::string name;
  for (auto rest = static_cast<uint32_t>(symbol) * 2'654'435'761U % 11'881'376U; name.size() < 3 || rest > 0;
       rest /= 26) {
    name += static_cast<char>('A' + rest % 26);
  }
  return name;
}

using Batches = std::vector<data::Batch>;

enum class Key { kDictionary, kUtf8, kInt64 };

Batches MakeBatches(Key key) {
  std::mt19937_64 random(1);
  std::vector<double> weights;
  for (int64_t rank = 1; rank <= kSymbols; ++rank) weights.push_back(1.0 / static_cast<double>(rank));
  std::discrete_distribution<int32_t> zipf(weights.begin(), weights.end());
  arrow::StringBuilder names;
  for (int32_t symbol = 0; symbol < kSymbols; ++symbol) ARROW_CHECK_OK(names.Append(Name(symbol)));
  const std::shared_ptr<arrow::Array> dictionary = names.Finish().ValueOrDie();

  Batches batches;
  for (int batch = 0; batch < kBatches; ++batch) {
    arrow::Int32Builder indices;
    arrow::StringBuilder texts;
    arrow::Int64Builder numbers;
    for (int64_t row = 0; row < kRows; ++row) {
      const int32_t symbol = zipf(random);
      ARROW_CHECK_OK(indices.Append(symbol));
      ARROW_CHECK_OK(texts.Append(Name(symbol)));
      ARROW_CHECK_OK(numbers.Append(symbol));
    }
    std::shared_ptr<arrow::Array> keys = numbers.Finish().ValueOrDie();
    if (key == Key::kUtf8) keys = texts.Finish().ValueOrDie();
    if (key == Key::kDictionary) {
      keys = std::make_shared<arrow::DictionaryArray>(arrow::dictionary(arrow::int32(), arrow::utf8()),
                                                      indices.Finish().ValueOrDie(), dictionary);
    }
    arrow::FieldVector fields = {arrow::field("symbol", keys->type())};
    arrow::ArrayVector columns = {keys};
    for (int column = 0; column < kColumns; ++column) {
      arrow::DoubleBuilder values;
      for (int64_t row = 0; row < kRows; ++row) ARROW_CHECK_OK(values.Append(static_cast<double>(random())));
      columns.push_back(values.Finish().ValueOrDie());
      fields.push_back(arrow::field("value" + std::to_string(column), arrow::float64()));
    }
    batches.push_back({.rows = arrow::RecordBatch::Make(arrow::schema(fields), kRows, columns),
                       .places = data::Places::OfSource(0, batch * kRows, kRows)});
  }
  return batches;
}

void SetRows(benchmark::State& state) { state.SetItemsProcessed(state.iterations() * kRows); }

template <class Use>
void Over(benchmark::State& state, const Batches& batches, Use use) {
  std::size_t at = 0;
  for (auto _ : state) use(batches[at++ % batches.size()]);
  SetRows(state);
}

std::unique_ptr<Partitioner> Make(const PartitionerSpec& spec, const Batches& batches) {
  return MakePartitioner(spec, batches[0].rows->schema(), kPartitions).ValueOrDie();
}

void KeyHashes(benchmark::State& state, Key key) {
  const Batches batches = MakeBatches(key);
  auto hasher = data::KeyHasher::Make(*batches[0].rows->schema(), {"symbol"}).ValueOrDie();
  std::vector<uint32_t> hashes(kRows);
  Over(state, batches, [&](const data::Batch& batch) {
    ARROW_CHECK_OK(hasher.Hash(*batch.rows, hashes));
    benchmark::ClobberMemory();
  });
}
BENCHMARK_CAPTURE(KeyHashes, Dictionary, Key::kDictionary);
BENCHMARK_CAPTURE(KeyHashes, Utf8, Key::kUtf8);
BENCHMARK_CAPTURE(KeyHashes, Int64, Key::kInt64);

void Select(benchmark::State& state, Key key) {
  const Batches batches = MakeBatches(key);
  const auto partitioner = Make({.name = "hash", .keys = {"symbol"}}, batches);
  Over(state, batches,
       [&](const data::Batch& batch) { benchmark::DoNotOptimize(partitioner->Partition(batch).ValueOrDie()); });
}
BENCHMARK_CAPTURE(Select, Dictionary, Key::kDictionary);
BENCHMARK_CAPTURE(Select, Utf8, Key::kUtf8);
BENCHMARK_CAPTURE(Select, Int64, Key::kInt64);

void ForTheWire(benchmark::State& state, Key key) {
  const Batches batches = MakeBatches(key);
  const auto partitioner = Make({.name = "hash", .keys = {"symbol"}}, batches);
  Over(state, batches, [&](const data::Batch& batch) {
    const Split split = partitioner->Partition(batch).ValueOrDie();
    benchmark::DoNotOptimize(Scatter(*batch.rows, split).ValueOrDie());
  });
}
BENCHMARK_CAPTURE(ForTheWire, Dictionary, Key::kDictionary);
BENCHMARK_CAPTURE(ForTheWire, Utf8, Key::kUtf8);
BENCHMARK_CAPTURE(ForTheWire, Int64, Key::kInt64);

// Dictionary keys whose hashes are known, memory that is always the same, no batch made, no error looked for.
void HandWritten(benchmark::State& state) {
  const Batches batches = MakeBatches(Key::kDictionary);
  const auto& names = *static_cast<const arrow::DictionaryArray&>(*batches[0].rows->column(0)).dictionary();
  std::vector<uint8_t> partition_of_symbol(kSymbols);
  for (int64_t symbol = 0; symbol < kSymbols; ++symbol) {
    const uint32_t hash = data::murmur3::Hash(static_cast<const arrow::StringArray&>(names).GetView(symbol));
    partition_of_symbol[static_cast<std::size_t>(symbol)] = static_cast<uint8_t>(hash % 256 * kPartitions / 256);
  }
  std::vector<uint8_t> partition(kRows);
  std::vector<uint32_t> target(kRows);
  std::vector<int32_t> keys(kRows);
  std::array<std::vector<uint64_t>, kColumns> columns;
  for (auto& column : columns) column.resize(kRows);
  Over(state, batches, [&](const data::Batch& batch) {
    std::array<uint32_t, kPartitions> next = {};
    const auto* const symbols = batch.rows->column_data(0)->GetValues<int32_t>(1);
    for (std::size_t row = 0; row < kRows; ++row) {
      partition[row] = partition_of_symbol[static_cast<std::size_t>(symbols[row])];
      ++next[partition[row]];
    }
    uint32_t begin = 0;
    for (uint32_t& count : next) begin += std::exchange(count, begin);
    for (std::size_t row = 0; row < kRows; ++row) target[row] = next[partition[row]]++;
    for (std::size_t row = 0; row < kRows; ++row) keys[target[row]] = symbols[row];
    for (int column = 0; column < kColumns; ++column) {
      const auto* const values = batch.rows->column_data(column + 1)->GetValues<uint64_t>(1);
      uint64_t* const out = columns[static_cast<std::size_t>(column)].data();
      for (std::size_t row = 0; row < kRows; ++row) out[target[row]] = values[row];
    }
    benchmark::ClobberMemory();
  });
}
BENCHMARK(HandWritten);

void Range(benchmark::State& state) {
  const Batches batches = MakeBatches(Key::kInt64);
  arrow::Int64Builder bounds;
  for (int64_t bound = 1; bound < kPartitions; ++bound) ARROW_CHECK_OK(bounds.Append(bound * bound * 4));
  const auto partitioner = Make({.name = "range", .column = "symbol", .bounds = bounds.Finish().ValueOrDie()}, batches);
  Over(state, batches,
       [&](const data::Batch& batch) { benchmark::DoNotOptimize(partitioner->Partition(batch).ValueOrDie()); });
}
BENCHMARK(Range);

void RoundRobin(benchmark::State& state) {
  const Batches batches = MakeBatches(Key::kInt64);
  const auto partitioner = Make({.name = "round_robin"}, batches);
  Over(state, batches,
       [&](const data::Batch& batch) { benchmark::DoNotOptimize(partitioner->Partition(batch).ValueOrDie()); });
}
BENCHMARK(RoundRobin);

}  // namespace
}  // namespace sabot::shuffle
