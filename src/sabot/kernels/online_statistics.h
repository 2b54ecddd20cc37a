// Kernels that follow a series as it comes: returns, running moments, exponential averages.
#pragma once

#include "sabot/kernels/decay.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/math.h"
#include "sabot/kernels/rolling.h"

namespace sabot::kernels {

struct LogReturns {
  struct Input {
    double price = 0;
    SABOT_FIELDS(Input, price)
  };
  using Options = NoOptions;
  struct Scalars {
    double last = 0;  // 0: none yet.
    SABOT_FIELDS(Scalars, last)
  };
  static constexpr KernelDoc kDoc = {
      .name = "log_returns",
      .class_name = "LogReturnsKernel",
      .summary = "Logarithmic return since the symbol's previous valid price.",
      .formula = "ln(p_t / p_{t-1})",
      .nulls = "Null on the symbol's first valid row. A price <= 0 is missing: the next return spans it.",
      .source = "Definition."};
  static constexpr std::tuple kInputs{In{"price", &Input::price, "price", "Price, valid > 0."}};
  static constexpr std::tuple kOutputs{SingleOut{"log_return", "Dimensionless; null on the first valid row."}};

  static bool Valid(const Options&, const Input& row) { return row.price > 0; }

  // The ratio; Finish takes the logarithm of a whole morsel at once.
  static double Update(const Options&, Scalars& symbol, const Input& row) {
    const double ratio =
        row.price / std::exchange(symbol.last, row.price);  // First row: x / 0 is infinite, which is null.
    return ratio > 0 ? ratio : kNull;                                        // Underflow to 0 has no logarithm.
  }
  static constexpr double kNullFill = 1.0;
  static void Finish(std::span<double> ratios) { math::Log(ratios); }
};

struct Welford {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  struct Options {
    int64_t ddof = 1;
    static constexpr std::tuple kOptions{
        Option{"ddof", &Options::ddof, "Degrees of freedom taken off the divisor.", Between(0, 1)}};
  };
  struct Scalars {
    int64_t rows = 0;
    double mean = 0;
    double m2 = 0;  // Sum of squared deviations from the mean.
    SABOT_FIELDS(Scalars, rows, mean, m2)
  };
  struct Outputs {
    double mean = kNull;
    double variance = kNull;
    double stddev = kNull;
    SABOT_FIELDS(Outputs, mean, variance, stddev)
  };
  static constexpr KernelDoc kDoc = {
      .name = "welford_mean_var",
      .class_name = "WelfordKernel",
      .summary = "Mean, variance and standard deviation of all values since the symbol's first row.",
      .formula = "n += 1; d = x - mean; mean += d / n; m2 += d * (x - mean); variance = m2 / (n - ddof)",
      .nulls = "variance and stddev are null while n <= ddof.",
      .source = "Welford (1962), Technometrics 4(3); pandas expanding().mean(), .var(ddof), .std(ddof)."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}};
  static constexpr std::tuple kOutputs{
      Out{"mean", &Outputs::mean, "Units of x."},
      Out{"variance", &Outputs::variance, "Units of x, squared; null while n <= ddof."},
      Out{"stddev", &Outputs::stddev, "Units of x; null while n <= ddof."}};

  static Outputs Update(const Options& options, Scalars& symbol, const Input& row) {
    const auto n = static_cast<double>(++symbol.rows);
    const double deviation = row.x - symbol.mean;
    symbol.mean += deviation / n;
    symbol.m2 += deviation * (row.x - symbol.mean);
    if (symbol.rows <= options.ddof) return {.mean = symbol.mean};
    const double variance = symbol.m2 / (n - static_cast<double>(options.ddof));
    return {symbol.mean, variance, std::sqrt(variance)};
  }
};

struct Ewma {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  using Options = Decay;
  struct Scalars {
    double value = 0;
    int64_t timestamp = 0;
    bool seen = false;
    SABOT_FIELDS(Scalars, value, timestamp, seen)
  };
  static constexpr KernelDoc kDoc = {
      .name = "ewma",
      .class_name = "EWMAKernel",
      .summary = "Exponentially weighted moving average, seeded with the first value.",
      .formula = "y_1 = x_1; y += alpha * (x - y)",
      .nulls = "With a half-life in time a row older than the symbol's newest is missing.",
      .source =
          "pandas ewm(alpha=alpha, adjust=False, ignore_na=True).mean(); default alpha 0.06 is RiskMetrics' lambda "
          "0.94."};
  static constexpr std::tuple kInputs{
      In{"x", &Input::x, "price", "The series."},
      In{"timestamp", &Input::timestamp, "timestamp", "Event time, read only with a half-life in time."}};
  static constexpr std::tuple kOutputs{SingleOut{"ewma", "Units of x."}};

  static arrow::Status Complete(Options& options) { return CompleteDecay(kDoc.name, {.alpha = 0.06}, options); }
  static Weight Prepare(const Options& options) { return WeightOf(options); }
  static bool Needs(const Options& options, std::string_view role) { return role != "timestamp" || IsInTime(options); }

  static double Update(const Weight& weight, Scalars& symbol, const Input& row) {
    if (!symbol.seen) {
      symbol = {.value = row.x, .timestamp = row.timestamp, .seen = true};
      return symbol.value;
    }
    if (weight.IsLate(row.timestamp, symbol.timestamp)) return kNull;
    return symbol.value += weight.Next(row.timestamp, symbol.timestamp) * (row.x - symbol.value);
  }
};

struct EwCov {
  struct Input {
    double x = 0;
    double y = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, y, timestamp)
  };
  using Options = Decay;
  struct Scalars {
    double mean_x = 0;
    double mean_y = 0;
    double covariance = 0;
    int64_t timestamp = 0;
    bool seen = false;
    SABOT_FIELDS(Scalars, mean_x, mean_y, covariance, timestamp, seen)
  };
  static constexpr KernelDoc kDoc = {
      .name = "ewcov",
      .class_name = "EWCovKernel",
      .summary = "Exponentially weighted covariance of two series.",
      .formula =
          "dx = x - mx; dy = y - my; mx += alpha * dx; my += alpha * dy; "
          "c = (1 - alpha) * (c + alpha * dx * dy); first row: mx = x, my = y, c = 0; alpha 0.06, unless a decay is "
          "given",
      .nulls = "0 on the first valid row. With a half-life in time a row older than the symbol's newest is missing.",
      .source =
          "West (1979), CACM 22(9); Finch (2009), Incremental calculation of weighted mean and variance; pandas "
          "ewm(alpha=alpha, adjust=False, ignore_na=True).cov(bias=True)."};
  static constexpr std::tuple kInputs{
      In{"x", &Input::x, "x", "One series."}, In{"y", &Input::y, "y", "The other series."},
      In{"timestamp", &Input::timestamp, "timestamp", "Event time, read only with a half-life in time."}};
  static constexpr std::tuple kOutputs{SingleOut{"ewcov", "Units of x times units of y."}};

  static arrow::Status Complete(Options& options) { return CompleteDecay(kDoc.name, {.alpha = 0.06}, options); }
  static Weight Prepare(const Options& options) { return WeightOf(options); }
  static bool Needs(const Options& options, std::string_view role) { return role != "timestamp" || IsInTime(options); }

  static double Update(const Weight& weight, Scalars& symbol, const Input& row) {
    if (!symbol.seen) {
      symbol = {.mean_x = row.x, .mean_y = row.y, .timestamp = row.timestamp, .seen = true};
      return 0;
    }
    if (weight.IsLate(row.timestamp, symbol.timestamp)) return kNull;
    const double alpha = weight.Next(row.timestamp, symbol.timestamp);
    const double dx = row.x - symbol.mean_x;  // Both from the means before this row.
    const double dy = row.y - symbol.mean_y;
    symbol.mean_x += alpha * dx;
    symbol.mean_y += alpha * dy;
    return symbol.covariance = (1 - alpha) * (symbol.covariance + alpha * dx * dy);
  }
};

struct RollingZscore {
  struct Input {
    double x = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, x, timestamp)
  };
  using Options = RollingVarianceOptions<100>;
  struct Scalars {
    TwoStack<PowerSums>::Counters values;
    SABOT_FIELDS(Scalars, values)
  };
  static constexpr KernelDoc kDoc = {
      .name = "rolling_zscore",
      .class_name = "RollingZScoreKernel",
      .summary = "How many standard deviations the value lies from the mean of the last `window` values.",
      .formula = "(x_t - mean) / std over the window, x_t included; std = sqrt(sum((x - mean)^2) / (n - ddof))",
      .nulls = "Null before min_periods valid rows, while n <= ddof, and where the standard deviation is 0.",
      .source = "pandas: (x - x.rolling(window, min_periods).mean()) / x.rolling(window, min_periods).std(ddof)."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "The series."}, TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"zscore", "Standard deviations; null where the deviation is 0."}};
  static constexpr std::tuple kWindows{&Scalars::values};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row) {
    const auto sums = TwoStack<PowerSums>::Push(symbol.values, ring, options.window, row.timestamp, row.x);
    const int64_t rows = symbol.values.size;
    if (rows < *options.min_periods || rows <= options.ddof) return kNull;
    const auto n = static_cast<double>(rows);
    const double deviation =
        (row.x - symbol.values.anchor.at) - sums.sum / n;  // The mean itself would be rounded first.
    const double m2 = sums.SquaredDeviations(n);
    return IsDivisor(m2) ? deviation / std::sqrt(m2 / (n - static_cast<double>(options.ddof))) : kNull;
  }
};

struct OnlineStatistics {
  static constexpr std::string_view kName = "online_statistics";
  using Kernels = KernelList<LogReturns, Welford, Ewma, EwCov, RollingZscore>;
};

}  // namespace sabot::kernels
