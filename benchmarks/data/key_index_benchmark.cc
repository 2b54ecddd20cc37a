// Keys to slots: rows a second by kind of key column. Symbols follow a Zipf distribution, as a market's do.
#include "sabot/data/key_index.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_dict.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/util/logging.h>
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace sabot::data {
namespace {

constexpr int64_t kRows = 1 << 16;

std::vector<int32_t> ZipfSymbols(int64_t symbols) {
  std::vector<double> weights;
  for (int64_t rank = 1; rank <= symbols; ++rank) weights.push_back(1.0 / static_cast<double>(rank));
  std::mt19937_64 random(1);
  std::discrete_distribution<int32_t> distribution(weights.begin(), weights.end());
  std::vector<int32_t> rows(kRows);
  for (int32_t& row : rows) row = distribution(random);
  return rows;
}

// Three to five letters, or with a long venue prefix 21 to 23 bytes.
std::string Name(int32_t symbol, bool long_names) {
  std::string name = long_names ? "BINANCE:FUTURES-USDM:" : "";
  for (auto rest = static_cast<uint32_t>(symbol) * 2'654'435'761U % 11'881'376U; name.size() < 3 || rest > 0;
       rest /= 26) {
    name += static_cast<char>('A' + rest % 26);
  }
  return name;
}

template <class Builder, class Value>
std::shared_ptr<arrow::RecordBatch> Keyed(Builder builder, int64_t symbols, Value value) {
  for (const int32_t symbol : ZipfSymbols(symbols)) ARROW_CHECK_OK(builder.Append(value(symbol)));
  const std::shared_ptr<arrow::Array> array = builder.Finish().ValueOrDie();
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("symbol", array->type())}), kRows, {array});
}

void Resolve(benchmark::State& state, const std::shared_ptr<arrow::RecordBatch>& batch,
             std::vector<std::string> by = {"symbol"}) {
  KeyIndex index = KeyIndex::Make(*batch->schema(), std::move(by)).ValueOrDie();
  std::vector<int32_t> slots(kRows);
  std::vector<uint64_t> has_key(kRows / 64);
  Slots out{.slots = slots, .has_key = has_key};
  for (auto _ : state) {
    ARROW_CHECK_OK(index.Resolve(*batch, 0, out));
    benchmark::DoNotOptimize(slots.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}

void Utf8(benchmark::State& state) {
  Resolve(state, Keyed(arrow::StringBuilder(), state.range(0), [](int32_t symbol) { return Name(symbol, false); }));
}
BENCHMARK(Utf8)->Arg(100)->Arg(1'000)->Arg(10'000)->Arg(100'000);

void Utf8Long(benchmark::State& state) {
  Resolve(state, Keyed(arrow::StringBuilder(), state.range(0), [](int32_t symbol) { return Name(symbol, true); }));
}
BENCHMARK(Utf8Long)->Arg(1'000);

void Utf8View(benchmark::State& state) {
  Resolve(state, Keyed(arrow::StringViewBuilder(), state.range(0), [](int32_t symbol) { return Name(symbol, false); }));
}
BENCHMARK(Utf8View)->Arg(1'000);

void Int64(benchmark::State& state) {
  Resolve(state,
          Keyed(arrow::Int64Builder(), state.range(0), [](int32_t symbol) { return int64_t{symbol} * 1'000'003; }));
}
BENCHMARK(Int64)->Arg(1'000)->Arg(100'000);

std::shared_ptr<arrow::RecordBatch> Dictionary(int64_t symbols) {
  return Keyed(arrow::StringDictionary32Builder(), symbols, [](int32_t symbol) { return Name(symbol, false); });
}

void DictionaryInt32(benchmark::State& state) { Resolve(state, Dictionary(state.range(0))); }
BENCHMARK(DictionaryInt32)->Arg(1'000)->Arg(100'000);

void TwoDictionaries(benchmark::State& state) {
  const auto batch = Dictionary(state.range(0));
  const auto venues = Keyed(arrow::StringDictionary32Builder(), 4, [](int32_t venue) { return Name(venue, false); });
  Resolve(state, batch->AddColumn(1, "venue", venues->column(0)).ValueOrDie(), {"symbol", "venue"});
}
BENCHMARK(TwoDictionaries)->Arg(1'000);

// What the standard library would do, to compare with.
void Utf8ByUnorderedMap(benchmark::State& state) {
  const auto batch = Keyed(arrow::StringBuilder(), state.range(0), [](int32_t symbol) { return Name(symbol, false); });
  const auto& symbols = static_cast<const arrow::StringArray&>(*batch->column(0));
  std::unordered_map<std::string_view, int32_t> index;
  std::vector<int32_t> slots(kRows);
  for (auto _ : state) {
    for (int64_t row = 0; row < kRows; ++row) {
      slots[static_cast<std::size_t>(row)] =
          index.try_emplace(symbols.GetView(row), static_cast<int32_t>(index.size())).first->second;
    }
    benchmark::DoNotOptimize(slots.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(Utf8ByUnorderedMap)->Arg(1'000);

}  // namespace
}  // namespace sabot::data
