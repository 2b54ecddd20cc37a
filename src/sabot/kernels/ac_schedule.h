// How to trade a position away over time when trading fast costs impact and waiting costs risk: the schedule of
// Almgren & Chriss (2000), Journal of Risk 3(2). Made of its options alone, so it is a table and no kernel.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>

#include <cstdint>
#include <memory>

#include "sabot/kernels/kernel.h"

namespace sabot::kernels {

struct AcSchedule {
  static constexpr std::string_view kName = "optimal_ac_schedule";

  struct Options {
    double quantity = kNull;  // These two, sigma and eta have to be given: null is refused.
    double horizon = kNull;
    int64_t slices = 10;
    double sigma = kNull;
    double eta = kNull;
    double gamma = 0;
    double risk_aversion = 0;
    static constexpr std::tuple kOptions{
        Option{"quantity", &Options::quantity, "Units to trade away; negative: a short position.", Finite()},
        Option{"horizon", &Options::horizon, "When nothing is left, in any unit of time.", Above(0)},
        Option{"slices", &Options::slices, "Trades, at equal distances in time.", Rows()},
        Option{"sigma", &Options::sigma, "Volatility: price units per square root of time.", AtLeast(0)},
        Option{"eta", &Options::eta, "Temporary impact: price units per unit of quantity and time.", Above(0)},
        Option{"gamma", &Options::gamma, "Permanent impact: price units per unit of quantity.", AtLeast(0)},
        Option{"risk_aversion", &Options::risk_aversion, "What a unit of variance costs; 0: equal trades.",
               AtLeast(0)}};
  };

  // slices + 1 rows: step (int64), time, holdings (what is left then) and trade (since the step before; null in the
  // first row). Error (kOption): an option out of its range, or numbers beyond float64.
  static arrow::Result<std::shared_ptr<arrow::Table>> Make(const Options& options);
};

}  // namespace sabot::kernels
