// Sorted runs of keys into one, two at a time. Keys of feeds that interleave at random would make every second branch a
// wrong guess, so there is none: a step takes the lesser head, and four stretches of the output are made side by side
// to hide that a step must wait for the one before it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace sabot::shuffle {

// How many of the first `count` keys of the merged output come from `a`; equal keys come from `a` first.
template <class Key>
std::size_t TakenFromFirst(std::span<const Key> a, std::span<const Key> b, std::size_t count) {
  std::size_t low = count > b.size() ? count - b.size() : 0;
  std::size_t high = std::min(count, a.size());
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (b[count - middle - 1] < a[middle]) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// One stretch of the output on its way.
template <class Key>
struct Strand {
  const Key* a;
  const Key* b;
  Key* out;

  void Step() {
    const Key mine = *a;
    const Key theirs = *b;
    const bool second = theirs < mine;
    *out++ = second ? theirs : mine;
    b += second;
    a += !second;
  }
};

// `a` and `b` are followed by a key that is greater than all.
template <class Key>
void MergeTwo(std::span<const Key> a, std::span<const Key> b, Key* out) {
  constexpr std::size_t kStrands = 4;
  const std::size_t length = (a.size() + b.size()) / kStrands;
  Strand<Key> strands[kStrands];
  for (std::size_t at = 0; at < kStrands; ++at) {
    const std::size_t from_a = TakenFromFirst(a, b, at * length);
    strands[at] = {a.data() + from_a, b.data() + (at * length - from_a), out + at * length};
  }
  auto [s0, s1, s2, s3] = strands;
  for (std::size_t step = 0; step < length; ++step) {
    s0.Step();
    s1.Step();
    s2.Step();
    s3.Step();
  }
  for (std::size_t rest = (a.size() + b.size()) % kStrands; rest > 0; --rest) s3.Step();
}

// Runs lie in `keys` one behind the other, each with room for one key behind it; `sizes`: without that room. `last` is
// greater than all keys. Returns the merged run, which lies in `keys`.
template <class Key>
std::span<const Key> MergeRuns(std::vector<Key>& keys, std::vector<std::size_t> sizes, const Key& last) {
  std::vector<Key> other(sizes.size() > 1 ? keys.size() : 0);
  while (sizes.size() > 1) {
    std::vector<std::size_t> merged;
    Key* from = keys.data();
    Key* to = other.data();
    for (std::size_t run = 0; run < sizes.size(); run += 2) {
      const std::size_t first = sizes[run];
      from[first] = last;
      if (run + 1 == sizes.size()) {
        std::copy(from, from + first, to);
        merged.push_back(first);
        break;
      }
      const std::size_t second = sizes[run + 1];
      Key* const next = from + first + 1;
      next[second] = last;
      MergeTwo<Key>({from, first}, {next, second}, to);
      from = next + second + 1;
      to += first + second + 1;
      merged.push_back(first + second);
    }
    keys.swap(other);
    sizes = std::move(merged);
  }
  return {keys.data(), sizes.empty() ? 0 : sizes.front()};
}

}  // namespace sabot::shuffle
