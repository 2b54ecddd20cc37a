// Kernels that tell values which do not fit to those before them.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rank.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

struct OutlierFlagMad {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  struct Options {
    Window window = 100;
    std::optional<int64_t> min_periods = std::nullopt;
    double k = 3;
    double min_scale = 0;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        WindowOption(
            &Options::window,
            "Valid rows before the current one that it is compared with, or how long before it they may be, as "
            "a duration such as \"5s\"."),
        MinPeriodsOption(&Options::min_periods,
                         "Earlier rows from which there is an answer; unless given, the window, of a duration 1."),
        Option{"k", &Options::k, "Distance from the median above which a value is flagged, in scales.", AtLeast(0)},
        Option{"min_scale", &Options::min_scale, "Least scale, in units of x: a tick, so that one is no outlier.",
               AtLeast(0)},
        MaxRowsOption(&Options::max_rows)};
  };
  struct Scalars {
    RankWindow::Counters values;
    SABOT_FIELDS(Scalars, values)
  };
  struct Outputs {
    std::optional<bool> flag = std::nullopt;
    double score = kNull;
    SABOT_FIELDS(Outputs, flag, score)
  };
  static constexpr KernelDoc kDoc = {
      .name = "outlier_flag_mad",
      .class_name = "OutlierFlagMADKernel",
      .summary = "Whether a value is far from the median of those before it, in median absolute deviations.",
      .formula =
          "m = median, scale = max(1.4826 * median|x_i - m|, min_scale) of the earlier rows; "
          "flag = |x - m| > k * scale; score = |x - m| / scale",
      .nulls =
          "Both are null before min_periods earlier rows. The score is also null where the scale is 0: any other "
          "value than m is flagged then. A flagged value still enters the window.",
      .source =
          "Hampel (1974), J. American Statistical Association 69; Leys et al. (2013), J. Experimental Social "
          "Psychology 49(4)."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}, TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{Out{"outlier_flag", &Outputs::flag, "Null before min_periods earlier rows."},
                                       Out{"outlier_score", &Outputs::score, "Scales from the median."}};
  static constexpr std::tuple kWindows{&Scalars::values};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) { RankWindow::Prefetch(symbol.values, ring); }

  static Outputs Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    if (options.window.timed()) RankWindow::EvictUntil(symbol.values, ring, options.window, row.timestamp);
    Outputs outputs;
    if (symbol.values.size >= *options.min_periods) {
      outputs = Compare(options, RankWindow::Sorted(symbol.values, ring, options.window), row.x);
    }
    RankWindow::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    return outputs;
  }

 private:
  static Outputs Compare(const Options& options, std::span<const double> sorted, double x) {
    const double middle = Median(sorted);
    const double scale = std::max(1.4826 * MedianDistance(sorted, middle), options.min_scale);
    const double distance = std::abs(x - middle);
    if (!std::isfinite(distance) || !std::isfinite(scale)) return {};  // Beyond the largest number.
    return {distance > options.k * scale, distance / scale};
  }
};

}  // namespace sabot::kernels
