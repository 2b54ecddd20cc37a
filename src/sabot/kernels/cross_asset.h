// Kernels that compare two assets: covariances, spreads, hedge ratios.
#pragma once

#include <cmath>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/kernels/cross_correlation.h"
#include "sabot/kernels/hayashi_yoshida.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/math.h"

namespace sabot::kernels {

struct PairsSpread {
  struct Input {
    double price_a = 0;
    double price_b = 0;
    double hedge_ratio = 0;
    SABOT_FIELDS(Input, price_a, price_b, hedge_ratio)
  };
  struct Options {
    double hedge_ratio = 1;
    double intercept = 0;
    bool use_hedge_column = false;
    bool log = false;
    static constexpr std::tuple kOptions{
        Option{"hedge_ratio", &Options::hedge_ratio, "Units of b held against one of a.", Finite()},
        Option{"intercept", &Options::intercept, "Taken off the spread.", Finite()},
        Option{"use_hedge_column", &Options::use_hedge_column,
               "Reads the hedge ratio of each row from column `hedge_ratio` instead."},
        Option{"log", &Options::log, "Takes the natural logarithm of both prices first."}};
  };
  static constexpr KernelDoc kDoc = {.name = "pairs_spread",
                                     .class_name = "PairsSpreadKernel",
                                     .summary = "What is left of a's price after a hedge with b.",
                                     .formula = "a - h * b - intercept; with log: ln(a) - h * ln(b) - intercept",
                                     .nulls = "With log, null where a price is <= 0.",
                                     .source = "Definition; Vidyamurthy (2004), Pairs Trading, ch. 5."};
  static constexpr std::tuple kInputs{
      In{"price_a", &Input::price_a, "price_a", "Price of a; with log valid > 0."},
      In{"price_b", &Input::price_b, "price_b", "Price of b; with log valid > 0."},
      In{"hedge_ratio", &Input::hedge_ratio, "hedge_ratio", "Units of b for one of a, read with use_hedge_column."}};
  static constexpr std::tuple kOutputs{SingleOut{"pairs_spread", "Units of a's price, or of its logarithm."}};

  static arrow::Status Complete(Options& options) {
    if (!options.use_hedge_column || options.hedge_ratio == 1) return arrow::Status::OK();
    return data::OptionError(std::string(kDoc.name) +
                             ": option 'hedge_ratio' and option 'use_hedge_column' were both given. Give the ratio as "
                             "a number or as a column.");
  }
  static bool Needs(const Options& options, std::string_view role) {
    return role != "hedge_ratio" || options.use_hedge_column;
  }

  static double Compute(const Options& options, const Input& row) {
    const double hedge_ratio = options.use_hedge_column ? row.hedge_ratio : options.hedge_ratio;
    if (!options.log) return row.price_a - hedge_ratio * row.price_b - options.intercept;
    return math::Log(row.price_a) - hedge_ratio * math::Log(row.price_b) - options.intercept;  // Of <= 0 not finite.
  }
};

struct KalmanHedgeRatio {
  struct Input {
    double price_a = 0;
    double price_b = 0;
    SABOT_FIELDS(Input, price_a, price_b)
  };
  struct Options {
    double q = 1e-5;
    double r = 1e-3;
    double p0 = 1;
    bool intercept = true;
    static constexpr std::tuple kOptions{
        Option{"q", &Options::q, "Variance that ratio and intercept gain a row.", AtLeast(0)},
        Option{"r", &Options::r, "Variance of the noise of a price of a.", Above(0)},
        Option{"p0", &Options::p0, "Variance of ratio and intercept before the first row.", Above(0)},
        Option{"intercept", &Options::intercept, "Whether there is an intercept; else it is 0."}};
  };
  struct Scalars {
    double ratio = 0;
    double intercept = 0;
    double p00 = 0;  // Covariance of the two.
    double p01 = 0;
    double p11 = 0;
    bool seen = false;
    SABOT_FIELDS(Scalars, ratio, intercept, p00, p01, p11, seen)
  };
  struct Outputs {
    double hedge_ratio = kNull;
    double intercept = kNull;
    double spread = kNull;
    double spread_std = kNull;
    SABOT_FIELDS(Outputs, hedge_ratio, intercept, spread, spread_std)
  };
  static constexpr KernelDoc kDoc = {
      .name = "kalman_hedge_ratio",
      .class_name = "KalmanHedgeRatioKernel",
      .summary = "Hedge ratio and intercept of a on b as they drift, followed by a Kalman filter.",
      .formula =
          "a = h * b + c + noise(r), (h, c) a random walk: P += q * I; s = P * (b, 1); Q = b * s0 + s1 + r; "
          "e = a - (h * b + c); K = s / Q; (h, c) += K * e; P = A * P * A' + r * K * K', A = I - K * (b, 1)",
      .nulls = "None but for missing prices.",
      .source = "Chan (2013), Algorithmic Trading, ch. 3; the covariance in Joseph's form."};
  static constexpr std::tuple kInputs{In{"price_a", &Input::price_a, "price_a", "The price that is explained."},
                                      In{"price_b", &Input::price_b, "price_b", "The price that explains it."}};
  static constexpr std::tuple kOutputs{
      Out{"hedge_ratio", &Outputs::hedge_ratio, "Units of b for one of a, this row included."},
      Out{"intercept", &Outputs::intercept, "Units of a's price, this row included; 0 without intercept."},
      Out{"spread", &Outputs::spread, "e: a less what was expected of it before this row; units of its price."},
      Out{"spread_std", &Outputs::spread_std, "sqrt(Q): the standard deviation that was expected of e."}};

  static Outputs Update(const Options& options, Scalars& symbol, const Input& row) {
    const double with_intercept = options.intercept ? 1 : 0;  // At 0 everything of the intercept stays 0.
    if (!std::exchange(symbol.seen, true)) {
      symbol.p00 = options.p0;
      symbol.p11 = with_intercept * options.p0;
    }
    const double b = row.price_b;
    const double p00 = symbol.p00 + options.q, p01 = symbol.p01, p11 = symbol.p11 + with_intercept * options.q;
    const double s0 = p00 * b + p01, s1 = p01 * b + p11;
    const double variance = b * s0 + s1 + options.r;
    const double spread = row.price_a - (symbol.ratio * b + symbol.intercept);
    const double k0 = s0 / variance, k1 = s1 / variance;
    symbol.ratio += k0 * spread;
    symbol.intercept += k1 * spread;
    const double a00 = 1 - k0 * b, a01 = -k0 * with_intercept, a10 = -k1 * b, a11 = 1 - k1;
    const double ap00 = a00 * p00 + a01 * p01, ap01 = a00 * p01 + a01 * p11;
    const double ap10 = a10 * p00 + a11 * p01, ap11 = a10 * p01 + a11 * p11;
    symbol.p00 = ap00 * a00 + ap01 * a01 + options.r * k0 * k0;
    symbol.p01 = ap00 * a10 + ap01 * a11 + options.r * k0 * k1;
    symbol.p11 = ap10 * a10 + ap11 * a11 + options.r * k1 * k1;
    return {symbol.ratio, symbol.intercept, spread, std::sqrt(variance)};
  }
};

struct CrossAsset {
  static constexpr std::string_view kName = "cross_asset";
  using Kernels = KernelList<HayashiYoshidaCov, HayashiYoshidaCorr, XcorrLeadlag, PairsSpread, KalmanHedgeRatio>;
};

}  // namespace sabot::kernels
