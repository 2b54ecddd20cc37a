// Kernels that judge executions: the average price of what traded.
#pragma once

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"

namespace sabot::kernels {

struct Vwap {
  struct Input {
    double price = 0;
    double volume = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, price, volume, timestamp)
  };
  struct Options {
    int64_t window = 0;
    std::optional<int64_t> min_periods = std::nullopt;
    int64_t session_ns = 0;
    static constexpr std::tuple kOptions{
        Option{"window", &Options::window, "Valid rows in the window, the current one included; 0: all of the session.",
               Rows(0)},
        Option{"min_periods", &Options::min_periods,
               "Valid rows of the session from which a value is given; 1, unless given.", Rows()},
        Option{"session_ns", &Options::session_ns,
               "Length of a session, which begins at each multiple of it (UTC); 0: one endless session.",
               Range{.least = 0}}};
  };
  struct Scalars {
    int64_t session = 0;      // Number of the session since the epoch.
    int64_t rows = 0;         // Of the session.
    NeumaierSum turnover;     // Without a window: sum of price * volume,
    NeumaierSum volume;       // and of volume.
    TwoStack<SumPair>::Counters trades;  // With one: both.
    SABOT_FIELDS(Scalars, session, rows, turnover, volume, trades)
  };
  static constexpr KernelDoc kDoc = {
      .name = "vwap",
      .class_name = "VWAPKernel",
      .summary = "Volume-weighted average price, since the session began or over the last `window` rows of it.",
      .formula = "sum(price * volume) / sum(volume)",
      .nulls =
          "Null while the volume is 0 and before min_periods rows. A row of volume 0 gets the current value; a row "
          "of an older session, or with a negative volume, is missing.",
      .source = "Berkowitz, Logue & Noser (1988), Journal of Finance 43(1)."};
  static constexpr std::tuple kInputs{
      In{"price", &Input::price, "price", "Price."}, In{"volume", &Input::volume, "volume", "Volume, valid >= 0."},
      In{"timestamp", &Input::timestamp, "timestamp", "Event time, read with session_ns > 0."}};
  static constexpr std::tuple kOutputs{SingleOut{"vwap", "Price units; null while no volume traded."}};

  static arrow::Status Complete(Options& options) {
    return CompleteWindow(kDoc.name, options.window > 0 ? options.window : std::numeric_limits<int64_t>::max(),
                          options.min_periods, 1);
  }
  static int64_t RingLength(const Options& options) { return TwoStack<SumPair>::RingLength(options.window); }
  static bool Needs(const Options& options, std::string_view role) {
    return role != "timestamp" || options.session_ns > 0;
  }
  static bool Valid(const Options&, const Input& row) { return row.volume >= 0; }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    if (options.session_ns > 0) {
      const int64_t session = FloorDivide(row.timestamp, options.session_ns);
      if (symbol.rows > 0 && session < symbol.session) return kNull;
      if (session != symbol.session) symbol = {};
      symbol.session = session;
    }
    ++symbol.rows;
    SumPair::Node sums;
    if (options.window > 0) {
      sums = TwoStack<SumPair>::Push(symbol.trades, ring, options.window, {row.price * row.volume, row.volume});
    } else {
      symbol.turnover.Add(row.price * row.volume);
      symbol.volume.Add(row.volume);
      sums = {symbol.turnover.Total(), symbol.volume.Total()};
    }
    const int64_t rows = options.window > 0 ? symbol.trades.size : symbol.rows;
    return rows >= *options.min_periods ? sums.first / sums.second : kNull;  // 0 / 0 is NaN, which is null.
  }

 private:
  static int64_t FloorDivide(int64_t value, int64_t divisor) {
    return value / divisor - static_cast<int64_t>(value % divisor < 0);
  }
};

struct Execution {
  static constexpr std::string_view kName = "execution";
  using Kernels = KernelList<Vwap>;
};

}  // namespace sabot::kernels
