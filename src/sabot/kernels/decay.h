// How fast an exponential average forgets: at most one of five spellings of the same number.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "sabot/kernels/options.h"

namespace sabot::kernels {

struct Decay {
  std::optional<double> alpha = std::nullopt;
  std::optional<double> lambda = std::nullopt;
  std::optional<double> span = std::nullopt;
  std::optional<double> com = std::nullopt;
  std::optional<HalfLife> halflife = std::nullopt;

  static constexpr std::tuple kOptions{
      Option{"alpha", &Decay::alpha, "Weight of the newest value.", AboveUpTo(0, 1)},
      Option{"lambda", &Decay::lambda, "Weight of the past: alpha = 1 - lambda. (In Python `lambda_`.)",
             Range{.least = 0, .most = 1, .most_open = true}},
      Option{"span", &Decay::span, "alpha = 2 / (span + 1).", AtLeast(1)},
      Option{"com", &Decay::com, "Centre of mass: alpha = 1 / (1 + com).", AtLeast(0)},
      Option{"halflife", &Decay::halflife,
             "Rows after which a value counts half, or a duration such as \"30s\": then each row's alpha follows "
             "from the time since the row before.",
             Above(0)}};
};

// What an average runs with: a fixed weight, or a half-life in time (ns) from which each row's weight follows.
struct Weight {
  double alpha = 0;
  double halflife_ns = 0;  // 0: alpha counts.

  // -expm1(-ln2 * (elapsed / halflife)).
  double After(uint64_t elapsed_ns) const;

  // With a half-life in time a row older than the symbol's newest is missing.
  bool IsLate(int64_t timestamp, int64_t newest) const { return halflife_ns > 0 && timestamp < newest; }

  // The weight of a row that is not late and not the symbol's first; it becomes the newest.
  double Next(int64_t timestamp, int64_t& newest) const {
    if (halflife_ns == 0) return alpha;
    const auto before = static_cast<uint64_t>(std::exchange(newest, timestamp));
    return After(static_cast<uint64_t>(timestamp) - before);  // Exact: it is not before `before`.
  }
};

// Error (kOption): more than one of the five is given, or the resulting alpha is not in the range. Without any, `decay`
// becomes the default.
arrow::Status CompleteDecay(std::string_view kernel, const Decay& if_none, Decay& decay,
                            const Range& alpha = AboveUpTo(0, 1));

Weight WeightOf(const Decay& decay);  // Of a completed Decay.

// Whether the times of rows count.
inline bool IsInTime(const Decay& decay) { return decay.halflife.value_or(HalfLife{}).ns > 0; }

}  // namespace sabot::kernels
