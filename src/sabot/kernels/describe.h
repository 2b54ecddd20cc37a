// What is known of a kernel type, as data: an entry of the registry.
#pragma once

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sabot/kernels/outputs.h"
#include "sabot/kernels/registry.h"

namespace sabot::kernels {

namespace internal {
template <class K>
InputInfo DescribeInput(const auto& input) {
  using Member = std::remove_cvref_t<decltype(typename K::Input{}.*input.member)>;
  const typename K::Options defaults;
  auto completed = CompleteOptions<K>(defaults);
  return {std::string(input.role), std::string(input.column), std::is_same_v<Member, double> ? "float64" : "int64 ns",
          completed.ok() && !NeedsInput<K>(*completed, input.role), std::string(input.doc)};
}

}  // namespace internal

template <class K>
KernelInfo Describe(std::string_view family) {
  KernelInfo info{.family = family,
                  .doc = K::kDoc,
                  .stateful = kStateful<K>,
                  .pair = kPair<K>,
                  .missing = kFailsClosed<K>  ? "fails closed"
                             : kPositional<K> ? "positional"
                                              : "null",
                  .inputs = {},
                  .outputs = {},
                  .options = {}};
  std::apply([&](const auto&... input) { (info.inputs.push_back(internal::DescribeInput<K>(input)), ...); },
             K::kInputs);
  const auto describe_outputs = [&]<std::size_t... I>(std::index_sequence<I...>) {
    (info.outputs.push_back({std::string(std::get<I>(K::kOutputs).name),
                             std::string(StoredAs<OutputMember<K, I>>::kName),
                             std::string(std::get<I>(K::kOutputs).doc)}),
     ...);
  };
  describe_outputs(std::make_index_sequence<kOutputCount<K>>());
  info.options = DescribeOptions<typename K::Options>();
  return info;
}

}  // namespace sabot::kernels
