// A seeded market: an endless-looking but reproducible stream of ticks for demos, tests and benchmarks.
// The same options give the same rows, bit for bit, however the rows are cut into batches.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>

namespace sabot::connectors {

struct TickGeneratorOptions {
  int64_t rows = 1'000'000;
  int32_t symbols = 100;        // 1..1,000,000; "S0000".. with as many digits as are needed, at least four.
  uint64_t seed = 1;
  std::string kind = "ticks";   // "ticks": each row a trade with the quote standing at it; "trades"; "quotes".
  int64_t batch_rows = 65'536;
  double skew = 1.0;            // Zipf exponent of the symbols' activity; 0: all alike.
  int64_t start_ns = 1'700'000'000'000'000'000;  // Event time of the first row, ns since the epoch.
  int64_t mean_gap_ns = 1'000'000;               // Mean (exponential) time between rows.
  double late = 0.0;            // Share of rows whose event time lies behind (up to 100 mean gaps).
  double gaps = 0.0;            // Share of rows before which the feed is silent for 1,000 mean gaps.
  double nulls = 0.0;           // Share of null values in each of the market columns (not symbol, not timestamps).
  bool dictionary_symbols = true;  // symbol: dictionary<int32, utf8>, else utf8.
};

// symbol, timestamp and local_timestamp (timestamp[ns]), then, by kind: price, volume, side (float64 +1 buy / -1 sell),
// bid, ask, bid_size, ask_size (float64; prices on a grid of 0.01). Error (kOption): an option out of its range.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> GenerateTicks(const TickGeneratorOptions& options);

}  // namespace sabot::connectors
