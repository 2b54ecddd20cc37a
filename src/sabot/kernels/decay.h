// How fast an exponential average forgets: at most one of five spellings of the same number.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>

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
};

// Error (kOption): more than one of the five is given, or the resulting alpha is not in (0, 1]. Gives alpha the default
// if none is.
arrow::Status CompleteDecay(std::string_view kernel, double default_alpha, Decay& decay);

Weight WeightOf(const Decay& decay);  // Of a completed Decay.

}  // namespace sabot::kernels
