// Arrow's expressions, as pyarrow writes them, into trees.
#include <arrow/compute/api_scalar.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/expression.h>

#include <algorithm>
#include <array>

#include "sabot/data/errors.h"
#include "sabot/operators/expression.h"
#include "sabot/operators/expression_functions.h"
#include "sabot/operators/expression_math.h"
#include "sabot/operators/expression_types_internal.h"

namespace sabot::operators {
namespace {

namespace cp = arrow::compute;

using Made = arrow::Result<ExpressionPtr>;

struct Renamed {
  std::string_view arrow, ours;
};
// Where the name is not that of FunctionInfo::computed_by. Arrow's unchecked arithmetic wraps around; ours never does.
constexpr std::array<Renamed, 19> kRenamed = {{{"add", "add"},
                                               {"subtract", "subtract"},
                                               {"multiply", "multiply"},
                                               {"divide", "quotient"},
                                               {"power", "power"},
                                               {"power_checked", "power"},
                                               {"negate", "negate"},
                                               {"abs", "abs"},
                                               {"sqrt_checked", "sqrt"},
                                               {"ln", "ln"},
                                               {"ln_checked", "ln"},
                                               {"log2", "log2"},
                                               {"log2_checked", "log2"},
                                               {"log10", "log10"},
                                               {"log10_checked", "log10"},
                                               {"log1p", "log1p"},
                                               {"log1p_checked", "log1p"},
                                               {"exp", "exp"},
                                               {"expm1", "expm1"}}};

const FunctionInfo* FunctionOf(std::string_view arrow_name) {
  for (const auto& renamed : kRenamed) {
    if (renamed.arrow == arrow_name) return FindFunction(renamed.ours);
  }
  for (const auto& function : ExpressionFunctions()) {
    if (function.computed_by == arrow_name) return &function;
  }
  return nullptr;
}

arrow::Status Refused(const cp::Expression::Call& call, const std::string& why) {
  return data::OptionError("pyarrow expression: " + call.function_name + ": " + why);
}

template <class Options>
const Options* OptionsAs(const cp::Expression::Call& call) {
  if (call.options == nullptr || std::string_view(call.options->type_name()) != Options::kTypeName) return nullptr;
  return static_cast<const Options*>(call.options.get());
}

Made TreeOf(const cp::Expression& expression, int depth);

arrow::Result<std::vector<ExpressionPtr>> ArgumentsOf(const cp::Expression::Call& call, int depth) {
  std::vector<ExpressionPtr> arguments;
  for (const auto& argument : call.arguments) {
    ARROW_ASSIGN_OR_RAISE(arguments.emplace_back(), TreeOf(argument, depth + 1));
  }
  return arguments;
}

Made LiteralOf(const arrow::Datum& value) {
  if (!value.is_scalar()) return data::OptionError("pyarrow expression: found a literal that is no single value.");
  const auto& scalar = value.scalar();
  if (scalar->is_valid && arrow::is_decimal(scalar->type->id())) {  // As text, which keeps every digit.
    ARROW_ASSIGN_OR_RAISE(auto text, MakeLiteral(std::make_shared<arrow::StringScalar>(scalar->ToString())));
    return MakeCall("cast", {std::move(text)}, {{"type", TypeName(*scalar->type)}});
  }
  return MakeLiteral(scalar);
}

Made ColumnOf(const arrow::FieldRef& field) {
  if (const auto* const name = field.name()) return MakeColumn(*name);
  return data::OptionError("pyarrow expression: " + field.ToString() +
                           " is no column by name. Fields of structs and fields by number cannot be read.");
}

Made IsInOf(const cp::Expression::Call& call, const cp::SetLookupOptions& options, int depth) {
  ARROW_ASSIGN_OR_RAISE(auto arguments, ArgumentsOf(call, depth));
  if (!options.value_set.is_array()) return Refused(call, "the values must be one array.");
  ARROW_ASSIGN_OR_RAISE(arguments.emplace_back(),
                        MakeLiteral(std::make_shared<arrow::ListScalar>(options.value_set.make_array())));
  constexpr std::array<const char*, 4> kRules = {"match", "skip", "emit_null", "inconclusive"};
  const std::string rule = kRules.at(static_cast<std::size_t>(options.GetNullMatchingBehavior()));
  return MakeCall("is_in", std::move(arguments), {{"nulls", rule}});
}

// case_when(make_struct(conditions), values...)
Made CaseWhenOf(const cp::Expression::Call& call, int depth) {
  const auto* const conditions = call.arguments.empty() ? nullptr : call.arguments[0].call();
  if (conditions == nullptr || conditions->function_name != "make_struct") {
    return Refused(call, "the conditions must be made by make_struct.");
  }
  std::vector<ExpressionPtr> arguments;
  for (std::size_t at = 0; at + 1 < call.arguments.size(); ++at) {
    if (at < conditions->arguments.size()) {
      ARROW_ASSIGN_OR_RAISE(arguments.emplace_back(), TreeOf(conditions->arguments[at], depth + 2));
    }
    ARROW_ASSIGN_OR_RAISE(arguments.emplace_back(), TreeOf(call.arguments[at + 1], depth + 1));
  }
  return MakeCall("case_when", std::move(arguments));
}

// What Arrow's options say in the words of ours. Error (kOption): something that ours cannot.
arrow::Result<kernels::OptionMap> OptionsOf(const cp::Expression::Call& call) {
  if (const auto* const cast = OptionsAs<cp::CastOptions>(call)) {
    if (cast->is_safe()) return kernels::OptionMap{{"type", TypeName(*cast->to_type)}};
    return Refused(call, "unsafe casts are not taken. Round first: trunc(x), floor_temporal(x, ...).");
  }
  if (const auto* const round = OptionsAs<cp::RoundOptions>(call)) {
    const bool even = round->round_mode == cp::RoundMode::HALF_TO_EVEN;
    if (!even && round->round_mode != cp::RoundMode::HALF_TOWARDS_INFINITY) {
      return Refused(call, "known modes are half_to_even and half_towards_infinity.");
    }
    return kernels::OptionMap{{"digits", round->ndigits},
                              {"mode", std::string(even ? "half_to_even" : "half_away_from_zero")}};
  }
  if (const auto* const match = OptionsAs<cp::MatchSubstringOptions>(call)) {
    return kernels::OptionMap{{"pattern", match->pattern}, {"ignore_case", match->ignore_case}};
  }
  if (const auto* const replace = OptionsAs<cp::ReplaceSubstringOptions>(call)) {
    if (replace->max_replacements != -1) return Refused(call, "max_replacements is not taken.");
    return kernels::OptionMap{{"pattern", replace->pattern}, {"replacement", replace->replacement}};
  }
  if (const auto* const slice = OptionsAs<cp::SliceOptions>(call)) {
    if (slice->step != 1) return Refused(call, "a step other than 1 is not taken.");
    return kernels::OptionMap{{"start", slice->start}, {"stop", slice->stop}};
  }
  if (const auto* const time = OptionsAs<cp::RoundTemporalOptions>(call)) {
    if (!time->week_starts_monday || time->ceil_is_strictly_greater || time->calendar_based_origin) {
      return Refused(call, "of the options, multiple and unit are taken only.");
    }
    const auto* const function = FunctionOf(call.function_name);
    return kernels::OptionMap{{"multiple", int64_t{time->multiple}},
                              {"unit", function->options[1].choices.at(static_cast<std::size_t>(time->unit))}};
  }
  if (call.options == nullptr || call.options->Equals(cp::DayOfWeekOptions()) ||
      call.options->Equals(cp::ElementWiseAggregateOptions()) || call.options->Equals(cp::NullOptions())) {
    return kernels::OptionMap{};
  }
  if (OptionsAs<cp::ArithmeticOptions>(call) != nullptr || OptionsAs<cp::JoinOptions>(call) != nullptr) {
    return kernels::OptionMap{};
  }
  return Refused(call, "its options " + call.options->ToString() + " are not taken.");
}

Made CallOf(const cp::Expression::Call& call, int depth) {
  const auto* const function = FunctionOf(call.function_name);
  if (function == nullptr) {
    std::vector<std::string> names;
    for (const auto& known : ExpressionFunctions()) names.emplace_back(known.name);
    return Refused(call, "this function is not one of those allowed in expressions." +
                             data::NearestNames(call.function_name, names));
  }
  if (const auto* const lookup = OptionsAs<cp::SetLookupOptions>(call)) return IsInOf(call, *lookup, depth);
  if (function->rule == FunctionRule::kCaseWhen) return CaseWhenOf(call, depth);
  ARROW_ASSIGN_OR_RAISE(auto arguments, ArgumentsOf(call, depth));
  if (const auto* const null = OptionsAs<cp::NullOptions>(call); null != nullptr && null->nan_is_null) {
    ARROW_ASSIGN_OR_RAISE(auto is_null, MakeCall("is_null", arguments));
    ARROW_ASSIGN_OR_RAISE(auto is_nan, MakeCall("is_nan", arguments));
    return MakeCall("or", {std::move(is_null), std::move(is_nan)});
  }
  if (function->name == "concat") {  // Its last argument is what stands between.
    const auto* const between =
        arguments.empty() ? nullptr : std::get_if<ExpressionTree::Literal>(&arguments.back()->node);
    if (between == nullptr || !between->value->Equals(arrow::StringScalar(""))) {
      return Refused(call, "a separator is not taken; join with \"\" and write it between.");
    }
    if (const auto* const join = OptionsAs<cp::JoinOptions>(call);
        join != nullptr && join->null_handling != cp::JoinOptions::EMIT_NULL) {
      return Refused(call, "null_handling other than emit_null is not taken.");
    }
    arguments.pop_back();
  }
  ARROW_ASSIGN_OR_RAISE(auto options, OptionsOf(call));
  return MakeCall(function->name, std::move(arguments), std::move(options));
}

Made TreeOf(const cp::Expression& expression, int depth) {
  if (depth > kExpressionDepthMax) {
    return data::OptionError("the expression is nested more than " + std::to_string(kExpressionDepthMax) + " deep.");
  }
  if (const auto* const literal = expression.literal()) return LiteralOf(*literal);
  if (const auto* const field = expression.field_ref()) return ColumnOf(*field);
  if (const auto* const call = expression.call()) return CallOf(*call, depth);
  return data::OptionError("pyarrow expression: it is empty.");
}

}  // namespace

arrow::Result<ExpressionPtr> ExpressionFromArrow(const arrow::Buffer& serialized) {
  ExpressionContext();  // Registers Arrow's functions, whose options are read.
  // A copy outlives the caller's bytes: literals may point into it.
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> copy, serialized.CopySlice(0, serialized.size()));
  const auto expression = cp::Deserialize(std::move(copy));
  if (expression.ok()) return TreeOf(*expression, 1);
  return data::OptionError("pyarrow expression: it cannot be read: " + expression.status().message());
}

}  // namespace sabot::operators
