// What a library of your own strategies includes. It holds strategies as strategy.h describes them, and one line:
//
//   #include "sabot/backtest/own_strategies.h"
//   namespace mine { class Skewed final : public sabot::backtest::Strategy {...}; }
//   SABOT_STRATEGIES(mine::Skewed)
//
// Each of them has a static StrategyInfo Info(): its name, its parameters, and how one is made of them.
//
// Compiled by `sabot build-strategy mine.cc`, or as a CMake MODULE that links Sabot::backtest, and loaded by
// backtest/strategy_library.h, sabot.load_strategies or SABOT_STRATEGIES, its strategies are what Sabot's own are.
#pragma once

#include <string>
#include <vector>

#include "sabot/backtest/registry.h"
#include "sabot/data/library_build.h"

#ifdef __FAST_MATH__
#error "Strategies must not be compiled with -ffast-math: their results would not be those of other machines."
#endif

namespace sabot::backtest::internal {

// How the code that calls it was built.
[[maybe_unused]] static std::string StrategyBuild() {
  return data::LibraryBuild({sizeof(StrategyInfo),
                             sizeof(Parameter),
                             sizeof(Settings),
                             sizeof(Moment),
                             sizeof(Tick),
                             sizeof(Book),
                             sizeof(Ledger),
                             sizeof(Limits),
                             sizeof(OrderRequest),
                             sizeof(Order),
                             sizeof(Fill),
                             sizeof(Feature),
                             sizeof(arrow::Status),
                             sizeof(std::string),
                             data::PlaceOf(&Strategy::features),
                             data::PlaceOf(&Strategy::OnDate),
                             data::PlaceOf(&Strategy::OnFill),
                             data::PlaceOf(&Strategy::OnTick),
                             data::PlaceOf(&Orders::Send),
                             data::PlaceOf(&Orders::Replace),
                             data::PlaceOf(&Orders::Cancel),
                             data::PlaceOf(&Orders::Resize),
                             data::PlaceOf(&Orders::Find),
                             data::PlaceOf(&Orders::open)});
}

template <class... S>
std::vector<StrategyInfo> OwnStrategies() {
  return {S::Info()...};
}

}  // namespace sabot::backtest::internal

// The strategies of a library. Once a library, outside of namespaces.
#define SABOT_STRATEGIES(...)                                                      \
  extern "C" [[gnu::visibility("default")]] const char* sabot_strategies_build() { \
    static const std::string build = sabot::backtest::internal::StrategyBuild();   \
    return build.c_str();                                                          \
  }                                                                                \
  extern "C" [[gnu::visibility("default")]] void sabot_strategies_list(            \
      std::vector<sabot::backtest::StrategyInfo>* strategies) {                    \
    *strategies = sabot::backtest::internal::OwnStrategies<__VA_ARGS__>();         \
  }
