// Kernels that read one quote, or one trade beside it, at a time: where the price is and how wide and how
// balanced the book stands.
#pragma once

#include <cmath>

#include "sabot/kernels/kernel.h"

namespace sabot::kernels {

struct Midprice {
  struct Input {
    double bid = 0;
    double ask = 0;
    SABOT_FIELDS(Input, bid, ask)
  };
  using Options = NoOptions;
  static constexpr KernelDoc kDoc = {.name = "midprice",
                                     .class_name = "MidpriceKernel",
                                     .summary = "Midpoint of the best bid and ask.",
                                     .formula = "0.5 * (bid + ask)",
                                     .nulls = "Locked, crossed and negative quotes are computed, not judged.",
                                     .source = "Definition."};
  static constexpr std::tuple kInputs{In{"bid", &Input::bid, "bid", "Best bid, price units."},
                                      In{"ask", &Input::ask, "ask", "Best ask, price units."}};
  static constexpr std::tuple kOutputs{SingleOut{"midprice", "Price units."}};

  static double Compute(const Options&, const Input& quote) { return 0.5 * (quote.bid + quote.ask); }
};

struct Microprice {
  struct Input {
    double bid = 0;
    double ask = 0;
    double bid_size = 0;
    double ask_size = 0;
    SABOT_FIELDS(Input, bid, ask, bid_size, ask_size)
  };
  using Options = NoOptions;
  static constexpr KernelDoc kDoc = {
      .name = "microprice",
      .class_name = "MicropriceKernel",
      .summary = "Mean of the best bid and ask, each weighted by the size on the other side.",
      .formula = "(bid * ask_size + ask * bid_size) / (bid_size + ask_size)",
      .nulls = "Null where a size is negative or both are 0.",
      .source =
          "Gatheral & Oomen (2010), Finance and Stochastics 14(2). Not the martingale estimator of Stoikov (2018)."};
  static constexpr std::tuple kInputs{
      In{"bid", &Input::bid, "bid", "Best bid, price units."}, In{"ask", &Input::ask, "ask", "Best ask, price units."},
      In{"bid_size", &Input::bid_size, "bid_size", "Size at the best bid, valid >= 0."},
      In{"ask_size", &Input::ask_size, "ask_size", "Size at the best ask, valid >= 0."}};
  static constexpr std::tuple kOutputs{SingleOut{"microprice", "Price units."}};

  static double Compute(const Options&, const Input& quote) {
    const double total = quote.bid_size + quote.ask_size;
    const double weighted = quote.bid * quote.ask_size + quote.ask * quote.bid_size;
    const bool usable = (quote.bid_size >= 0) & (quote.ask_size >= 0) & (total <= std::numeric_limits<double>::max());
    return usable ? weighted / total : kNull;  // 0 / 0 is NaN, which is null.
  }
};

struct QuotedSpread {
  using Input = Midprice::Input;
  using Options = NoOptions;
  struct Outputs {
    double spread = kNull;
    double bps = kNull;
    SABOT_FIELDS(Outputs, spread, bps)
  };
  static constexpr KernelDoc kDoc = {
      .name = "quoted_spread",
      .class_name = "QuotedSpreadKernel",
      .summary = "Best ask less best bid, in price units and in basis points of the midpoint.",
      .formula = "quoted_spread = ask - bid; quoted_spread_bps = 1e4 * quoted_spread / (0.5 * (bid + ask))",
      .nulls = "quoted_spread_bps is null where the midpoint is <= 0. A crossed book has a negative spread.",
      .source = "Definition."};
  static constexpr std::tuple kInputs = Midprice::kInputs;
  static constexpr std::tuple kOutputs{
      Out{"quoted_spread", &Outputs::spread, "Price units; negative in a crossed book."},
      Out{"quoted_spread_bps", &Outputs::bps, "Basis points of the midpoint; null where that is <= 0."}};

  static Outputs Compute(const Options&, const Input& quote) {
    const double spread = quote.ask - quote.bid;
    const double mid = 0.5 * (quote.bid + quote.ask);
    const bool usable = (mid > 0) & (mid <= std::numeric_limits<double>::max());
    return {spread, usable ? 1e4 * spread / mid : kNull};
  }
};

struct EffectiveSpread {
  struct Input {
    double exec_price = 0;
    double midprice = 0;
    SABOT_FIELDS(Input, exec_price, midprice)
  };
  using Options = NoOptions;
  struct Outputs {
    double spread = kNull;
    double bps = kNull;
    SABOT_FIELDS(Outputs, spread, bps)
  };
  static constexpr KernelDoc kDoc = {
      .name = "effective_spread",
      .class_name = "EffectiveSpreadKernel",
      .summary = "Twice the distance of a trade from the midprice before it, in price units and in basis points of it.",
      .formula =
          "effective_spread = 2 * |exec_price - midprice|; effective_spread_bps = 1e4 * effective_spread / midprice",
      .nulls = "effective_spread_bps is null where the midprice is <= 0.",
      .source = "Huang & Stoll (1996), Journal of Financial Economics 41(3)."};
  static constexpr std::tuple kInputs{
      In{"exec_price", &Input::exec_price, "exec_price", "Price of the trade."},
      In{"midprice", &Input::midprice, "midprice", "Midpoint at the trade, before it, as midprice gives it."}};
  static constexpr std::tuple kOutputs{
      Out{"effective_spread", &Outputs::spread, "Price units, >= 0."},
      Out{"effective_spread_bps", &Outputs::bps, "Basis points of the midprice; null where that is <= 0."}};

  static Outputs Compute(const Options&, const Input& trade) {
    const double spread = 2 * std::abs(trade.exec_price - trade.midprice);
    return {spread, trade.midprice > 0 ? 1e4 * spread / trade.midprice : kNull};
  }
};

struct L1Imbalance {
  struct Input {
    double bid_size = 0;
    double ask_size = 0;
    SABOT_FIELDS(Input, bid_size, ask_size)
  };
  using Options = NoOptions;
  static constexpr KernelDoc kDoc = {
      .name = "l1_imbalance",
      .class_name = "L1ImbalanceKernel",
      .summary = "Share by which the size at the best bid exceeds the size at the best ask.",
      .formula = "(bid_size - ask_size) / (bid_size + ask_size)",
      .nulls = "Null where a size is negative or both are 0.",
      .source = "Definition; see Gould & Bonart (2016), Market Microstructure and Liquidity 2(2)."};
  static constexpr std::tuple kInputs{
      In{"bid_size", &Input::bid_size, "bid_size", "Size at the best bid, valid >= 0."},
      In{"ask_size", &Input::ask_size, "ask_size", "Size at the best ask, valid >= 0."}};
  static constexpr std::tuple kOutputs{SingleOut{"l1_imbalance", "In [-1, 1]; positive where the bid is larger."}};

  static double Compute(const Options&, const Input& quote) {
    const double total = quote.bid_size + quote.ask_size;
    const bool usable = (quote.bid_size >= 0) & (quote.ask_size >= 0) & (total <= std::numeric_limits<double>::max());
    return usable ? (quote.bid_size - quote.ask_size) / total : kNull;  // 0 / 0 is NaN, which is null.
  }
};

struct Microstructure {
  static constexpr std::string_view kName = "microstructure";
  using Kernels = KernelList<Midprice, Microprice, QuotedSpread, EffectiveSpread, L1Imbalance>;
};

}  // namespace sabot::kernels
