// Kernels that measure what trading costs: how far prices give way to volume.
#pragma once

#include <cmath>

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"
#include "sabot/kernels/spread_estimates.h"

namespace sabot::kernels {

struct KyleLambda {
  struct Input {
    double price = 0;
    double signed_volume = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, price, signed_volume, timestamp)
  };
  struct Options {
    Window window = 20;
    std::optional<int64_t> min_periods = std::nullopt;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        WindowOption(&Options::window,
                     "Pairs of price change and volume in the window, the current one included, or its length as a "
                     "duration such as \"5s\"."),
        MinPeriodsOption(&Options::min_periods,
                         "Pairs from which a value is given; unless given, the window, of a duration 1."),
        MaxRowsOption(&Options::max_rows)};
  };
  struct Scalars {
    double price = 0;  // Of the last row.
    bool seen = false;
    TwoStack<CoMoments>::Counters pairs;  // x: price change, y: signed volume.
    SABOT_FIELDS(Scalars, price, seen, pairs)
  };
  static constexpr KernelDoc kDoc = {
      .name = "kyle_lambda",
      .class_name = "KyleLambdaKernel",
      .summary =
          "Price impact per unit of volume: slope of price changes on signed volume over the last `window` pairs.",
      .formula =
          "Cov(dp, q) / Var(q), dp = price_t - price_{t-1}, q = signed_volume_t (least squares with an intercept)",
      .nulls =
          "The first valid row makes no pair. Null before min_periods pairs, and where all volumes in the window "
          "are equal.",
      .source = "Kyle (1985), Econometrica 53(6), as estimated by Hasbrouck (2007), Empirical Market Microstructure."};
  static constexpr std::tuple kInputs{
      In{"price", &Input::price, "price", "Price. Its changes are used, not its returns."},
      In{"signed_volume", &Input::signed_volume, "signed_volume", "Volume since the row before, positive if bought."},
      TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"kyle_lambda", "Price units per unit of volume."}};
  static constexpr std::tuple kWindows{&Scalars::pairs};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const double change = row.price - std::exchange(symbol.price, row.price);
    if (!std::exchange(symbol.seen, true)) return kNull;
    const auto moments =
        TwoStack<CoMoments>::Push(symbol.pairs, ring, options.window, row.timestamp, {change, row.signed_volume});
    return symbol.pairs.size >= *options.min_periods && IsDivisor(moments.m2_y) ? moments.c / moments.m2_y : kNull;
  }
};

struct AmihudIlliquidity {
  struct Input {
    double price = 0;
    double volume = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, price, volume, timestamp)
  };
  struct Options {
    Window window = 20;
    std::optional<int64_t> min_periods = std::nullopt;
    double scale = 1.0;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        WindowOption(&Options::window,
                     "Returns in the window, the current one included, or its length as a duration such as \"5s\"."),
        MinPeriodsOption(&Options::min_periods,
                         "Returns from which a value is given; unless given, the window, of a duration 1."),
        Option{"scale", &Options::scale, "Factor of the result: 1e6 makes it per million of turnover.", Above(0)},
        MaxRowsOption(&Options::max_rows)};
  };
  struct Scalars {
    double price = 0;  // Of the last row; 0: none yet.
    TwoStack<Sum>::Counters terms;
    SABOT_FIELDS(Scalars, price, terms)
  };
  static constexpr KernelDoc kDoc = {
      .name = "amihud_illiquidity",
      .class_name = "AmihudIlliquidityKernel",
      .summary =
          "How far prices move per unit of turnover: mean of absolute return over turnover of the last `window` "
          "returns.",
      .formula = "scale * mean(|p_t / p_{t-1} - 1| / (p_t * volume_t))",
      .nulls =
          "The first valid row makes no return. Null before min_periods returns. A price or volume <= 0 is missing.",
      .source = "Amihud (2002), Journal of Financial Markets 5(1), with scale 1e6 on daily bars."};
  static constexpr std::tuple kInputs{In{"price", &Input::price, "price", "Price, valid > 0."},
                                      In{"volume", &Input::volume, "volume", "Traded units, valid > 0."},
                                      TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"amihud_illiquidity", "Return per currency unit, times scale."}};
  static constexpr std::tuple kWindows{&Scalars::terms};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }
  static bool Valid(const Options&, const Input& row) { return (row.price > 0) & (row.volume > 0); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const double before = std::exchange(symbol.price, row.price);
    if (before == 0) return kNull;
    const double turnover = row.price * row.volume;  // Without a size where it overflows.
    const double term = IsDivisor(turnover) ? std::abs(row.price / before - 1) / turnover : kNull;
    const double sum = TwoStack<Sum>::Push(symbol.terms, ring, options.window, row.timestamp, term).sum;
    const int64_t count = symbol.terms.size;
    return count >= *options.min_periods ? options.scale * (sum / static_cast<double>(count)) : kNull;
  }
};

struct Liquidity {
  static constexpr std::string_view kName = "liquidity";
  using Kernels = KernelList<KyleLambda, AmihudIlliquidity, RollSpread, CorwinSchultzSpread>;
};

}  // namespace sabot::kernels
