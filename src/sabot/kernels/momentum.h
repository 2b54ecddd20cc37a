// Kernels that follow a trend, as charts show it: moving averages, oscillators, bands. Exponential averages start as
// TA-Lib's do (unstable period 0): with the mean of their first values. Those of highs and lows are in high_low.h.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/kernels/high_low.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"

namespace sabot::kernels {

// An exponential average that starts at row `period` (rows count from 1) with the mean of the rows so far; the sum
// before.
struct MeanSeeded {
  int64_t period = 1;
  double weight = 1;

  static MeanSeeded Over(int64_t period) { return {period, 2.0 / static_cast<double>(period + 1)}; }

  void Add(double& average, int64_t row, double x) const {
    if (row > period) {
      average += weight * (x - average);
    } else {
      average += x;
      if (row == period) average /= static_cast<double>(period);
    }
  }
};

struct Ema {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  struct Options {
    int64_t period = 20;
    static constexpr std::tuple kOptions{
        Option{"period", &Options::period, "Rows averaged into the first value; weight k = 2 / (period + 1).", Rows()}};
  };
  struct Scalars {
    int64_t rows = 0;
    double average = 0;
    SABOT_FIELDS(Scalars, rows, average)
  };
  static constexpr KernelDoc kDoc = {
      .name = "ema",
      .class_name = "EMAKernel",
      .summary = "Exponential moving average, seeded with the mean of the first `period` values.",
      .formula = "y_period = mean(x_1 .. x_period); then y += k * (x - y), k = 2 / (period + 1)",
      .nulls = "Null on the first period - 1 valid rows. The one seeded with the first value is ewma.",
      .source = "TA-Lib EMA, unstable period 0."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}};
  static constexpr std::tuple kOutputs{SingleOut{"ema", "Units of x; null before row `period`."}};

  static MeanSeeded Prepare(const Options& options) { return MeanSeeded::Over(options.period); }

  static double Update(const MeanSeeded& ema, Scalars& symbol, const Input& row) {
    ema.Add(symbol.average, ++symbol.rows, row.x);
    return symbol.rows >= ema.period ? symbol.average : kNull;
  }
};

struct Sma {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  using Options = RollingOptions<20>;
  struct Scalars {
    TwoStack<AnchoredSum>::Counters values;
    SABOT_FIELDS(Scalars, values)
  };
  static constexpr KernelDoc kDoc = {.name = "sma",
                                     .class_name = "SMAKernel",
                                     .summary = "Mean of the last `window` values.",
                                     .formula = "sum(x) / n over the window",
                                     .nulls = "Null before min_periods valid rows.",
                                     .source = "TA-Lib SMA; pandas rolling(window, min_periods).mean()."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}, TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"sma", "Units of x."}};
  static constexpr std::tuple kWindows{&Scalars::values};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto deviations = TwoStack<AnchoredSum>::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    const int64_t rows = symbol.values.size;
    return rows >= *options.min_periods ? symbol.values.anchor.at + deviations.sum / static_cast<double>(rows) : kNull;
  }
};

struct Macd {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  struct Options {
    int64_t fast = 12;
    int64_t slow = 26;
    int64_t signal = 9;
    static constexpr std::tuple kOptions{
        Option{"fast", &Options::fast, "Period of the fast average, below that of the slow one.", Rows()},
        Option{"slow", &Options::slow, "Period of the slow average.", Rows()},
        Option{"signal", &Options::signal, "Period of the average of their difference.", Rows()}};
  };
  struct Parameters {
    MeanSeeded fast;
    MeanSeeded slow;
    MeanSeeded signal;
  };
  struct Scalars {
    int64_t rows = 0;
    double fast = 0;
    double slow = 0;
    double signal = 0;
    SABOT_FIELDS(Scalars, rows, fast, slow, signal)
  };
  struct Outputs {
    double line = kNull;
    double signal = kNull;
    double histogram = kNull;
    SABOT_FIELDS(Outputs, line, signal, histogram)
  };
  static constexpr KernelDoc kDoc = {
      .name = "macd",
      .class_name = "MACDKernel",
      .summary = "Moving average convergence/divergence: a fast average less a slow one, and the average of that.",
      .formula =
          "macd = fast - slow; macd_signal = average of macd; macd_hist = macd - macd_signal; averages as ema, the "
          "fast one seeded at row `slow` with the mean of the last `fast` values",
      .nulls = "All outputs are null before valid row slow + signal - 1.",
      .source = "Appel (1979); TA-Lib MACD, unstable period 0."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}};
  static constexpr std::tuple kOutputs{Out{"macd", &Outputs::line, "Units of x."},
                                       Out{"macd_signal", &Outputs::signal, "Units of x."},
                                       Out{"macd_hist", &Outputs::histogram, "Units of x."}};

  static arrow::Status Complete(Options& options) {
    if (options.fast < options.slow) return arrow::Status::OK();
    return data::OptionError(std::string(kDoc.name) + ": option 'fast' must be below option 'slow' (" +
                             std::to_string(options.slow) + "), found " + std::to_string(options.fast) + ".");
  }
  static Parameters Prepare(const Options& options) {
    return {MeanSeeded::Over(options.fast), MeanSeeded::Over(options.slow), MeanSeeded::Over(options.signal)};
  }

  static Outputs Update(const Parameters& averages, Scalars& symbol, const Input& row) {
    const int64_t slow = averages.slow.period, before_fast = slow - averages.fast.period;
    ++symbol.rows;
    averages.slow.Add(symbol.slow, symbol.rows, row.x);
    if (symbol.rows > before_fast) averages.fast.Add(symbol.fast, symbol.rows - before_fast, row.x);
    if (symbol.rows < slow) return {};
    const double line = symbol.fast - symbol.slow;
    averages.signal.Add(symbol.signal, symbol.rows - slow + 1, line);
    if (symbol.rows - slow + 1 < averages.signal.period) return {};
    return {line, symbol.signal, line - symbol.signal};
  }
};

struct Rsi {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  struct Options {
    int64_t period = 14;
    static constexpr std::tuple kOptions{Option{
        "period", &Options::period, "Changes averaged into the first value; Wilder's weight is 1 / period.", Rows(2)}};
  };
  struct Scalars {
    double last = 0;
    int64_t rows = 0;
    double gain = 0;  // Sums up to the first value, averages from there on.
    double loss = 0;
    SABOT_FIELDS(Scalars, last, rows, gain, loss)
  };
  static constexpr KernelDoc kDoc = {
      .name = "rsi",
      .class_name = "RSIKernel",
      .summary = "Relative strength index: the share of gains in the average change, 0 to 100.",
      .formula =
          "100 * g / (g + l); g, l: means of the first `period` gains and losses, then g = (g * (period - 1) + up) "
          "/ period",
      .nulls = "Null before valid row period + 1, and where neither gain nor loss is left (TA-Lib gives 0).",
      .source = "Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib RSI, unstable period 0."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}};
  static constexpr std::tuple kOutputs{SingleOut{"rsi", "In [0, 100]."}};

  static double Update(const Options& options, Scalars& symbol, const Input& row) {
    const double change = row.x - std::exchange(symbol.last, row.x);
    const int64_t changes = symbol.rows++;
    if (changes == 0) return kNull;
    const double up = std::max(change, 0.0), down = std::max(-change, 0.0);
    const auto period = static_cast<double>(options.period);
    if (changes > options.period) {
      symbol.gain = (symbol.gain * (period - 1) + up) / period;
      symbol.loss = (symbol.loss * (period - 1) + down) / period;
    } else {
      symbol.gain += up;
      symbol.loss += down;
      if (changes < options.period) return kNull;
      symbol.gain /= period;
      symbol.loss /= period;
    }
    return std::min(100 * symbol.gain / (symbol.gain + symbol.loss),
                    100.0);  // Rounding may exceed 100; 0 / 0 stays NaN.
  }
};

struct BollingerBands {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  struct Options {
    Window window = 20;
    std::optional<int64_t> min_periods = std::nullopt;
    double k = 2;
    int64_t ddof = 0;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        WindowOption(&Options::window), MinPeriodsOption(&Options::min_periods),
        Option{"k", &Options::k, "Distance of the bands from the mean, in standard deviations.", AtLeast(0)},
        Option{"ddof", &Options::ddof, "Degrees of freedom taken off the divisor; 0, as TA-Lib.", Between(0, 1)},
        MaxRowsOption(&Options::max_rows)};
  };
  struct Scalars {
    TwoStack<PowerSums>::Counters values;
    SABOT_FIELDS(Scalars, values)
  };
  struct Outputs {
    double mid = kNull;
    double upper = kNull;
    double lower = kNull;
    SABOT_FIELDS(Outputs, mid, upper, lower)
  };
  static constexpr KernelDoc kDoc = {
      .name = "bollinger_bands",
      .class_name = "BollingerBandsKernel",
      .summary = "Mean of the last `window` values, and bands `k` standard deviations above and below it.",
      .formula = "mean, mean + k * std, mean - k * std; std = sqrt(sum((x - mean)^2) / (n - ddof))",
      .nulls = "Null before min_periods valid rows; the bands also while n <= ddof.",
      .source = "Bollinger (2001), Bollinger on Bollinger Bands; TA-Lib BBANDS with a simple average."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}, TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{Out{"bb_mid", &Outputs::mid, "Units of x."},
                                       Out{"bb_upper", &Outputs::upper, "Units of x; null while n <= ddof."},
                                       Out{"bb_lower", &Outputs::lower, "Units of x; null while n <= ddof."}};
  static constexpr std::tuple kWindows{&Scalars::values};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static Outputs Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto sums = TwoStack<PowerSums>::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    const int64_t rows = symbol.values.size;
    if (rows < *options.min_periods) return {};
    const auto n = static_cast<double>(rows);
    const double mean = symbol.values.anchor.at + sums.sum / n;
    if (rows <= options.ddof) return {.mid = mean};
    const double width = options.k * std::sqrt(sums.SquaredDeviations(n) / (n - static_cast<double>(options.ddof)));
    return {mean, mean + width, mean - width};
  }
};

struct Kalman1d {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  struct Options {
    double q = 0.001;
    double r = 0.1;
    static constexpr std::tuple kOptions{
        Option{"q", &Options::q, "Variance by which the level moves from row to row.", AtLeast(0)},
        Option{"r", &Options::r, "Variance of the noise around the level.", Above(0)}};
  };
  struct Scalars {
    double level = 0;
    double variance = 0;
    bool seen = false;
    SABOT_FIELDS(Scalars, level, variance, seen)
  };
  struct Outputs {
    double level = kNull;
    double variance = kNull;
    SABOT_FIELDS(Outputs, level, variance)
  };
  static constexpr KernelDoc kDoc = {
      .name = "kalman_1d",
      .class_name = "Kalman1DKernel",
      .summary = "Level of a random walk that is seen through noise: the Kalman filter of the local level model.",
      .formula = "x_1 = z_1, P_1 = r; then P = P + q; K = P / (P + r); x = x + K * (z - x); P = (1 - K) * P",
      .nulls = "Never null where x is there.",
      .source =
          "Kalman (1960), Journal of Basic Engineering 82(1); Harvey (1989), Forecasting, Structural Time Series "
          "Models and the Kalman Filter, section 3.2."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}};
  static constexpr std::tuple kOutputs{
      Out{"kalman_level", &Outputs::level, "Units of x; x itself on the first row."},
      Out{"kalman_var", &Outputs::variance, "Variance of the level; r on the first row."}};

  static Outputs Update(const Options& options, Scalars& symbol, const Input& row) {
    if (!std::exchange(symbol.seen, true)) {
      symbol.level = row.x;
      symbol.variance = options.r;
    } else {
      const double before = symbol.variance + options.q;
      const double gain = before / (before + options.r);
      symbol.level = symbol.level + gain * (row.x - symbol.level);
      symbol.variance = (1 - gain) * before;
    }
    return {symbol.level, symbol.variance};
  }
};

struct Momentum {
  static constexpr std::string_view kName = "momentum";
  using Kernels = KernelList<Ema, Sma, Macd, Rsi, BollingerBands, Kalman1d, DonchianChannel, StochasticOsc>;
};

}  // namespace sabot::kernels
