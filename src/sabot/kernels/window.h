// How far back a rolling kernel looks: so many of the symbol's valid rows, or so long. What it asks of its options, and
// what the engine asks of such a kernel.
//
// A kernel is windowed if its Options have a member `Window window`; its Input then has `int64_t timestamp` behind the
// other inputs (TimestampInput), which is read where the window is a time. It has, in place of RingLength,
//
//   static constexpr std::tuple kWindows{&Scalars::pairs}  its structures, TwoStack and others; their parts of the ring
//                                                          lie one behind the other (PartOf)
//   int64_t FixedCells(const Options&)                     cells before them that are there from the beginning
//   int64_t RingLength(const Options&)                     the ring of a window of rows, where it is shorter than that
//
// The engine keeps late rows (older than the newest of the symbol's valid rows) from it, makes the ring longer before a
// structure would need one more row than it has room for, and refuses more than max_rows. A structure has
//
//   struct Counters { using Structure = ...; int32_t head, size; }  what a symbol keeps beside the ring: the place of
//                                                                   the oldest row, and how many there are
//   int64_t Cells(const Window&, int64_t rows)                      cells for so many rows
//   void Move(Counters&, span<const double> from, span<double> to)  its content in a longer part
//
// Where the cells of a row depend on other options, the kernel has one structure, which has no Cells, and
//
//   int64_t RowCells(const Options&)                       cells of a row of the window; Move is given them, too
#pragma once

#include <arrow/status.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/options.h"

namespace sabot::kernels {

// How many rows a symbol's window of time may hold, unless told otherwise.
inline constexpr int64_t kMaxRows = 65'536;

template <class Options>
constexpr Option<Options, Window> WindowOption(
    Window Options::* member,
    std::string_view doc =
        "Valid rows in the window, the current one included, or its length as a duration such as \"5s\".",
    Range range = Rows()) {
  return {"window", member, doc, range};
}

template <class Options>
constexpr Option<Options, std::optional<int64_t>> MinPeriodsOption(
    std::optional<int64_t> Options::* member,
    std::string_view doc = "Valid rows from which a value is given; unless given, the window, of a duration 1.") {
  return {"min_periods", member, doc, Rows()};
}

template <class Options>
constexpr Option<Options, std::optional<int64_t>> MaxRowsOption(std::optional<int64_t> Options::* member) {
  return {"max_rows", member,
          "With a duration: how many rows of a symbol the window may hold (65,536 unless given); one more is an error.",
          Rows()};
}

// Options of a kernel over a window.
template <int64_t kWindow>
struct RollingOptions {
  Window window = kWindow;
  std::optional<int64_t> min_periods = std::nullopt;
  std::optional<int64_t> max_rows = std::nullopt;
  static constexpr std::tuple kOptions{WindowOption(&RollingOptions::window),
                                       MinPeriodsOption(&RollingOptions::min_periods),
                                       MaxRowsOption(&RollingOptions::max_rows)};
};

// The same with a variance in it.
template <int64_t kWindow>
struct RollingVarianceOptions {
  Window window = kWindow;
  std::optional<int64_t> min_periods = std::nullopt;
  int64_t ddof = 1;
  std::optional<int64_t> max_rows = std::nullopt;
  static constexpr std::tuple kOptions{
      WindowOption(&RollingVarianceOptions::window), MinPeriodsOption(&RollingVarianceOptions::min_periods),
      Option{"ddof", &RollingVarianceOptions::ddof, "Degrees of freedom taken off the divisor.", Between(0, 1)},
      MaxRowsOption(&RollingVarianceOptions::max_rows)};
};

// Fills in what follows from the window: min_periods is the window, unless given, and 1 of a duration. Errors
// (kOption): min_periods above what the window can hold; max_rows with a number of rows.
arrow::Status CompleteWindow(std::string_view kernel, const Window& window, std::optional<int64_t>& min_periods,
                             std::optional<int64_t>& max_rows);

template <class Options>
arrow::Status CompleteWindow(std::string_view kernel, Options& options) {
  return CompleteWindow(kernel, options.window, options.min_periods, options.max_rows);
}

// The input that a windowed kernel reads with a duration.
template <class Input>
constexpr In<Input, int64_t> TimestampInput(int64_t Input::* member) {
  return {"timestamp", member, "timestamp",
          "Event time, read with a duration. A row older than the symbol's newest is missing then."};
}

namespace internal {

template <class Scalars, class Counters>
typename Counters::Structure StructureOf(Counters Scalars::*);

template <class K, std::size_t I>
using WindowStructure = decltype(StructureOf(std::get<I>(K::kWindows)));

template <class K>
using EachWindow = std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<decltype(K::kWindows)>>>;

template <class K, std::size_t... I>
constexpr int64_t CellsOf([[maybe_unused]] const Window& window, [[maybe_unused]] int64_t rows,
                          std::index_sequence<I...>) {
  return (int64_t{0} + ... + WindowStructure<K, I>::Cells(window, rows));
}

}  // namespace internal

// The structure's part of the ring that is behind `fixed` cells.
template <class K, std::size_t I>
std::span<double> PartOf(const Window& window, std::span<double> ring, int64_t fixed = 0) {
  const int64_t rows = window.timed() ? (static_cast<int64_t>(ring.size()) - fixed) /
                                            internal::CellsOf<K>(window, 1, internal::EachWindow<K>())
                                      : window.rows;
  const int64_t begin = fixed + internal::CellsOf<K>(window, rows, std::make_index_sequence<I>());
  return ring.subspan(static_cast<std::size_t>(begin),
                      static_cast<std::size_t>(internal::WindowStructure<K, I>::Cells(window, rows)));
}

// Cells of a kernel that are there from the beginning.
template <class K>
int64_t FixedCellsOf([[maybe_unused]] const typename K::Options& options) {
  if constexpr (requires { K::FixedCells(options); }) {
    return K::FixedCells(options);
  } else {
    return 0;
  }
}

// Cells of a windowed kernel's ring for so many rows.
template <class K>
int64_t WindowCells(const typename K::Options& options, int64_t rows) {
  if constexpr (requires { K::RowCells(options); }) {
    return FixedCellsOf<K>(options) + rows * K::RowCells(options);
  } else {
    return FixedCellsOf<K>(options) + internal::CellsOf<K>(options.window, rows, internal::EachWindow<K>());
  }
}

// Cells of the ring that a symbol has from the beginning: all of a window of rows, no rows of a window of time.
template <class K>
int64_t RingLengthOf(const typename K::Options& options) {
  if constexpr (kWindowed<K>) {
    if (options.window.timed()) return FixedCellsOf<K>(options);
  }
  if constexpr (requires { K::RingLength(options); }) {
    return K::RingLength(options);
  } else {
    return WindowCells<K>(options, options.window.rows);
  }
}

// Rows in the fullest of its windows.
template <class K>
int64_t RowsHeld(const typename K::Scalars& symbol) {
  return std::apply([&](const auto... windows) { return std::max({int64_t{(symbol.*windows).size}...}); }, K::kWindows);
}

// Whether the counters of all windows are those of a ring for so many rows. Others would be read outside of it.
template <class K>
bool WindowsFit(const typename K::Scalars& symbol, int64_t rows) {
  const auto fits = [&](const auto& window) {
    bool good = window.head >= 0 && window.head < std::max<int64_t>(rows, 1) && window.size >= 0 && window.size <= rows;
    if constexpr (requires { window.front; }) good = good && window.front >= 0 && window.front <= window.size;
    return good;
  };
  return std::apply([&](const auto... windows) { return (fits(symbol.*windows) && ...); }, K::kWindows);
}

// Moves all windows of a symbol to a longer ring, whose cells are 0.
template <class K>
void MoveWindows(const typename K::Options& options, typename K::Scalars& symbol, std::span<double> from,
                 std::span<double> to) {
  const int64_t fixed = FixedCellsOf<K>(options);
  std::copy_n(from.begin(), fixed, to.begin());
  if constexpr (requires { K::RowCells(options); }) {
    const auto behind = static_cast<std::size_t>(fixed);
    internal::WindowStructure<K, 0>::Move(symbol.*std::get<0>(K::kWindows), from.subspan(behind), to.subspan(behind),
                                          K::RowCells(options));
  } else {
    const auto move = [&]<std::size_t... I>(std::index_sequence<I...>) {
      (internal::WindowStructure<K, I>::Move(symbol.*std::get<I>(K::kWindows),
                                             PartOf<K, I>(options.window, from, fixed),
                                             PartOf<K, I>(options.window, to, fixed)),
       ...);
    };
    move(internal::EachWindow<K>());
  }
}

// Whether a row of that time is no longer in a window of `ns` that ends now, (now - ns, now]. It is not after now.
inline bool HasLeft(int64_t time, int64_t ns, int64_t now) {
  return static_cast<uint64_t>(now) - static_cast<uint64_t>(time) >= static_cast<uint64_t>(ns);
}

// Copies rows of `stride` cells that lie in a circle, the oldest at `head`, to the beginning of a longer ring.
inline void MoveRing(std::span<const double> from, int64_t head, int64_t rows, int64_t stride, std::span<double> to) {
  const int64_t room = static_cast<int64_t>(from.size()) / stride;
  const int64_t first = std::min(rows, room - head);
  std::copy_n(from.begin() + head * stride, first * stride, to.begin());
  std::copy_n(from.begin(), (rows - first) * stride, to.begin() + first * stride);
}

}  // namespace sabot::kernels
