// Kernels that find which of two series moves first.
#pragma once

#include <algorithm>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/lagged_co_moments.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

struct XcorrLeadlag {
  struct Input {
    double x = 0;
    double y = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, y, timestamp)
  };
  struct Options {
    int64_t max_lag = 10;
    Window window = 100;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        Option{
            "max_lag", &Options::max_lag,
            "Largest lag tried, in valid rows, of either series behind the other; times the rows of the window (with a "
            "duration, max_rows) at most 2^24.",
            Rows(0)},
        WindowOption(&Options::window,
                     "Pairs in the window at every lag, the current one included, or its length as a duration such as "
                     "\"5s\"; a pair has the time of its later row.",
                     Rows(2)),
        MaxRowsOption(&Options::max_rows)};
  };
  struct Scalars {
    int64_t entered = 0;  // Rows so far, up to max_lag.
    LaggedCoMoments::Counters pairs;
    SABOT_FIELDS(Scalars, entered, pairs)
  };
  struct Outputs {
    std::optional<int64_t> leadlag;
    double correlation = kNull;
    SABOT_FIELDS(Outputs, leadlag, correlation)
  };
  static constexpr KernelDoc kDoc = {
      .name = "xcorr_leadlag",
      .class_name = "XcorrLeadlagKernel",
      .summary = "The lag at which two series correlate most, and how much: which of them leads, and by how many rows.",
      .formula =
          "the lag in -max_lag..max_lag with the largest |rho|; rho(lag) = Pearson correlation of the last "
          "`window` pairs (x_{t-lag}, y_t), for a negative lag (x_t, y_{t+lag}); of equal ones (within 1e-12) the "
          "first of 0, 1, -1, 2, -2, ...",
      .nulls =
          "Null before row window + max_lag; with a duration, on the first max_lag rows, and where the window holds "
          "fewer than two of the later ones. A lag at which either series is constant is skipped; null if "
          "all are.",
      .source =
          "Campbell, Lo & MacKinlay (1997), The Econometrics of Financial Markets, ch. 2 (cross-autocorrelation)."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "x", "The one series, as a rule returns."},
                                      In{"y", &Input::y, "y", "The other one."}, TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{
      Out{"leadlag", &Outputs::leadlag, "Rows by which x leads y; negative where y leads."},
      Out{"leadlag_corr", &Outputs::correlation, "The correlation at that lag, in [-1, 1]."}};
  static constexpr std::tuple kWindows{&Scalars::pairs};

  static arrow::Status Complete(Options& options) {
    std::optional<int64_t> min_periods;
    ARROW_RETURN_NOT_OK(CompleteWindow(kDoc.name, options.window, min_periods, options.max_rows));
    const int64_t rows = options.window.timed() ? *options.max_rows : options.window.rows;
    if (rows * (options.max_lag + 1) <= static_cast<int64_t>(kRowsMost)) return arrow::Status::OK();
    return data::OptionError(std::string(kDoc.name) + ": " + (options.window.timed() ? "max_rows" : "window") +
                             " * (max_lag + 1) must be at most " + std::to_string(static_cast<int64_t>(kRowsMost)) +
                             ", found " + std::to_string(rows) + " * " + std::to_string(options.max_lag + 1) +
                             ": choose a smaller one.");
  }
  static int64_t FixedCells(const Options& options) { return LaggedCoMoments::FixedCells(options.max_lag); }
  static int64_t RowCells(const Options& options) { return LaggedCoMoments::RowCells(options.window, options.max_lag); }

  static Outputs Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    LaggedCoMoments moments(symbol.pairs, ring, options.window, options.max_lag);
    moments.Enter(row.x, row.y);
    if (symbol.entered < options.max_lag) return ++symbol.entered, Outputs{};
    moments.Push(row.timestamp);
    if (symbol.pairs.size < (options.window.timed() ? 2 : options.window.rows)) return {};
    const auto best = moments.Strongest();
    if (!best.defined) return {};
    return {best.lag, best.correlation};
  }
};

}  // namespace sabot::kernels
