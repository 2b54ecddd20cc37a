// Kernels that watch a series for losses and for change.
#pragma once

#include <algorithm>

#include "sabot/kernels/kernel.h"

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

struct Risk {
  static constexpr std::string_view kName = "risk";
  using Kernels = KernelList<Cusum>;
};

}  // namespace sabot::kernels
