// Kernels that measure what trading costs: how far prices give way to volume.
#pragma once

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"

namespace sabot::kernels {

struct KyleLambda {
  struct Input {
    double price = 0;
    double signed_volume = 0;
    SABOT_FIELDS(Input, price, signed_volume)
  };
  struct Options {
    int64_t window = 20;
    std::optional<int64_t> min_periods = std::nullopt;
    static constexpr std::tuple kOptions{
        Option{"window", &Options::window, "Pairs of price change and volume in the window, the current one included.",
               Rows()},
        Option{"min_periods", &Options::min_periods, "Pairs from which a value is given; the window, unless given.",
               Rows()}};
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
      In{"signed_volume", &Input::signed_volume, "signed_volume", "Volume since the row before, positive if bought."}};
  static constexpr std::tuple kOutputs{SingleOut{"kyle_lambda", "Price units per unit of volume."}};

  static arrow::Status Complete(Options& options) {
    return CompleteWindow(kDoc.name, options.window, options.min_periods);
  }
  static int64_t RingLength(const Options& options) { return TwoStack<CoMoments>::RingLength(options.window); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const double change = row.price - std::exchange(symbol.price, row.price);
    if (!std::exchange(symbol.seen, true)) return kNull;
    const auto moments = TwoStack<CoMoments>::Push(symbol.pairs, ring, options.window, {change, row.signed_volume});
    return symbol.pairs.size >= *options.min_periods && moments.m2_y > 0 ? moments.c / moments.m2_y : kNull;
  }
};

struct Liquidity {
  static constexpr std::string_view kName = "liquidity";
  using Kernels = KernelList<KyleLambda>;
};

}  // namespace sabot::kernels
