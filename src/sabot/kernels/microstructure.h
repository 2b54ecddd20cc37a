// Kernels that read one quote at a time: where the price is and how wide and how balanced the book stands.
#pragma once

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
  using Kernels = KernelList<Midprice, QuotedSpread, L1Imbalance>;
};

}  // namespace sabot::kernels
