// The last values of a symbol under an associative merge, without a subtraction: nothing drifts, and an outlier is
// forgotten when it leaves. Two stacks (front: suffix aggregates, oldest on top; back: one aggregate) in one ring.
//
// A ring cell holds a raw value while it belongs to the back, and the aggregate of itself and all newer front cells
// once the front was rebuilt over it. Values enter relative to an anchor, the newest value at the last rebuild, which
// is always inside the window: a window of equal values has variance exactly 0.
//
// A window counts rows or time (window.h). Of rows, the ring has its final length at once, and time is not read. Of
// time, each value has its timestamp beside it, and the engine moves the ring to a longer one when it is full.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "sabot/kernels/aggregates.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

template <class Aggregate>
struct TwoStack {
  using Value = typename Aggregate::Value;
  using Node = typename Aggregate::Node;
  using Anchor = typename Aggregate::Anchor;

  // What a symbol keeps beside its ring.
  struct Counters {
    using Structure = TwoStack;
    int32_t head = 0;  // Cell of the oldest value.
    int32_t size = 0;  // Values in the window.
    int32_t front = 0;  // How many of them, from the oldest on, hold suffix aggregates.
    Anchor anchor;
    Node back;  // Of the values behind the front.
    SABOT_FIELDS(Counters, head, size, front, anchor, back)
  };

  // Float64 cells of a ring for so many values.
  static constexpr int64_t Cells(const Window& window, int64_t values) {
    return values * (window.timed() ? kTimedCells : Aggregate::kCell);
  }

  // Fetches the cell that the next Push of a full window of rows evicts and overwrites; its neighbour is the new front.
  static void Prefetch(const Counters& counters, std::span<double> ring) {
    __builtin_prefetch(ring.data() + counters.head * Aggregate::kCell, 1);
  }

  // Appends a value, evicting what has left the window, and returns the aggregate of the window. `timestamp` is that of
  // the row, not before the one of the last; it is read where the window is a time, and the ring has room for one more
  // value then.
  static Node Push(Counters& counters, std::span<double> ring, const Window& window, int64_t timestamp,
                   const Value& value) {
    if (window.timed()) [[unlikely]]
      return PushTimed(counters, ring, window.ns, timestamp, value);
    if (counters.size == window.rows) Evict<Aggregate::kCell>(counters, ring.data(), window.rows);
    return Append<Aggregate::kCell>(counters, ring.data(), window.rows, value);
  }

  // Lets what has left a window of time go, without a new value.
  static void EvictUntil(Counters& counters, std::span<double> ring, const Window& window, int64_t timestamp) {
    const int64_t room = static_cast<int64_t>(ring.size()) / kTimedCells;
    while (counters.size > 0 && HasLeft(TimeAt(ring.data(), counters.head), window.ns, timestamp)) {
      Evict<kTimedCells>(counters, ring.data(), room);
    }
  }

  // Moves the values of a window of time to a longer ring.
  static void Move(Counters& counters, std::span<const double> from, std::span<double> to) {
    MoveRing(from, counters.head, counters.size, kTimedCells, to);
    counters.head = 0;
  }

 private:
  static constexpr int64_t kTimedCells = Aggregate::kCell + 1;  // The last one is the timestamp.

  static int64_t TimeAt(const double* ring, int64_t cell) {
    return std::bit_cast<int64_t>(ring[cell * kTimedCells + Aggregate::kCell]);
  }

  [[gnu::noinline]] static Node PushTimed(Counters& counters, std::span<double> ring, int64_t ns, int64_t timestamp,
                                          const Value& value) {
    EvictUntil(counters, ring, Window::Time(ns), timestamp);
    const int64_t room = static_cast<int64_t>(ring.size()) / kTimedCells;
    int64_t tail = counters.head + counters.size;
    if (tail >= room) tail -= room;
    ring[static_cast<std::size_t>(tail * kTimedCells + Aggregate::kCell)] = std::bit_cast<double>(timestamp);
    return Append<kTimedCells>(counters, ring.data(), room, value);
  }

  template <int64_t kStride>
  static Node Append(Counters& counters, double* ring, int64_t room, const Value& value) {
    if (counters.size == 0) counters.anchor = Aggregate::AnchorAt(value);
    int64_t tail = counters.head + counters.size;
    if (tail >= room) tail -= room;
    Aggregate::Store(ring + tail * kStride, value);
    counters.back =
        Aggregate::Merge(counters.back, counters.size - counters.front, Aggregate::Single(value, counters.anchor), 1);
    ++counters.size;
    return Whole<kStride>(counters, ring);
  }

  template <int64_t kStride>
  static Node Whole(const Counters& counters, const double* ring) {
    if (counters.front == 0) return counters.back;
    return Aggregate::Merge(Aggregate::LoadNode(ring + counters.head * kStride), counters.front, counters.back,
                            counters.size - counters.front);
  }

  template <int64_t kStride>
  static void Evict(Counters& counters, double* ring, int64_t room) {
    if (counters.front == 0) Rebuild<kStride>(counters, ring, room);
    if (++counters.head == room) counters.head = 0;
    --counters.size;
    // At once, and not before the next eviction: otherwise the anchor would have left the window.
    if (--counters.front == 0 && counters.size > 0) Rebuild<kStride>(counters, ring, room);
  }

  template <int64_t kStride>
  static void Rebuild(Counters& counters, double* ring, int64_t room) {
    counters.anchor = SuffixesOf<kStride>(counters.head, counters.size, ring, room);
    counters.front = counters.size;
    counters.back = Node{};
  }

  // Turns raw values into suffix aggregates about the newest of them, which is returned. It is given no counters: those
  // whose address is known elsewhere would not stay in registers.
  template <int64_t kStride>
  [[gnu::noinline]] static Anchor SuffixesOf(int64_t head, int64_t size, double* ring, int64_t room) {
    int64_t cell = head + size - 1;
    if (cell >= room) cell -= room;
    const Anchor anchor = Aggregate::AnchorAt(Aggregate::Load(ring + cell * kStride));
    Node suffix{};
    for (int64_t count = 0; count < size; ++count) {
      double* at = ring + cell * kStride;
      suffix = Aggregate::Merge(Aggregate::Single(Aggregate::Load(at), anchor), 1, suffix, count);
      Aggregate::StoreNode(at, suffix);
      cell = cell == 0 ? room - 1 : cell - 1;
    }
    return anchor;
  }
};

}  // namespace sabot::kernels
