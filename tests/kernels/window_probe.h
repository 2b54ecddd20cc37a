// An aggregate over a window, driven by hand, one value at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "sabot/kernels/rolling.h"

namespace sabot::kernels {

// Of the last `window` values.
template <class Aggregate>
class WindowProbe {
 public:
  explicit WindowProbe(int64_t window)
      : window_(window), ring_(static_cast<std::size_t>(TwoStack<Aggregate>::Cells(window_, window))) {}

  auto Push(const typename Aggregate::Value& value) {
    return TwoStack<Aggregate>::Push(counters_, ring_, window_, /*timestamp=*/0, value);
  }
  int64_t size() const { return counters_.size; }

 private:
  Window window_;
  std::vector<double> ring_;
  typename TwoStack<Aggregate>::Counters counters_;
};

// What a node says of values that are merged in two parts, of which the first has `first` values.
template <class Aggregate>
auto MergedInTwo(const std::vector<typename Aggregate::Value>& values, std::size_t first) {
  const auto anchor = Aggregate::AnchorAt(values.front());
  typename Aggregate::Node parts[2]{};
  int64_t counts[2]{};
  for (std::size_t at = 0; at < values.size(); ++at) {
    const std::size_t part = at < first ? 0 : 1;
    parts[part] = Aggregate::Merge(parts[part], counts[part]++, Aggregate::Single(values[at], anchor), 1);
  }
  return Aggregate::Merge(parts[0], counts[0], parts[1], counts[1]);
}

}  // namespace sabot::kernels
