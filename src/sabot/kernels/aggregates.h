// What rolling kernels sum up: aggregates with an associative merge, for TwoStack (rolling.h), and a sum without end.
#pragma once

#include <cmath>
#include <cstdint>
#include <tuple>

#include "sabot/data/fields.h"

namespace sabot::kernels {

// Σ of values as they are. For products, squares and events, whose natural origin is 0.
struct Sum {
  using Value = double;
  struct Anchor {
    static constexpr std::tuple<> Fields() { return {}; }
  };
  struct Node {
    double sum = 0;
    SABOT_FIELDS(Node, sum)
  };
  static constexpr int64_t kCell = 1;
  static Value Load(const double* cell) { return cell[0]; }
  static void Store(double* cell, const Value& value) { cell[0] = value; }
  static Node LoadNode(const double* cell) { return {cell[0]}; }
  static void StoreNode(double* cell, const Node& node) { cell[0] = node.sum; }
  static Anchor AnchorAt(const Value&) { return {}; }
  static Node Single(const Value& value, const Anchor&) { return {value}; }
  static Node Merge(const Node& older, int64_t, const Node& newer, int64_t) { return {older.sum + newer.sum}; }
};

// Two sums over the same rows, as they are.
struct SumPair {
  struct Value {
    double first = 0;
    double second = 0;
  };
  using Anchor = Sum::Anchor;
  struct Node {
    double first = 0;
    double second = 0;
    SABOT_FIELDS(Node, first, second)
  };
  static constexpr int64_t kCell = 2;
  static Value Load(const double* cell) { return {cell[0], cell[1]}; }
  static void Store(double* cell, const Value& value) { cell[0] = value.first, cell[1] = value.second; }
  static Node LoadNode(const double* cell) { return {cell[0], cell[1]}; }
  static void StoreNode(double* cell, const Node& node) { cell[0] = node.first, cell[1] = node.second; }
  static Anchor AnchorAt(const Value&) { return {}; }
  static Node Single(const Value& value, const Anchor&) { return {value.first, value.second}; }
  static Node Merge(const Node& older, int64_t, const Node& newer, int64_t) {
    return {older.first + newer.first, older.second + newer.second};
  }
};

// Σ(x - c): the mean is c + sum/n.
struct AnchoredSum {
  using Value = double;
  struct Anchor {
    double at = 0;
    SABOT_FIELDS(Anchor, at)
  };
  using Node = Sum::Node;
  static constexpr int64_t kCell = 1;
  static Value Load(const double* cell) { return cell[0]; }
  static void Store(double* cell, const Value& value) { cell[0] = value; }
  static Node LoadNode(const double* cell) { return {cell[0]}; }
  static void StoreNode(double* cell, const Node& node) { cell[0] = node.sum; }
  static Anchor AnchorAt(const Value& value) { return {value}; }
  static Node Single(const Value& value, const Anchor& anchor) { return {value - anchor.at}; }
  static Node Merge(const Node& older, int64_t, const Node& newer, int64_t) { return {older.sum + newer.sum}; }
};

// Σ(x - c) and Σ(x - c)²: mean and variance.
struct PowerSums {
  using Value = double;
  using Anchor = AnchoredSum::Anchor;
  struct Node {
    double sum = 0;
    double squares = 0;
    SABOT_FIELDS(Node, sum, squares)
    // M2, the sum of squared deviations from the mean of `count` values.
    double SquaredDeviations(double count) const {
      const double m2 = squares - sum * (sum / count);
      return m2 > 0 ? m2 : (m2 < 0 ? 0.0 : m2);  // NaN stays NaN.
    }
  };
  static constexpr int64_t kCell = 2;
  static Value Load(const double* cell) { return cell[0]; }
  static void Store(double* cell, const Value& value) { cell[0] = value; }
  static Node LoadNode(const double* cell) { return {cell[0], cell[1]}; }
  static void StoreNode(double* cell, const Node& node) { cell[0] = node.sum, cell[1] = node.squares; }
  static Anchor AnchorAt(const Value& value) { return {value}; }
  static Node Single(const Value& value, const Anchor& anchor) {
    const double deviation = value - anchor.at;
    return {deviation, deviation * deviation};
  }
  static Node Merge(const Node& older, int64_t, const Node& newer, int64_t) {
    return {older.sum + newer.sum, older.squares + newer.squares};
  }
};

// Means, squared deviations and co-deviation of pairs (Chan, Golub & LeVeque 1983).
struct CoMoments {
  struct Value {
    double x = 0;
    double y = 0;
  };
  struct Anchor {
    double x = 0;
    double y = 0;
    SABOT_FIELDS(Anchor, x, y)
  };
  struct Node {
    double mean_x = 0;
    double mean_y = 0;
    double m2_x = 0;
    double m2_y = 0;
    double c = 0;
    SABOT_FIELDS(Node, mean_x, mean_y, m2_x, m2_y, c)
  };
  static constexpr int64_t kCell = 5;
  static Value Load(const double* cell) { return {cell[0], cell[1]}; }
  static void Store(double* cell, const Value& value) { cell[0] = value.x, cell[1] = value.y; }
  static Node LoadNode(const double* cell) { return {cell[0], cell[1], cell[2], cell[3], cell[4]}; }
  static void StoreNode(double* cell, const Node& node) {
    cell[0] = node.mean_x, cell[1] = node.mean_y, cell[2] = node.m2_x, cell[3] = node.m2_y, cell[4] = node.c;
  }
  static Anchor AnchorAt(const Value& value) { return {value.x, value.y}; }
  static Node Single(const Value& value, const Anchor& anchor) {
    return {value.x - anchor.x, value.y - anchor.y, 0, 0, 0};
  }
  static Node Merge(const Node& older, int64_t older_count, const Node& newer, int64_t newer_count) {
    if (older_count == 0) return newer;
    if (newer_count == 0) return older;
    const auto n1 = static_cast<double>(older_count), n2 = static_cast<double>(newer_count), n = n1 + n2;
    const double dx = newer.mean_x - older.mean_x, dy = newer.mean_y - older.mean_y;
    return {older.mean_x + dx * (n2 / n), older.mean_y + dy * (n2 / n),
            older.m2_x + newer.m2_x + dx * dx * (n1 * n2 / n), older.m2_y + newer.m2_y + dy * dy * (n1 * n2 / n),
            older.c + newer.c + dx * dy * n1 * n2 / n};
  }
};

// A sum that grows for ever, with Neumaier's compensation (1974, ZAMM 54).
struct NeumaierSum {
  double sum = 0;
  double compensation = 0;
  SABOT_FIELDS(NeumaierSum, sum, compensation)

  void Add(double value) {
    const double total = sum + value;
    compensation += std::abs(sum) >= std::abs(value) ? (sum - total) + value : (value - total) + sum;
    sum = total;
  }
  double Total() const { return sum + compensation; }
};

}  // namespace sabot::kernels
