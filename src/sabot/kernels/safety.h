// Guards between a strategy and its venue. They fail closed: an answer for every row, and what is missing is not safe.
// Values that do not fit to those before them are told in outliers.h, with null where that is unknown.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/outliers.h"

namespace sabot::kernels {

// Nanoseconds and limits that may be infinite; a NaN never is.
inline constexpr Range kNotNegative{.least = 0};

struct StaleQuoteDetector {
  struct Input {
    std::optional<int64_t> timestamp;
    std::optional<int64_t> last_update;
    SABOT_FIELDS(Input, timestamp, last_update)
  };
  struct Options {
    int64_t max_age_ns = 1'000'000'000;
    static constexpr std::tuple kOptions{
        Option{"max_age_ns", &Options::max_age_ns, "Age above which a quote is stale, nanoseconds.", kNotNegative}};
  };
  struct Outputs {
    std::optional<int64_t> age_ns;
    bool stale = true;
    SABOT_FIELDS(Outputs, age_ns, stale)
  };
  static constexpr bool kFailsClosed = true;
  static constexpr KernelDoc kDoc = {
      .name = "stale_quote_detector",
      .class_name = "StaleQuoteDetectorKernel",
      .summary = "Whether a quote is too old to trade on.",
      .formula = "age = timestamp - last_update; is_stale = age unknown or age > max_age_ns",
      .nulls =
          "The age is null where either time is missing, or where int64 cannot hold it; is_stale is true then. An "
          "update in the future has a negative age and is not stale.",
      .source = "Definition."};
  static constexpr std::tuple kInputs{
      In{"timestamp", &Input::timestamp, "timestamp", "The time at which the quote is looked at."},
      In{"last_update", &Input::last_update, "last_update", "When the quote last changed."}};
  static constexpr std::tuple kOutputs{Out{"quote_age_ns", &Outputs::age_ns, "Nanoseconds."},
                                       Out{"is_stale", &Outputs::stale, "Never null."}};

  static Outputs Compute(const Options& options, const Input& row) {
    int64_t age = 0;
    const bool fits = !__builtin_sub_overflow(row.timestamp.value_or(0), row.last_update.value_or(0), &age);
    if (!row.timestamp || !row.last_update || !fits) return {};
    return {age, age > options.max_age_ns};
  }
};

// Around a reference price, both ends included. What is NaN is outside.
inline bool InPriceBand(double price, double reference, double pct) {
  return (reference > 0) & (reference * (1 - pct) <= price) & (price <= reference * (1 + pct));
}

struct PriceBandGuard {
  struct Input {
    double order_price = 0;
    double ref_price = 0;
    SABOT_FIELDS(Input, order_price, ref_price)
  };
  struct Options {
    double pct = 0.05;
    static constexpr std::tuple kOptions{
        Option{"pct", &Options::pct, "Half the width of the band, as a share of the reference price.", AtLeast(0)}};
  };
  static constexpr bool kFailsClosed = true;
  static constexpr KernelDoc kDoc = {.name = "price_band_guard",
                                     .class_name = "PriceBandGuardKernel",
                                     .summary = "Whether an order's price lies in a band around a reference price.",
                                     .formula = "ref > 0 and ref * (1 - pct) <= price <= ref * (1 + pct)",
                                     .nulls = "Never null: false where a price is missing or the reference is <= 0.",
                                     .source = "Definition."};
  static constexpr std::tuple kInputs{In{"order_price", &Input::order_price, "order_price", "Price of the order."},
                                      In{"ref_price", &Input::ref_price, "ref_price", "Reference price, > 0."}};
  static constexpr std::tuple kOutputs{SingleOut{"price_ok", "Never null."}};

  static bool Compute(const Options& options, const Input& row) {
    return InPriceBand(row.order_price, row.ref_price, options.pct);
  }
};

struct FatFingerGuard {
  struct Input {
    double order_price = 0;
    double order_size = 0;
    double ref_price = 0;
    SABOT_FIELDS(Input, order_price, order_size, ref_price)
  };
  struct Options {
    double pct = 0.10;
    double notional_max = 1e6;
    double size_max = std::numeric_limits<double>::infinity();
    static constexpr std::tuple kOptions{
        Option{"pct", &Options::pct, "Half the width of the band, as a share of the reference price.", AtLeast(0)},
        Option{"notional_max", &Options::notional_max, "Largest price times size, either sign.", kNotNegative},
        Option{"size_max", &Options::size_max, "Largest size, either sign.", kNotNegative}};
  };
  static constexpr bool kFailsClosed = true;
  static constexpr KernelDoc kDoc = {
      .name = "fat_finger_guard",
      .class_name = "FatFingerGuardKernel",
      .summary = "Whether an order is as large and as priced as one that is meant.",
      .formula =
          "ref > 0 and ref * (1 - pct) <= price <= ref * (1 + pct)\n"
          "and size != 0 and |size| <= size_max and |price * size| <= notional_max",
      .nulls = "Never null: false where a price or the size is missing or the reference is <= 0.",
      .source = "Definition."};
  static constexpr std::tuple kInputs{
      In{"order_price", &Input::order_price, "order_price", "Price of the order."},
      In{"order_size", &Input::order_size, "order_size", "Size of the order, which may be signed."},
      In{"ref_price", &Input::ref_price, "ref_price", "Reference price, > 0."}};
  static constexpr std::tuple kOutputs{SingleOut{"fat_finger_ok", "Never null."}};

  static bool Compute(const Options& options, const Input& row) {
    return InPriceBand(row.order_price, row.ref_price, options.pct) & (row.order_size != 0) &
           (std::abs(row.order_size) <= options.size_max) &
           (std::abs(row.order_price * row.order_size) <= options.notional_max);
  }
};

// The newest timestamp seen. Times may lie anywhere in int64, so their distance needs 64 bits without a sign.
struct GuardClock {
  int64_t newest = 0;
  bool seen = false;
  SABOT_FIELDS(GuardClock, newest, seen)

  void See(int64_t timestamp) {
    newest = seen ? std::max(newest, timestamp) : timestamp;
    seen = true;
  }
  uint64_t Since(int64_t earlier) const { return static_cast<uint64_t>(newest) - static_cast<uint64_t>(earlier); }
};

struct CircuitBreaker {
  struct Input {
    std::optional<int64_t> timestamp;
    double price = 0;
    double ref_price = 0;
    SABOT_FIELDS(Input, timestamp, price, ref_price)
  };
  struct Options {
    double pct = 0.05;
    int64_t halt_ns = 300'000'000'000;
    static constexpr std::tuple kOptions{
        Option{"pct", &Options::pct, "Distance from the reference price that triggers, as a share of it.", AtLeast(0)},
        Option{"halt_ns", &Options::halt_ns, "How long a halt lasts, nanoseconds.", kNotNegative}};
  };
  struct Scalars {
    GuardClock clock;
    int64_t triggered_at = 0;  // The halt that began then ends halt_ns later, which int64 may not hold.
    bool has_triggered = false;
    SABOT_FIELDS(Scalars, clock, triggered_at, has_triggered)
  };
  struct Outputs {
    bool triggered = false;
    bool halted = true;
    SABOT_FIELDS(Outputs, triggered, halted)
  };
  static constexpr bool kFailsClosed = true;
  static constexpr KernelDoc kDoc = {
      .name = "circuit_breaker",
      .class_name = "CircuitBreakerKernel",
      .summary = "Halts a symbol for a while when its price is too far from a reference price.",
      .formula =
          "clock = newest timestamp of the symbol; halted while clock < halt_until\n"
          "else triggered = |price - ref| > pct * ref, which sets halt_until = clock + halt_ns and halts its own row",
      .nulls =
          "Never null. A row without a price, without a reference price > 0, or before any timestamp was seen cannot "
          "trigger but reports a running halt; a late row, or one without a timestamp, is judged at the clock. A null "
          "symbol is halted, not triggered.",
      .source = "Definition."};
  static constexpr std::tuple kInputs{In{"timestamp", &Input::timestamp, "timestamp", "Event time."},
                                      In{"price", &Input::price, "price", "Price."},
                                      In{"ref_price", &Input::ref_price, "ref_price", "Reference price, > 0."}};
  static constexpr std::tuple kOutputs{
      Out{"circuit_triggered", &Outputs::triggered, "Whether this row began a halt; never null."},
      Out{"halted", &Outputs::halted, "Whether the symbol is halted, by this row too; never null."}};

  static Outputs Update(const Options& options, Scalars& symbol, const Input& row) {
    if (row.timestamp) symbol.clock.See(*row.timestamp);
    const auto halt_ns = static_cast<uint64_t>(options.halt_ns);
    if (symbol.has_triggered && symbol.clock.Since(symbol.triggered_at) < halt_ns) return {false, true};
    const bool triggered =
        symbol.clock.seen & (row.ref_price > 0) & (std::abs(row.price - row.ref_price) > options.pct * row.ref_price);
    if (triggered) {
      symbol.triggered_at = symbol.clock.newest;
      symbol.has_triggered = true;
    }
    return {triggered, triggered};
  }
  static Outputs WithoutKey(const Options&) { return {false, true}; }
};

struct ThrottleCheck {
  struct Input {
    std::optional<int64_t> timestamp;
    SABOT_FIELDS(Input, timestamp)
  };
  struct Options {
    double rate_per_s = 100;
    int64_t burst = 100;
    static constexpr std::tuple kOptions{
        Option{"rate_per_s", &Options::rate_per_s, "Rows a second that pass in the long run.", AboveUpTo(0, 2e9)},
        Option{"burst", &Options::burst, "Rows that pass at once after a pause.", Range{.least = 1}}};
  };
  struct Parameters {
    int64_t interval_ns;   // Of one row at the rate.
    int64_t tolerance_ns;  // By how much rows may be early.
  };
  struct Scalars {
    GuardClock clock;
    int64_t ahead_ns = 0;  // Of the clock: the time at which the next row is due; 0: it is due. Never beyond int64.
    SABOT_FIELDS(Scalars, clock, ahead_ns)
  };
  static constexpr bool kFailsClosed = true;
  static constexpr KernelDoc kDoc = {
      .name = "throttle_check",
      .class_name = "ThrottleCheckKernel",
      .summary = "Whether a row keeps to a rate, with bursts.",
      .formula =
          "T = 1e9 / rate_per_s, rounded half up; clock = newest timestamp of the symbol\n"
          "pass if clock >= due - (burst - 1) * T, or on the first row; and only then due = max(due, clock) + T",
      .nulls =
          "Never null: false where the timestamp or the symbol is null. A late row is judged at the clock. A burst of "
          "more than 2^63 ns at the rate is cut to that.",
      .source = "GCRA: ITU-T I.371, the exact form of a token bucket that starts full."};
  static constexpr std::tuple kInputs{In{"timestamp", &Input::timestamp, "timestamp", "Event time."}};
  static constexpr std::tuple kOutputs{SingleOut{"throttle_pass", "Never null."}};

  static Parameters Prepare(const Options& options) {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    const double exact = 1e9 / options.rate_per_s;
    const double whole = std::floor(exact);
    const double rounded = exact - whole >= 0.5 ? whole + 1 : whole;
    const int64_t interval = rounded < 0x1p63 ? static_cast<int64_t>(rounded) : kMost;
    const int64_t room = kMost - interval;  // What is due is at most tolerance + interval ahead.
    return {interval, options.burst - 1 <= room / interval ? (options.burst - 1) * interval : room};
  }

  static bool Update(const Parameters& parameters, Scalars& symbol, const Input& row) {
    if (!row.timestamp) return false;
    const int64_t before = symbol.clock.newest;
    symbol.clock.See(*row.timestamp);
    const uint64_t passed = symbol.clock.Since(before);  // Of no meaning on the first row, which nothing is ahead of.
    symbol.ahead_ns =
        passed < static_cast<uint64_t>(symbol.ahead_ns) ? symbol.ahead_ns - static_cast<int64_t>(passed) : 0;
    const bool pass = symbol.ahead_ns <= parameters.tolerance_ns;
    symbol.ahead_ns += pass ? parameters.interval_ns : 0;
    return pass;
  }
  static bool WithoutKey(const Parameters&) { return false; }
};

struct Safety {
  static constexpr std::string_view kName = "safety";
  using Kernels =
      KernelList<StaleQuoteDetector, PriceBandGuard, FatFingerGuard, CircuitBreaker, ThrottleCheck, OutlierFlagMad>;
};

}  // namespace sabot::kernels
