// What a library of your own kernels includes. It holds kernels as kernels/kernel.h describes them, and one line:
//
//   #include "sabot/operators/own_kernels.h"
//   namespace mine { struct MidMove {...}; struct Pressure {...}; }
//   SABOT_KERNELS(my_family, mine::MidMove, mine::Pressure)
//
// Compiled by `sabot build-kernel mine.cc`, or as a CMake MODULE that links Sabot::operators, and loaded by
// operators/kernel_library.h, sabot.load_kernels or SABOT_KERNELS, its kernels are what Sabot's own are.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/data/library_build.h"
#include "sabot/kernels/describe.h"
#include "sabot/operators/keyed_kernel_driver.h"

#ifdef __FAST_MATH__
#error "Kernels must not be compiled with -ffast-math: their bits would not be those of other machines."
#endif

namespace sabot::operators {

// A kernel on its way out of a library.
struct OwnKernel {
  kernels::KernelInfo info;
  KernelMaker make = nullptr;
};

namespace internal {

// How the code that calls it was built.
[[maybe_unused]] static std::string KernelBuild() {
  return data::LibraryBuild({sizeof(kernels::KernelInfo), sizeof(kernels::InputInfo), sizeof(kernels::OutputInfo),
                             sizeof(kernels::OptionInfo), sizeof(kernels::OptionMap), sizeof(OwnKernel), sizeof(Morsel),
                             sizeof(InputColumn), sizeof(OutputColumn), sizeof(KernelInput), sizeof(KernelOutput),
                             sizeof(FrozenKernel::Rows), sizeof(arrow::Status), sizeof(std::string),
                             data::PlaceOf(&KeyedKernel::Run), data::PlaceOf(&KeyedKernel::KeepStates),
                             data::PlaceOf(&FrozenKernel::Next)});
}

template <class K>
arrow::Result<std::unique_ptr<KeyedKernel>> MakeOwn(const kernels::OptionMap& options) {
  ARROW_ASSIGN_OR_RAISE(const auto parsed, kernels::ParseOptions<typename K::Options>(K::kDoc.name, options));
  return MakeDriver<K>(parsed);
}

template <class... K>
std::vector<OwnKernel> OwnKernels(std::string_view family) {
  return {OwnKernel{kernels::Describe<K>(family), &MakeOwn<K>}...};
}

}  // namespace internal
}  // namespace sabot::operators

// The kernels of a library, under the name of their family. Once a library, outside of namespaces.
#define SABOT_KERNELS(family, ...)                                              \
  extern "C" [[gnu::visibility("default")]] const char* sabot_kernels_build() { \
    static const std::string build = sabot::operators::internal::KernelBuild(); \
    return build.c_str();                                                       \
  }                                                                             \
  extern "C" [[gnu::visibility("default")]] void sabot_kernels_list(            \
      std::vector<sabot::operators::OwnKernel>* kernels) {                      \
    *kernels = sabot::operators::internal::OwnKernels<__VA_ARGS__>(#family);    \
  }
