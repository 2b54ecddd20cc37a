// Kernels that read which side trades and quotes come from: pressure at the best quotes, and toxicity of volume.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/math.h"
#include "sabot/kernels/rolling.h"
#include "sabot/market/quote.h"

namespace sabot::kernels {

struct OrderFlowImbalance {
  struct Input {
    double bid = 0;
    double ask = 0;
    double bid_size = 0;
    double ask_size = 0;
    int64_t timestamp = 0;
    SABOT_FIELDS(Input, bid, ask, bid_size, ask_size, timestamp)
  };
  struct Options {
    Window window = 1;
    std::optional<int64_t> min_periods = std::nullopt;
    std::optional<int64_t> max_rows = std::nullopt;
    static constexpr std::tuple kOptions{
        WindowOption(&Options::window, "How many of the last changes are summed, or those of how long (\"5s\")."),
        MinPeriodsOption(&Options::min_periods,
                         "Changes from which a value is given; unless given, the window, of a duration 1."),
        MaxRowsOption(&Options::max_rows)};
  };
  struct Scalars {
    market::Quote last;
    bool seen = false;
    TwoStack<Sum>::Counters flows;
    SABOT_FIELDS(Scalars, last, seen, flows)
  };
  static constexpr KernelDoc kDoc = {
      .name = "ofi",
      .class_name = "OFIKernel",
      .summary = "Order-flow imbalance: net size added at the best quotes over the last `window` changes.",
      .formula =
          "sum of e = [bid >= bid'] * bid_size - [bid <= bid'] * bid_size' - [ask <= ask'] * ask_size + [ask >= "
          "ask'] * ask_size', ' marking the symbol's previous valid quote",
      .nulls =
          "Null on the symbol's first valid row and before min_periods changes. A negative size is missing; crossed "
          "books are computed.",
      .source = "Cont, Kukanov & Stoikov (2014), Journal of Financial Econometrics 12(1)."};
  static constexpr std::tuple kInputs{In{"bid", &Input::bid, "bid", "Best bid, price units."},
                                      In{"ask", &Input::ask, "ask", "Best ask, price units."},
                                      In{"bid_size", &Input::bid_size, "bid_size", "Size at the best bid, valid >= 0."},
                                      In{"ask_size", &Input::ask_size, "ask_size", "Size at the best ask, valid >= 0."},
                                      TimestampInput(&Input::timestamp)};
  static constexpr std::tuple kOutputs{SingleOut{"ofi", "Size units; null until min_periods changes were seen."}};
  static constexpr std::tuple kWindows{&Scalars::flows};

  static arrow::Status Complete(Options& options) { return CompleteWindow(kDoc.name, options); }
  // One change is its own sum.
  static int64_t RingLength(const Options& options) {
    return options.window == 1 ? 0 : TwoStack<Sum>::Cells(options.window, options.window.rows);
  }
  static bool Valid(const Options&, const Input& quote) { return (quote.bid_size >= 0) & (quote.ask_size >= 0); }

  static double Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& quote) {
    const auto before = std::exchange(symbol.last, market::Quote{quote.bid, quote.ask, quote.bid_size, quote.ask_size});
    if (!std::exchange(symbol.seen, true)) return kNull;
    const double flow = When(quote.bid >= before.bid, quote.bid_size) - When(quote.bid <= before.bid, before.bid_size) -
                        When(quote.ask <= before.ask, quote.ask_size) + When(quote.ask >= before.ask, before.ask_size);
    if (options.window == 1) return flow;
    const double sum = TwoStack<Sum>::Push(symbol.flows, ring, options.window, quote.timestamp, flow).sum;
    return symbol.flows.size >= *options.min_periods ? sum : kNull;
  }
};

struct Vpin {
  struct Input {
    double price = 0;
    double volume = 0;
    double side = 0;
    SABOT_FIELDS(Input, price, volume, side)
  };
  enum class Classify : int8_t { kBvc, kSide };
  struct Options {
    static constexpr std::array<std::string_view, 2> kClassify = {"bvc", "side"};
    double bucket_volume = 100000;
    int64_t n_buckets = 50;
    Classify classify = Classify::kBvc;
    static constexpr std::tuple kOptions{
        Option{"bucket_volume", &Options::bucket_volume, "Volume that fills a bucket (V).", Above(0)},
        Option{"n_buckets", &Options::n_buckets, "How many of the last full buckets are averaged (N).", Rows()},
        Option{
            "classify", &Options::classify,
            "How volume is split: \"bvc\" by the normal probability of the price change, \"side\" by the trade's side.",
            Range{}, kClassify}};
  };
  struct Scalars {
    double price = 0;       // Of the last row.
    bool seen = false;      // Whether there was one.
    int64_t changes = 0;    // Price changes so far, their mean and their squared deviations from it (Welford).
    double change_mean = 0;
    double change_m2 = 0;
    double filled = 0;      // Volume in the open bucket,
    double bought = 0;      // and how much of it was bought.
    int64_t buckets = 0;    // Full ones so far.
    int32_t next = 0;       // Ring cell of the next full one.
    double vpin = 0;        // As of the last full one; counts from N on.
    SABOT_FIELDS(Scalars, price, seen, changes, change_mean, change_m2, filled, bought, buckets, next, vpin)
  };
  struct Outputs {
    double vpin = kNull;
    std::optional<int64_t> buckets;
    SABOT_FIELDS(Outputs, vpin, buckets)
  };
  static constexpr KernelDoc kDoc = {
      .name = "vpin",
      .class_name = "VPINKernel",
      .summary =
          "Volume-synchronised probability of informed trading over the last `n_buckets` buckets of equal volume.",
      .formula =
          "sum(|2 * bought - V|) / (N * V) over the last N full buckets; bvc: bought share of a row = Phi(dp / "
          "sigma), dp the price change since the symbol's previous row, sigma the sample deviation of all changes "
          "so far",
      .nulls =
          "vpin is null before N buckets are full. bvc: the first row only sets the price, its volume is not "
          "counted; while sigma is 0, too large for a float64 or of one change, the share is 1, 0 or 1/2 by the sign "
          "of dp.",
      .source =
          "Easley, Lopez de Prado & O'Hara (2012), Review of Financial Studies 25(5). Each row is one "
          "bar: feed one-minute bars (last price, summed volume) to follow the paper."};
  static constexpr std::tuple kInputs{
      In{"price", &Input::price, "price", "Price, read with classify=\"bvc\"."},
      In{"volume", &Input::volume, "volume", "Volume, valid >= 0."},
      In{"side", &Input::side, "side", "+1 bought, -1 sold, others missing; read with classify=\"side\"."}};
  static constexpr std::tuple kOutputs{
      Out{"vpin", &Outputs::vpin, "In [0, 1]; null before N full buckets; kept between them."},
      Out{"vpin_bucket", &Outputs::buckets, "Full buckets so far."}};

  static int64_t RingLength(const Options& options) { return options.n_buckets; }  // Imbalances of the last N buckets.
  static bool Needs(const Options& options, std::string_view role) {
    if (role == "price") return options.classify == Classify::kBvc;
    if (role == "side") return options.classify == Classify::kSide;
    return true;
  }
  static bool Valid(const Options& options, const Input& row) {
    const bool sided = (row.side == 1) | (row.side == -1) | (options.classify == Classify::kBvc);
    return sided & (row.volume >= 0);
  }

  // The change of the price, NaN of the first one, and the changes so far: their M2 and n - 1.
  static void Change(const Options& options, Scalars& symbol, const Input& row, CellRow cells) {
    if (options.classify == Classify::kSide) return;
    const double change = row.price - std::exchange(symbol.price, row.price);
    cells[0] = kNull, cells[1] = 0, cells[2] = 1;
    if (!std::exchange(symbol.seen, true)) return;
    const auto n = static_cast<double>(++symbol.changes);
    const double deviation = change - symbol.change_mean;
    symbol.change_mean += deviation / n;
    symbol.change_m2 += deviation * (change - symbol.change_mean);
    cells[0] = change;
    if (symbol.changes > 1) cells[1] = symbol.change_m2, cells[2] = n - 1;  // Of one change sigma is 0.
  }

  // The share that was bought, NaN of the first price.
  static void Share(const Options& options, CellBlock<3>& rows) {
    if (options.classify == Classify::kSide) return;
    auto& [share, sigma, divisor] = rows.cells;
    math::Divide(rows[1], rows[2]);
    math::Sqrt(rows[1]);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (int64_t row = 0; row < rows.rows; ++row) {  // Without a sigma: as far from 0 as can be, or 0.
      const bool usable = (sigma[row] > 0) & (sigma[row] < kInfinity);
      const double change = share[row];
      const double furthest = change > 0 ? -kInfinity : (change < 0 ? kInfinity : change);
      share[row] = usable ? -change : furthest;
      sigma[row] = usable ? sigma[row] : 1.0;
      divisor[row] = usable ? std::numbers::sqrt2 : 1.0;
    }
    math::Divide(rows[0], rows[1]);
    math::Divide(rows[0], rows[2]);
    math::Erfc(rows[0]);
    for (int64_t row = 0; row < rows.rows; ++row) share[row] *= 0.5;
  }

  static constexpr std::size_t kCells = 3;
  static constexpr std::tuple kSteps{&Vpin::Change, &Vpin::Share};

  static Outputs Update(const Options& options, Scalars& symbol, std::span<double> ring, const Input& row,
                        CellRow cells) {
    if (options.classify == Classify::kSide) {
      Fill(options, symbol, ring, row.volume, When(row.side > 0, 1.0));
    } else {
      if (std::isnan(cells[0])) return {.buckets = 0};
      Fill(options, symbol, ring, row.volume, cells[0]);
    }
    const bool full = symbol.buckets >= options.n_buckets;
    return {When(full, symbol.vpin) + When(!full, kNull),
            symbol.buckets < kBucketsMost ? std::optional(symbol.buckets) : std::nullopt};
  }

 private:
  static constexpr int64_t kBucketsMost = std::numeric_limits<int64_t>::max();  // Counting stops there.

  static void Fill(const Options& options, Scalars& symbol, std::span<double> ring, double volume, double share) {
    const double full = options.bucket_volume;
    const double room = full - symbol.filled;
    if (volume < room || volume == 0) {
      symbol.filled += volume;
      symbol.bought += volume * share;
      return;
    }
    Close(symbol, ring, symbol.bought + room * share, full);
    double left = volume - room;
    if (left / full > static_cast<double>(ring.size())) {  // All N are of this row: count the others.
      const double rest = std::fmod(left, full);  // Exact, whatever the library.
      const double whole = std::round((left - rest) / full);
      for (double& imbalance : ring) imbalance = std::abs(2 * (full * share) - full);
      CountBuckets(symbol, whole < 0x1p63 ? static_cast<int64_t>(whole) : kBucketsMost);
      left = rest;
    }
    for (; left >= full; left -= full) Close(symbol, ring, full * share, full);
    symbol.filled = left;
    symbol.bought = left * share;

    double sum = 0;  // Oldest first; of no use before N buckets are full.
    for (std::size_t cell = symbol.next; cell < ring.size(); ++cell) sum += ring[cell];
    for (std::size_t cell = 0; cell < static_cast<std::size_t>(symbol.next); ++cell) sum += ring[cell];
    symbol.vpin = std::min(sum / (static_cast<double>(ring.size()) * full), 1.0);  // Rounding may exceed 1; NaN stays.
  }

  static void Close(Scalars& symbol, std::span<double> ring, double bought, double full) {
    ring[static_cast<std::size_t>(symbol.next)] = std::abs(2 * bought - full);
    if (++symbol.next == static_cast<int32_t>(ring.size())) symbol.next = 0;
    CountBuckets(symbol, 1);
  }

  static void CountBuckets(Scalars& symbol, int64_t more) {
    symbol.buckets = std::min(symbol.buckets, kBucketsMost - more) + more;
  }
};

struct SignedVolume {
  struct Input {
    double side = 0;
    double volume = 0;
    SABOT_FIELDS(Input, side, volume)
  };
  using Options = NoOptions;
  static constexpr KernelDoc kDoc = {.name = "signed_volume",
                                     .class_name = "SignedVolumeKernel",
                                     .summary = "Volume with the sign of the side that took it.",
                                     .formula = "side * volume",
                                     .nulls = "Null where side is not 1, 0 or -1, or volume is negative.",
                                     .source = "Definition."};
  static constexpr std::tuple kInputs{
      In{"side", &Input::side, "side", "+1 bought, -1 sold, 0 unknown; others are missing."},
      In{"volume", &Input::volume, "volume", "Volume, valid >= 0."}};
  static constexpr std::tuple kOutputs{SingleOut{"signed_volume", "Units of volume; never -0."}};

  static double Compute(const Options&, const Input& trade) {
    const double magnitude = std::abs(trade.side);
    const bool valid = ((magnitude == 1) | (magnitude == 0)) & (trade.volume >= 0);
    return valid ? trade.side * trade.volume + 0.0 : kNull;  // -0.0 + 0.0 is 0.0.
  }
};

struct OrderFlow {
  static constexpr std::string_view kName = "order_flow";
  using Kernels = KernelList<OrderFlowImbalance, Vpin, SignedVolume>;
};

}  // namespace sabot::kernels
