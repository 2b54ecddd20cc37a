// The functions that expressions may call: those whose results are the same bits everywhere. One row is one function,
// with what people read about it; anything else is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sabot/kernels/options.h"

namespace sabot::operators {

// How arguments are brought to one type and the result is computed (expression_rules.cc).
enum class FunctionRule {
  kArithmetic,  // Integers as int64, checked; other numbers as float64; times and durations.
  kDivide,      // Of float64; of durations.
  kQuotient,    // Integers as int64; other numbers as float64.
  kNumber,      // One number: integers as int64, others as they are.
  kFloat,       // Numbers as float64.
  kComparison,  // Two values brought to one type.
  kBoolean,
  kCommon,      // Values brought to one type.
  kIfElse,
  kCaseWhen,
  kCast,
  kIsIn,
  kTime,        // A time; int64 is ns since the epoch.
  kText,        // Strings.
  kAny,
};

struct FunctionOption {
  std::string_view name;
  kernels::OptionValue example;            // Of its type.
  kernels::OptionValue default_value = {};  // None: it must be given.
  std::string_view doc = {};
  std::vector<std::string> choices = {};
};

struct FunctionInfo {
  std::string_view group;
  std::string_view name;
  std::string_view arguments;  // As in a signature: "x", "left, right", "x, ..." for one or more.
  std::string_view takes;      // In words, for messages: "numbers".
  std::string_view doc;
  FunctionRule rule;
  std::string_view computed_by;    // Arrow's function, or ours in expression_math.h.
  bool by_dictionary_entry = false;  // Null in, null out, and it never fails: computed once an entry of a dictionary.
  std::vector<FunctionOption> options = {};

  std::size_t arguments_min() const;
  std::size_t arguments_max() const;  // As many as one likes: SIZE_MAX.
};

const std::vector<FunctionInfo>& ExpressionFunctions();
// nullptr: not one of them.
const FunctionInfo* FindFunction(std::string_view name);

// Options in the function's order, without those at their default. Errors (kOption).
arrow::Result<kernels::OptionMap> NormalOptions(const FunctionInfo& function, kernels::OptionMap options);
// An option that was given, or else its default.
const kernels::OptionValue& OptionOf(const FunctionInfo& function, const kernels::OptionMap& options,
                                     std::string_view name);

}  // namespace sabot::operators
