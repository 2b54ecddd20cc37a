// Kernels that measure how much a price moves, from its log returns. Nothing is annualised.
#pragma once

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"

namespace sabot::kernels {

struct RealizedVar {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  using Options = RollingOptions<20>;
  struct Scalars {
    TwoStack<Sum>::Counters squares;
    SABOT_FIELDS(Scalars, squares)
  };
  static constexpr KernelDoc kDoc = {
      .name = "realized_var",
      .class_name = "RealizedVarKernel",
      .summary = "Realized variance: the sum of the last `window` squared returns, not annualised.",
      .formula = "sum(r^2) over the window",
      .nulls = "Null before min_periods valid rows.",
      .source = "Andersen, Bollerslev, Diebold & Labys (2003), Econometrica 71(2)."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "log_return", "Log returns, as log_returns gives them."}};
  static constexpr std::tuple kOutputs{SingleOut{"realized_var", "Squared return, per window."}};

  static arrow::Status Complete(Options& options) {
    return CompleteWindow(kDoc.name, options.window, options.min_periods);
  }
  static int64_t RingLength(const Options& options) { return TwoStack<Sum>::RingLength(options.window); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const double sum = TwoStack<Sum>::Push(symbol.squares, ring, options.window, row.x * row.x).sum;
    return symbol.squares.size >= *options.min_periods ? sum : kNull;
  }
};

struct Volatility {
  static constexpr std::string_view kName = "volatility";
  using Kernels = KernelList<RealizedVar>;
};

}  // namespace sabot::kernels
