// Kernels that describe the shape of the last values of a series: skewness and kurtosis.
#pragma once

#include <cmath>

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/moments.h"
#include "sabot/kernels/rolling.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

struct RollingMomentOptions {
  Window window = 20;
  std::optional<int64_t> min_periods = std::nullopt;
  bool bias = false;
  std::optional<int64_t> max_rows = std::nullopt;
  static constexpr std::tuple kOptions{
      WindowOption(&RollingMomentOptions::window), MinPeriodsOption(&RollingMomentOptions::min_periods),
      Option{"bias", &RollingMomentOptions::bias,
             "Whether the window is all there is; otherwise a sample, and the result is corrected for its size."},
      MaxRowsOption(&RollingMomentOptions::max_rows)};
};

struct RollingSkew {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  using Options = RollingMomentOptions;
  struct Scalars {
    TwoStack<Moments>::Counters values;
    SABOT_FIELDS(Scalars, values)
  };
  static constexpr KernelDoc kDoc = {
      .name = "rolling_skew",
      .class_name = "RollingSkewKernel",
      .summary = "Skewness of the last `window` values.",
      .formula = "g = (M3/n) / (M2/n)^1.5, times sqrt(n*(n-1)) / (n-2) unless bias; M_k = sum((x - mean)^k)",
      .nulls = "Null before min_periods valid rows, of fewer than three, and where all values in the window are equal.",
      .source = "pandas rolling(window, min_periods).skew(); with bias scipy.stats.skew."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}, TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{
      SingleOut{"rolling_skew", "Dimensionless; above 0 if the right tail is longer."}};
  static constexpr std::tuple kWindows{&Scalars::values};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) {
    TwoStack<Moments>::Prefetch(symbol.values, ring);
  }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto moments = TwoStack<Moments>::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    const int64_t count = symbol.values.size;
    if (count < *options.min_periods || count < 3) return kNull;
    const auto n = static_cast<double>(count);
    const double variance = moments.m2 / n;
    const double g = moments.m3 / n / (variance * std::sqrt(variance));  // Of equal values 0/0, which is null.
    return options.bias ? g : g * (std::sqrt(n * (n - 1)) / (n - 2));
  }
};

struct RollingKurt {
  using Input = RollingSkew::Input;
  using Options = RollingMomentOptions;
  using Scalars = RollingSkew::Scalars;
  static constexpr KernelDoc kDoc = {
      .name = "rolling_kurt",
      .class_name = "RollingKurtKernel",
      .summary = "Excess kurtosis of the last `window` values: 0 for a normal distribution.",
      .formula =
          "b = (M4/n) / (M2/n)^2; b - 3 if bias, else (n-1) / ((n-2)*(n-3)) * ((n+1)*b - 3*(n-1)); M_k = "
          "sum((x - mean)^k)",
      .nulls = "Null before min_periods valid rows, of fewer than four, and where all values in the window are equal.",
      .source = "pandas rolling(window, min_periods).kurt(); with bias scipy.stats.kurtosis."};
  static constexpr std::tuple kInputs = RollingSkew::kInputs;
  static constexpr std::tuple kOutputs{SingleOut{"rolling_kurt", "Dimensionless."}};
  static constexpr std::tuple kWindows = RollingSkew::kWindows;

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) { RollingSkew::Prefetch(symbol, ring); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto moments = TwoStack<Moments>::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    const int64_t count = symbol.values.size;
    if (count < *options.min_periods || count < 4) return kNull;
    const auto n = static_cast<double>(count);
    const double variance = moments.m2 / n;
    const double b = moments.m4 / n / (variance * variance);
    return options.bias ? b - 3 : (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * b - 3 * (n - 1));
  }
};

}  // namespace sabot::kernels
