#include "sabot/operators/keyed_kernel.h"

#include "sabot/operators/kernel_library.h"

namespace sabot::operators {

namespace internal {

// Defined by keyed_kernel_<family>.cc.
template <class Family>
arrow::Result<std::unique_ptr<KeyedKernel>> MakeOfFamily(std::string_view name, const kernels::OptionMap& options);

template <class... Family>
arrow::Result<std::unique_ptr<KeyedKernel>> MakeOfAny(kernels::KernelList<Family...>, std::string_view name,
                                                      const kernels::OptionMap& options) {
  arrow::Result<std::unique_ptr<KeyedKernel>> made = std::unique_ptr<KeyedKernel>();
  const auto missing = [&] { return made.ok() && *made == nullptr; };
  ((missing() ? (made = MakeOfFamily<Family>(name, options), 0) : 0), ...);
  return made;
}

}  // namespace internal

arrow::Result<std::unique_ptr<KeyedKernel>> MakeKeyedKernel(std::string_view name, const kernels::OptionMap& options) {
  ARROW_ASSIGN_OR_RAISE(const auto* const info, kernels::FindKernel(name));
  if (const auto make = internal::MakerOfLoaded(*info)) return make(options);
  return internal::MakeOfAny(kernels::Families{}, name, options);
}

}  // namespace sabot::operators
