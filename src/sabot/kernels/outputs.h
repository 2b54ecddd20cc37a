// What a kernel's Update may return, and the column it becomes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sabot/kernels/kernel.h"

namespace sabot::kernels {

namespace internal {

template <class K>
struct ResultType {
  using Type = decltype(K::Compute(std::declval<const ParametersOf<K>&>(), std::declval<const typename K::Input&>()));
};
template <class K>
  requires kStateful<K>
struct ResultType<K> {
  using Type = decltype(RunRow<K>(std::declval<const ParametersOf<K>&>(), std::declval<typename K::Scalars&>(),
                                  std::declval<std::span<double>>(), std::declval<const typename K::Input&>()));
};

}  // namespace internal

template <class K>
using ResultOf = typename internal::ResultType<K>::Type;

template <class K>
inline constexpr std::size_t kOutputCount = std::tuple_size_v<std::remove_cvref_t<decltype(K::kOutputs)>>;

// The I-th output of a result.
template <class K, std::size_t I>
const auto& OutputAt(const ResultOf<K>& result) {
  if constexpr (std::is_same_v<std::remove_cvref_t<decltype(std::get<I>(K::kOutputs))>, SingleOut>) {
    return result;
  } else {
    return result.*(std::get<I>(K::kOutputs).member);
  }
}

template <class K, std::size_t I>
using OutputMember = std::remove_cvref_t<decltype(OutputAt<K, I>(std::declval<const ResultOf<K>&>()))>;

// The value type that is stored a row: double, int64_t, bool, or int8_t for a Label.
template <class Member>
struct StoredAs;
template <>
struct StoredAs<double> {
  using Type = double;
  static constexpr std::string_view kName = "float64";
};
template <>
struct StoredAs<int64_t> {
  using Type = int64_t;
  static constexpr std::string_view kName = "int64";
};
template <>
struct StoredAs<bool> {
  using Type = bool;
  static constexpr std::string_view kName = "bool";
};
template <>
struct StoredAs<Label> {
  using Type = int8_t;
  static constexpr std::string_view kName = "utf8";
};
template <class Member>
struct StoredAs<std::optional<Member>> : StoredAs<Member> {};

}  // namespace sabot::kernels
