// The least and the greatest of a window, as aggregates for TwoStack (rolling.h). Among equal values the newest is
// meant, which shows where 0.0 and -0.0 meet: so an answer depends on the values of the window alone.
#pragma once

#include <cstdint>
#include <limits>

#include "sabot/data/fields.h"
#include "sabot/kernels/aggregates.h"

namespace sabot::kernels {

struct Least {
  using Value = double;
  using Anchor = Sum::Anchor;
  struct Node {
    double value = std::numeric_limits<double>::infinity();
    SABOT_FIELDS(Node, value)
  };
  static constexpr int64_t kCell = 1;
  static Value Load(const double* cell) { return cell[0]; }
  static void Store(double* cell, const Value& value) { cell[0] = value; }
  static Node LoadNode(const double* cell) { return {cell[0]}; }
  static void StoreNode(double* cell, const Node& node) { cell[0] = node.value; }
  static Anchor AnchorAt(const Value&) { return {}; }
  static Node Single(const Value& value, const Anchor&) { return {value}; }
  static Node Merge(const Node& older, int64_t, const Node& newer, int64_t) {
    return {older.value < newer.value ? older.value : newer.value};
  }
};

struct Greatest {
  using Value = double;
  using Anchor = Sum::Anchor;
  struct Node {
    double value = -std::numeric_limits<double>::infinity();
    SABOT_FIELDS(Node, value)
  };
  static constexpr int64_t kCell = 1;
  static Value Load(const double* cell) { return cell[0]; }
  static void Store(double* cell, const Value& value) { cell[0] = value; }
  static Node LoadNode(const double* cell) { return {cell[0]}; }
  static void StoreNode(double* cell, const Node& node) { cell[0] = node.value; }
  static Anchor AnchorAt(const Value&) { return {}; }
  static Node Single(const Value& value, const Anchor&) { return {value}; }
  static Node Merge(const Node& older, int64_t, const Node& newer, int64_t) {
    return {older.value > newer.value ? older.value : newer.value};
  }
};

// The greatest of one series and the least of another over the same rows.
struct HighLow {
  struct Value {
    double high = 0;
    double low = 0;
  };
  using Anchor = Sum::Anchor;
  struct Node {
    double high = -std::numeric_limits<double>::infinity();
    double low = std::numeric_limits<double>::infinity();
    SABOT_FIELDS(Node, high, low)
  };
  static constexpr int64_t kCell = 2;
  static Value Load(const double* cell) { return {cell[0], cell[1]}; }
  static void Store(double* cell, const Value& value) { cell[0] = value.high, cell[1] = value.low; }
  static Node LoadNode(const double* cell) { return {cell[0], cell[1]}; }
  static void StoreNode(double* cell, const Node& node) { cell[0] = node.high, cell[1] = node.low; }
  static Anchor AnchorAt(const Value&) { return {}; }
  static Node Single(const Value& value, const Anchor&) { return {value.high, value.low}; }
  static Node Merge(const Node& older, int64_t, const Node& newer, int64_t) {
    return {older.high > newer.high ? older.high : newer.high, older.low < newer.low ? older.low : newer.low};
  }
};

}  // namespace sabot::kernels
