// The last values of a symbol in ascending order, for quantiles, tails and medians: a ring of the values as they came,
// and behind it an array of the same values, sorted. -0.0 stands before 0.0, so that the array follows from the values
// of the window alone, however it came to hold them.
//
// A value finds its place by a binary search, and one move of memory makes room for it: a window of thousands of rows
// still fits into the nearest caches.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "sabot/data/fields.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

// A structure over a window of rows or of time (window.h). Its part of the ring: values as they came, with a window of
// time their timestamps, values in order.
struct RankWindow {
  // What a symbol keeps beside its ring.
  struct Counters {
    using Structure = RankWindow;
    int32_t head = 0;  // Place of the oldest value.
    int32_t size = 0;  // Values in the window.
    SABOT_FIELDS(Counters, head, size)
  };

  // Float64 cells for so many values.
  static constexpr int64_t Cells(const Window& window, int64_t values) { return values * (window.timed() ? 3 : 2); }

  // Fetches the value that the next Push of a full window of rows evicts, and the middle of those in order.
  static void Prefetch(const Counters& counters, std::span<double> ring) {
    __builtin_prefetch(ring.data() + counters.head, 1);
    __builtin_prefetch(ring.data() + ring.size() * 3 / 4, 1);
  }

  // The values of the window, in order.
  static std::span<const double> Sorted(const Counters& counters, std::span<const double> ring, const Window& window) {
    const std::size_t room = ring.size() / (window.timed() ? 3 : 2);
    return ring.subspan(ring.size() - room, static_cast<std::size_t>(counters.size));
  }

  // Appends a value, evicting what has left the window, and returns the values of the window in order. `timestamp` is
  // that of the row, not before the one of the last; it is read where the window is a time, and the ring has room for
  // one more value then.
  static std::span<const double> Push(Counters& counters, std::span<double> ring, const Window& window,
                                      int64_t timestamp, double value) {
    if (window.timed()) {
      EvictUntil(counters, ring, window, timestamp);
      const auto parts = Timed(ring);
      parts.times[Tail(counters, parts.room)] = std::bit_cast<double>(timestamp);
      Append(counters, parts.values, parts.sorted, parts.room, value);
      return {parts.sorted, static_cast<std::size_t>(counters.size)};
    }
    double* const values = ring.data();
    double* const sorted = values + window.rows;
    if (counters.size < window.rows) {
      Append(counters, values, sorted, window.rows, value);
    } else {
      Replace(sorted, window.rows, std::exchange(values[counters.head], value), value);
      if (++counters.head == window.rows) counters.head = 0;
    }
    return {sorted, static_cast<std::size_t>(counters.size)};
  }

  // Lets what has left a window of time go, without a new value.
  static void EvictUntil(Counters& counters, std::span<double> ring, const Window& window, int64_t timestamp) {
    const auto parts = Timed(ring);
    while (counters.size > 0) {
      // Those that have left and lie one behind the other in the ring.
      const int64_t most = std::min<int64_t>(counters.size, parts.room - counters.head);
      int64_t left = 0;
      while (left < most && HasLeft(std::bit_cast<int64_t>(parts.times[counters.head + left]), window.ns, timestamp)) {
        ++left;
      }
      if (left == 0) return;
      if (left < counters.size) {
        RemoveAll({parts.values + counters.head, static_cast<std::size_t>(left)}, parts.sorted, counters.size);
      }
      counters.size -= static_cast<int32_t>(left);
      counters.head += static_cast<int32_t>(left);
      if (counters.head == parts.room) counters.head = 0;
    }
  }

  // Moves the values of a window of time to a longer ring.
  static void Move(Counters& counters, std::span<const double> from, std::span<double> to) {
    const std::size_t before = from.size() / 3, after = to.size() / 3;
    MoveRing(from.first(before), counters.head, counters.size, 1, to.first(after));
    MoveRing(from.subspan(before, before), counters.head, counters.size, 1, to.subspan(after, after));
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(2 * before), counters.size,
                to.begin() + static_cast<std::ptrdiff_t>(2 * after));
    counters.head = 0;
  }

 private:
  struct Parts {
    double* values;
    double* times;
    double* sorted;
    int64_t room;
  };
  static Parts Timed(std::span<double> ring) {
    const auto room = static_cast<int64_t>(ring.size()) / 3;
    return {ring.data(), ring.data() + room, ring.data() + 2 * room, room};
  }

  static int64_t Tail(const Counters& counters, int64_t room) {
    const int64_t tail = int64_t{counters.head} + counters.size;
    return tail >= room ? tail - room : tail;
  }

  // Integers in the order of the values, -0.0 before 0.0.
  static int64_t Order(double value) {
    const auto bits = std::bit_cast<int64_t>(value);
    return bits ^ ((bits >> 63) & INT64_MAX);
  }

  // How many values stand before this one, without a branch on market data.
  static int64_t PlaceOf(const double* sorted, int64_t size, double value) {
    const int64_t order = Order(value);
    const double* first = sorted;
    while (size > 1) {
      const int64_t half = size / 2;
      first += Order(first[half - 1]) < order ? half : 0;
      size -= half;
    }
    return first - sorted + (size == 1 && Order(*first) < order ? 1 : 0);
  }

  static void MoveCells(double* to, const double* from, int64_t count) {
    std::memmove(to, from, static_cast<std::size_t>(count) * sizeof(double));
  }

  static void Append(Counters& counters, double* values, double* sorted, int64_t room, double value) {
    values[Tail(counters, room)] = value;
    const int64_t place = PlaceOf(sorted, counters.size, value);
    MoveCells(sorted + place + 1, sorted + place, counters.size - place);
    sorted[place] = value;
    ++counters.size;
  }

  // Only what stands between the two moves.
  static void Replace(double* sorted, int64_t size, double old, double value) {
    const int64_t from = PlaceOf(sorted, size, old);
    const int64_t to = PlaceOf(sorted, size, value);  // With the old one still there.
    if (to > from) {
      MoveCells(sorted + from, sorted + from + 1, to - 1 - from);
      sorted[to - 1] = value;
    } else {
      MoveCells(sorted + to + 1, sorted + to, from - to);
      sorted[to] = value;
    }
  }

  // Takes values out of the array. They have no use afterwards, so that they may be put into order where they are:
  // many at once then cost one pass over the array, not one a value.
  static void RemoveAll(std::span<double> leaving, double* sorted, int64_t size) {
    constexpr std::size_t kOneByOne = 8;
    if (leaving.size() <= kOneByOne) {
      for (const double value : leaving) {
        const int64_t place = PlaceOf(sorted, size, value);
        MoveCells(sorted + place, sorted + place + 1, size - place - 1);
        --size;
      }
      return;
    }
    std::sort(leaving.begin(), leaving.end(), [](double left, double right) { return Order(left) < Order(right); });
    auto next = leaving.begin();
    double* kept = sorted;
    for (int64_t place = 0; place < size; ++place) {
      if (next != leaving.end() && Order(sorted[place]) == Order(*next)) {
        ++next;
      } else {
        *kept++ = sorted[place];
      }
    }
  }
};

// The alpha-quantile of values in order, interpolated between the two nearest (Hyndman & Fan's type 7): at (n - 1) *
// alpha, counted from 0. For alpha in (0, 1): the product stays below n - 1, also rounded.
inline double Quantile(std::span<const double> sorted, double alpha) {
  const double at = static_cast<double>(sorted.size() - 1) * alpha;
  const auto below = static_cast<std::size_t>(at);
  if (sorted.size() == 1) return sorted[0];
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

// The mean of the lowest share alpha of values in order (Acerbi & Tasche 2002): the value that the boundary cuts counts
// with the part below it. For alpha in (0, 1).
inline double TailMean(std::span<const double> sorted, double alpha) {
  const double count = static_cast<double>(sorted.size()) * alpha;
  const auto whole = static_cast<std::size_t>(count);
  double sum = 0;
  for (std::size_t i = 0; i < whole; ++i) sum += sorted[i];
  return (sum + (count - static_cast<double>(whole)) * sorted[whole]) / count;
}

// The middle one of values in order, or the mean of the middle two.
inline double Median(std::span<const double> sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : 0.5 * (sorted[half - 1] + sorted[half]);
}

// The median of the distances |x - middle| of values in order from their Median, by a binary search: the distances
// grow from the middle on to either side.
inline double MedianDistance(std::span<const double> sorted, double middle) {
  const auto size = static_cast<int64_t>(sorted.size());
  const int64_t half = size / 2;  // Those before are at most the median, the others at least.
  const auto below = [&](int64_t i) { return middle - sorted[static_cast<std::size_t>(half - 1 - i)]; };
  const auto above = [&](int64_t i) { return sorted[static_cast<std::size_t>(half + i)] - middle; };
  // Of the `count` nearest, how many are below: the first of those below that is no nearer than the last above that it
  // would replace.
  const int64_t count = (size + 1) / 2;
  int64_t low = 0, high = half;
  while (low < high) {
    const int64_t probe = (low + high) / 2;
    if (below(probe) < above(count - 1 - probe)) {
      low = probe + 1;
    } else {
      high = probe;
    }
  }
  const double last = std::max(low > 0 ? below(low - 1) : 0.0, low < count ? above(count - 1 - low) : 0.0);
  if (size % 2 == 1) return last;
  const double next = std::min(low < half ? below(low) : above(count - low),
                               count - low < size - half ? above(count - low) : below(low));
  return 0.5 * (last + next);
}

}  // namespace sabot::kernels
