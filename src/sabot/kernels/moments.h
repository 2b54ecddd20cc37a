// Mean and second to fourth central moments of a window: the aggregate of skewness and kurtosis, for TwoStack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sabot/data/fields.h"
#include "sabot/kernels/aggregates.h"

namespace sabot::kernels {

namespace internal {

// What a merge of n1 with n2 values takes from their counts alone.
struct CountRatios {
  double share = 0;   // n2/n
  double second = 0;  // n1 n2 / n
  double third = 0;   // n1 n2 (n1 - n2) / n^2
  double fourth = 0;  // n1 n2 (n1^2 - n1 n2 + n2^2) / n^3

  static constexpr CountRatios Of(double n1, double n2) {
    const double n = n1 + n2, product = n1 * n2;
    return {n2 / n, product / n, product * (n1 - n2) / (n * n), product * (n1 * n1 - product + n2 * n2) / (n * n * n)};
  }
};

// Those of one value after n others (kAfter) or before them, for small n. Divisions are most of what a merge costs, and
// two of three merges a row are of this kind.
template <bool kAfter>
inline constexpr auto kRatiosOfOne = [] {
  std::array<CountRatios, 512> ratios{};
  for (std::size_t n = 1; n < ratios.size(); ++n) {
    const auto others = static_cast<double>(n);
    ratios[n] = kAfter ? CountRatios::Of(others, 1) : CountRatios::Of(1, others);
  }
  return ratios;
}();

template <bool kAfter>
CountRatios RatiosOfOne(int64_t others) {
  const auto& known = kRatiosOfOne<kAfter>;
  if (others < static_cast<int64_t>(known.size())) [[likely]]
    return known[static_cast<std::size_t>(others)];
  const auto n = static_cast<double>(others);
  return kAfter ? CountRatios::Of(n, 1) : CountRatios::Of(1, n);
}

}  // namespace internal

// Merged as by Pébay (2008), SAND2008-6212; M2 as by Chan, Golub & LeVeque (1983).
struct Moments {
  using Value = double;
  using Anchor = AnchoredSum::Anchor;
  struct Node {
    double mean = 0;  // Less the anchor.
    double m2 = 0;  // Sums of powers of deviations from the mean.
    double m3 = 0;
    double m4 = 0;
    SABOT_FIELDS(Node, mean, m2, m3, m4)
  };
  static constexpr int64_t kCell = 4;
  static Value Load(const double* cell) { return cell[0]; }
  static void Store(double* cell, const Value& value) { cell[0] = value; }
  static Node LoadNode(const double* cell) { return {cell[0], cell[1], cell[2], cell[3]}; }
  static void StoreNode(double* cell, const Node& node) {
    cell[0] = node.mean, cell[1] = node.m2, cell[2] = node.m3, cell[3] = node.m4;
  }
  static Anchor AnchorAt(const Value& value) { return {value}; }
  static Node Single(const Value& value, const Anchor& anchor) { return {value - anchor.at, 0, 0, 0}; }

  static Node Merge(const Node& older, int64_t older_count, const Node& newer, int64_t newer_count) {
    if (older_count == 0) return newer;
    if (newer_count == 0) return older;
    if (newer_count == 1) return Append(older, older_count, newer.mean);
    if (older_count == 1) return Prepend(older.mean, newer, newer_count);
    const auto n1 = static_cast<double>(older_count), n2 = static_cast<double>(newer_count), n = n1 + n2;
    const auto ratios = internal::CountRatios::Of(n1, n2);
    const double d = newer.mean - older.mean, d2 = d * d;
    return {older.mean + d * ratios.share, older.m2 + newer.m2 + d2 * ratios.second,
            older.m3 + newer.m3 + d2 * d * ratios.third + 3 * d * (n1 * newer.m2 - n2 * older.m2) / n,
            older.m4 + newer.m4 + d2 * d2 * ratios.fourth +
                6 * d2 * (n1 * n1 * newer.m2 + n2 * n2 * older.m2) / (n * n) +
                4 * d * (n1 * newer.m3 - n2 * older.m3) / n};
  }

 private:
  // The same where one side is a single value: it has no moments.
  static Node Append(const Node& older, int64_t older_count, double value) {
    const double n = static_cast<double>(older_count) + 1;
    const auto ratios = internal::RatiosOfOne</*kAfter=*/true>(older_count);
    const double d = value - older.mean, d2 = d * d;
    return {older.mean + d * ratios.share, older.m2 + d2 * ratios.second,
            older.m3 + d2 * d * ratios.third - 3 * d * older.m2 / n,
            older.m4 + d2 * d2 * ratios.fourth + 6 * d2 * older.m2 / (n * n) - 4 * d * older.m3 / n};
  }
  static Node Prepend(double value, const Node& newer, int64_t newer_count) {
    const double n = static_cast<double>(newer_count) + 1;
    const auto ratios = internal::RatiosOfOne</*kAfter=*/false>(newer_count);
    const double d = newer.mean - value, d2 = d * d;
    return {value + d * ratios.share, newer.m2 + d2 * ratios.second,
            newer.m3 + d2 * d * ratios.third + 3 * d * newer.m2 / n,
            newer.m4 + d2 * d2 * ratios.fourth + 6 * d2 * newer.m2 / (n * n) + 4 * d * newer.m3 / n};
  }
};

}  // namespace sabot::kernels
