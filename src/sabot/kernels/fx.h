// Kernels that compare prices of currencies with one another.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/kernels/kernel.h"

namespace sabot::kernels {

struct TriangularArbitrage {
  struct Input {
    double spot_ab = 0;
    double spot_bc = 0;
    double spot_ac = 0;
    double fees_bps = 0;
    SABOT_FIELDS(Input, spot_ab, spot_bc, spot_ac, fees_bps)
  };
  struct Options {
    double fees_bps = 0;
    bool use_fees_column = false;
    static constexpr std::tuple kOptions{
        Option{"fees_bps", &Options::fees_bps, "Fees of all three trades together, basis points.", Finite()},
        Option{"use_fees_column", &Options::use_fees_column,
               "Reads the fees of each row from column `fees_bps` instead."}};
  };
  struct Outputs {
    double edge_bps = kNull;
    Label route;
    SABOT_FIELDS(Outputs, edge_bps, route)
  };
  static constexpr std::array<std::string_view, 3> kLabels = {"none", "A>B>C>A", "A>C>B>A"};
  static constexpr KernelDoc kDoc = {
      .name = "triangular_arbitrage",
      .class_name = "TriangularArbitrageKernel",
      .summary = "What a trip through three currencies earns after fees, in the better of its two directions.",
      .formula = "max(1e4 * (ab * bc / ac - 1), 1e4 * (ac / (ab * bc) - 1)) - fees; XY is units of Y for one X",
      .nulls = "Both outputs are null where a spot rate is <= 0.",
      .source = "Definition; see Akram, Rime & Sarno (2008), Journal of International Economics 76(2)."};
  static constexpr std::tuple kInputs{
      In{"spot_ab", &Input::spot_ab, "spot_ab", "Units of B for one A, valid > 0."},
      In{"spot_bc", &Input::spot_bc, "spot_bc", "Units of C for one B, valid > 0."},
      In{"spot_ac", &Input::spot_ac, "spot_ac", "Units of C for one A, valid > 0."},
      In{"fees_bps", &Input::fees_bps, "fees_bps", "Fees of all three trades, read with use_fees_column."}};
  static constexpr std::tuple kOutputs{
      Out{"arb_edge_bps", &Outputs::edge_bps, "Basis points; negative where neither direction pays."},
      Out{"arb_route", &Outputs::route, "\"A>B>C>A\" or \"A>C>B>A\", the direction that pays more, or \"none\"."}};

  static arrow::Status Complete(Options& options) {
    if (!options.use_fees_column || options.fees_bps == 0) return arrow::Status::OK();
    return data::OptionError(
        std::string(kDoc.name) +
        ": option 'fees_bps' and option 'use_fees_column' were both given. Give the fees as a number or as a "
        "column.");
  }
  static bool Needs(const Options& options, std::string_view role) {
    return role != "fees_bps" || options.use_fees_column;
  }

  static Outputs Compute(const Options& options, const Input& row) {
    const double fees = options.use_fees_column ? row.fees_bps : options.fees_bps;
    const double through_b = row.spot_ab * row.spot_bc;
    const double forward = 1e4 * (through_b / row.spot_ac - 1) - fees;
    const double reverse = 1e4 * (row.spot_ac / through_b - 1) - fees;
    const double edge = std::max(forward, reverse);
    const bool known = (row.spot_ab > 0) & (row.spot_bc > 0) & (row.spot_ac > 0) & std::isfinite(edge);
    if (!known) return {};
    return {edge, {static_cast<int8_t>(edge > 0 ? (forward >= reverse ? 1 : 2) : 0)}};
  }
};

struct Fx {
  static constexpr std::string_view kName = "fx";
  using Kernels = KernelList<TriangularArbitrage>;
};

}  // namespace sabot::kernels
