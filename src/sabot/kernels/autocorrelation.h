// Kernels that compare a series with its own past.
#pragma once

#include "sabot/kernels/correlation.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

struct Autocorr {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  struct Options {
    int64_t lag = 1;
    Window window = 100;
    std::optional<int64_t> min_periods = std::nullopt;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        Option{"lag", &Options::lag, "By how many valid rows the earlier value of a pair lies before the later one.",
               Rows()},
        WindowOption(&Options::window,
                     "Pairs in the window, the current one included, or its length as a duration such as \"5s\"; a "
                     "pair has the time of its later row."),
        MinPeriodsOption(&Options::min_periods,
                         "Pairs from which a value is given; unless given, the window, of a duration 1."),
        MaxRowsOption(&Options::max_rows)};
  };
  struct Scalars {
    int32_t oldest = 0;  // Cell of the value `lag` rows back, once there were so many. They lie before the window.
    bool full = false;
    TwoStack<CoMoments>::Counters pairs;  // x: the value; y: the one `lag` rows before.
    SABOT_FIELDS(Scalars, oldest, full, pairs)
  };
  static constexpr KernelDoc kDoc = {
      .name = "autocorr",
      .class_name = "AutocorrKernel",
      .summary = "Correlation of a series with itself `lag` rows before, over the last `window` pairs.",
      .formula = "Pearson correlation of the pairs (x_t, x_{t-lag}), each side about its own mean",
      .nulls =
          "The first `lag` valid rows make no pair. Null before min_periods pairs, of one pair, and where either "
          "side of all pairs is equal.",
      .source = "pandas Series.autocorr(lag) of the window."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "log_return", "The series."},
                                      TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"autocorr", "In [-1, 1]."}};
  static constexpr std::tuple kWindows{&Scalars::pairs};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }
  static int64_t FixedCells(const Options& options) { return options.lag; }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const double before = std::exchange(ring[static_cast<std::size_t>(symbol.oldest)], row.x);
    const bool paired = symbol.full;
    if (++symbol.oldest == options.lag) symbol.oldest = 0, symbol.full = true;
    if (!paired) return kNull;
    const auto moments = TwoStack<CoMoments>::Push(symbol.pairs, PartOf<Autocorr, 0>(options.window, ring, options.lag),
                                                   options.window, row.timestamp, {row.x, before});
    return symbol.pairs.size >= *options.min_periods ? Correlation(moments.c, moments.m2_x, moments.m2_y) : kNull;
  }
};

}  // namespace sabot::kernels
