// The last `window` values of a symbol under an associative merge, without a subtraction: nothing drifts, and an
// outlier is forgotten when it leaves. Two stacks (front: suffix aggregates, oldest on top; back: one aggregate) in one
// ring.
//
// A ring cell holds a raw value while it belongs to the back, and the aggregate of itself and all newer front cells
// once the front was rebuilt over it. Values enter relative to an anchor, the newest value at the last rebuild, which
// is always inside the window: a window of equal values has variance exactly 0.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "sabot/data/errors.h"
#include "sabot/data/fields.h"
#include "sabot/kernels/options.h"

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

template <class Aggregate>
struct TwoStack {
  using Value = typename Aggregate::Value;
  using Node = typename Aggregate::Node;
  using Anchor = typename Aggregate::Anchor;

  // What a symbol keeps beside its ring.
  struct Counters {
    int32_t head = 0;  // Cell of the oldest value.
    int32_t size = 0;  // Values in the window.
    int32_t front = 0;  // How many of them, from the oldest on, hold suffix aggregates.
    Anchor anchor;
    Node back;  // Of the values behind the front.
    SABOT_FIELDS(Counters, head, size, front, anchor, back)
  };

  // Float64 cells of a ring for `window` values.
  static constexpr int64_t RingLength(int64_t window) { return window * Aggregate::kCell; }

  // Fetches the cell that the next Push of a full window evicts and overwrites; its neighbour is the new front.
  static void Prefetch(const Counters& counters, std::span<double> ring) {
    __builtin_prefetch(ring.data() + counters.head * Aggregate::kCell, 1);
  }

  // Appends a value, evicting the oldest of a full window, and returns the aggregate of the window.
  static Node Push(Counters& counters, std::span<double> ring, int64_t window, const Value& value) {
    if (counters.size == window) Evict(counters, ring.data(), window);
    if (counters.size == 0) counters.anchor = Aggregate::AnchorAt(value);
    int64_t tail = counters.head + counters.size;
    if (tail >= window) tail -= window;
    Aggregate::Store(ring.data() + tail * Aggregate::kCell, value);
    counters.back =
        Aggregate::Merge(counters.back, counters.size - counters.front, Aggregate::Single(value, counters.anchor), 1);
    ++counters.size;
    return Whole(counters, ring.data());
  }

 private:
  static Node Whole(const Counters& counters, const double* ring) {
    if (counters.front == 0) return counters.back;
    return Aggregate::Merge(Aggregate::LoadNode(ring + counters.head * Aggregate::kCell), counters.front, counters.back,
                            counters.size - counters.front);
  }

  static void Evict(Counters& counters, double* ring, int64_t window) {
    if (counters.front == 0) Rebuild(counters, ring, window);
    if (++counters.head == window) counters.head = 0;
    --counters.size;
    // At once, and not before the next eviction: otherwise the anchor would have left the window.
    if (--counters.front == 0 && counters.size > 0) Rebuild(counters, ring, window);
  }

  // Turns the raw values of the back into suffix aggregates about the newest of them.
  [[gnu::noinline]] static void Rebuild(Counters& counters, double* ring, int64_t window) {
    int64_t cell = counters.head + counters.size - 1;
    if (cell >= window) cell -= window;
    counters.anchor = Aggregate::AnchorAt(Aggregate::Load(ring + cell * Aggregate::kCell));
    Node suffix{};
    for (int64_t count = 0; count < counters.size; ++count) {
      double* at = ring + cell * Aggregate::kCell;
      suffix = Aggregate::Merge(Aggregate::Single(Aggregate::Load(at), counters.anchor), 1, suffix, count);
      Aggregate::StoreNode(at, suffix);
      cell = cell == 0 ? window - 1 : cell - 1;
    }
    counters.front = counters.size;
    counters.back = Node{};
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

// Options of a kernel over the last `window` valid rows.
template <int64_t kWindow>
struct RollingOptions {
  int64_t window = kWindow;
  std::optional<int64_t> min_periods = std::nullopt;
  static constexpr std::tuple kOptions{
      Option{"window", &RollingOptions::window, "Valid rows in the window, the current one included.", Rows()},
      Option{"min_periods", &RollingOptions::min_periods,
             "Valid rows from which a value is given; the window, unless given.", Rows()}};
};

// The same with a variance in it.
template <int64_t kWindow>
struct RollingVarianceOptions {
  int64_t window = kWindow;
  std::optional<int64_t> min_periods = std::nullopt;
  int64_t ddof = 1;
  static constexpr std::tuple kOptions{
      Option{"window", &RollingVarianceOptions::window, "Valid rows in the window, the current one included.", Rows()},
      Option{"min_periods", &RollingVarianceOptions::min_periods,
             "Valid rows from which a value is given; the window, unless given.", Rows()},
      Option{"ddof", &RollingVarianceOptions::ddof, "Degrees of freedom taken off the divisor.", Between(0, 1)}};
};

// The two options of every rolling kernel. min_periods is the window, unless given.
inline arrow::Status CompleteWindow(std::string_view kernel, int64_t window, std::optional<int64_t>& min_periods,
                                    std::optional<int64_t> min_periods_default = std::nullopt) {
  if (!min_periods) min_periods = min_periods_default.value_or(window);
  if (*min_periods <= window) return arrow::Status::OK();
  return data::OptionError(std::string(kernel) + ": option 'min_periods' must be at most the window of " +
                           std::to_string(window) + " rows, found " + std::to_string(*min_periods) + ".");
}

}  // namespace sabot::kernels
