// Draws symbols with Zipf's weights, rank^-skew, in constant time: an alias table as Vose (1991) builds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "sabot/kernels/math.h"

namespace sabot::connectors::internal {

class ZipfSymbols {
 public:
  ZipfSymbols(int32_t symbols, double skew) : entries_(static_cast<std::size_t>(symbols)) {
    std::vector<double> weights(entries_.size());
    std::iota(weights.begin(), weights.end(), 1.0);
    kernels::math::Log(weights);
    for (double& weight : weights) weight *= -skew;
    kernels::math::Exp(weights);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights) weight *= static_cast<double>(symbols) / sum;

    std::vector<std::size_t> poor;
    std::vector<std::size_t> rich;
    for (std::size_t at = 0; at < weights.size(); ++at) (weights[at] < 1.0 ? poor : rich).push_back(at);
    while (!poor.empty() && !rich.empty()) {
      const std::size_t taker = poor.back();
      const std::size_t giver = rich.back();
      poor.pop_back();
      entries_[taker] = {.own_share = static_cast<uint64_t>(weights[taker] * 0x1p64),
                         .alias = static_cast<int32_t>(giver)};
      weights[giver] -= 1.0 - weights[taker];
      if (weights[giver] < 1.0) {
        rich.pop_back();
        poor.push_back(giver);
      }
    }
    for (const auto& rest : {poor, rich}) {  // What rounding left: whole shares.
      for (const std::size_t at : rest) entries_[at] = {.own_share = ~uint64_t{0}, .alias = static_cast<int32_t>(at)};
    }
  }

  // `bits` choose an entry by their product's high half, and one of its two symbols by the low half.
  int32_t Draw(uint64_t bits) const {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(bits) * entries_.size();
    const auto at = static_cast<std::size_t>(product >> 64);
    const Entry& entry = entries_[at];
    return static_cast<uint64_t>(product) < entry.own_share ? static_cast<int32_t>(at) : entry.alias;
  }

 private:
  struct Entry {
    uint64_t own_share = 0;  // Of 2^64.
    int32_t alias = 0;
  };
  std::vector<Entry> entries_;
};

}  // namespace sabot::connectors::internal
