// How code was built, as text: a library of a user's own and the program that loads it must say the same before any
// object passes between them. What stands here is static, so that each side has its own.
#pragma once

#include <arrow/util/config.h>

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string>

#include "sabot/data/version.h"

namespace sabot::data {

// Whether this code was compiled so that x * y + z is rounded once.
[[gnu::noinline, maybe_unused]] static bool RoundsOnce() {
  const volatile double near_one[] = {1 + 0x1p-30, 1 - 0x1p-30, -1};  // The product is 1 - 2^-60, which rounds to 1.
  const double x = near_one[0], y = near_one[1], z = near_one[2];
  return x * y + z != 0;
}

// The place of a virtual function among those of its class.
template <class Function>
std::size_t PlaceOf(Function function) {
  std::size_t place = 0;
  std::memcpy(&place, &function, sizeof(place));
  return place;
}

// `layout`: sizes of the types that pass between the two, and places of the virtual functions that are called.
[[maybe_unused]] static std::string LibraryBuild(std::initializer_list<std::size_t> layout) {
  std::string text = "sabot " + std::string(kVersion) + ", arrow " ARROW_VERSION_STRING;
#ifdef _LIBCPP_VERSION
  text += ", libc++";
#else
  text += ", libstdc++ with" + std::string(_GLIBCXX_USE_CXX11_ABI != 0 ? "" : "out") + " the C++11 ABI";
#endif
  text += RoundsOnce() ? ", with contraction" : ", without contraction";
  text += ", layout";
  for (const auto part : layout) text += " " + std::to_string(part);
  return text;
}

}  // namespace sabot::data
