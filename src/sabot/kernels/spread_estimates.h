// Kernels that measure what trading costs without quotes: from changes of prices, from highs and lows.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "sabot/kernels/exact_covariance.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/math.h"
#include "sabot/kernels/rolling.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

struct RollSpread {
  struct Input {
    double price = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, price, timestamp)
  };
  struct Options {
    Window window = 20;
    std::optional<int64_t> min_periods = std::nullopt;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        WindowOption(&Options::window,
                     "Pairs of successive price changes in the window, the current one included, or its length as a "
                     "duration such as \"5s\"."),
        MinPeriodsOption(&Options::min_periods,
                         "Pairs from which a value is given, at least 2; unless given, the window, of a duration 1."),
        MaxRowsOption(&Options::max_rows)};
  };
  struct Scalars {
    double price = 0;     // Of the last row,
    DoubleDouble change;  // and its change, exactly.
    int32_t seen = 0;   // Rows so far, up to 2.
    TwoStack<ExactCoSums>::Counters pairs;  // x: the change; y: the one before.
    SABOT_FIELDS(Scalars, price, change, seen, pairs)
  };
  static constexpr KernelDoc kDoc = {
      .name = "roll_spread",
      .class_name = "RollSpreadKernel",
      .summary = "Effective spread implied by how price changes revert, over the last `window` pairs of changes.",
      .formula = "2 * sqrt(-c) if c < 0, else 0; c = sample covariance (ddof 1) of the pairs (dp_t, dp_{t-1})",
      .nulls = "The first two valid rows make no pair. Null before min_periods pairs, and of one pair.",
      .source =
          "Roll (1984), Journal of Finance 39(4); 0 for c >= 0 as Goyenko, Holden & Trzcinka (2009), J. "
          "Financial Economics 92(2)."};
  static constexpr std::tuple kInputs{In{"price", &Input::price, "price", "Trade price."},
                                      TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"roll_spread", "Price units."}};
  static constexpr std::tuple kWindows{&Scalars::pairs};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto change = DoubleDouble::SumOf(row.price, -std::exchange(symbol.price, row.price));
    const auto before = std::exchange(symbol.change, change);
    if (symbol.seen < 2) return ++symbol.seen, kNull;
    const auto sums = TwoStack<ExactCoSums>::Push(symbol.pairs, ring, options.window, row.timestamp, {change, before});
    const int64_t count = symbol.pairs.size;
    if (count < *options.min_periods || count < 2) return kNull;
    const auto n = static_cast<double>(count);
    const double c = sums.Codeviation(n) / (n - 1);
    return c >= 0 ? 0.0 : 2 * std::sqrt(-c);  // NaN stays NaN.
  }
};

struct CorwinSchultzSpread {
  struct Input {
    double high = 0;
    double low = 0;
    double close = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, high, low, close, timestamp)
  };
  enum class Negative : int8_t { kZero, kKeep };
  struct Options {
    static constexpr std::array<std::string_view, 2> kNegative = {"zero", "keep"};
    Window window = 1;
    std::optional<int64_t> min_periods = std::nullopt;
    bool overnight_adjust = false;
    Negative negative = Negative::kZero;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        WindowOption(&Options::window,
                     "How many of the last estimates, of two bars each, are averaged, or those of how long (\"5d\")."),
        MinPeriodsOption(&Options::min_periods,
                         "Estimates from which a value is given; unless given, the window, of a duration 1."),
        Option{"overnight_adjust", &Options::overnight_adjust,
               "Whether the later bar is moved back by its gap from the close before; reads close."},
        Option{"negative", &Options::negative,
               "What becomes of a negative estimate before it is averaged: \"zero\", or \"keep\" for nothing.", Range{},
               kNegative},
        MaxRowsOption(&Options::max_rows)};
  };
  struct Bar {
    double high = 0;
    double low = 0;
    double close = 0;
    double range = 0;  // ln(high / low)
    SABOT_FIELDS(Bar, high, low, close, range)
  };
  struct Scalars {
    Bar last;
    bool seen = false;
    TwoStack<Sum>::Counters estimates;
    SABOT_FIELDS(Scalars, last, seen, estimates)
  };
  static constexpr KernelDoc kDoc = {
      .name = "corwin_schultz_spread",
      .class_name = "CorwinSchultzSpreadKernel",
      .summary = "Effective spread from the highs and lows of two successive bars, averaged over `window` estimates.",
      .formula =
          "mean of S = 2 * (e^a - 1) / (1 + e^a), a = (sqrt(2*beta) - sqrt(beta)) / k - sqrt(gamma / k), k = 3 - "
          "2*sqrt(2), beta = ln(H0/L0)^2 + ln(H1/L1)^2, gamma = ln(max(H0, H1) / min(L0, L1))^2; "
          "overnight_adjust: if L1 > C0 the later bar is lowered by L1 - C0, if H1 < C0 raised by C0 - H1",
      .nulls =
          "The first valid row makes no estimate. Null before min_periods estimates. A bar with low <= 0 or high < "
          "low is missing, and with overnight_adjust one with close <= 0.",
      .source = "Corwin & Schultz (2012), Journal of Finance 67(2)."};
  static constexpr std::tuple kInputs{
      In{"high", &Input::high, "high", "Highest price of the bar, valid >= low."},
      In{"low", &Input::low, "low", "Lowest price of the bar, valid > 0."},
      In{"close", &Input::close, "close", "Last price of the bar, valid > 0; read with overnight_adjust."},
      TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"corwin_schultz_spread", "Fraction of the price."}};
  static constexpr std::tuple kWindows{&Scalars::estimates};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }
  // One estimate is its own mean.
  static int64_t RingLength(const Options& options) {
    return options.window == 1 ? 0 : TwoStack<Sum>::Cells(options.window, options.window.rows);
  }
  static bool Needs(const Options& options, std::string_view role) {
    if (role == "close") return options.overnight_adjust;
    return role != "timestamp" || options.window.timed();
  }
  static bool Valid(const Options& options, const Input& bar) {
    return (bar.low > 0) & (bar.high >= bar.low) & ((bar.close > 0) | !options.overnight_adjust);
  }

  // What logarithms are taken of: how high the bar is, and both together, in cells 0 and 2; with overnight_adjust in 4
  // the bar where it was moved to. Their divisors follow each.
  static void Heights(const Options& options, Scalars& symbol, const Input& bar, CellRow cells) {
    double high = bar.high, low = bar.low;
    if (options.overnight_adjust) MoveTo(symbol.last.close, high, low);
    cells[0] = bar.high, cells[1] = bar.low;
    cells[2] = std::max(symbol.last.high, high), cells[3] = std::min(symbol.last.low, low);
    if (options.overnight_adjust) cells[4] = high, cells[5] = low;
    symbol.last.high = bar.high, symbol.last.low = bar.low, symbol.last.close = bar.close;
  }

  static void Logarithms(const Options& options, CellBlock<6>& rows) {
    for (const std::size_t cell : {0, 2, 4}) {
      if (cell == 4 && !options.overnight_adjust) break;
      math::Divide(rows[cell], rows[cell + 1]);
      math::Log(rows[cell]);
    }
  }

  // The range of the bar before in cell 1, of this one in 0.
  static void Ranges(const Options& options, Scalars& symbol, const Input&, CellRow cells) {
    cells[1] = std::exchange(symbol.last.range, cells[0]);
    if (options.overnight_adjust) cells[0] = cells[4];
  }

  static void Estimate(const Options& options, CellBlock<6>& rows) {
    constexpr double kK = 3 - 2 * std::numbers::sqrt2;
    auto& [estimate, before, both, beta, doubled, k] = rows.cells;
    for (int64_t row = 0; row < rows.rows; ++row) {
      beta[row] = before[row] * before[row] + estimate[row] * estimate[row];
      doubled[row] = 2 * beta[row];
      both[row] *= both[row];
      k[row] = kK;
    }
    math::Divide(rows[2], rows[5]);
    for (const std::size_t cell : {2, 3, 4}) math::Sqrt(rows[cell]);
    for (int64_t row = 0; row < rows.rows; ++row) estimate[row] = doubled[row] - beta[row];
    math::Divide(rows[0], rows[5]);
    for (int64_t row = 0; row < rows.rows; ++row) estimate[row] -= both[row];
    math::Exp(rows[0]);
    for (int64_t row = 0; row < rows.rows; ++row) {
      const double growth = estimate[row];
      estimate[row] = 2 * (growth - 1);
      before[row] = 1 + growth;
    }
    math::Divide(rows[0], rows[1]);
    if (options.negative == Negative::kKeep) return;
    for (int64_t row = 0; row < rows.rows; ++row) estimate[row] = estimate[row] < 0 ? 0.0 : estimate[row];
  }

  static constexpr std::size_t kCells = 6;
  static constexpr std::tuple kSteps{&CorwinSchultzSpread::Heights, &CorwinSchultzSpread::Logarithms,
                                     &CorwinSchultzSpread::Ranges, &CorwinSchultzSpread::Estimate};

  static void Prefetch(const Scalars& symbol, std::span<double> ring) {
    TwoStack<Sum>::Prefetch(symbol.estimates, ring);
  }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& bar,
                       CellRow cells) {
    if (!std::exchange(symbol.seen, true)) return kNull;
    if (options.window == 1) return cells[0];
    const double sum = TwoStack<Sum>::Push(symbol.estimates, ring, options.window, bar.timestamp, cells[0]).sum;
    const int64_t count = symbol.estimates.size;
    return count >= *options.min_periods ? sum / static_cast<double>(count) : kNull;
  }

 private:
  // Moves a bar to the close before, if there is a gap between them. It keeps its height, which is taken first: the gap
  // may be so large that the height would be lost in rounding.
  static void MoveTo(double close, double& high, double& low) {
    const double height = high - low;
    if (low > close) {
      low = close, high = close + height;
    } else if (high < close) {
      high = close, low = close - height;
    }
  }
};

}  // namespace sabot::kernels
