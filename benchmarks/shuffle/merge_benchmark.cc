// Rows of eight channels in place order, six columns of 8 bytes: rows a second. Each call merges what a gate holds when
// frames of 8,192 rows were divided among the channels, or came from eight sources.
#include "sabot/shuffle/merge.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/util/logging.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace sabot::shuffle {
namespace {

constexpr int kChannels = 8;
constexpr int kColumns = 6;
constexpr int64_t kFrameRows = 8'192;

std::shared_ptr<arrow::Schema> SixColumns() {
  arrow::FieldVector fields;
  for (int column = 0; column < kColumns; ++column) {
    fields.push_back(arrow::field("c" + std::to_string(column), column < 2 ? arrow::int64() : arrow::float64()));
  }
  return arrow::schema(fields);
}

const auto kSchema = SixColumns();

std::shared_ptr<arrow::RecordBatch> SomeRows(int64_t rows) {
  arrow::ArrayVector columns;
  for (int column = 0; column < kColumns; ++column) {
    std::vector<int64_t> values(static_cast<std::size_t>(rows));
    std::iota(values.begin(), values.end(), column);
    columns.push_back(arrow::MakeArray(arrow::ArrayData::Make(
        kSchema->field(column)->type(), rows, {nullptr, arrow::Buffer::FromVector(std::move(values))}, 0)));
  }
  return arrow::RecordBatch::Make(kSchema, rows, std::move(columns));
}

// Times that rise by `step` ns on average.
std::shared_ptr<arrow::Buffer> Times(int64_t rows, int64_t step, std::mt19937_64& random) {
  std::vector<int64_t> times(static_cast<std::size_t>(rows));
  int64_t time = 1'700'000'000'000'000'000;
  for (int64_t& each : times) each = time += static_cast<int64_t>(random() % static_cast<uint64_t>(2 * step));
  return arrow::Buffer::FromVector(std::move(times));
}

// `frames` batches of one source, each divided by a hash into eight. `kept_in` of 8 rows are left, as behind a filter.
std::vector<Piece> Divided(int64_t frames, int kept_in_8, bool selections) {
  std::mt19937_64 random(1);
  const auto times = Times(frames * kFrameRows, 1'000, random);
  std::vector<Piece> pieces;
  for (int64_t frame = 0; frame < frames; ++frame) {
    const data::Batch base{
        .rows = SomeRows(kFrameRows),
        .places = data::Places::OfSource(0, frame * kFrameRows, kFrameRows,
                                         arrow::SliceBuffer(times, frame * kFrameRows * 8, kFrameRows * 8))};
    std::vector<std::vector<int32_t>> rows(kChannels);
    for (int32_t row = 0; row < kFrameRows; ++row) {
      const uint64_t hash = random();
      if (static_cast<int>(hash >> 32 & 7) < kept_in_8) rows[hash % kChannels].push_back(row);
    }
    for (int channel = 0; channel < kChannels; ++channel) {
      auto& mine = rows[static_cast<std::size_t>(channel)];
      const auto count = static_cast<int64_t>(mine.size());
      Piece piece{.channel = channel,
                  .batch = base,
                  .selection = data::Selection(arrow::Buffer::FromVector(std::move(mine)), 0, count)};
      if (!selections) piece = {.channel = channel, .batch = piece.Dense().ValueOrDie()};
      piece.batch.origin = nullptr;
      pieces.push_back(std::move(piece));
    }
  }
  return pieces;
}

void Run(benchmark::State& state, const std::vector<Piece>& pieces) {
  int64_t rows = 0;
  for (const Piece& piece : pieces) rows += piece.num_rows();
  for (auto _ : state) {
    auto merged = Merge(pieces, kSchema, {.equal_places_fail = false});
    ARROW_CHECK_OK(merged.status());
    benchmark::DoNotOptimize(merged->front().rows);
  }
  state.SetItemsProcessed(state.iterations() * rows);
}

// One source, divided by a hash and worked on, so that no batch is the divided one any more.
void OneSource(benchmark::State& state) { Run(state, Divided(state.range(0), 8, false)); }
BENCHMARK(OneSource)->Arg(1)->Arg(4)->Arg(16);

void OneSourceHalfFiltered(benchmark::State& state) { Run(state, Divided(state.range(0), 4, false)); }
BENCHMARK(OneSourceHalfFiltered)->Arg(4);

// The same, where channels share the batch and nothing was done to it.
void OneSourceUntouched(benchmark::State& state) { Run(state, Divided(state.range(0), 8, true)); }
BENCHMARK(OneSourceUntouched)->Arg(4);

// ...and where some rows were left out.
void OneSourceSelected(benchmark::State& state) { Run(state, Divided(state.range(0), 7, true)); }
BENCHMARK(OneSourceSelected)->Arg(4);

// Eight sources, one a channel, whose times interleave at random.
std::vector<Piece> EightSources(int64_t rows) {
  std::mt19937_64 random(2);
  std::vector<Piece> pieces;
  for (int channel = 0; channel < kChannels; ++channel) {
    const auto times = Times(rows, 1'000, random);
    pieces.push_back(
        {.channel = channel,
         .batch = {.rows = SomeRows(rows), .places = data::Places::OfSource(channel, 5'000, rows, times)}});
  }
  return pieces;
}

void EightSources(benchmark::State& state) { Run(state, EightSources(state.range(0))); }
BENCHMARK(EightSources)->Arg(1'024)->Arg(kFrameRows)->Arg(4 * kFrameRows);

// What nobody can do without: every byte of the columns copied once, to fresh memory.
void CopyOnly(benchmark::State& state) {
  const auto rows = SomeRows(state.range(0));
  for (auto _ : state) {
    for (int column = 0; column < kColumns; ++column) {
      const auto& values = rows->column_data(column)->buffers[1];
      auto copy = arrow::AllocateBuffer(values->size()).ValueOrDie();
      std::memcpy(copy->mutable_data(), values->data(), static_cast<std::size_t>(values->size()));
      benchmark::DoNotOptimize(copy->data());
      benchmark::ClobberMemory();
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(CopyOnly)->Arg(4 * kFrameRows);

// A hand-written merge of the same rows: a scan for the least of eight heads, and all six values copied at once.
void HandWritten(benchmark::State& state) {
  const auto pieces = EightSources(state.range(0));
  const int64_t rows = kChannels * state.range(0);
  std::vector<std::vector<int64_t>> out(kColumns, std::vector<int64_t>(static_cast<std::size_t>(rows)));
  for (auto _ : state) {
    const int64_t* times[kChannels];
    const int64_t* columns[kChannels][kColumns];
    int64_t next[kChannels] = {};
    for (std::size_t channel = 0; channel < kChannels; ++channel) {
      times[channel] = pieces[channel].batch.places.columns().times->data_as<int64_t>();
      for (int column = 0; column < kColumns; ++column) {
        columns[channel][column] = pieces[channel].batch.rows->column_data(column)->GetValues<int64_t>(1);
      }
    }
    for (int64_t row = 0; row < rows; ++row) {
      int first = 0;
      int64_t least = std::numeric_limits<int64_t>::max();
      for (int channel = 0; channel < kChannels; ++channel) {
        if (next[channel] < state.range(0) && times[channel][next[channel]] < least) {
          least = times[channel][next[channel]];
          first = channel;
        }
      }
      const int64_t from = next[first]++;
      for (int column = 0; column < kColumns; ++column) {
        out[static_cast<std::size_t>(column)][static_cast<std::size_t>(row)] = columns[first][column][from];
      }
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(HandWritten)->Arg(kFrameRows);

}  // namespace
}  // namespace sabot::shuffle
