// The text form, written.
#include <algorithm>

#include "sabot/operators/expression.h"
#include "sabot/operators/expression_functions.h"
#include "sabot/operators/expression_syntax_internal.h"
#include "sabot/operators/expression_tokens_internal.h"
#include "sabot/operators/expression_types_internal.h"
#include "sabot/operators/keyed_kernel.h"

namespace sabot::operators {
namespace {

struct Written {
  std::string text;
  int level;
};

Written Write(const ExpressionTree& expression);

std::string WriteAt(const ExpressionTree& expression, int level) {
  auto written = Write(expression);
  return written.level >= level ? std::move(written.text) : "(" + written.text + ")";
}

Written WriteLiteral(const arrow::Scalar& value) {
  if (!value.is_valid) return {"null", kPrimaryLevel};
  const auto number = [](std::string text) { return Written{text, text[0] == '-' ? kMinusLevel : kPrimaryLevel}; };
  switch (value.type->id()) {
    case arrow::Type::BOOL:
      return {static_cast<const arrow::BooleanScalar&>(value).value ? "true" : "false", kPrimaryLevel};
    case arrow::Type::INT64:
      return number(std::to_string(static_cast<const arrow::Int64Scalar&>(value).value));
    case arrow::Type::DOUBLE:
      return number(FormatDouble(static_cast<const arrow::DoubleScalar&>(value).value));
    case arrow::Type::TIMESTAMP: {
      const bool utc = !static_cast<const arrow::TimestampType&>(*value.type).timezone().empty();
      const auto text = FormatTimestamp(static_cast<const arrow::TimestampScalar&>(value).value, utc);
      return {"timestamp(" + QuotedText(text) + ")", kPrimaryLevel};
    }
    case arrow::Type::DURATION: {
      const auto text = kernels::FormatDuration(static_cast<const arrow::DurationScalar&>(value).value);
      return {"duration(" + QuotedText(text) + ")", kPrimaryLevel};
    }
    case arrow::Type::LIST: {
      std::string text;
      for (const auto& element : ValuesOf(value)) text += (text.empty() ? "" : ", ") + WriteLiteral(*element).text;
      return {"[" + text + "]", kPrimaryLevel};
    }
    default:
      return {QuotedText(static_cast<const arrow::BaseBinaryScalar&>(value).view()), kPrimaryLevel};
  }
}

std::string WriteOption(const kernels::OptionValue& value) {
  struct Writer {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return FormatDouble(number); }
    std::string operator()(const std::string& text) const { return QuotedText(text); }
  };
  return std::visit(Writer{}, value);
}

bool IsNumberLiteral(const ExpressionTree& expression) {
  const auto* literal = std::get_if<ExpressionTree::Literal>(&expression.node);
  return literal != nullptr && arrow::is_numeric(literal->value->type->id());
}

Written WriteCall(const ExpressionTree::Call& call) {
  const auto& arguments = call.arguments;
  if (call.options.empty()) {
    for (const auto& binary : kBinaryOperators) {
      if (binary.function != call.function) continue;
      const bool power = binary.level == kPowerLevel;
      const bool chains = binary.level != kComparisonLevel && !power;
      const int left = power ? kPrimaryLevel : chains ? binary.level : binary.level + 1;
      const int right = power ? kMinusLevel : binary.level + 1;
      return {WriteAt(*arguments[0], left) + " " + std::string(binary.symbol) + " " + WriteAt(*arguments[1], right),
              binary.level};
    }
    if (call.function == "not") return {"not " + WriteAt(*arguments[0], kNotLevel), kNotLevel};
    if (call.function == "negate") {  // "-5" is a literal, "-(5)" is not.
      const bool literal = IsNumberLiteral(*arguments[0]);
      return {"-" + (literal ? "(" + Write(*arguments[0]).text + ")" : WriteAt(*arguments[0], kMinusLevel)),
              kMinusLevel};
    }
    if (call.function == "is_null" || call.function == "is_valid") {
      return {WriteAt(*arguments[0], kSumLevel) + (call.function == "is_null" ? " is null" : " is not null"),
              kComparisonLevel};
    }
    if (call.function == "is_in") {
      return {WriteAt(*arguments[0], kSumLevel) + " in " + Write(*arguments[1]).text, kComparisonLevel};
    }
  }
  std::string text;
  for (const auto& argument : arguments) text += (text.empty() ? "" : ", ") + Write(*argument).text;
  const auto& function = *FindFunction(call.function);
  bool by_position = function.arguments_min() == function.arguments_max();
  for (std::size_t at = 0; at < call.options.size(); ++at) {
    const auto& [name, value] = call.options[at];
    by_position = by_position && name == function.options[at].name;
    text += ", " + (by_position ? "" : name + "=") + WriteOption(value);
  }
  return {call.function + "(" + text + ")", kPrimaryLevel};
}

std::string WriteName(const std::string& name) { return IsPlainName(name) ? name : QuotedText(name); }

Written WriteKernel(const ExpressionTree::Kernel& kernel) {
  std::string text;
  const auto add = [&](const std::string& name, const std::string& value) {
    text += (text.empty() ? "" : ", ") + (name.empty() ? "" : name + "=") + value;
  };
  const auto made = MakeKeyedKernel(kernel.kernel, kernel.options);
  bool by_position = made.ok();
  for (const auto& input : made.ok() ? (*made)->inputs() : std::span<const KernelInput>()) {
    const auto given = kernel.columns.find(std::string(input.role));
    by_position = by_position && given != kernel.columns.end();
    if (given != kernel.columns.end()) add(by_position ? "" : given->first, Write(*given->second).text);
  }
  for (const auto& [name, value] : kernel.options) add(name, WriteOption(value));
  text = kernel.kernel + "(" + text + ")";
  std::string by;
  for (const auto& name : kernel.by) by += (by.empty() ? "" : ", ") + WriteName(name);
  if (!by.empty()) text += ".over(" + by + ")";
  if (!kernel.output.empty()) text += ".output(" + WriteName(kernel.output) + ")";
  return {text, kPrimaryLevel};
}

Written Write(const ExpressionTree& expression) {
  struct Writer {
    Written operator()(const ExpressionTree::Column& column) const {
      return {IsPlainName(column.name) ? column.name : "col(" + QuotedText(column.name) + ")", kPrimaryLevel};
    }
    Written operator()(const ExpressionTree::Literal& literal) const { return WriteLiteral(*literal.value); }
    Written operator()(const ExpressionTree::Call& call) const { return WriteCall(call); }
    Written operator()(const ExpressionTree::Kernel& kernel) const { return WriteKernel(kernel); }
  };
  return std::visit(Writer{}, expression.node);
}

}  // namespace

std::string ToString(const ExpressionTree& expression) { return Write(expression).text; }

}  // namespace sabot::operators
