// Kernels that measure variance as realized_var does, except that a jump, one return much larger than its neighbours,
// hardly counts.
#pragma once

#include <cmath>
#include <numbers>

#include "sabot/kernels/adjacent_terms.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

struct JumpRobustOptions {
  Window window = 20;
  std::optional<int64_t> min_periods = std::nullopt;
  bool finite_sample = true;
  std::optional<int64_t> max_rows = std::nullopt;
  static constexpr std::tuple kOptions{
      WindowOption(&JumpRobustOptions::window,
                   "Returns in the window, the current one included, or its length as a duration such as \"5s\"."),
      MinPeriodsOption(&JumpRobustOptions::min_periods,
                       "Returns from which a value is given; unless given, the window, of a duration 1."),
      Option{"finite_sample", &JumpRobustOptions::finite_sample,
             "Whether the sum is scaled up for the terms that a window of n returns lacks."},
      MaxRowsOption(&JumpRobustOptions::max_rows)};
};

struct BipowerVar {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  using Options = JumpRobustOptions;
  struct Scalars {
    TwoStack<AdjacentProducts>::Counters returns;  // Their sizes.
    SABOT_FIELDS(Scalars, returns)
  };
  static constexpr KernelDoc kDoc = {
      .name = "bipower_var",
      .class_name = "BipowerVarKernel",
      .summary = "Bipower variation: variance from products of neighbouring returns, robust to jumps, not annualised.",
      .formula = "pi/2 * [n/(n-1)] * sum(|r_i| * |r_{i-1}|), both returns inside the window; [] if finite_sample",
      .nulls = "Null before min_periods valid rows and of one return.",
      .source =
          "Barndorff-Nielsen & Shephard (2004), J. Financial Econometrics 2(1); correction as in Andersen, Dobrev "
          "& Schaumburg (2012)."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "log_return", "Log returns, as log_returns gives them."},
                                      TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"bipower_var", "Squared return, per window."}};
  static constexpr std::tuple kWindows{&Scalars::returns};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const double sum =
        TwoStack<AdjacentProducts>::Push(symbol.returns, ring, options.window, row.timestamp, std::abs(row.x)).sum;
    const int64_t count = symbol.returns.size;
    if (count < *options.min_periods || count < 2) return kNull;
    const auto n = static_cast<double>(count);
    return std::numbers::pi / 2 * (options.finite_sample ? n / (n - 1) : 1.0) * sum;
  }
};

struct MedRv {
  using Input = BipowerVar::Input;
  using Options = JumpRobustOptions;
  struct Scalars {
    TwoStack<SquaredMedians>::Counters returns;  // Their sizes.
    SABOT_FIELDS(Scalars, returns)
  };
  static constexpr KernelDoc kDoc = {
      .name = "medrv",
      .class_name = "MedRVKernel",
      .summary =
          "Median realized variance: from medians of three neighbouring returns, robust to jumps and to zeros, "
          "not annualised.",
      .formula =
          "pi/(6 - 4*sqrt(3) + pi) * [n/(n-2)] * sum(med(|r_{i-1}|, |r_i|, |r_{i+1}|)^2), all three inside the "
          "window; [] if finite_sample",
      .nulls = "Null before min_periods valid rows and of fewer than three returns.",
      .source = "Andersen, Dobrev & Schaumburg (2012), Journal of Econometrics 169(1)."};
  static constexpr std::tuple kInputs = BipowerVar::kInputs;
  static constexpr std::tuple kOutputs{SingleOut{"medrv", "Squared return, per window."}};
  static constexpr std::tuple kWindows{&Scalars::returns};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    constexpr double kScale = std::numbers::pi / (6 - 4 * std::numbers::sqrt3 + std::numbers::pi);
    const double sum =
        TwoStack<SquaredMedians>::Push(symbol.returns, ring, options.window, row.timestamp, std::abs(row.x)).sum;
    const int64_t count = symbol.returns.size;
    if (count < *options.min_periods || count < 3) return kNull;
    const auto n = static_cast<double>(count);
    return kScale * (options.finite_sample ? n / (n - 2) : 1.0) * sum;
  }
};

}  // namespace sabot::kernels
