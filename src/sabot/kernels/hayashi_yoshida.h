// Covariance and correlation of two symbols of one stream that trade at different times (Hayashi & Yoshida 2005): the
// products of those returns whose intervals overlap, neither synchronised nor interpolated.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/kernels/kernel.h"
#include "sabot/kernels/math.h"
#include "sabot/kernels/rolling.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

struct HayashiYoshidaInput {
  double price = 0;
  int64_t timestamp = 0;
  int64_t leg = 0;
  SABOT_FIELDS(HayashiYoshidaInput, price, timestamp, leg)
};

struct HayashiYoshidaOptions {
  std::optional<Symbol> symbol_a = std::nullopt;
  std::optional<Symbol> symbol_b = std::nullopt;
  Window window = 0;
  std::optional<int64_t> max_rows = std::nullopt;
  static constexpr std::tuple kOptions{
      Required("symbol_a", &HayashiYoshidaOptions::symbol_a, "One symbol of the pair, a value of the key column."),
      Required("symbol_b", &HayashiYoshidaOptions::symbol_b, "The other one."),
      WindowOption(
          &HayashiYoshidaOptions::window,
          "Rows of the pair in the window, the current one included, or its length as a duration; 0: all rows.",
          Rows(0)),
      MaxRowsOption(&HayashiYoshidaOptions::max_rows)};
};

// What a row adds to the sums.
struct HayashiYoshidaTerms {
  double product = 0;
  double square_a = 0;
  double square_b = 0;
};

// A pair's newest rows, and the returns whose intervals may still overlap one to come. Logarithms are taken between
// Enter and Add (steps.h), of the first of a row's cells: a ratio of prices becomes a return, NaN if the row is
// ignored. The others say whether it is pending afterwards, and whether both legs have had a return.
struct HayashiYoshidaPair {
  struct Leg {
    int64_t timestamp = 0;
    double price = 0;
    double pending = 0;  // Of the returns since the other leg's newest row.
    int32_t rows = 0;  // Counted up to 2.
    SABOT_FIELDS(Leg, timestamp, price, pending, rows)
  };
  static constexpr std::size_t kCells = 3;
  Leg a;
  Leg b;
  SABOT_FIELDS(HayashiYoshidaPair, a, b)

  // A row is ignored if it is older than the newest of either leg, or as old as that of its own.
  void Enter(const HayashiYoshidaInput& row, CellRow cells) {
    Leg &own = row.leg == 0 ? a : b, &other = row.leg == 0 ? b : a;
    cells[0] = kNull, cells[1] = 0, cells[2] = 0;
    if (own.rows > 0 && row.timestamp <= own.timestamp) return;
    if (other.rows > 0 && row.timestamp < other.timestamp) return;
    cells[0] = own.rows > 0 ? row.price / own.price : 1.0;
    cells[1] = other.rows == 0 || row.timestamp > other.timestamp ? 1.0 : 0.0;
    own.timestamp = row.timestamp;
    own.price = row.price;
    own.rows = own.rows == 0 ? 1 : 2;
    cells[2] = a.rows > 1 && b.rows > 1 ? 1.0 : 0.0;
  }

  // Nothing for a row that is ignored.
  std::optional<HayashiYoshidaTerms> Add(const HayashiYoshidaInput& row, CellRow cells) {
    Leg &own = row.leg == 0 ? a : b, &other = row.leg == 0 ? b : a;
    const double change = cells[0];
    if (std::isnan(change)) return std::nullopt;
    const double product = change * other.pending;
    if (cells[1] != 0) own.pending += change;
    other.pending = 0;
    const double square = change * change;
    return HayashiYoshidaTerms{product, row.leg == 0 ? square : 0.0, row.leg == 0 ? 0.0 : square};
  }

  static bool BothHaveReturns(CellRow cells) { return cells[2] != 0; }
};

inline arrow::Status CompleteHayashiYoshida(std::string_view kernel, HayashiYoshidaOptions& options) {
  if (options.symbol_a != options.symbol_b) {
    std::optional<int64_t> min_periods;
    return CompleteWindow(kernel, options.window, min_periods, options.max_rows);
  }
  return data::OptionError(std::string(kernel) + ": options 'symbol_a' and 'symbol_b' are both '" +
                           options.symbol_a->text + "'. Give two symbols.");
}

struct HayashiYoshidaCov {
  using Input = HayashiYoshidaInput;
  using Options = HayashiYoshidaOptions;
  struct Parameters {
    Window window;
    bool whole() const { return window == Window(); }
  };
  struct Scalars {
    HayashiYoshidaPair pair;
    NeumaierSum sum;                  // Without a window,
    TwoStack<Sum>::Counters window;  // and with one.
    SABOT_FIELDS(Scalars, pair, sum, window)
  };
  static constexpr bool kPair = true;
  static constexpr KernelDoc kDoc = {
      .name = "hayashi_yoshida_cov",
      .class_name = "HayashiYoshidaCovKernel",
      .summary = "Covariance of the returns of two symbols that trade at different times.",
      .formula =
          "sum of r_a * r_b over the pairs of returns whose intervals (t_{i-1}, t_i] overlap; r = ln(p_i / "
          "p_{i-1}). A pair counts at the row that completes the later interval",
      .nulls =
          "Null before both symbols have had a return, and on rows of other symbols. A row older than the newest "
          "of either symbol, or as old as the newest of its own, is ignored: null.",
      .source = "Hayashi & Yoshida (2005), Bernoulli 11(2)."};
  static constexpr std::tuple kInputs{In{"price", &Input::price, "price", "Price, valid > 0."},
                                      In{"timestamp", &Input::timestamp, "timestamp", "Event time."}};
  static constexpr std::tuple kOutputs{SingleOut{"hy_cov", "Squared returns; null before both symbols had one."}};
  static constexpr std::tuple kWindows{&Scalars::window};

  static arrow::Status Complete(Options& options) { return CompleteHayashiYoshida(kDoc.name, options); }
  static Parameters Prepare(const Options& options) { return {options.window}; }
  static bool Needs(const Options&, std::string_view) { return true; }
  static bool Valid(const Parameters&, const Input& row) { return row.price > 0; }

  static void Ratio(const Parameters&, Scalars& state, const Input& row, CellRow cells) {
    state.pair.Enter(row, cells);
  }
  static void Return(const Parameters&, CellBlock<HayashiYoshidaPair::kCells>& rows) { math::Log(rows[0]); }
  static constexpr std::size_t kCells = HayashiYoshidaPair::kCells;
  static constexpr std::tuple kSteps{&HayashiYoshidaCov::Ratio, &HayashiYoshidaCov::Return};

  static double Update(const Parameters& parameters, Scalars& state, std::span<double> ring, const Input& row,
                       CellRow cells) {
    const auto terms = state.pair.Add(row, cells);
    if (!terms) return kNull;
    double sum = 0;
    if (!parameters.whole()) {
      sum = TwoStack<Sum>::Push(state.window, ring, parameters.window, row.timestamp, terms->product).sum;
    } else {
      state.sum.Add(terms->product);
      sum = state.sum.Total();
    }
    return HayashiYoshidaPair::BothHaveReturns(cells) ? sum : kNull;
  }
};

struct HayashiYoshidaCorr {
  using Input = HayashiYoshidaInput;
  using Options = HayashiYoshidaOptions;
  using Parameters = HayashiYoshidaCov::Parameters;

  // Three sums over the same rows, as they are.
  struct Sums {
    using Value = HayashiYoshidaTerms;
    using Anchor = Sum::Anchor;
    struct Node {
      double product = 0;
      double square_a = 0;
      double square_b = 0;
      SABOT_FIELDS(Node, product, square_a, square_b)
    };
    static constexpr int64_t kCell = 3;
    static Value Load(const double* cell) { return {cell[0], cell[1], cell[2]}; }
    static void Store(double* cell, const Value& value) {
      cell[0] = value.product, cell[1] = value.square_a, cell[2] = value.square_b;
    }
    static Node LoadNode(const double* cell) { return {cell[0], cell[1], cell[2]}; }
    static void StoreNode(double* cell, const Node& node) {
      cell[0] = node.product, cell[1] = node.square_a, cell[2] = node.square_b;
    }
    static Anchor AnchorAt(const Value&) { return {}; }
    static Node Single(const Value& value, const Anchor&) { return {value.product, value.square_a, value.square_b}; }
    static Node Merge(const Node& older, int64_t, const Node& newer, int64_t) {
      return {older.product + newer.product, older.square_a + newer.square_a, older.square_b + newer.square_b};
    }
  };

  struct Scalars {
    HayashiYoshidaPair pair;
    NeumaierSum products;  // Without a window,
    NeumaierSum squares_a;
    NeumaierSum squares_b;
    TwoStack<Sums>::Counters window;  // and with one.
    SABOT_FIELDS(Scalars, pair, products, squares_a, squares_b, window)
  };
  static constexpr bool kPair = true;
  static constexpr KernelDoc kDoc = {
      .name = "hayashi_yoshida_corr",
      .class_name = "HayashiYoshidaCorrKernel",
      .summary = "Correlation of the returns of two symbols that trade at different times.",
      .formula = "hayashi_yoshida_cov / sqrt(sum(r_a^2) * sum(r_b^2)), all over the same rows; it may leave [-1, 1]",
      .nulls = "As hayashi_yoshida_cov, and null where a sum of squares is 0.",
      .source = "Hayashi & Yoshida (2005), Bernoulli 11(2)."};
  static constexpr std::tuple kInputs = HayashiYoshidaCov::kInputs;
  static constexpr std::tuple kOutputs{SingleOut{"hy_corr", "Dimensionless; null where a sum of squares is 0."}};
  static constexpr std::tuple kWindows{&Scalars::window};

  static arrow::Status Complete(Options& options) { return CompleteHayashiYoshida(kDoc.name, options); }
  static Parameters Prepare(const Options& options) { return {options.window}; }
  static bool Needs(const Options&, std::string_view) { return true; }
  static bool Valid(const Parameters&, const Input& row) { return row.price > 0; }

  static void Ratio(const Parameters&, Scalars& state, const Input& row, CellRow cells) {
    state.pair.Enter(row, cells);
  }
  static void Return(const Parameters&, CellBlock<HayashiYoshidaPair::kCells>& rows) { math::Log(rows[0]); }
  static constexpr std::size_t kCells = HayashiYoshidaPair::kCells;
  static constexpr std::tuple kSteps{&HayashiYoshidaCorr::Ratio, &HayashiYoshidaCorr::Return};

  static double Update(const Parameters& parameters, Scalars& state, std::span<double> ring, const Input& row,
                       CellRow cells) {
    const auto terms = state.pair.Add(row, cells);
    if (!terms) return kNull;
    Sums::Node sums;
    if (!parameters.whole()) {
      sums = TwoStack<Sums>::Push(state.window, ring, parameters.window, row.timestamp, *terms);
    } else {
      state.products.Add(terms->product);
      state.squares_a.Add(terms->square_a);
      state.squares_b.Add(terms->square_b);
      sums = {state.products.Total(), state.squares_a.Total(), state.squares_b.Total()};
    }
    if (!HayashiYoshidaPair::BothHaveReturns(cells) || sums.square_a == 0 || sums.square_b == 0) return kNull;
    return sums.product / std::sqrt(sums.square_a * sums.square_b);
  }
};

}  // namespace sabot::kernels
