// The parameter sets of a sweep: all of a grid, drawn at random, or as somebody listed them.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sabot/backtest/config.h"

namespace sabot::backtest {

using ParameterValue = Settings::Value;

// A set gives each of the names a value, or leaves it to the configuration.
struct ParameterSets {
  std::vector<std::string> names;
  std::vector<std::vector<std::optional<ParameterValue>>> sets;  // Values in the order of the names.

  int64_t size() const { return static_cast<int64_t>(sets.size()); }
  Settings::Values Set(int64_t index) const;  // What it gives.
  // As JSON, such that equal texts are equal sets: [["a","b"],[[1,null],[2,{}]]], where {} is what a set leaves.
  std::string ToJson() const;
};

inline constexpr int64_t kSetsMax = 10'000'000;

// Each value of each parameter with each of the others: the last name changes fastest. `json`: {"name": [values]}.
// Errors (kOption): no JSON of that kind, no parameter, a parameter without values or with one of them twice, more
// than kSetsMax sets.
arrow::Result<ParameterSets> GridSets(std::string_view json);

// `json`: {"name": {"uniform": [low, high]} or {"log_uniform": [low, high]}, {"integer": [low, high]} (with both),
// {"choice": [values]}}. What set i gives a name depends on the seed, the name and i alone: more samples, or more
// parameters, change no value that was there. The bits are those of
//   mix(z): z ^= z >> 30, z *= 0xBF58476D1CE4E5B9, z ^= z >> 27, z *= 0x94D049BB133111EB, z ^= z >> 31   (splitmix64)
//   word = mix(mix(mix(seed + g) ^ fnv1a(name)) + (i + 1) g), with g = 0x9E3779B97F4A7C15 and the 64-bit FNV-1a hash,
//   u = (word >> 11) / 2^53,
// and the value is low + u (high - low); exp(log(low) + u (log(high) - log(low))); low + floor(u (high - low + 1)); or
// the value number floor(u count). Rounding takes none beyond high.
// Errors (kOption): as for GridSets; a range that is empty, not finite, of log_uniform not above 0, of integers not
// whole or beyond 2^53; samples below one or above kSetsMax.
arrow::Result<ParameterSets> RandomSets(std::string_view json, int64_t samples, uint64_t seed);

// `json`: [{"name": value}]; names in the order in which they first occur. Errors (kOption) as for GridSets;
// a set that stands twice.
arrow::Result<ParameterSets> ListSets(std::string_view json);

}  // namespace sabot::backtest
