// Kernels that measure how much a price moves, from its log returns. Nothing is annualised.
#pragma once

#include <cmath>

#include "sabot/kernels/decay.h"
#include "sabot/kernels/jump_robust_variance.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"

namespace sabot::kernels {

struct RealizedVar {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
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
  static constexpr std::tuple kInputs{In{"x", &Input::x, "log_return", "Log returns, as log_returns gives them."},
                                      TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"realized_var", "Squared return, per window."}};
  static constexpr std::tuple kWindows{&Scalars::squares};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const double sum = TwoStack<Sum>::Push(symbol.squares, ring, options.window, row.timestamp, row.x * row.x).sum;
    return symbol.squares.size >= *options.min_periods ? sum : kNull;
  }
};

struct RiskMetricsVol {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  using Options = Decay;
  struct Parameters {
    double lambda = 0;  // 1 - alpha, unless it was given itself.
    Weight in_time;
  };
  struct Scalars {
    double variance = 0;
    int64_t timestamp = 0;
    bool seen = false;
    SABOT_FIELDS(Scalars, variance, timestamp, seen)
  };
  static constexpr KernelDoc kDoc = {
      .name = "riskmetrics_vol",
      .class_name = "RiskMetricsVolKernel",
      .summary = "Exponentially weighted volatility of returns: the forecast for the next row, not annualised.",
      .formula = "sqrt(v); v_1 = r_1^2; v = lambda * v + (1 - lambda) * r * r; lambda 0.94, unless a decay is given",
      .nulls =
          "With a half-life in time a row older than the symbol's newest is missing. A decay that leaves nothing of "
          "the past (alpha = 1) is refused.",
      .source = "J.P. Morgan & Reuters (1996), RiskMetrics Technical Document, 4th edition, section 5.2."};
  static constexpr std::tuple kInputs{
      In{"x", &Input::x, "log_return", "Log returns, as log_returns gives them."},
      In{"timestamp", &Input::timestamp, "timestamp", "Event time, read only with a half-life in time."}};
  static constexpr std::tuple kOutputs{SingleOut{"riskmetrics_vol", "Units of the return, per row."}};

  static arrow::Status Complete(Options& options) {
    return CompleteDecay(kDoc.name, {.lambda = 0.94}, options,
                         {.least = 0, .most = 1, .least_open = true, .most_open = true});
  }
  static Parameters Prepare(const Options& options) {
    const auto weight = WeightOf(options);
    return {options.lambda.value_or(1 - weight.alpha), weight};
  }
  static bool Needs(const Options& options, std::string_view role) { return role != "timestamp" || IsInTime(options); }

  static double Update(const Parameters& decay, Scalars& symbol, const Input& row) {
    if (!symbol.seen) {
      symbol = {.variance = row.x * row.x, .timestamp = row.timestamp, .seen = true};
      return std::sqrt(symbol.variance);
    }
    double lambda = decay.lambda;
    if (decay.in_time.halflife_ns > 0) {
      if (decay.in_time.IsLate(row.timestamp, symbol.timestamp)) return kNull;
      lambda = 1 - decay.in_time.Next(row.timestamp, symbol.timestamp);
    }
    symbol.variance = lambda * symbol.variance + (1 - lambda) * row.x * row.x;
    return std::sqrt(symbol.variance);
  }
};

struct Volatility {
  static constexpr std::string_view kName = "volatility";
  using Kernels = KernelList<RealizedVar, BipowerVar, MedRv, RiskMetricsVol>;
};

}  // namespace sabot::kernels
