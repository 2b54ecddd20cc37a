// A hash edge in one process: a sender's router gives the rows of a batch to local channels, and receivers take them.
// Batches of 8,192 rows, a dictionary key with 1,000 Zipf symbols and six columns of eight bytes; one thread does all.
#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/util/logging.h>
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sabot/data/frame.h"
#include "sabot/engine/task_output.h"
#include "sabot/shuffle/input_gate.h"
#include "sabot/shuffle/local_channel.h"
#include "sabot/shuffle/registry.h"
#include "sabot/shuffle/segment_pool.h"

namespace sabot::engine {
namespace {

constexpr int64_t kRows = 8'192;
constexpr int kColumns = 6;
constexpr int32_t kSymbols = 1'000;
constexpr int kBatches = 8;  // In turn, so that no branch predictor learns the rows by heart.

std::vector<std::shared_ptr<arrow::RecordBatch>> MakeBatches() {
  std::mt19937_64 random(1);
  std::vector<double> weights;
  for (int32_t rank = 1; rank <= kSymbols; ++rank) weights.push_back(1.0 / rank);
  std::discrete_distribution<int32_t> zipf(weights.begin(), weights.end());
  arrow::StringBuilder names;
  for (int32_t symbol = 0; symbol < kSymbols; ++symbol) ARROW_CHECK_OK(names.Append("S" + std::to_string(symbol)));
  const std::shared_ptr<arrow::Array> dictionary = names.Finish().ValueOrDie();
  const auto type = arrow::dictionary(arrow::int32(), arrow::utf8());
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (int batch = 0; batch < kBatches; ++batch) {
    arrow::Int32Builder indices;
    for (int64_t row = 0; row < kRows; ++row) ARROW_CHECK_OK(indices.Append(zipf(random)));
    arrow::ArrayVector columns = {
        std::make_shared<arrow::DictionaryArray>(type, indices.Finish().ValueOrDie(), dictionary)};
    arrow::FieldVector fields = {arrow::field("symbol", type)};
    for (int column = 0; column < kColumns; ++column) {
      arrow::DoubleBuilder values;
      for (int64_t row = 0; row < kRows; ++row) ARROW_CHECK_OK(values.Append(static_cast<double>(random())));
      columns.push_back(values.Finish().ValueOrDie());
      fields.push_back(arrow::field("value" + std::to_string(column), arrow::float64()));
    }
    batches.push_back(arrow::RecordBatch::Make(arrow::schema(fields), kRows, columns));
  }
  return batches;
}

// One sender and its receivers, each with a pool share as the engine gives it.
struct Edge {
  Edge(const std::shared_ptr<arrow::Schema>& schema, int receivers) {
    const auto pool = shuffle::SegmentPool::Make({}).ValueOrDie();
    for (int receiver = 0; receiver < receivers; ++receiver) {
      channels.push_back(shuffle::MakeLocalChannel(pool->Reserve(1).ValueOrDie()));
    }
    auto partitioner = shuffle::MakePartitioner({.name = "hash", .keys = {"symbol"}}, schema, receivers).ValueOrDie();
    std::vector<Lane> lanes;
    for (const auto& channel : channels) lanes.push_back({.channel = channel, .frontier_time = &frontier_time});
    router = MakeRouter(std::move(partitioner), std::move(lanes));
  }

  std::atomic<int64_t> frontier_time = 0;
  std::vector<std::shared_ptr<shuffle::Channel>> channels;
  std::unique_ptr<TaskOutput> router;
};

// Every column that a receiver sees is the source's own memory.
void CheckNothingIsCopied(const data::Frame& frame, const arrow::RecordBatch& source) {
  for (int column = 0; column < source.num_columns(); ++column) {
    ARROW_CHECK_EQ(frame.batch.rows->column_data(column)->buffers[1]->address(),
                   source.column_data(column)->buffers[1]->address());
  }
}

// Rows as their numbers in the batch that all share: what receivers of arrivals and merges begin with.
void Selections(benchmark::State& state) {
  const auto batches = MakeBatches();
  Edge edge(batches[0]->schema(), static_cast<int>(state.range(0)));
  int64_t offset = 0;
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& rows = batches[at++ % batches.size()];
    data::Batch batch{.rows = rows, .places = data::Places::OfSource(0, offset, kRows)};
    offset += kRows;
    const data::Place last = batch.places.at(kRows - 1);
    ARROW_CHECK_OK(edge.router->Put(data::Frame::Rows(std::move(batch), last)));
    int64_t received = 0;
    for (bool flushed = false; !flushed;) {
      flushed = edge.router->Flush().ValueOrDie();
      for (const auto& channel : edge.channels) {
        while (const auto frame = channel->Receive().ValueOrDie()) {
          CheckNothingIsCopied(*frame, *rows);
          if (frame->selection) benchmark::DoNotOptimize(frame->selection->rows().data());
          received += frame->num_rows();
          channel->Release(frame->segments);
        }
      }
    }
    ARROW_CHECK_EQ(received, kRows);
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(Selections)->Arg(2)->Arg(4)->Arg(16);

// The same as far as an operator, which takes rows without a selection: each is copied once, by its receiver.
void ThroughGates(benchmark::State& state) {
  const auto batches = MakeBatches();
  Edge edge(batches[0]->schema(), static_cast<int>(state.range(0)));
  std::vector<std::unique_ptr<shuffle::InputGate>> gates;
  for (const auto& channel : edge.channels) {
    gates.push_back(
        std::make_unique<shuffle::InputGate>(std::vector{channel}, batches[0]->schema(), shuffle::GateOrder::kPlace));
  }
  int64_t offset = 0;
  std::size_t at = 0;
  for (auto _ : state) {
    data::Batch batch{.rows = batches[at++ % batches.size()], .places = data::Places::OfSource(0, offset, kRows)};
    offset += kRows;
    const data::Place last = batch.places.at(kRows - 1);
    ARROW_CHECK_OK(edge.router->Put(data::Frame::Rows(std::move(batch), last)));
    int64_t received = 0;
    for (bool flushed = false; !flushed;) {
      flushed = edge.router->Flush().ValueOrDie();
      for (const auto& gate : gates) {
        while (const auto frame = gate->Next().ValueOrDie()) received += frame->num_rows();
      }
    }
    ARROW_CHECK_EQ(received, kRows);
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(ThroughGates)->Arg(2)->Arg(16);

}  // namespace
}  // namespace sabot::engine
