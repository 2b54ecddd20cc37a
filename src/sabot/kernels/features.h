// Building blocks for models: earlier values, changes, rolling extremes and moments.
#pragma once

#include <cmath>

#include "sabot/kernels/autocorrelation.h"
#include "sabot/kernels/extremes.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"
#include "sabot/kernels/rolling_moments.h"

namespace sabot::kernels {

struct Lag {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  struct Options {
    int64_t k = 1;
    static constexpr std::tuple kOptions{
        Option{"k", &Options::k, "How many of the symbol's rows to look back.", Rows()}};
  };
  struct Scalars {
    int32_t oldest = 0;  // Ring cell of the value k rows back, once there were k.
    bool full = false;
    SABOT_FIELDS(Scalars, oldest, full)
  };
  static constexpr bool kPositional = true;
  static constexpr KernelDoc kDoc = {
      .name = "lag",
      .class_name = "LagKernel",
      .summary = "The value `k` rows of the symbol before this one.",
      .formula = "x_{t-k}",
      .nulls =
          "Null where there was no such row or its x was missing. Counts every row of the symbol: a row whose own x "
          "is missing still gets its lag.",
      .source = "SQL LAG; pandas groupby(symbol).shift(k)."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}};
  static constexpr std::tuple kOutputs{SingleOut{"lag", "Units of x."}};

  static int64_t RingLength(const Options& options) { return options.k; }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const double before = std::exchange(ring[static_cast<std::size_t>(symbol.oldest)], row.x);
    const double lagged = symbol.full ? before : kNull;
    if (++symbol.oldest == options.k) symbol = {.oldest = 0, .full = true};
    return lagged;
  }
};

struct Diff {
  using Input = Lag::Input;
  using Options = Lag::Options;
  using Scalars = Lag::Scalars;
  static constexpr bool kPositional = true;
  static constexpr KernelDoc kDoc = {
      .name = "diff",
      .class_name = "DiffKernel",
      .summary = "Change since `k` rows of the symbol before this one.",
      .formula = "x_t - x_{t-k}",
      .nulls = "Null where either value is missing. Counts every row of the symbol, like lag.",
      .source = "pandas groupby(symbol).diff(k)."};
  static constexpr std::tuple kInputs = Lag::kInputs;
  static constexpr std::tuple kOutputs{SingleOut{"diff", "Units of x."}};

  static int64_t RingLength(const Options& options) { return Lag::RingLength(options); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    return row.x - Lag::Update(options, symbol, ring, row);
  }
};

struct RollingMin {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  using Options = RollingOptions<20>;
  struct Scalars {
    TwoStack<Least>::Counters values;
    SABOT_FIELDS(Scalars, values)
  };
  static constexpr KernelDoc kDoc = {.name = "rolling_min",
                                     .class_name = "RollingMinKernel",
                                     .summary = "Least of the last `window` values.",
                                     .formula = "min(x) over the window",
                                     .nulls = "Null before min_periods valid rows.",
                                     .source = "pandas rolling(window, min_periods).min()."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}, TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"rolling_min", "Units of x."}};
  static constexpr std::tuple kWindows{&Scalars::values};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) {
    TwoStack<Least>::Prefetch(symbol.values, ring);
  }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto least = TwoStack<Least>::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    return symbol.values.size >= *options.min_periods ? least.value : kNull;
  }
};

struct RollingMax {
  using Input = RollingMin::Input;
  using Options = RollingMin::Options;
  struct Scalars {
    TwoStack<Greatest>::Counters values;
    SABOT_FIELDS(Scalars, values)
  };
  static constexpr KernelDoc kDoc = {.name = "rolling_max",
                                     .class_name = "RollingMaxKernel",
                                     .summary = "Greatest of the last `window` values.",
                                     .formula = "max(x) over the window",
                                     .nulls = "Null before min_periods valid rows.",
                                     .source = "pandas rolling(window, min_periods).max()."};
  static constexpr std::tuple kInputs = RollingMin::kInputs;
  static constexpr std::tuple kOutputs{SingleOut{"rolling_max", "Units of x."}};
  static constexpr std::tuple kWindows{&Scalars::values};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) {
    TwoStack<Greatest>::Prefetch(symbol.values, ring);
  }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto greatest = TwoStack<Greatest>::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    return symbol.values.size >= *options.min_periods ? greatest.value : kNull;
  }
};

struct RollingStd {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  using Options = RollingVarianceOptions<20>;
  struct Scalars {
    TwoStack<PowerSums>::Counters values;
    SABOT_FIELDS(Scalars, values)
  };
  static constexpr KernelDoc kDoc = {.name = "rolling_std",
                                     .class_name = "RollingStdKernel",
                                     .summary = "Standard deviation of the last `window` values.",
                                     .formula = "sqrt(sum((x - mean)^2) / (n - ddof))",
                                     .nulls = "Null before min_periods valid rows, and while n <= ddof.",
                                     .source = "pandas rolling(window, min_periods).std(ddof)."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}, TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"rolling_std", "Units of x."}};
  static constexpr std::tuple kWindows{&Scalars::values};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) {
    TwoStack<PowerSums>::Prefetch(symbol.values, ring);
  }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto sums = TwoStack<PowerSums>::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    const int64_t n = symbol.values.size;
    if (n < *options.min_periods || n <= options.ddof) return kNull;
    return std::sqrt(sums.SquaredDeviations(static_cast<double>(n)) / static_cast<double>(n - options.ddof));
  }
};

struct Features {
  static constexpr std::string_view kName = "features";
  using Kernels = KernelList<Lag, Diff, RollingMin, RollingMax, RollingStd, RollingSkew, RollingKurt, Autocorr>;
};

}  // namespace sabot::kernels
