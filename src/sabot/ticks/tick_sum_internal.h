// By which ticks are known as the same ones, whatever their files are.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "sabot/ticks/tick_schema.h"

namespace sabot::ticks::internal {

// A sum of what each tick is, in all its values: the order of ticks of the same time does not matter, nor whether there
// is a column of sides that says nothing.
struct TickSum {
  int64_t rows = 0;
  uint64_t sum = 0;

  void Add(const TickColumns& ticks) {
    rows += ticks.rows();
    for (std::size_t row = 0; row < ticks.timestamps.size(); ++row) {
      const int side = ticks.sides.empty() ? 0 : ticks.sides[row];
      uint64_t word = Mix(static_cast<uint64_t>(ticks.timestamps[row]));
      word = Mix(word ^ std::bit_cast<uint64_t>(ticks.prices[row]));
      word = Mix(word ^ std::bit_cast<uint64_t>(ticks.volumes[row] + 0.0));  // Of -0, 0.
      sum += Mix(word ^ static_cast<uint64_t>(static_cast<int>(ticks.types[row]) * 3 + side + 1));
    }
  }
  bool operator==(const TickSum&) const = default;

 private:
  // The finalizer of splitmix64: every bit of the input moves every bit of the output.
  static uint64_t Mix(uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
    return bits ^ (bits >> 31);
  }
};

}  // namespace sabot::ticks::internal
