// Features over the trades and the quotes of a crypto exchange, merged by the time they were received: the pipeline of
// tests/python/crypto_ticks.yaml in C++. Built and run by the tests.
//
//   crypto_ticks TRADES.parquet QUOTES.parquet OUT.parquet [BATCH_ROWS]
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "sabot/engine/stream.h"
#include "sabot/kernels/execution.h"
#include "sabot/kernels/features.h"
#include "sabot/kernels/online_statistics.h"

using sabot::engine::Stream;
using sabot::operators::NamedExpression;
namespace kernels = sabot::kernels;

// Columns as they would be written: {{"notional", "price * volume"}}.
arrow::Result<std::vector<NamedExpression>> Columns(const std::vector<std::pair<std::string, std::string>>& written) {
  std::vector<NamedExpression> columns;
  for (const auto& [name, text] : written) {
    ARROW_ASSIGN_OR_RAISE(auto expression, sabot::operators::ParseExpression(text));
    columns.push_back({.name = name, .expression = std::move(expression)});
  }
  return columns;
}

arrow::Result<Stream> Part(const std::string& path, int64_t batch_rows, const std::string& filter,
                           const std::vector<std::pair<std::string, std::string>>& written) {
  ARROW_ASSIGN_OR_RAISE(auto stream, Stream::FromParquet(path, {.batch_rows = batch_rows}, "local_ts"));
  ARROW_ASSIGN_OR_RAISE(stream, stream.Filter(filter));
  ARROW_ASSIGN_OR_RAISE(const auto columns, Columns(written));
  return stream.Select(columns);
}

arrow::Status Run(const std::string& trades, const std::string& quotes, const std::string& out, int64_t batch_rows) {
  const std::vector<std::pair<std::string, std::string>> traded = {
      {"symbol", "symbol"}, {"timestamp", "local_ts"}, {"price", "price"}, {"volume", "size"}, {"kind", "\"trade\""}};
  const std::vector<std::pair<std::string, std::string>> quoted = {{"symbol", "symbol"},
                                                                   {"timestamp", "local_ts"},
                                                                   {"price", "(bid_px + ask_px) / 2"},
                                                                   {"volume", "bid_sz + ask_sz"},
                                                                   {"kind", "\"quote\""}};
  const std::string spot_symbols = "[\"BTCUSDT.SPOT\", \"ETHUSDT.SPOT\"]";
  ARROW_ASSIGN_OR_RAISE(auto stream, Part(trades, batch_rows, "symbol in " + spot_symbols, traded));
  ARROW_ASSIGN_OR_RAISE(const auto futures, Part(trades, batch_rows, "symbol not in " + spot_symbols, traded));
  ARROW_ASSIGN_OR_RAISE(const auto books, Part(quotes, batch_rows, "ask_px > bid_px", quoted));

  ARROW_ASSIGN_OR_RAISE(stream, stream.Union({futures, books}));
  ARROW_ASSIGN_OR_RAISE(stream, stream.Filter("price > 0 and volume > 0"));
  ARROW_ASSIGN_OR_RAISE(const auto columns, Columns({{"notional", "price * volume"},
                                                     {"hour", "hour(cast(timestamp, type=\"timestamp[ns]\"))"},
                                                     {"fast", "ewma(price, alpha=0.1)"}}));
  ARROW_ASSIGN_OR_RAISE(stream, stream.WithColumns(columns));
  ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel<kernels::LogReturns>());
  ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel<kernels::RollingStd>({.window = 64}, {.columns = {{"x", "log_return"}}}));
  ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel<kernels::Vwap>({.window = 100}));
  ARROW_ASSIGN_OR_RAISE(
      stream, stream.Kernel<kernels::Ewma>({.halflife = kernels::HalfLife{.ns = 2'000'000'000}},
                                           {.columns = {{"x", "notional"}}, .outputs = {{"ewma", "activity"}}}));
  ARROW_ASSIGN_OR_RAISE(stream, stream.Filter("log_return is not null"));
  ARROW_ASSIGN_OR_RAISE(const auto summary, stream.ToParquet(out));
  std::cout << summary.rows_read << " rows read, " << summary.rows_written << " written to " << out << "\n";
  return arrow::Status::OK();
}

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "crypto_ticks TRADES.parquet QUOTES.parquet OUT.parquet [BATCH_ROWS]\n";
    return 2;
  }
  const auto status = Run(argv[1], argv[2], argv[3], argc > 4 ? std::atoll(argv[4]) : 65'536);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
