// Features per symbol over a tick stream, written to Parquet: the C++ API in a screen. Built and run by the tests.
//
//   features [OUT.parquet]
#include <iostream>
#include <string>

#include "sabot/engine/stream.h"
#include "sabot/kernels/momentum.h"
#include "sabot/kernels/online_statistics.h"
#include "sabot/kernels/order_flow.h"
#include "sabot/kernels/volatility.h"

using sabot::engine::Stream;
namespace kernels = sabot::kernels;

arrow::Status Run(const std::string& path) {
  // A million seeded ticks of 100 symbols; Stream::FromParquet(path) reads real ones.
  ARROW_ASSIGN_OR_RAISE(auto stream, Stream::FromGenerator({.rows = 1'000'000, .symbols = 100, .seed = 7}));

  // Each step is checked against the schema before a row flows. Neighbouring kernels run as one pass.
  ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel<kernels::Ewma>({.halflife = kernels::HalfLife{.ns = 30'000'000'000}}));
  ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel<kernels::OrderFlowImbalance>({.window = 20}));
  ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel<kernels::LogReturns>());
  ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel<kernels::RealizedVar>({.window = 50}));
  ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel<kernels::Rsi>({.period = 14}, {.outputs = {{"rsi", "rsi_14"}}}));
  std::cout << stream.Explain() << "\n";

  ARROW_ASSIGN_OR_RAISE(const auto summary, stream.ToParquet(path));
  std::cout << summary.rows_read << " rows read, " << summary.rows_written << " written to " << path << " in "
            << summary.seconds << " s\n";
  return arrow::Status::OK();
}

int main(int argc, char** argv) {
  const auto status = Run(argc > 1 ? argv[1] : "features.parquet");
  if (!status.ok()) std::cerr << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
