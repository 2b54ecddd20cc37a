// Kernels of crypto derivatives: what a perpetual's funding costs, and how futures and perpetuals stand to the spot.
#pragma once

#include "sabot/kernels/fees.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/rolling.h"

namespace sabot::kernels {

// How often funding is paid.
struct FundingOptions {
  double interval_hours = 8;
  static constexpr std::tuple kOptions{Option{"interval_hours", &FundingOptions::interval_hours,
                                              "Hours from one funding payment to the next.", Above(0)}};
};

struct FundingApr {
  struct Input {
    double funding_rate = 0;
    SABOT_FIELDS(Input, funding_rate)
  };
  using Options = FundingOptions;
  struct Parameters {
    double intervals_a_year = 0;
  };
  static constexpr KernelDoc kDoc = {.name = "funding_apr",
                                     .class_name = "FundingAPRKernel",
                                     .summary = "Funding rate of a perpetual for a year, without compounding.",
                                     .formula = "funding_rate * (8760 / interval_hours)",
                                     .nulls = "Null on overflow only.",
                                     .source = "Definition."};
  static constexpr std::tuple kInputs{
      In{"funding_rate", &Input::funding_rate, "funding_rate", "Funding rate per interval, fraction."}};
  static constexpr std::tuple kOutputs{SingleOut{"funding_apr", "Annual fraction."}};

  static Parameters Prepare(const Options& options) { return {8760 / options.interval_hours}; }
  static double Compute(const Parameters& parameters, const Input& row) {
    return row.funding_rate * parameters.intervals_a_year;
  }
};

struct FundingCost {
  struct Input {
    double position = 0;
    double price = 0;
    double funding_rate = 0;
    SABOT_FIELDS(Input, position, price, funding_rate)
  };
  using Options = NoOptions;
  struct Scalars {
    NeumaierSum paid;
    SABOT_FIELDS(Scalars, paid)
  };
  struct Outputs {
    double payment = kNull;
    double cost = kNull;
    SABOT_FIELDS(Outputs, payment, cost)
  };
  static constexpr KernelDoc kDoc = {
      .name = "funding_cost",
      .class_name = "FundingCostKernel",
      .summary = "What a position in a perpetual pays at a funding event, and has paid so far.",
      .formula = "funding_payment = position * price * funding_rate; funding_cost = sum of all so far",
      .nulls = "A row with a price <= 0 is missing.",
      .source = "Definition; longs pay shorts while the rate is positive. Sum: Neumaier (1974), ZAMM 54."};
  static constexpr std::tuple kInputs{
      In{"position", &Input::position, "position", "Position, units of the base asset; negative if short."},
      In{"price", &Input::price, "price", "Mark price, valid > 0."},
      In{"funding_rate", &Input::funding_rate, "funding_rate", "Funding rate of the event, fraction."}};
  static constexpr std::tuple kOutputs{
      Out{"funding_payment", &Outputs::payment, "Currency; positive: the holder pays."},
      Out{"funding_cost", &Outputs::cost, "Currency; positive: the holder has paid more than received."}};

  static bool Valid(const Options&, const Input& row) { return row.price > 0; }

  static Outputs Update(const Options&, Scalars& symbol, const Input& row) {
    const double payment = row.position * row.price * row.funding_rate;
    symbol.paid.Add(payment);
    return {payment, symbol.paid.Total()};
  }
};

struct BasisAnnualized {
  struct Input {
    double futures_price = 0;
    double spot_price = 0;
    SABOT_FIELDS(Input, futures_price, spot_price)
  };
  struct Options {
    double days = 90;
    double day_count = 365;
    static constexpr std::tuple kOptions{Option{"days", &Options::days, "Days to the expiry of the future.", Above(0)},
                                         Option{"day_count", &Options::day_count, "Days of a year.", Above(0)}};
  };
  struct Parameters {
    double terms_a_year = 0;
  };
  static constexpr KernelDoc kDoc = {.name = "basis_annualized",
                                     .class_name = "BasisAnnualizedKernel",
                                     .summary = "Premium of a future over the spot, for a year, without compounding.",
                                     .formula = "(futures_price / spot_price - 1) * (day_count / days)",
                                     .nulls = "Null where the spot price is <= 0.",
                                     .source = "Definition."};
  static constexpr std::tuple kInputs{
      In{"futures_price", &Input::futures_price, "futures_price", "Price of the future."},
      In{"spot_price", &Input::spot_price, "spot_price", "Price of the spot, valid > 0."}};
  static constexpr std::tuple kOutputs{SingleOut{"basis_annualized", "Annual fraction; positive in contango."}};

  static Parameters Prepare(const Options& options) { return {options.day_count / options.days}; }
  static double Compute(const Parameters& parameters, const Input& row) {
    const double basis = (row.futures_price / row.spot_price - 1) * parameters.terms_a_year;
    return row.spot_price > 0 ? basis : kNull;
  }
};

struct OpenInterestDelta {
  struct Input {
    double open_interest = 0;
    SABOT_FIELDS(Input, open_interest)
  };
  using Options = NoOptions;
  struct Scalars {
    double last = 0;
    bool seen = false;
    SABOT_FIELDS(Scalars, last, seen)
  };
  static constexpr KernelDoc kDoc = {.name = "open_interest_delta",
                                     .class_name = "OpenInterestDeltaKernel",
                                     .summary = "Change of the open interest since the symbol's previous valid row.",
                                     .formula = "oi_t - oi_{t-1}",
                                     .nulls = "Null on the first valid row. A row with a negative value is missing.",
                                     .source = "Definition."};
  static constexpr std::tuple kInputs{
      In{"open_interest", &Input::open_interest, "open_interest", "Open interest, valid >= 0."}};
  static constexpr std::tuple kOutputs{
      SingleOut{"oi_delta", "Units of the open interest; null on the first valid row."}};

  static bool Valid(const Options&, const Input& row) { return row.open_interest >= 0; }

  static double Update(const Options&, Scalars& symbol, const Input& row) {
    const double before = std::exchange(symbol.last, row.open_interest);
    return std::exchange(symbol.seen, true) ? row.open_interest - before : kNull;
  }
};

struct PerpFairPrice {
  struct Input {
    double index_price = 0;
    double funding_rate = 0;
    double hours_to_funding = 0;
    SABOT_FIELDS(Input, index_price, funding_rate, hours_to_funding)
  };
  using Options = FundingOptions;
  static constexpr KernelDoc kDoc = {
      .name = "perp_fair_price",
      .class_name = "PerpFairPriceKernel",
      .summary = "Fair price of a perpetual: its index, and the share of the next funding payment still to come.",
      .formula = "index_price * (1 + funding_rate * (hours_to_funding / interval_hours))",
      .nulls = "Null where the index price is <= 0 or the time to the funding is negative.",
      .source = "BitMEX, Fair Price Marking."};
  static constexpr std::tuple kInputs{
      In{"index_price", &Input::index_price, "index_price", "Price of the index, valid > 0."},
      In{"funding_rate", &Input::funding_rate, "funding_rate", "Funding rate per interval, fraction."},
      In{"hours_to_funding", &Input::hours_to_funding, "hours_to_funding", "Hours to the next funding, valid >= 0."}};
  static constexpr std::tuple kOutputs{SingleOut{"perp_fair_price", "Price units."}};

  static double Compute(const Options& options, const Input& row) {
    const double fair = row.index_price * (1 + row.funding_rate * (row.hours_to_funding / options.interval_hours));
    return (row.index_price > 0) & (row.hours_to_funding >= 0) ? fair : kNull;
  }
};

struct CashAndCarryEdge {
  struct Input {
    double perp_price = 0;
    double spot_price = 0;
    double funding_rate = 0;
    double fees_bps = 0;
    SABOT_FIELDS(Input, perp_price, spot_price, funding_rate, fees_bps)
  };
  struct Options {
    double periods = 1;
    double fees_bps = 0;
    bool use_fees_column = false;
    static constexpr std::tuple kOptions{
        Option{"periods", &Options::periods, "Funding intervals for which both legs are held.", AtLeast(0)},
        Option{"fees_bps", &Options::fees_bps, "Fees of all trades together, basis points.", Finite()},
        Option{"use_fees_column", &Options::use_fees_column,
               "Reads the fees of each row from column `fees_bps` instead."}};
  };
  static constexpr KernelDoc kDoc = {
      .name = "cash_and_carry_edge",
      .class_name = "CashAndCarryEdgeKernel",
      .summary = "What being long the spot and short the perpetual earns after fees, if their prices meet.",
      .formula = "1e4 * ((perp_price - spot_price) / spot_price + funding_rate * periods) - fees",
      .nulls = "Null where the spot price is <= 0.",
      .source = "Definition; the short leg receives positive funding."};
  static constexpr std::tuple kInputs{
      In{"perp_price", &Input::perp_price, "perp_price", "Price of the perpetual."},
      In{"spot_price", &Input::spot_price, "spot_price", "Price of the spot, valid > 0."},
      In{"funding_rate", &Input::funding_rate, "funding_rate", "Expected funding rate per interval, fraction."},
      In{"fees_bps", &Input::fees_bps, "fees_bps", "Fees of all trades together, read with use_fees_column."}};
  static constexpr std::tuple kOutputs{SingleOut{"carry_edge_bps", "Basis points of the spot price."}};

  static arrow::Status Complete(Options& options) {
    return CheckFees(kDoc.name, options.fees_bps, options.use_fees_column);
  }
  static bool Needs(const Options& options, std::string_view role) {
    return role != "fees_bps" || options.use_fees_column;
  }

  static double Compute(const Options& options, const Input& row) {
    const double fees = options.use_fees_column ? row.fees_bps : options.fees_bps;
    const double premium = (row.perp_price - row.spot_price) / row.spot_price;
    const double edge = 1e4 * (premium + row.funding_rate * options.periods) - fees;
    return row.spot_price > 0 ? edge : kNull;
  }
};

struct Crypto {
  static constexpr std::string_view kName = "crypto";
  using Kernels =
      KernelList<FundingApr, FundingCost, BasisAnnualized, OpenInterestDelta, PerpFairPrice, CashAndCarryEdge>;
};

}  // namespace sabot::kernels
