// Sums of terms that join neighbouring values of a window, all of them inside it: aggregates for TwoStack. A node knows
// its outermost values, so that a merge adds the terms that cross the seam.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sabot/data/fields.h"
#include "sabot/kernels/aggregates.h"

namespace sabot::kernels {

// Σ x_i x_{i-1}.
struct AdjacentProducts {
  using Value = double;
  using Anchor = Sum::Anchor;
  struct Node {
    double first = 0;
    double last = 0;
    double sum = 0;
    SABOT_FIELDS(Node, first, last, sum)
  };
  static constexpr int64_t kCell = 3;
  static Value Load(const double* cell) { return cell[0]; }
  static void Store(double* cell, const Value& value) { cell[0] = value; }
  static Node LoadNode(const double* cell) { return {cell[0], cell[1], cell[2]}; }
  static void StoreNode(double* cell, const Node& node) {
    cell[0] = node.first, cell[1] = node.last, cell[2] = node.sum;
  }
  static Anchor AnchorAt(const Value&) { return {}; }
  static Node Single(const Value& value, const Anchor&) { return {value, value, 0}; }
  static Node Merge(const Node& older, int64_t older_count, const Node& newer, int64_t newer_count) {
    if (older_count == 0) return newer;
    if (newer_count == 0) return older;
    return {older.first, newer.last, older.sum + older.last * newer.first + newer.sum};
  }
};

inline double MedianOf(double a, double b, double c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

// Σ med(x_{i-1}, x_i, x_{i+1})².
struct SquaredMedians {
  using Value = double;
  using Anchor = Sum::Anchor;
  struct Node {
    double first = 0;
    double second = 0;  // The first two and the last two values; of one value, all four are it.
    double last_but_one = 0;
    double last = 0;
    double sum = 0;
    SABOT_FIELDS(Node, first, second, last_but_one, last, sum)
  };
  static constexpr int64_t kCell = 5;
  static Value Load(const double* cell) { return cell[0]; }
  static void Store(double* cell, const Value& value) { cell[0] = value; }
  static Node LoadNode(const double* cell) { return {cell[0], cell[1], cell[2], cell[3], cell[4]}; }
  static void StoreNode(double* cell, const Node& node) {
    cell[0] = node.first, cell[1] = node.second, cell[2] = node.last_but_one, cell[3] = node.last, cell[4] = node.sum;
  }
  static Anchor AnchorAt(const Value&) { return {}; }
  static Node Single(const Value& value, const Anchor&) { return {value, value, value, value, 0}; }
  static Node Merge(const Node& older, int64_t older_count, const Node& newer, int64_t newer_count) {
    if (older_count == 0) return newer;
    if (newer_count == 0) return older;
    const double before = MedianOf(older.last_but_one, older.last, newer.first);
    const double after = MedianOf(older.last, newer.first, newer.second);
    double seam = 0;
    if (older_count > 1) seam += before * before;
    if (newer_count > 1) seam += after * after;
    return {older.first, older_count > 1 ? older.second : newer.first,
            newer_count > 1 ? newer.last_but_one : older.last, newer.last, older.sum + seam + newer.sum};
  }
};

}  // namespace sabot::kernels
