// Covariance of a window in twice the digits of a double, as an aggregate for TwoStack: for what takes its square root.
// That root turns a rounding of 1e-16 next to zero into 1e-8.
#pragma once

#include <cstdint>

#include "sabot/data/fields.h"
#include "sabot/kernels/aggregates.h"

namespace sabot::kernels {

// The unevaluated sum of two doubles that do not overlap (Dekker 1971, Numerische Mathematik 18).
struct DoubleDouble {
  double high = 0;
  double low = 0;
  SABOT_FIELDS(DoubleDouble, high, low)

  static DoubleDouble SumOf(double a, double b) {
    const double sum = a + b, b_part = sum - a;
    return {sum, (a - (sum - b_part)) + (b - b_part)};
  }
  static DoubleDouble ProductOf(double a, double b) {
    const double product = a * b;
    const DoubleDouble x = Split(a), y = Split(b);
    return {product, ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low};
  }

  // To 2^-104 of the larger of the two, also where they cancel.
  friend DoubleDouble operator+(const DoubleDouble& a, const DoubleDouble& b) {
    const DoubleDouble high = SumOf(a.high, b.high);
    return Renormalized(high.high, high.low + (a.low + b.low));
  }
  friend DoubleDouble operator-(const DoubleDouble& a, const DoubleDouble& b) {
    return a + DoubleDouble{-b.high, -b.low};
  }
  friend DoubleDouble operator*(const DoubleDouble& a, const DoubleDouble& b) {
    const DoubleDouble product = ProductOf(a.high, b.high);
    return Renormalized(product.high, product.low + (a.high * b.low + a.low * b.high));
  }
  friend DoubleDouble operator/(const DoubleDouble& a, double divisor) {
    const double quotient = a.high / divisor;
    const DoubleDouble rest = a - ProductOf(quotient, divisor);
    return Renormalized(quotient, rest.high / divisor);
  }

 private:
  static DoubleDouble Renormalized(double high, double low) {  // |high| >= |low|
    const double sum = high + low;
    return {sum, low - (sum - high)};
  }
  // In two halves of 26 bits, whose products are exact.
  static DoubleDouble Split(double a) {
    const double scaled = 134'217'729.0 * a;  // 2^27 + 1
    const double high = scaled - (scaled - a);
    return {high, a - high};
  }
};

// Σ(x - c), Σ(y - c) and Σ(x - c)(y - c), an anchor c a series.
struct ExactCoSums {
  struct Value {
    DoubleDouble x;
    DoubleDouble y;
  };
  struct Anchor {
    DoubleDouble x;
    DoubleDouble y;
    SABOT_FIELDS(Anchor, x, y)
  };
  struct Node {
    DoubleDouble x;
    DoubleDouble y;
    DoubleDouble xy;
    SABOT_FIELDS(Node, x, y, xy)
    // Sum of (x - mean of x)(y - mean of y) over `count` pairs.
    double Codeviation(double count) const { return (xy - x * y / count).high; }
  };
  static constexpr int64_t kCell = 6;
  static Value Load(const double* cell) { return {{cell[0], cell[1]}, {cell[2], cell[3]}}; }
  static void Store(double* cell, const Value& value) {
    cell[0] = value.x.high, cell[1] = value.x.low;
    cell[2] = value.y.high, cell[3] = value.y.low;
  }
  static Node LoadNode(const double* cell) { return {{cell[0], cell[1]}, {cell[2], cell[3]}, {cell[4], cell[5]}}; }
  static void StoreNode(double* cell, const Node& node) {
    cell[0] = node.x.high, cell[1] = node.x.low;
    cell[2] = node.y.high, cell[3] = node.y.low;
    cell[4] = node.xy.high, cell[5] = node.xy.low;
  }
  static Anchor AnchorAt(const Value& value) { return {value.x, value.y}; }
  static Node Single(const Value& value, const Anchor& anchor) {
    const auto x = value.x - anchor.x, y = value.y - anchor.y;
    return {x, y, x * y};
  }
  static Node Merge(const Node& older, int64_t, const Node& newer, int64_t) {
    return {older.x + newer.x, older.y + newer.y, older.xy + newer.xy};
  }
};

}  // namespace sabot::kernels
