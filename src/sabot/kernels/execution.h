// Kernels that judge executions: the average price of what traded, and what trading cost against a price of before.
#pragma once

#include <array>
#include <cmath>

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
    Window window = 0;
    std::optional<int64_t> min_periods = std::nullopt;
    int64_t session_ns = 0;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        WindowOption(&Options::window,
                     "Valid rows in the window, the current one included, or its length as a duration; 0: all of the "
                     "session.",
                     Rows(0)),
        MinPeriodsOption(&Options::min_periods,
                         "Valid rows of the session from which a value is given; 1, unless given."),
        Option{"session_ns", &Options::session_ns,
               "Length of a session, which begins at each multiple of it (UTC); 0: one endless session.",
               Range{.least = 0}},
        MaxRowsOption(&Options::max_rows)};
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
      In{"timestamp", &Input::timestamp, "timestamp", "Event time, read with session_ns > 0 or a duration."}};
  static constexpr std::tuple kOutputs{SingleOut{"vwap", "Price units; null while no volume traded."}};
  static constexpr std::tuple kWindows{&Scalars::trades};

  static arrow::Status Complete(Options& options) {
    if (!options.min_periods) options.min_periods = 1;
    const Window most = Whole(options) ? Window(std::numeric_limits<int64_t>::max()) : options.window;
    return CompleteWindow(kDoc.name, most, options.min_periods, options.max_rows);
  }
  static bool Needs(const Options& options, std::string_view role) {
    return role != "timestamp" || options.session_ns > 0 || options.window.timed();
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
    if (!Whole(options)) {
      sums = TwoStack<SumPair>::Push(symbol.trades, ring, options.window, row.timestamp,
                                     {row.price * row.volume, row.volume});
    } else {
      symbol.turnover.Add(row.price * row.volume);
      symbol.volume.Add(row.volume);
      sums = {symbol.turnover.Total(), symbol.volume.Total()};
    }
    const int64_t rows = Whole(options) ? symbol.rows : symbol.trades.size;
    return rows >= *options.min_periods ? sums.first / sums.second : kNull;  // 0 / 0 is NaN, which is null.
  }

 private:
  // Whether all of the session counts.
  static bool Whole(const Options& options) { return options.window == Window(); }
  static int64_t FloorDivide(int64_t value, int64_t divisor) {
    return value / divisor - static_cast<int64_t>(value % divisor < 0);
  }
};

struct ImplementationShortfall {
  enum class Mode { kFills, kOrder };
  static constexpr std::array<std::string_view, 2> kModes = {"fills", "order"};
  struct Input {
    double side = 0;
    double exec_price = 0;
    double arrival_price = 0;
    double filled_qty = 0;
    double order_qty = 0;
    double close_price = 0;
    double fees = 0;
    SABOT_FIELDS(Input, side, exec_price, arrival_price, filled_qty, order_qty, close_price, fees)
  };
  struct Options {
    Mode mode = Mode::kFills;
    static constexpr std::tuple kOptions{Option{
        "mode", &Options::mode, "What a row is: a fill, or an order with what it left unfilled.", Range{}, kModes}};
  };
  static constexpr KernelDoc kDoc = {
      .name = "implementation_shortfall",
      .class_name = "ImplementationShortfallKernel",
      .summary = "What trading cost against the price at which it was decided, for fills or for whole orders.",
      .formula =
          "fills: 1e4 * side * (exec - arrival) / arrival; order: 1e4 * (side * (filled * (exec - arrival) + "
          "(order - filled) * (close - arrival)) + fees) / (order * arrival)",
      .nulls =
          "Null where arrival_price <= 0 or the side is neither 1 nor -1; of orders also unless 0 <= filled_qty <= "
          "order_qty and order_qty > 0. exec_price may be missing where filled_qty is 0.",
      .source = "Perold (1988), Journal of Portfolio Management 14(3)."};
  static constexpr std::tuple kInputs{
      In{"side", &Input::side, "side", "1 buy, -1 sell."},
      In{"exec_price", &Input::exec_price, "exec_price", "Price of the fill, or the mean price of what was filled."},
      In{"arrival_price", &Input::arrival_price, "arrival_price", "Price when it was decided to trade, valid > 0."},
      In{"filled_qty", &Input::filled_qty, "filled_qty", "Quantity filled, read for orders."},
      In{"order_qty", &Input::order_qty, "order_qty", "Quantity ordered, valid > 0, read for orders."},
      In{"close_price", &Input::close_price, "close_price", "Price at which the rest is valued, read for orders."},
      In{"fees", &Input::fees, "fees", "Fees of all fills, currency, read for orders."}};
  static constexpr std::tuple kOutputs{SingleOut{
      "implementation_shortfall_bps", "Basis points of the arrival price; positive is a cost for either side."}};
  static constexpr bool kPositional = true;  // For a price that may be missing.

  static bool Needs(const Options& options, std::string_view role) {
    return options.mode == Mode::kOrder || role == "side" || role == "exec_price" || role == "arrival_price";
  }

  // What is missing is NaN, which makes the result NaN and every comparison false.
  static double Compute(const Options& options, const Input& row) {
    const bool known = (std::abs(row.side) == 1) & (row.arrival_price > 0);
    if (options.mode == Mode::kFills) {
      const double cost = 1e4 * row.side * (row.exec_price - row.arrival_price) / row.arrival_price;
      return known ? cost : kNull;
    }
    const double paid_above = row.filled_qty == 0 ? 0 : row.exec_price - row.arrival_price;
    const double missed = (row.order_qty - row.filled_qty) * (row.close_price - row.arrival_price);
    const double notional = row.order_qty * row.arrival_price;
    const double cost = 1e4 * (row.side * (row.filled_qty * paid_above + missed) + row.fees) / notional;
    const bool is_order = (row.filled_qty >= 0) & (row.filled_qty <= row.order_qty) & (row.order_qty > 0) &
                          (notional <= std::numeric_limits<double>::max());
    return known & is_order ? cost : kNull;
  }
};

struct ArrivalPriceImpact {
  struct Input {
    double side = 0;
    double exec_price = 0;
    double arrival_mid = 0;
    SABOT_FIELDS(Input, side, exec_price, arrival_mid)
  };
  using Options = NoOptions;
  static constexpr KernelDoc kDoc = {
      .name = "arrival_price_impact",
      .class_name = "ArrivalPriceImpactKernel",
      .summary = "By how much a trade was worse than the midprice at which its order arrived.",
      .formula = "1e4 * side * (exec_price - arrival_mid) / arrival_mid",
      .nulls = "Null where the midprice is <= 0 or the side neither 1 nor -1.",
      .source = "Kissell (2013), The Science of Algorithmic Trading and Portfolio Management, chapter 3."};
  static constexpr std::tuple kInputs{
      In{"side", &Input::side, "side", "1 buy, -1 sell."},
      In{"exec_price", &Input::exec_price, "exec_price", "Price of the trade."},
      In{"arrival_mid", &Input::arrival_mid, "arrival_mid", "Midprice when the order arrived, valid > 0."}};
  static constexpr std::tuple kOutputs{
      SingleOut{"arrival_impact_bps", "Basis points of the midprice; positive is a cost for either side."}};

  static double Compute(const Options&, const Input& row) {
    const double impact = 1e4 * row.side * (row.exec_price - row.arrival_mid) / row.arrival_mid;
    return (std::abs(row.side) == 1) & (row.arrival_mid > 0) ? impact : kNull;
  }
};

struct Execution {
  static constexpr std::string_view kName = "execution";
  using Kernels = KernelList<Vwap, ImplementationShortfall, ArrivalPriceImpact>;
};

}  // namespace sabot::kernels
