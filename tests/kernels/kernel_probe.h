// One symbol's kernel, driven by hand: checks options as the engine does, then feeds one row at a time.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "sabot/kernels/kernel.h"
#include "sabot/kernels/outputs.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

// A float output as its column shows it: no value where it is NaN or infinite.
inline std::optional<double> Shown(double value) { return std::isfinite(value) ? std::optional(value) : std::nullopt; }

// The message options are refused with; empty if they are not.
template <class K>
std::string Refusal(const typename K::Options& options) {
  return CompleteOptions<K>(options).status().message();
}

template <class K>
class KernelProbe {
 public:
  using Result = ResultOf<K>;

  explicit KernelProbe(const typename K::Options& options = {})
      : options_(CompleteOptions<K>(options).ValueOrDie()), parameters_(PrepareParameters<K>(options_)) {
    if constexpr (kHasRing<K>) ring_.resize(static_cast<std::size_t>(RingLengthOf<K>(options_)));
  }

  // The kernel's result, with what the driver adds: an invalid row is missing, and NaN or infinity is no value.
  auto Update(const typename K::Input& row) {
    if constexpr (std::is_same_v<Result, double>) {
      return Shown(Apply(row));
    } else {
      return Apply(row);
    }
  }

 private:
  Result Apply(const typename K::Input& row) {
    if constexpr (requires { K::Valid(parameters_, row); }) {
      if (!K::Valid(parameters_, row)) return Missing();
    }
    if constexpr (kWindowed<K>) {
      if (options_.window.timed() && !MakeRoom(row.timestamp)) return Missing();
    }
    if constexpr (!kStateful<K>) {
      return K::Compute(parameters_, row);
    } else {
      auto result = RunRow<K>(parameters_, symbol_, ring_, row);
      if constexpr (requires(std::span<double> values) { K::Finish(values); }) {
        if (std::isfinite(result)) K::Finish({&result, 1});
      }
      return result;
    }
  }
  // Late rows are missing in a window of time, and its ring grows by a row when it is full.
  bool MakeRoom(int64_t timestamp) {
    if (timestamp < newest_.value_or(timestamp)) return false;
    newest_ = timestamp;
    const int64_t rows = RowsHeld<K>(symbol_);
    if (rows < room_) return true;
    std::vector<double> longer(static_cast<std::size_t>(WindowCells<K>(options_, ++room_)));
    if (rows > 0) MoveWindows<K>(options_, symbol_, ring_, longer);
    ring_ = std::move(longer);
    return true;
  }
  static Result Missing() {
    if constexpr (std::is_same_v<Result, double>) return kNull;
    return {};
  }

  struct NoScalars {};
  template <class T>
  static auto ScalarsOf() {
    if constexpr (kStateful<T>) {
      return typename T::Scalars{};
    } else {
      return NoScalars{};
    }
  }

  typename K::Options options_;
  ParametersOf<K> parameters_;
  decltype(ScalarsOf<K>()) symbol_{};
  std::vector<double> ring_;
  std::optional<int64_t> newest_ = std::nullopt;  // Of a window of time,
  int64_t room_ = 0;                              // and the rows that its ring has room for.
};

}  // namespace sabot::kernels
