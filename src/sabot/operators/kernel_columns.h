// The columns of a morsel as one kernel type reads and writes them: rows as its Input, results as values and bits of
// validity, nulls handled a word of 64 rows at a time.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sabot/data/bitmap.h"
#include "sabot/kernels/outputs.h"
#include "sabot/operators/keyed_kernel.h"

namespace sabot::operators {

namespace internal {

// Finite without a call or a branch: the difference is +0.0, all bits zero, for finite numbers alone.
inline uint64_t NotFinite(double value) { return std::bit_cast<uint64_t>(value - value); }

// Keeps the value where the condition holds, else +0.0.
template <class T>
T Masked(bool condition, T value) {
  if constexpr (std::is_same_v<T, double>) {
    return kernels::When(condition, value);
  } else {
    return condition ? value : T{};
  }
}

inline bool StoreOutput(double value, double fill, double& to) {
  const bool present = NotFinite(value) == 0;
  to = present ? value : fill;
  return present;
}
inline bool StoreOutput(const std::optional<double>& value, double fill, double& to) {
  const bool present = value.has_value() && NotFinite(*value) == 0;
  to = present ? *value : fill;
  return present;
}
inline bool StoreOutput(int64_t value, double, int64_t& to) { return to = value, true; }
inline bool StoreOutput(const std::optional<int64_t>& value, double, int64_t& to) {
  return to = value.value_or(0), value.has_value();
}
inline bool StoreOutput(bool value, double, bool& to) { return to = value, true; }
inline bool StoreOutput(const std::optional<bool>& value, double, bool& to) {
  return to = value.value_or(false), value.has_value();
}
inline bool StoreOutput(kernels::Label value, double, int8_t& to) {
  return to = std::max<int8_t>(value.index, 0), value.index >= 0;
}

// How a member of an Input lies in its column.
template <class Member>
struct ReadAs {
  using Type = Member;
};
template <class Member>
struct ReadAs<std::optional<Member>> : ReadAs<Member> {};

}  // namespace internal

// The inputs and outputs of a kernel type, by their place.
template <class K>
struct KernelTypes {
  using Input = typename K::Input;
  using Result = kernels::ResultOf<K>;
  static constexpr std::size_t kInputCount = std::tuple_size_v<std::remove_cvref_t<decltype(K::kInputs)>>;
  static constexpr std::size_t kOutputCount = kernels::kOutputCount<K>;
  using EachInput = std::make_index_sequence<kInputCount>;
  using EachOutput = std::make_index_sequence<kOutputCount>;
  using InputWords = std::array<uint64_t, kInputCount>;  // Of 64 rows, a bit of validity each.
  using OutputWords = std::array<uint64_t, kOutputCount>;

  template <std::size_t I>
  using InputMember = std::remove_cvref_t<decltype(std::declval<Input>().*(std::get<I>(K::kInputs).member))>;
  template <std::size_t I>
  using ReadAs = typename internal::ReadAs<InputMember<I>>::Type;
  template <std::size_t J>
  using OutputMember = kernels::OutputMember<K, J>;
  template <std::size_t J>
  using Stored = typename kernels::StoredAs<OutputMember<J>>::Type;

  // Whether each output is such a type, never an optional one.
  template <class T>
  static constexpr bool kOutputsAre = []<std::size_t... J>(std::index_sequence<J...>) {
    return (std::is_same_v<OutputMember<J>, T> && ...);
  }(EachOutput());
  // Whether the kernel itself says when the timestamp is read; otherwise a windowed one reads it with a duration.
  static constexpr bool kAsksForTimestamp =
      requires(const typename K::Options& options) { K::Needs(options, "timestamp"); };
  static constexpr bool kSkipsTimes = kernels::kWindowed<K> && !kAsksForTimestamp;
  // Whether an input is not read under some options.
  template <std::size_t I>
  static constexpr bool kMayBeUnbound =
      kernels::kHasOptionalInputs<K> &&
      (kAsksForTimestamp || (kernels::kWindowed<K> && std::is_same_v<InputMember<I>, int64_t>));

  // What null rows hold until the kernel's Finish.
  static constexpr double kFill = [] {
    if constexpr (requires { K::kNullFill; }) {
      return K::kNullFill;
    } else {
      return 0.0;
    }
  }();
};

// Typed pointers. Loops copy it into a local, where the compiler can see that nothing aliases it.
template <class K>
class KernelColumns {
  using Types = KernelTypes<K>;
  using Input = typename Types::Input;
  using Result = typename Types::Result;
  using EachInput = typename Types::EachInput;
  using EachOutput = typename Types::EachOutput;
  using InputWords = typename Types::InputWords;
  using OutputWords = typename Types::OutputWords;
  template <std::size_t J>
  using Stored = typename Types::template Stored<J>;
  static constexpr std::size_t kInputCount = Types::kInputCount;
  static constexpr std::size_t kOutputCount = Types::kOutputCount;
  static constexpr double kFill = Types::kFill;

 public:
  // `bound`: the inputs that the morsel has.
  KernelColumns(const Morsel& morsel, const std::array<bool, kInputCount>& bound) : legs_(morsel.legs) {
    static constexpr double kZero = 0;
    std::size_t next = 0;
    for (std::size_t input = 0; input < kInputCount; ++input) {
      values_[input] = &kZero;
      if (!bound[input]) continue;
      const auto& column = morsel.inputs[next++];
      values_[input] = column.values;
      validity_[input] = column.validity;
      bit_offset_[input] = column.bit_offset;
      row_mask_[input] = -1;
      any_validity_ |= column.validity != nullptr;
    }
    for (std::size_t output = 0; output < kOutputCount; ++output) outputs_[output] = morsel.outputs[output].values;
  }

  // `kWithoutTimes`: leaves times 0.
  template <bool kWithoutTimes = false>
  Input Read(int64_t row) const {
    Input input;
    const auto read = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
      if constexpr (!kWithoutTimes || !std::is_same_v<typename Types::template InputMember<I>, int64_t>) {
        input.*(std::get<I>(K::kInputs).member) = static_cast<const typename Types::template ReadAs<I>*>(
            values_[I])[Types::template kMayBeUnbound<I> ? row & row_mask_[I] : row];
      }
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (read(std::integral_constant<std::size_t, I>()), ...);
    }(EachInput());
    if constexpr (kernels::kPair<K>) input.leg = legs_[row];
    return input;
  }

  // Zero where every float64 of it is finite.
  static uint64_t NotFinite(const Input& input) {
    uint64_t bits = 0;
    const auto check = [&](const auto& value) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, double>) bits |= internal::NotFinite(value);
    };
    std::apply([&](const auto&... in) { (check(input.*in.member), ...); }, K::kInputs);
    return bits;
  }

  // What is missing becomes NaN for a positional kernel, or nullopt. `kAllThere`: it is no null.
  template <bool kAllThere>
  static void MarkMissing(Input& input, const InputWords& words, int64_t row) {
    const auto mark = [&]<class Member>(Member& value, uint64_t word) {
      const bool valid = kAllThere || ((word >> row) & 1) != 0;
      if constexpr (std::is_same_v<Member, double>) {
        const bool there = valid && internal::NotFinite(value) == 0;
        if (!there) [[unlikely]]
          value = kernels::kNull;
      } else {
        static_assert(std::is_same_v<Member, std::optional<int64_t>>, "a time that may be missing is optional");
        if (!valid) value.reset();
      }
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (mark(input.*(std::get<I>(K::kInputs).member), words[I]), ...);
    }(EachInput());
  }

  // Rows at which an input is there.
  uint64_t ValidityWord(std::size_t input, int64_t base, int64_t count) const {
    return validity_[input] == nullptr ? data::LowBits(count)
                                       : data::LoadBits(validity_[input], bit_offset_[input] + base, count);
  }
  InputWords ValidityWords(int64_t base, int64_t count) const {
    InputWords words;
    for (std::size_t input = 0; input < kInputCount; ++input) words[input] = ValidityWord(input, base, count);
    return words;
  }
  // Rows at which every needed input is there.
  uint64_t PresentWord(int64_t base, int64_t count) const {
    uint64_t present = data::LowBits(count);
    if (!any_validity_) return present;
    for (std::size_t input = 0; input < kInputCount; ++input) present &= ValidityWord(input, base, count);
    return present;
  }

  template <std::size_t J>
  Stored<J>* out() const {
    return static_cast<Stored<J>*>(outputs_[J]);
  }

  // A result with its bits in `present`.
  void Store(const Result& result, int64_t row, int64_t bit, OutputWords& present) const {
    EachOf([&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
      present[J] |= uint64_t{internal::StoreOutput(kernels::OutputAt<K, J>(result), kFill, out<J>()[row])} << bit;
    });
  }
  void StoreNull(int64_t row) const {
    EachOf([&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
      out<J>()[row] = std::is_same_v<Stored<J>, double> ? static_cast<Stored<J>>(kFill) : Stored<J>{};
    });
  }

  // A result of float64 outputs as it is; `odd` is not zero any more where one is NaN or infinite: Settle these.
  void StoreRaw(const Result& result, int64_t row, uint64_t& odd) const {
    EachOf([&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
      out<J>()[row] = kernels::OutputAt<K, J>(result);
      odd |= internal::NotFinite(kernels::OutputAt<K, J>(result));
    });
  }
  void StoreNaN(int64_t row) const {
    EachOf([&]<std::size_t J>(std::integral_constant<std::size_t, J>) { out<J>()[row] = kernels::kNull; });
  }
  // Turns what was stored raw and is no number into nulls.
  void Settle(int64_t base, int64_t count, OutputWords& present) const {
    present.fill(0);
    for (int64_t row = 0; row < count; ++row) {
      EachOf([&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
        auto& value = out<J>()[base + row];
        present[J] |= uint64_t{internal::StoreOutput(value, kFill, value)} << row;
      });
    }
  }

  // A result of outputs that are never null.
  void StoreValues(const Result& result, int64_t row) const {
    EachOf([&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
      out<J>()[row] = kernels::OutputAt<K, J>(result);
    });
  }
  // Turns the rows that are not usable into zeros.
  void ClearMissing(int64_t base, int64_t count, uint64_t usable) const {
    for (int64_t row = 0; row < count; ++row) {
      const bool keep = ((usable >> row) & 1) != 0;
      EachOf([&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
        out<J>()[base + row] = internal::Masked(keep, out<J>()[base + row]);
      });
    }
  }

 private:
  template <class Function>
  static void EachOf(const Function& function) {
    [&]<std::size_t... J>(std::index_sequence<J...>) {
      (function(std::integral_constant<std::size_t, J>()), ...);
    }(EachOutput());
  }

  std::array<const void*, kInputCount> values_{};
  std::array<const uint8_t*, kInputCount> validity_{};
  std::array<int64_t, kInputCount> bit_offset_{};
  std::array<int64_t, kInputCount> row_mask_{};  // 0 for an input that isn't needed: it reads a zero for every row.
  std::array<void*, kOutputCount> outputs_{};
  const int8_t* legs_ = nullptr;
  bool any_validity_ = false;
};

}  // namespace sabot::operators
