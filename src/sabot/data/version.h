// Sabot's version, as CMakeLists.txt has it.
#pragma once

#include <string_view>

namespace sabot {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace sabot
