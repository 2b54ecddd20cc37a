// Whole streams over ticks in memory, into a sink that drops them: what tasks, channels and copies cost or bring. Rows
// a second by the wall clock; the threads are those of the run's executor, its caller among them.
#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/util/logging.h>
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/connectors/sink.h"
#include "sabot/connectors/tick_generator.h"
#include "sabot/engine/job.h"
#include "sabot/engine/stream.h"
#include "sabot/operators/kernel_chain.h"

namespace sabot::engine {
namespace {

constexpr int64_t kBatch = 8'192;

// SABOT_BENCHMARK_ROWS, or so many.
int64_t Rows() {
  static const char* const text = std::getenv("SABOT_BENCHMARK_ROWS");
  return text == nullptr ? 4'000'000 : std::atoll(text);
}

// 1,000 Zipf symbols, the columns of a tick; in one chunk, as a table of a user's is.
const std::shared_ptr<arrow::Table>& Ticks() {
  static const auto ticks = [] {
    const auto reader = connectors::GenerateTicks({.rows = Rows(), .symbols = 1'000}).ValueOrDie();
    return reader->ToTable().ValueOrDie()->CombineChunks().ValueOrDie();
  }();
  return ticks;
}

// The same in batches of their own.
std::shared_ptr<arrow::Table> InBatches(const std::shared_ptr<arrow::Table>& table) {
  arrow::TableBatchReader reader(table);
  reader.set_chunksize(kBatch);
  return arrow::Table::FromRecordBatches(table->schema(), reader.ToRecordBatches().ValueOrDie()).ValueOrDie();
}

// Symbols as plain strings, and prices.
std::shared_ptr<arrow::Table> Strings() {
  const auto& symbols = static_cast<const arrow::DictionaryArray&>(*Ticks()->GetColumnByName("symbol")->chunk(0));
  const auto& names = static_cast<const arrow::StringArray&>(*symbols.dictionary());
  arrow::StringBuilder texts;
  for (int64_t row = 0; row < symbols.length(); ++row) {
    ARROW_CHECK_OK(texts.Append(names.GetView(symbols.GetValueIndex(row))));
  }
  return arrow::Table::Make(
      arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("price", arrow::float64())}),
      {std::make_shared<arrow::ChunkedArray>(texts.Finish().ValueOrDie()), Ticks()->GetColumnByName("price")});
}

// Ten kernels that look back over a window.
std::vector<operators::KernelSpec> RollingTen() {
  const auto window = [](std::string name, int64_t rows, std::map<std::string, std::string> outputs = {}) {
    return operators::KernelSpec{
        .kernel = std::move(name), .options = {{"window", rows}}, .outputs = std::move(outputs)};
  };
  return {window("rolling_std", 100),
          window("rolling_zscore", 100),
          window("bollinger_bands", 100),
          window("sma", 100),
          window("vwap", 100),
          window("ofi", 20),
          window("rolling_std", 20, {{"rolling_std", "short_std"}}),
          window("rolling_zscore", 20, {{"zscore", "short_zscore"}}),
          window("bollinger_bands", 20, {{"bb_mid", "short_mid"}, {"bb_upper", "short_up"}, {"bb_lower", "short_low"}}),
          window("sma", 20, {{"sma", "short_sma"}})};
}

Stream WithKernels(const std::shared_ptr<arrow::Table>& table, const std::vector<operators::KernelSpec>& kernels) {
  auto stream = Stream::FromTable(table).ValueOrDie();
  for (const auto& kernel : kernels) stream = stream.Kernel(kernel).ValueOrDie();
  return stream;
}

class Drop final : public connectors::Sink {
 public:
  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    rows_ += batch->num_rows();
    return arrow::Status::OK();
  }
  arrow::Status Close() override { return arrow::Status::OK(); }
  int64_t rows_written() const override { return rows_; }
  int64_t bytes_written() const override { return 0; }

 private:
  int64_t rows_ = 0;
};

struct How {
  int threads = 1;
  int parallelism = 0;
};

void Run(benchmark::State& state, const Stream& stream, const How& how) {
  const std::shared_ptr<env::Executor> executor = env::MakeTbbExecutor(how.threads);
  int64_t written = 0;
  for (auto _ : state) {
    Drop sink;
    const auto job =
        Job::Make(stream.plan(), {.executor = executor, .shuffle = {.parallelism = how.parallelism}}, {&sink})
            .ValueOrDie();
    ARROW_CHECK_OK(job->RunToEnd());
    written = sink.rows_written();
  }
  ARROW_CHECK_GT(written, 0);
  state.SetItemsProcessed(state.iterations() * Rows());
}

// --- ten rolling kernels ---

// The kernels alone, on the same batches as the engine.
void RollingTenBare(benchmark::State& state) {
  arrow::TableBatchReader reader(InBatches(Ticks()));
  const auto batches = reader.ToRecordBatches().ValueOrDie();
  for (auto _ : state) {
    auto chain = operators::KernelChain::Make(RollingTen()).ValueOrDie();
    for (const auto& batch : batches) benchmark::DoNotOptimize(chain.Process(batch).ValueOrDie());
  }
  state.SetItemsProcessed(state.iterations() * Rows());
}
BENCHMARK(RollingTenBare)->UseRealTime()->Unit(benchmark::kMillisecond);

void RollingTenInBatches(benchmark::State& state, const How& how) {
  Run(state, WithKernels(InBatches(Ticks()), RollingTen()), how);
}
void RollingTenOfTable(benchmark::State& state, const How& how) { Run(state, WithKernels(Ticks(), RollingTen()), how); }

constexpr How kOneThread{.threads = 1, .parallelism = 1};
constexpr How kMorsels{.threads = 2, .parallelism = 1};  // Two threads share the work on each batch.
constexpr How kCopies{.threads = 2, .parallelism = 2};
BENCHMARK_CAPTURE(RollingTenInBatches, OneThread, kOneThread)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(RollingTenInBatches, Copies, kCopies)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(RollingTenOfTable, OneThread, kOneThread)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(RollingTenOfTable, Morsels, kMorsels)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(RollingTenOfTable, Copies, kCopies)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- ewma of string keys, as a stream is: small batches, one after the other ---

void Ewma(benchmark::State& state, const How& how) {
  Run(state, WithKernels(InBatches(Strings()), {{.kernel = "ewma", .options = {{"alpha", 0.1}}}}), how);
}
BENCHMARK_CAPTURE(Ewma, OneThread, kOneThread)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Ewma, Morsels, kMorsels)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Ewma, Copies, kCopies)->UseRealTime()->Unit(benchmark::kMillisecond);

// The same keys as a dictionary, in which feeds have them.
void EwmaOfDictionary(benchmark::State& state, const How& how) {
  Run(state, WithKernels(InBatches(Ticks()), {{.kernel = "ewma", .options = {{"alpha", 0.1}}}}), how);
}
BENCHMARK_CAPTURE(EwmaOfDictionary, OneThread, kOneThread)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- a filter and two columns: steps without state ---

void FilterWithColumns(benchmark::State& state, const How& how) {
  const auto column = [](std::string name, std::string_view text) {
    return operators::NamedExpression{std::move(name), operators::ParseExpression(text).ValueOrDie()};
  };
  const auto stream = Stream::FromTable(Ticks())
                          .ValueOrDie()
                          .Filter("price * volume > 2e5 and side == 1")
                          .ValueOrDie()
                          .WithColumns({column("notional", "price * volume"), column("spread", "ask - bid")})
                          .ValueOrDie();
  Run(state, stream, how);
}
BENCHMARK_CAPTURE(FilterWithColumns, OneThread, kOneThread)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(FilterWithColumns, Copies, kCopies)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sabot::engine
