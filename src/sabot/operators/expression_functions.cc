#include "sabot/operators/expression_functions.h"

#include <algorithm>
#include <limits>

#include "sabot/data/errors.h"
#include "sabot/operators/expression_types_internal.h"

namespace sabot::operators {
namespace {

using Rule = FunctionRule;

const std::string kText;
const std::vector<std::string> kCalendarUnits = {
    "nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"};
const std::vector<std::string> kRoundModes = {"half_to_even", "half_away_from_zero"};
const std::vector<std::string> kNullRules = {"emit_null", "match", "skip", "inconclusive"};

std::vector<FunctionOption> RoundTime() {
  return {{"multiple", int64_t{1}, int64_t{1}, "How many units, at least 1."},
          {"unit", kText, {}, "The unit of the calendar; weeks begin on Monday.", kCalendarUnits}};
}

std::vector<FunctionInfo> Table() {
  constexpr std::string_view kTimes = "timestamps or int64 (ns since the epoch)";
  constexpr std::string_view kTwo = "left, right", kTwoEqual = "two values of one kind";
  constexpr bool kByEntry = true;
  std::vector<FunctionInfo> table = {
      {"arithmetic", "add", kTwo, "two numbers, or a timestamp and a duration", "left + right.", Rule::kArithmetic,
       "add_checked"},
      {"arithmetic", "subtract", kTwo, "two numbers, two timestamps, or a timestamp and a duration", "left - right.",
       Rule::kArithmetic, "subtract_checked"},
      {"arithmetic", "multiply", kTwo, "two numbers, or a duration and an integer", "left * right.", Rule::kArithmetic,
       "multiply_checked"},
      {"arithmetic", "divide", kTwo, "two numbers, or two durations",
       "left / right as float64; x / 0 is inf, -inf or NaN.", Rule::kDivide, "divide"},
      {"arithmetic", "quotient", kTwo, "two numbers",
       "Integers divided, rounded toward zero, where a divisor of 0 is an error; for other numbers left / right.",
       Rule::kQuotient, "divide_checked"},
      {"arithmetic", "power", "base, exponent", "two numbers", "base ** exponent as float64.", Rule::kFloat,
       "sabot.power"},
      {"arithmetic", "negate", "x", "a number or a duration", "-x.", Rule::kNumber, "negate_checked"},
      {"arithmetic", "abs", "x", "a number or a duration", "The absolute value.", Rule::kNumber, "abs_checked"},
      {"arithmetic", "sign", "x", "a number", "-1, 0 or 1.", Rule::kNumber, "sign"},
      {"arithmetic", "sqrt", "x", "a number", "The square root; NaN below 0.", Rule::kFloat, "sqrt"},
      {"arithmetic",
       "round",
       "x",
       "a number",
       "Rounded to so many decimal digits.",
       Rule::kNumber,
       "round",
       !kByEntry,
       {{"digits", int64_t{0}, int64_t{0}, "Below 0: to tens, hundreds, ..."},
        {"mode", kText, std::string("half_to_even"), "What becomes of a half.", kRoundModes}}},
      {"arithmetic", "floor", "x", "a number", "The next integer below, as the same kind of number.", Rule::kNumber,
       "floor"},
      {"arithmetic", "ceil", "x", "a number", "The next integer above.", Rule::kNumber, "ceil"},
      {"arithmetic", "trunc", "x", "a number", "The next integer toward 0.", Rule::kNumber, "trunc"},
      {"arithmetic", "least", "x, ...", kTwoEqual, "The least of the values; nulls and NaN are passed over.",
       Rule::kCommon, "min_element_wise"},
      {"arithmetic", "greatest", "x, ...", kTwoEqual, "The greatest of the values; nulls and NaN are passed over.",
       Rule::kCommon, "max_element_wise"},

      {"logarithms", "ln", "x", "a number", "The natural logarithm; -inf of 0, NaN below.", Rule::kFloat, "sabot.ln"},
      {"logarithms", "log2", "x", "a number", "The logarithm to base 2.", Rule::kFloat, "sabot.log2"},
      {"logarithms", "log10", "x", "a number", "The logarithm to base 10.", Rule::kFloat, "sabot.log10"},
      {"logarithms", "log1p", "x", "a number", "ln(1 + x), exact for small x.", Rule::kFloat, "sabot.log1p"},
      {"logarithms", "exp", "x", "a number", "e ** x.", Rule::kFloat, "sabot.exp"},
      {"logarithms", "expm1", "x", "a number", "e ** x - 1, exact for small x.", Rule::kFloat, "sabot.expm1"},
      {"logarithms", "erfc", "x", "a number", "The complementary error function.", Rule::kFloat, "sabot.erfc"},

      {"comparison", "equal", kTwo, kTwoEqual, "left == right.", Rule::kComparison, "equal", kByEntry},
      {"comparison", "not_equal", kTwo, kTwoEqual, "left != right.", Rule::kComparison, "not_equal", kByEntry},
      {"comparison", "less", kTwo, kTwoEqual, "left < right.", Rule::kComparison, "less", kByEntry},
      {"comparison", "less_equal", kTwo, kTwoEqual, "left <= right.", Rule::kComparison, "less_equal", kByEntry},
      {"comparison", "greater", kTwo, kTwoEqual, "left > right.", Rule::kComparison, "greater", kByEntry},
      {"comparison", "greater_equal", kTwo, kTwoEqual, "left >= right.", Rule::kComparison, "greater_equal", kByEntry},
      {"comparison",
       "is_in",
       "x, values",
       "a value and a list of such",
       "x in [...]: whether it is one of the values.",
       Rule::kIsIn,
       "is_in",
       kByEntry,
       {{"nulls", kText, std::string("emit_null"),
         "What a null gives: null (emit_null), whether the list has one (match), false (skip), or SQL's answer.",
         kNullRules}}},

      {"logic", "and", kTwo, "two bools", "True where both are; false where one is false, even beside a null.",
       Rule::kBoolean, "and_kleene", kByEntry},
      {"logic", "or", kTwo, "two bools", "True where one is true, even beside a null.", Rule::kBoolean, "or_kleene",
       kByEntry},
      {"logic", "not", "x", "a bool", "True where it is false.", Rule::kBoolean, "invert", kByEntry},
      {"logic", "if_else", "condition, then, otherwise", "a bool and two values of one kind",
       "`then` where the condition is true, `otherwise` where it is false, null where it is null.", Rule::kIfElse,
       "if_else"},
      {"logic", "case_when", "condition, value, ...", "bools and values of one kind in turn, and a last value",
       "The value after the first condition that is true; else the last one, or null where there is none.",
       Rule::kCaseWhen, "case_when"},

      {"missing values", "is_null", "x", "any value", "x is null: whether it is missing. NaN is not.", Rule::kAny,
       "is_null"},
      {"missing values", "is_valid", "x", "any value", "x is not null.", Rule::kAny, "is_valid"},
      {"missing values", "is_nan", "x", "a number", "Whether it is NaN.", Rule::kNumber, "is_nan"},
      {"missing values", "is_finite", "x", "a number", "Whether it is neither NaN nor infinite.", Rule::kNumber,
       "is_finite"},
      {"missing values", "coalesce", "x, ...", "values of one kind",
       "The first value that is not null. fill_null(x, value) is the same.", Rule::kCommon, "coalesce"},

      {"types",
       "cast",
       "x",
       "a value",
       "As another type; what does not fit is an error.",
       Rule::kCast,
       "cast",
       !kByEntry,
       {{"type", kText, {}, "\"int64\", \"string\", \"timestamp[ns]\", \"decimal128(10, 2)\", ..."}}},

      {"text", "lower", "x", "a string", "In lower case.", Rule::kText, "utf8_lower", kByEntry},
      {"text", "upper", "x", "a string", "In upper case.", Rule::kText, "utf8_upper", kByEntry},
      {"text", "length", "x", "a string", "The number of code points.", Rule::kText, "utf8_length", kByEntry},
      {"text",
       "starts_with",
       "x",
       "a string",
       "Whether it begins so.",
       Rule::kText,
       "starts_with",
       kByEntry,
       {{"pattern", kText, {}, "The text looked for."},
        {"ignore_case", false, false, "Upper and lower case are one."}}},
      {"text",
       "ends_with",
       "x",
       "a string",
       "Whether it ends so.",
       Rule::kText,
       "ends_with",
       kByEntry,
       {{"pattern", kText, {}, "The text looked for."},
        {"ignore_case", false, false, "Upper and lower case are one."}}},
      {"text",
       "contains",
       "x",
       "a string",
       "Whether it has that in it.",
       Rule::kText,
       "match_substring",
       kByEntry,
       {{"pattern", kText, {}, "The text looked for."},
        {"ignore_case", false, false, "Upper and lower case are one."}}},
      {"text",
       "replace",
       "x",
       "a string",
       "With one text in place of another, everywhere.",
       Rule::kText,
       "replace_substring",
       kByEntry,
       {{"pattern", kText, {}, "The text looked for."}, {"replacement", kText, {}, "What takes its place."}}},
      {"text", "trim", "x", "a string", "Without white space at both ends.", Rule::kText, "utf8_trim_whitespace",
       kByEntry},
      {"text",
       "slice",
       "x",
       "a string",
       "The code points from `start` to before `stop`, counted from 0; below 0 from "
       "the end.",
       Rule::kText,
       "utf8_slice_codeunits",
       kByEntry,
       {{"start", int64_t{0}, {}, "The first one."},
        {"stop", int64_t{0}, std::numeric_limits<int64_t>::max(), "The first one left out; not given: all."}}},
      {"text", "concat", "x, ...", "strings", "One after the other; null where one is.", Rule::kText,
       "binary_join_element_wise"},
  };
  struct Part {
    std::string_view name, computed_by, doc;
  };
  constexpr Part kParts[] = {
      {"year", "year", "The year."},
      {"quarter", "quarter", "1 to 4."},
      {"month", "month", "1 to 12."},
      {"week", "iso_week", "The week by ISO 8601, 1 to 53."},
      {"day", "day", "The day of the month, from 1."},
      {"day_of_year", "day_of_year", "From 1."},
      {"weekday", "day_of_week", "0 is Monday, 6 Sunday."},
      {"hour", "hour", "0 to 23."},
      {"minute", "minute", "0 to 59."},
      {"second", "second", "0 to 59."},
      {"millisecond", "millisecond", "Milliseconds since the second, 0 to 999."},
      {"microsecond", "microsecond", "Microseconds since the millisecond, 0 to 999."},
      {"nanosecond", "nanosecond", "Nanoseconds since the microsecond, 0 to 999."},
  };
  for (const auto& part : kParts)
    table.push_back({"time", part.name, "x", kTimes, part.doc, Rule::kTime, part.computed_by});
  table.push_back({"time", "floor_temporal", "x", kTimes, "The last such moment at or before.", Rule::kTime,
                   "floor_temporal", !kByEntry, RoundTime()});
  table.push_back({"time", "ceil_temporal", "x", kTimes, "The first such moment at or after.", Rule::kTime,
                   "ceil_temporal", !kByEntry, RoundTime()});
  table.push_back({"time", "round_temporal", "x", kTimes, "The nearest such moment.", Rule::kTime, "round_temporal",
                   !kByEntry, RoundTime()});
  return table;
}

arrow::Status CheckOption(const FunctionInfo& function, const FunctionOption& option,
                          const kernels::OptionValue& value) {
  const std::string where = std::string(function.name) + ": option '" + std::string(option.name) + "' must be ";
  if (value.index() != option.example.index()) {
    const char* const wanted = std::holds_alternative<bool>(option.example)      ? "true or false"
                               : std::holds_alternative<int64_t>(option.example) ? "an integer"
                                                                                 : "a string";
    return data::OptionError(where + wanted + ", found " + kernels::ToString(value) + ".");
  }
  if (!option.choices.empty()) {
    const auto& text = std::get<std::string>(value);
    if (std::find(option.choices.begin(), option.choices.end(), text) == option.choices.end()) {
      std::string list;
      for (const auto& choice : option.choices) list += (list.empty() ? "'" : ", '") + choice + "'";
      return data::OptionError(where + "one of " + list + ", found '" + text + "'.");
    }
  }
  if (function.name == "replace" && option.name == "pattern" && std::get<std::string>(value).empty()) {
    return data::OptionError(where + "some text, found ''.");  // Nothing would be found without end.
  }
  if (const auto* count = std::get_if<int64_t>(&value); count != nullptr) {
    if (option.name == "multiple" && (*count < 1 || *count > std::numeric_limits<int32_t>::max())) {
      return data::OptionError(where + "in [1, 2^31), found " + std::to_string(*count) + ".");
    }
    if (option.name == "digits" && (*count < -18 || *count > 18)) {
      return data::OptionError(where + "in [-18, 18], found " + std::to_string(*count) + ".");
    }
  }
  return arrow::Status::OK();
}

}  // namespace

std::size_t FunctionInfo::arguments_min() const {
  return 1 + static_cast<std::size_t>(std::count(arguments.begin(), arguments.end(), ',')) -
         (arguments.ends_with(", ...") ? 1 : 0);
}

std::size_t FunctionInfo::arguments_max() const {
  return arguments.ends_with(", ...") ? std::numeric_limits<std::size_t>::max() : arguments_min();
}

const std::vector<FunctionInfo>& ExpressionFunctions() {
  static const std::vector<FunctionInfo> functions = Table();
  return functions;
}

const FunctionInfo* FindFunction(std::string_view name) {
  for (const auto& function : ExpressionFunctions()) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

arrow::Result<kernels::OptionMap> NormalOptions(const FunctionInfo& function, kernels::OptionMap options) {
  std::vector<std::string> names;
  for (const auto& option : function.options) names.emplace_back(option.name);
  for (std::size_t at = 0; at < options.size(); ++at) {
    const auto& name = options[at].first;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return data::OptionError(std::string(function.name) + ": unknown option '" + name + "'." +
                               (names.empty() ? " It takes none." : data::NearestNames(name, names)));
    }
    for (std::size_t before = 0; before < at; ++before) {
      if (options[before].first != name) continue;
      return data::OptionError(std::string(function.name) + ": option '" + name + "' was given twice.");
    }
  }
  kernels::OptionMap normal;
  for (const auto& option : function.options) {
    const auto given =
        std::find_if(options.begin(), options.end(), [&](const auto& o) { return o.first == option.name; });
    if (given == options.end()) {
      if (std::holds_alternative<std::monostate>(option.default_value)) {
        return data::OptionError(std::string(function.name) + ": option '" + std::string(option.name) +
                                 "' is missing. " + std::string(option.doc));
      }
      continue;
    }
    ARROW_RETURN_NOT_OK(CheckOption(function, option, given->second));
    if (function.rule == Rule::kCast) {
      ARROW_ASSIGN_OR_RAISE(const auto type, ParseType(std::get<std::string>(given->second)));
      given->second = TypeName(*type);
    }
    if (given->second != option.default_value) normal.push_back(std::move(*given));
  }
  return normal;
}

const kernels::OptionValue& OptionOf(const FunctionInfo& function, const kernels::OptionMap& options,
                                     std::string_view name) {
  for (const auto& [given, value] : options) {
    if (given == name) return value;
  }
  const auto option = std::find_if(function.options.begin(), function.options.end(),
                                   [&](const FunctionOption& candidate) { return candidate.name == name; });
  return option->default_value;
}

}  // namespace sabot::operators
