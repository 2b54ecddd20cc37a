// Kernels that read losses off the lower tail of a window, as it was, without a distribution assumed.
#pragma once

#include <algorithm>

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rank.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

struct HistoricalVar {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  struct Options {
    Window window = 250;
    std::optional<int64_t> min_periods = std::nullopt;
    double alpha = 0.05;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{WindowOption(&Options::window), MinPeriodsOption(&Options::min_periods),
                                         Option{"alpha", &Options::alpha, "Share of the window that is in the tail.",
                                                Range{.least = 0, .most = 1, .least_open = true, .most_open = true}},
                                         MaxRowsOption(&Options::max_rows)};
  };
  struct Scalars {
    RankWindow::Counters values;
    SABOT_FIELDS(Scalars, values)
  };
  static constexpr KernelDoc kDoc = {
      .name = "historical_var",
      .class_name = "HistoricalVaRKernel",
      .summary = "Value at risk: the loss that all but a share alpha of the last `window` values stayed below.",
      .formula =
          "-q, q = x[i] + (h - i) * (x[i+1] - x[i]) in ascending order from x[0], h = (n - 1) * alpha, "
          "i = floor(h)",
      .nulls = "Null before min_periods valid rows.",
      .source = "Hyndman & Fan (1996), American Statistician 50, type 7; numpy.quantile."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "pnl", "Profits and losses."},
                                      TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"historical_var", "Units of x; a loss is positive."}};
  static constexpr std::tuple kWindows{&Scalars::values};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) { RankWindow::Prefetch(symbol.values, ring); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto sorted = RankWindow::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    return symbol.values.size >= *options.min_periods ? -Quantile(sorted, options.alpha) : kNull;
  }
};

struct HistoricalCvar {
  using Input = HistoricalVar::Input;
  using Options = HistoricalVar::Options;
  using Scalars = HistoricalVar::Scalars;
  static constexpr KernelDoc kDoc = {
      .name = "historical_cvar",
      .class_name = "HistoricalCVaRKernel",
      .summary = "Expected shortfall: the mean loss of the worst share alpha of the last `window` values.",
      .formula =
          "-(x[1] + .. + x[m] + (n * alpha - m) * x[m+1]) / (n * alpha) in ascending order from x[1], "
          "m = floor(n * alpha)",
      .nulls = "Null before min_periods valid rows. Never below historical_var of the same window.",
      .source = "Acerbi & Tasche (2002), Journal of Banking & Finance 26(7)."};
  static constexpr std::tuple kInputs = HistoricalVar::kInputs;
  static constexpr std::tuple kOutputs{SingleOut{"historical_cvar", "Units of x; a loss is positive."}};
  static constexpr std::tuple kWindows = HistoricalVar::kWindows;

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) { HistoricalVar::Prefetch(symbol, ring); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto sorted = RankWindow::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    if (symbol.values.size < *options.min_periods) return kNull;
    // The mean of a tail is rounded, and must not come out above its boundary then.
    return -std::min(TailMean(sorted, options.alpha), Quantile(sorted, options.alpha));
  }
};

}  // namespace sabot::kernels
