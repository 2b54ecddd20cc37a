// Kernels that see where a price stands between the highs and lows of recent bars.
#pragma once

#include <cmath>

#include "sabot/kernels/extremes.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"

namespace sabot::kernels {

struct DonchianChannel {
  struct Input {
    double high = 0;
    double low = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, high, low, timestamp)
  };
  using Options = RollingOptions<20>;
  struct Scalars {
    TwoStack<HighLow>::Counters bars;
    SABOT_FIELDS(Scalars, bars)
  };
  struct Outputs {
    double high = kNull;
    double low = kNull;
    double mid = kNull;
    SABOT_FIELDS(Outputs, high, low, mid)
  };
  static constexpr KernelDoc kDoc = {
      .name = "donchian_channel",
      .class_name = "DonchianChannelKernel",
      .summary = "The highest high and the lowest low of the last `window` bars, and their middle.",
      .formula = "max(high), min(low), 0.5 * (max(high) + min(low))",
      .nulls = "Null before min_periods valid rows. The current bar is included: for breakouts, take lag of it.",
      .source = "Donchian's channel; TA-Lib MAX of the highs and MIN of the lows."};
  static constexpr std::tuple kInputs{
      In{"high", &Input::high, "high", "Highest price of the bar, at least its lowest."},
      In{"low", &Input::low, "low", "Lowest price of the bar."}, TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{Out{"donchian_high", &Outputs::high, "Price units."},
                                       Out{"donchian_low", &Outputs::low, "Price units."},
                                       Out{"donchian_mid", &Outputs::mid, "Price units."}};
  static constexpr std::tuple kWindows{&Scalars::bars};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }
  static bool Valid(const Options&, const Input& bar) { return bar.high >= bar.low; }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) {
    TwoStack<HighLow>::Prefetch(symbol.bars, ring);
  }

  static Outputs Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& bar) {
    const auto channel = TwoStack<HighLow>::Push(symbol.bars, ring, options.window, bar.timestamp, {bar.high, bar.low});
    if (symbol.bars.size < *options.min_periods) return {};
    return {channel.high, channel.low, 0.5 * (channel.high + channel.low)};
  }
};

struct StochasticOsc {
  struct Input {
    double high = 0;
    double low = 0;
    double close = 0;
    SABOT_FIELDS(Input, high, low, close)
  };
  struct Options {
    int64_t k_period = 14;
    int64_t slowing = 1;
    int64_t d_period = 3;
    static constexpr std::tuple kOptions{
        Option{"k_period", &Options::k_period, "Bars among which the close is placed, the current one included.",
               Rows()},
        Option{"slowing", &Options::slowing, "Places averaged into stoch_k.", Rows()},
        Option{"d_period", &Options::d_period, "Values of stoch_k averaged into stoch_d.", Rows()}};
  };
  struct Scalars {
    TwoStack<HighLow>::Counters bars;
    TwoStack<AnchoredSum>::Counters places;
    TwoStack<AnchoredSum>::Counters averages;
    SABOT_FIELDS(Scalars, bars, places, averages)
  };
  struct Outputs {
    double k = kNull;
    double d = kNull;
    SABOT_FIELDS(Outputs, k, d)
  };
  static constexpr KernelDoc kDoc = {
      .name = "stochastic_osc",
      .class_name = "StochasticOscKernel",
      .summary = "Where the close stands between the lowest low and the highest high of recent bars, 0 to 100.",
      .formula =
          "raw = 100 * (close - LL) / (HH - LL) over k_period bars; stoch_k = mean of `slowing` raw; stoch_d = "
          "mean of d_period stoch_k",
      .nulls =
          "stoch_k is null before valid row k_period + slowing - 1, stoch_d for d_period - 1 more. Both are null "
          "where HH = LL, and such a row enters no average (TA-Lib gives 0).",
      .source =
          "Lane (1984), Technical Analysis of Stocks & Commodities 2; TA-Lib STOCH with simple averages, which "
          "leaves out stoch_k until there is a stoch_d."};
  static constexpr std::tuple kInputs{
      In{"high", &Input::high, "high", "Highest price of the bar, at least its lowest."},
      In{"low", &Input::low, "low", "Lowest price of the bar."},
      In{"close", &Input::close, "close", "Last price of the bar."}};
  static constexpr std::tuple kOutputs{Out{"stoch_k", &Outputs::k, "In [0, 100] for a close inside of its bar."},
                                       Out{"stoch_d", &Outputs::d, "In [0, 100] for closes inside of their bars."}};

  static bool Valid(const Options&, const Input& bar) { return bar.high >= bar.low; }
  // Bars, places and averages, one behind the other.
  static int64_t RingLength(const Options& options) {
    return BarCells(options) + MeanCells(options.slowing) + MeanCells(options.d_period);
  }

  static void Prefetch(const Scalars& symbol, std::span<double> ring) {
    TwoStack<HighLow>::Prefetch(symbol.bars, ring);
  }

  static Outputs Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& bar) {
    const auto range = TwoStack<HighLow>::Push(symbol.bars, ring, options.k_period, 0, {bar.high, bar.low});
    if (symbol.bars.size < options.k_period) return {};
    const double place = 100 * (bar.close - range.low) / (range.high - range.low);
    if (!std::isfinite(place)) return {};
    const auto places = ring.subspan(static_cast<std::size_t>(BarCells(options)));
    const double k = MeanOfLast(symbol.places, places, options.slowing, place);
    if (!std::isfinite(k)) return {};
    const auto averages = places.subspan(static_cast<std::size_t>(MeanCells(options.slowing)));
    return {k, MeanOfLast(symbol.averages, averages, options.d_period, k)};
  }

 private:
  static int64_t BarCells(const Options& options) {
    return TwoStack<HighLow>::Cells(options.k_period, options.k_period);
  }
  static int64_t MeanCells(int64_t rows) { return TwoStack<AnchoredSum>::Cells(rows, rows); }

  // The mean of the last so many values, this one included; NaN before there are so many.
  static double MeanOfLast(TwoStack<AnchoredSum>::Counters& values, std::span<double> ring, int64_t rows,
                           double value) {
    const auto deviations = TwoStack<AnchoredSum>::Push(values, ring, rows, 0, value);
    return values.size == rows ? values.anchor.at + deviations.sum / static_cast<double>(rows) : kNull;
  }
};

}  // namespace sabot::kernels
