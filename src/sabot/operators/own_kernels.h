// What a library of your own kernels includes. It holds kernels as kernels/kernel.h describes them, and one line:
//
//   #include "sabot/operators/own_kernels.h"
//   namespace mine { struct MidMove {...}; struct Pressure {...}; }
//   SABOT_KERNELS(my_family, mine::MidMove, mine::Pressure)
//
// Compiled by `sabot build-kernel mine.cc`, or as a CMake MODULE that links Sabot::operators, and loaded by
// operators/kernel_library.h, sabot.load_kernels or SABOT_KERNELS, its kernels are what Sabot's own are.
#pragma once

#include <arrow/util/config.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/data/version.h"
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

// Whether this code was compiled so that x * y + z is rounded once.
[[gnu::noinline, maybe_unused]] static bool RoundsOnce() {
  const volatile double near_one[] = {1 + 0x1p-30, 1 - 0x1p-30, -1};  // The product is 1 - 2^-60, which rounds to 1.
  const double x = near_one[0], y = near_one[1], z = near_one[2];
  return x * y + z != 0;
}

// The place of a virtual function among those of its class.
template <class Function>
std::ptrdiff_t PlaceOf(Function function) {
  std::ptrdiff_t place = 0;
  std::memcpy(&place, &function, sizeof(place));
  return place;
}

// How the code that calls it was built: a library and who loads it must say the same before any object passes between
// them. Static, so that each side has its own.
[[maybe_unused]] static std::string KernelBuild() {
  std::string text = "sabot " + std::string(kVersion) + ", arrow " ARROW_VERSION_STRING;
#ifdef _LIBCPP_VERSION
  text += ", libc++";
#else
  text += ", libstdc++ with" + std::string(_GLIBCXX_USE_CXX11_ABI != 0 ? "" : "out") + " the C++11 ABI";
#endif
  text += RoundsOnce() ? ", with contraction" : ", without contraction";
  text += ", layout";
  for (const auto size : {sizeof(kernels::KernelInfo), sizeof(kernels::InputInfo), sizeof(kernels::OutputInfo),
                          sizeof(kernels::OptionInfo), sizeof(kernels::OptionMap), sizeof(OwnKernel), sizeof(Morsel),
                          sizeof(InputColumn), sizeof(OutputColumn), sizeof(KernelInput), sizeof(KernelOutput),
                          sizeof(FrozenKernel::Rows), sizeof(arrow::Status), sizeof(std::string)}) {
    text += " " + std::to_string(size);
  }
  text += " " + std::to_string(PlaceOf(&KeyedKernel::Run)) + " " + std::to_string(PlaceOf(&KeyedKernel::KeepStates)) +
          " " + std::to_string(PlaceOf(&FrozenKernel::Next));
  return text;
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
