// Kernels that watch a series for losses and for change. Losses are positive numbers. Those of a window's tail are in
// tail_risk.h.
#pragma once

#include <algorithm>

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/normal.h"
#include "sabot/kernels/tail_risk.h"

namespace sabot::kernels {

struct Cusum {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  struct Options {
    double mean = 0;
    double std = 1;
    double k = 0.5;
    double h = 5;
    bool reset = true;
    static constexpr std::tuple kOptions{
        Option{"mean", &Options::mean, "The target. A parameter: it is never estimated from the data.", Finite()},
        Option{"std", &Options::std, "Standard deviation around the target.", Above(0)},
        Option{"k", &Options::k, "Slack, in standard deviations: half the shift to be found.", AtLeast(0)},
        Option{"h", &Options::h, "Sum above which there is an alarm, in standard deviations.", Above(0)},
        Option{"reset", &Options::reset, "Whether both sums restart at 0 after an alarm."}};
  };
  struct Scalars {
    double above = 0;
    double below = 0;
    SABOT_FIELDS(Scalars, above, below)
  };
  struct Outputs {
    double above = kNull;
    double below = kNull;
    int64_t alarm = 0;
    SABOT_FIELDS(Outputs, above, below, alarm)
  };
  static constexpr KernelDoc kDoc = {
      .name = "cusum",
      .class_name = "CUSUMKernel",
      .summary = "Two-sided cumulative sum: alarms when a series has left its target for good.",
      .formula = "z = (x - mean) / std; pos = max(0, pos + z - k); neg = max(0, neg - z - k); alarm if either > h",
      .nulls = "Never null where x is there.",
      .source = "Page (1954), Biometrika 41; NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.3."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "log_return", "The series."}};
  static constexpr std::tuple kOutputs{
      Out{"cusum_pos", &Outputs::above, "Standard deviations, before any reset."},
      Out{"cusum_neg", &Outputs::below, "Standard deviations, before any reset."},
      Out{"cusum_alarm", &Outputs::alarm, "1 or -1, the sign of the larger sum (1 on a tie); 0 without an alarm."}};

  static Outputs Update(const Options& options, Scalars& symbol, const Input& row) {
    const double z = (row.x - options.mean) / options.std;
    const double above = std::max(0.0, symbol.above + z - options.k);
    const double below = std::max(0.0, symbol.below - z - options.k);
    const bool alarm = (above > options.h) | (below > options.h);
    const bool keep = !(alarm & options.reset);
    symbol = {When(keep, above), When(keep, below)};
    return {above, below, alarm ? (above >= below ? 1 : -1) : 0};
  }
};

struct CornishFisherVar {
  struct Input {
    double mean = 0;
    double stddev = 0;
    double skew = 0;
    double kurt = 0;
    SABOT_FIELDS(Input, mean, stddev, skew, kurt)
  };
  struct Options {
    double alpha = 0.05;
    static constexpr std::tuple kOptions{Option{"alpha", &Options::alpha, "Probability of a loss that is larger.",
                                                Range{.least = 0, .most = 1, .least_open = true, .most_open = true}}};
  };
  struct Parameters {  // What the formula has of z alone.
    double z = 0;
    double of_skew = 0;
    double of_kurt = 0;
    double of_skew_squared = 0;
  };
  static constexpr KernelDoc kDoc = {
      .name = "cornish_fisher_var",
      .class_name = "CornishFisherVaRKernel",
      .summary = "Value at risk of a distribution that is nearly normal, from its first four moments.",
      .formula =
          "-(mean + w * stddev); z = the alpha-quantile of the standard normal; w = z + (z^2 - 1) * skew / 6 + "
          "(z^3 - 3 * z) * kurt / 24 - (2 * z^3 - 5 * z) * skew^2 / 36",
      .nulls = "Null where stddev is negative.",
      .source =
          "Zangari (1996), RiskMetrics Monitor Q1; Favre & Galeano (2002), Journal of Alternative Investments 5(2)."};
  static constexpr std::tuple kInputs{
      In{"mean", &Input::mean, "mean", "Mean."}, In{"stddev", &Input::stddev, "stddev", "Deviation, valid >= 0."},
      In{"skew", &Input::skew, "skew", "Skewness."},
      In{"kurt", &Input::kurt, "kurt", "Excess kurtosis: 0 for a normal distribution."}};
  static constexpr std::tuple kOutputs{
      SingleOut{"cornish_fisher_var", "Units of the mean; a loss is positive, a sure gain negative."}};

  static Parameters Prepare(const Options& options) {
    const double z = NormalQuantile(options.alpha);
    const double cube = z * z * z;
    return {z, z * z - 1, cube - 3 * z, 2 * cube - 5 * z};
  }

  static double Compute(const Parameters& normal, const Input& row) {
    const double w = normal.z + normal.of_skew * row.skew / 6 + normal.of_kurt * row.kurt / 24 -
                     normal.of_skew_squared * (row.skew * row.skew) / 36;
    return row.stddev >= 0 ? -(row.mean + w * row.stddev) : kNull;
  }
};

struct Risk {
  static constexpr std::string_view kName = "risk";
  using Kernels = KernelList<Cusum, HistoricalVar, HistoricalCvar, CornishFisherVar>;
};

}  // namespace sabot::kernels
