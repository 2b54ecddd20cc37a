// Rows a second through Parquet files of generated ticks: written, and read again from the page cache.
#include <arrow/record_batch.h>
#include <arrow/util/logging.h>
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>

#include "sabot/connectors/parquet_sink.h"
#include "sabot/connectors/parquet_source.h"
#include "sabot/connectors/tick_generator.h"

namespace sabot::connectors {
namespace {

constexpr int64_t kRows = 1'000'000;

std::string File() { return (std::filesystem::temp_directory_path() / "sabot_parquet_benchmark.parquet").string(); }

void WriteFile(const arrow::RecordBatchVector& batches) {
  const auto sink = OpenParquetSink(File(), batches.front()->schema()).ValueOrDie();
  for (const auto& batch : batches) ARROW_CHECK_OK(sink->Write(batch));
  ARROW_CHECK_OK(sink->Close());
}

arrow::RecordBatchVector Ticks() {
  return GenerateTicks({.rows = kRows, .symbols = 1'000}).ValueOrDie()->ToRecordBatches().ValueOrDie();
}

void Write(benchmark::State& state) {
  const arrow::RecordBatchVector batches = Ticks();
  for (auto _ : state) WriteFile(batches);
  state.SetItemsProcessed(state.iterations() * kRows);
  std::filesystem::remove(File());
}
BENCHMARK(Write)->Unit(benchmark::kMillisecond)->UseRealTime();

void Read(benchmark::State& state) {
  WriteFile(Ticks());
  for (auto _ : state) {
    const auto reader = ReadParquet(File()).ValueOrDie();
    while (const auto batch = reader->Next().ValueOrDie()) benchmark::DoNotOptimize(batch->num_rows());
  }
  state.SetItemsProcessed(state.iterations() * kRows);
  std::filesystem::remove(File());
}
BENCHMARK(Read)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace sabot::connectors
