// How calls are written as operators. Python's precedence.
#pragma once

#include <array>
#include <string_view>

namespace sabot::operators {

// The higher, the tighter.
enum Precedence : int {
  kOrLevel = 1,
  kAndLevel,
  kNotLevel,
  kComparisonLevel,
  kSumLevel,
  kProductLevel,
  kMinusLevel,
  kPowerLevel,
  kPrimaryLevel,
};

struct BinaryOperator {
  std::string_view symbol;
  std::string_view function;
  Precedence level;
};

inline constexpr std::array<BinaryOperator, 13> kBinaryOperators = {{{"or", "or", kOrLevel},
                                                                     {"and", "and", kAndLevel},
                                                                     {"==", "equal", kComparisonLevel},
                                                                     {"!=", "not_equal", kComparisonLevel},
                                                                     {"<", "less", kComparisonLevel},
                                                                     {"<=", "less_equal", kComparisonLevel},
                                                                     {">", "greater", kComparisonLevel},
                                                                     {">=", "greater_equal", kComparisonLevel},
                                                                     {"+", "add", kSumLevel},
                                                                     {"-", "subtract", kSumLevel},
                                                                     {"*", "multiply", kProductLevel},
                                                                     {"/", "divide", kProductLevel},
                                                                     {"**", "power", kPowerLevel}}};

}  // namespace sabot::operators
