// Kernels that compare prices of currencies with one another and with what their money earns. A rate of interest is an
// annual fraction; a spot or forward price is units of domestic currency for one of foreign (base) currency.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "sabot/kernels/fees.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/math.h"

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
    return CheckFees(kDoc.name, options.fees_bps, options.use_fees_column);
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

// How a rate of interest is earned over the time to a forward.
enum class Compounding { kContinuous, kSimple };

inline constexpr std::array<std::string_view, 2> kCompoundings = {"continuous", "simple"};

struct ForwardPoints {
  struct Input {
    double spot = 0;
    double r_dom = 0;
    double r_for = 0;
    SABOT_FIELDS(Input, spot, r_dom, r_for)
  };
  struct Options {
    double t_years = 1;
    Compounding compounding = Compounding::kContinuous;
    double pip = 1;
    static constexpr std::tuple kOptions{
        Option{"t_years", &Options::t_years, "Time to the forward, years.", Above(0)},
        Option{"compounding", &Options::compounding, "How both rates are meant.", Range{}, kCompoundings},
        Option{"pip", &Options::pip, "Size of a point, price units; 1: the points are price units.", Above(0)}};
  };
  static constexpr KernelDoc kDoc = {
      .name = "forward_points",
      .class_name = "ForwardPointsKernel",
      .summary = "What covered interest parity puts on the spot price for a forward.",
      .formula =
          "continuous: spot * expm1((r_dom - r_for) * t) / pip; "
          "simple: spot * (r_dom - r_for) * t / (1 + r_for * t) / pip",
      .nulls = "Null where the spot price is <= 0; with simple rates also where 1 + r_for * t <= 0.",
      .source = "Definition; see Hull, Options, Futures, and Other Derivatives, chapter 5."};
  static constexpr std::tuple kInputs{
      In{"spot", &Input::spot, "spot", "Spot price, domestic for one foreign, valid > 0."},
      In{"r_dom", &Input::r_dom, "r_dom", "Domestic rate, annual fraction."},
      In{"r_for", &Input::r_for, "r_for", "Foreign rate, annual fraction."}};
  static constexpr std::tuple kOutputs{SingleOut{"forward_points", "Forward less spot, in units of pip."}};

  static double Compute(const Options& options, const Input& row) {
    const double t = options.t_years;
    if (options.compounding == Compounding::kContinuous) {
      const double points = row.spot * math::Expm1((row.r_dom - row.r_for) * t) / options.pip;
      return row.spot > 0 ? points : kNull;
    }
    const double growth = 1 + row.r_for * t;
    const double points = row.spot * (row.r_dom - row.r_for) * t / growth / options.pip;
    return (row.spot > 0) & (growth > 0) & (growth <= std::numeric_limits<double>::max()) ? points : kNull;
  }
};

struct CipBasis {
  struct Input {
    double spot = 0;
    double forward = 0;
    double r_dom = 0;
    double r_for = 0;
    SABOT_FIELDS(Input, spot, forward, r_dom, r_for)
  };
  struct Options {
    double t_years = 1;
    Compounding compounding = Compounding::kContinuous;
    static constexpr std::tuple kOptions{
        Option{"t_years", &Options::t_years, "Time to the forward, years.", Above(0)},
        Option{"compounding", &Options::compounding, "How both rates are meant.", Range{}, kCompoundings}};
  };
  static constexpr KernelDoc kDoc = {
      .name = "cip_basis",
      .class_name = "CIPBasisKernel",
      .summary = "By how much the rate that a forward implies differs from the domestic one; 0 at the parity forward.",
      .formula =
          "continuous: ln(forward / spot) / t - (r_dom - r_for); "
          "simple: (forward / spot * (1 + r_for * t) - 1) / t - r_dom",
      .nulls = "Null where the spot or the forward price is <= 0.",
      .source = "Du, Tepper & Verdelhan (2018), Journal of Finance 73(3); their sign where the base currency is USD."};
  static constexpr std::tuple kInputs{
      In{"spot", &Input::spot, "spot", "Spot price, domestic for one foreign, valid > 0."},
      In{"forward", &Input::forward, "forward", "Forward price, domestic for one foreign, valid > 0."},
      In{"r_dom", &Input::r_dom, "r_dom", "Domestic rate, annual fraction."},
      In{"r_for", &Input::r_for, "r_for", "Foreign rate, annual fraction."}};
  static constexpr std::tuple kOutputs{SingleOut{"cip_basis", "Annual fraction."}};

  static double Compute(const Options& options, const Input& row) {
    const double t = options.t_years;
    const double ratio = row.forward / row.spot;
    const double basis = options.compounding == Compounding::kContinuous
                             ? math::Log(ratio) / t - (row.r_dom - row.r_for)
                             : (ratio * (1 + row.r_for * t) - 1) / t - row.r_dom;
    return (row.spot > 0) & (row.forward > 0) ? basis : kNull;
  }
};

struct CarrySignal {
  struct Input {
    double r_dom = 0;
    double r_for = 0;
    double volatility = 0;
    SABOT_FIELDS(Input, r_dom, r_for, volatility)
  };
  struct Options {
    bool risk_adjusted = false;
    static constexpr std::tuple kOptions{
        Option{"risk_adjusted", &Options::risk_adjusted, "Divides by column `volatility`."}};
  };
  static constexpr KernelDoc kDoc = {
      .name = "carry_signal",
      .class_name = "CarrySignalKernel",
      .summary = "What holding the pair earns if its price stays: minus the annual drift of the forward.",
      .formula = "r_for - r_dom; divided by volatility if risk_adjusted",
      .nulls = "With risk_adjusted, null where the volatility is <= 0.",
      .source = "Koijen, Moskowitz, Pedersen & Vrugt (2018), Journal of Financial Economics 127(2)."};
  static constexpr std::tuple kInputs{
      In{"r_dom", &Input::r_dom, "r_dom", "Domestic rate, annual fraction."},
      In{"r_for", &Input::r_for, "r_for", "Foreign rate, annual fraction."},
      In{"volatility", &Input::volatility, "volatility", "Annual volatility, valid > 0, read with risk_adjusted."}};
  static constexpr std::tuple kOutputs{SingleOut{
      "carry_signal", "Annual fraction, or with risk_adjusted a ratio; positive: being long the pair earns."}};

  static bool Needs(const Options& options, std::string_view role) {
    return role != "volatility" || options.risk_adjusted;
  }

  static double Compute(const Options& options, const Input& row) {
    const double carry = row.r_for - row.r_dom;
    if (!options.risk_adjusted) return carry;
    return row.volatility > 0 ? carry / row.volatility : kNull;
  }
};

struct Fx {
  static constexpr std::string_view kName = "fx";
  using Kernels = KernelList<TriangularArbitrage, ForwardPoints, CipBasis, CarrySignal>;
};

}  // namespace sabot::kernels
