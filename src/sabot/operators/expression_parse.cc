// The text form, read: one function a level of precedence would be the same thing nine times, so one function climbs.
#include <algorithm>

#include "sabot/data/errors.h"
#include "sabot/operators/expression.h"
#include "sabot/operators/expression_functions.h"
#include "sabot/operators/expression_syntax_internal.h"
#include "sabot/operators/expression_tokens_internal.h"
#include "sabot/operators/expression_types_internal.h"
#include "sabot/operators/keyed_kernel.h"

namespace sabot::operators {
namespace {

using Parsed = arrow::Result<ExpressionPtr>;

const ScalarPtr* LiteralOf(const ExpressionPtr& expression) {
  const auto* literal = std::get_if<ExpressionTree::Literal>(&expression->node);
  return literal == nullptr ? nullptr : &literal->value;
}

// One argument of a call as it stands.
struct Argument {
  std::string name;  // Empty: by position.
  ExpressionPtr value;
  std::size_t begin = 0;
};

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens) : text_(text), tokens_(std::move(tokens)) {}

  Parsed ParseAll() {
    ARROW_ASSIGN_OR_RAISE(auto expression, Parse(kOrLevel));
    if (Next().kind != TokenKind::kEnd) return Expected("an operator or the end");
    return expression;
  }

 private:
  const Token& Next(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  const Token& Take() { return at_ + 1 < tokens_.size() ? tokens_[at_++] : tokens_.back(); }
  bool TakeIf(std::string_view word) {
    if (!Next().Is(word)) return false;
    Take();
    return true;
  }

  arrow::Status Error(std::size_t offset, const std::string& what) const { return ErrorAt(text_, offset, what); }
  arrow::Status Expected(const std::string& what) const {
    const Token& found = Next();
    std::string shown = found.kind == TokenKind::kEnd ? "the end" : "'" + std::string(found.text.substr(0, 40)) + "'";
    std::string hint;
    if (found.Is("=")) hint = " Write == to compare.";
    if (found.Is("is") || found.Is("in")) hint = " Write parentheses.";
    return Error(found.begin, "found " + shown + ", expected " + what + "." + hint);
  }
  arrow::Status Expect(std::string_view symbol, const std::string& others = {}) {
    return TakeIf(symbol) ? arrow::Status::OK() : Expected("'" + std::string(symbol) + "'" + others);
  }
  // What a constructor of trees says, with the place it is about.
  Parsed At(std::size_t offset, Parsed made) const {
    if (made.ok()) return made;
    return Error(offset, made.status().message());
  }
  Parsed Call(std::size_t offset, std::string_view function, std::vector<ExpressionPtr> arguments,
              kernels::OptionMap options = {}) const {
    return At(offset, MakeCall(function, std::move(arguments), std::move(options)));
  }
  static Parsed Literal(ScalarPtr value) { return MakeLiteral(value); }

  const BinaryOperator* NextBinary() const {
    for (const auto& binary : kBinaryOperators) {
      if (Next().Is(binary.symbol)) return &binary;
    }
    return nullptr;
  }

  // An expression of operators that bind at least so tightly.
  Parsed Parse(int level) {
    if (++nesting_ > kExpressionDepthMax) {
      return Error(Next().begin,
                   "the expression is nested more than " + std::to_string(kExpressionDepthMax) + " deep. Split it.");
    }
    auto parsed = ParseNested(level);
    --nesting_;
    return parsed;
  }

  Parsed ParseNested(int level) {
    ARROW_ASSIGN_OR_RAISE(auto left, ParsePrefix(level));
    bool compared = false;
    for (;;) {
      const std::size_t begin = Next().begin;
      const auto* const binary = NextBinary();
      const bool membership = Next().Is("in") || (Next().Is("not") && Next(1).Is("in"));
      if (binary == nullptr && !membership && !Next().Is("is")) return left;
      const int found_level = binary == nullptr ? kComparisonLevel : binary->level;
      if (found_level < level) return left;
      if (found_level == kComparisonLevel && std::exchange(compared, true)) {
        return Error(begin, "comparisons do not chain. Write `a < b and b < c`, or parentheses.");
      }
      if (binary == nullptr) {
        ARROW_ASSIGN_OR_RAISE(left, Next().Is("is") ? ParseIsNull(begin, left) : ParseMembership(begin, left));
        continue;
      }
      Take();
      // A power's exponent may be a power again, or have a minus.
      ARROW_ASSIGN_OR_RAISE(auto right, Parse(found_level == kPowerLevel ? kPowerLevel : found_level + 1));
      ARROW_ASSIGN_OR_RAISE(left, Call(begin, binary->function, {left, right}));
    }
  }

  Parsed ParseIsNull(std::size_t begin, const ExpressionPtr& left) {
    Take();
    const bool valid = TakeIf("not");
    if (!TakeIf("null") && !TakeIf("None")) return Expected("'null'");
    return Call(begin, valid ? "is_valid" : "is_null", {left});
  }

  Parsed ParseMembership(std::size_t begin, const ExpressionPtr& left) {
    const bool outside = TakeIf("not");
    Take();
    if (!Next().Is("[")) return Expected("a list such as [1, 2]");
    ARROW_ASSIGN_OR_RAISE(auto list, ParsePrimary());
    ARROW_ASSIGN_OR_RAISE(auto inside, Call(begin, "is_in", {left, list}));
    return outside ? Call(begin, "not", {inside}) : inside;
  }

  Parsed ParsePrefix(int level) {
    const std::size_t begin = Next().begin;
    if (Next().Is("not")) {
      if (level > kNotLevel) return Expected("a value; write (not ...) in parentheses");
      Take();
      ARROW_ASSIGN_OR_RAISE(auto operand, Parse(kNotLevel));
      return Call(begin, "not", {operand});
    }
    if (!Next().Is("-")) return ParsePrimary();
    Take();
    if (IsNumber(Next()) && !Next(1).Is("**")) return Number(/*negative=*/true);
    ARROW_ASSIGN_OR_RAISE(auto operand, Parse(kMinusLevel));
    return Call(begin, "negate", {operand});
  }

  static bool IsNumber(const Token& token) {
    return token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat || token.Is("inf") || token.Is("nan");
  }

  Parsed Number(bool negative) {
    const Token& token = Take();
    if (token.kind == TokenKind::kInteger) {
      if (negative) return Literal(std::make_shared<arrow::Int64Scalar>(static_cast<int64_t>(-token.integer)));
      if (token.integer < uint64_t{1} << 63) {
        return Literal(std::make_shared<arrow::Int64Scalar>(static_cast<int64_t>(token.integer)));
      }
      return Error(token.begin, "the integer does not fit int64. Write it with a point for a float64.");
    }
    double number = token.number;
    if (token.Is("inf")) number = std::numeric_limits<double>::infinity();
    if (token.Is("nan"))
      return Literal(std::make_shared<arrow::DoubleScalar>(std::numeric_limits<double>::quiet_NaN()));
    return Literal(std::make_shared<arrow::DoubleScalar>(negative ? -number : number));
  }

  Parsed ParsePrimary() {
    const Token& token = Next();
    if (IsNumber(token)) return Number(/*negative=*/false);
    if (token.kind == TokenKind::kString) return Literal(std::make_shared<arrow::StringScalar>(Take().string));
    if (TakeIf("true") || TakeIf("True")) return Literal(std::make_shared<arrow::BooleanScalar>(true));
    if (TakeIf("false") || TakeIf("False")) return Literal(std::make_shared<arrow::BooleanScalar>(false));
    if (TakeIf("null") || TakeIf("None")) return Literal(NullLiteral());
    if (TakeIf("(")) {
      ARROW_ASSIGN_OR_RAISE(auto inside, Parse(kOrLevel));
      ARROW_RETURN_NOT_OK(Expect(")", " or an operator"));
      return inside;
    }
    if (token.Is("[")) return ParseList();
    if (token.kind == TokenKind::kName && IsPlainName(token.text)) {
      Take();
      if (Next().Is("(")) return ParseCall(token);
      if (Next().Is(".")) return Expected("an operator; a column with a dot in its name is written col(\"a.b\")");
      return MakeColumn(std::string(token.text));
    }
    return Expected("a column, a number, a string, a function or '('");
  }

  Parsed ParseList() {
    const std::size_t begin = Take().begin;
    std::vector<ScalarPtr> values;
    while (!Next().Is("]")) {
      const std::size_t element = Next().begin;
      ARROW_ASSIGN_OR_RAISE(auto value, Parse(kOrLevel));
      const auto* const literal = LiteralOf(value);
      if (literal == nullptr) return Error(element, "a list holds literals only, such as [1, 2] or [\"A\", \"B\"].");
      values.push_back(*literal);
      if (!TakeIf(",")) break;
    }
    ARROW_RETURN_NOT_OK(Expect("]", " or ','"));
    auto list = ListLiteral(std::move(values));
    if (!list.ok()) return Error(begin, list.status().message());
    return At(begin, MakeLiteral(*list));
  }

  arrow::Result<std::vector<Argument>> ParseArguments() {
    Take();
    std::vector<Argument> arguments;
    while (!Next().Is(")")) {
      Argument argument;
      argument.begin = Next().begin;
      if (Next().kind == TokenKind::kName && Next(1).Is("=")) {
        argument.name = std::string(Take().text);
        Take();
      } else if (!arguments.empty() && !arguments.back().name.empty()) {
        return Expected("a name and '=': arguments by position come first");
      }
      ARROW_ASSIGN_OR_RAISE(argument.value, Parse(kOrLevel));
      for (const auto& other : arguments) {
        if (argument.name.empty() || other.name != argument.name) continue;
        return Error(argument.begin, "'" + argument.name + "' was given twice.");
      }
      arguments.push_back(std::move(argument));
      if (!TakeIf(",")) break;
    }
    ARROW_RETURN_NOT_OK(Expect(")", " or ','"));
    return arguments;
  }

  arrow::Result<kernels::OptionValue> OptionOf(const Argument& argument) const {
    const auto* const literal = LiteralOf(argument.value);
    const auto* const value = literal == nullptr ? nullptr : literal->get();
    switch (value == nullptr ? arrow::Type::LIST : value->type->id()) {
      case arrow::Type::NA:
        return std::monostate{};
      case arrow::Type::BOOL:
        return static_cast<const arrow::BooleanScalar&>(*value).value;
      case arrow::Type::INT64:
        return static_cast<const arrow::Int64Scalar&>(*value).value;
      case arrow::Type::DOUBLE:
        return static_cast<const arrow::DoubleScalar&>(*value).value;
      case arrow::Type::STRING:
        return std::string(static_cast<const arrow::StringScalar&>(*value).view());
      default:
        return Error(argument.begin, "an option is a number, a string, true, false or null.");
    }
  }

  Parsed ParseCall(const Token& name) {
    ARROW_ASSIGN_OR_RAISE(auto arguments, ParseArguments());
    if (name.text == "col" || name.text == "timestamp" || name.text == "duration") return Special(name, arguments);
    if (name.text == "fill_null") return Function(name, *FindFunction("coalesce"), arguments);
    if (const auto* const function = FindFunction(name.text)) return Function(name, *function, arguments);
    const auto kernel = kernels::FindKernel(name.text);
    if (kernel.ok()) return Kernel(name, **kernel, arguments);
    std::vector<std::string> names{"col", "timestamp", "duration", "fill_null"};
    for (const auto& function : ExpressionFunctions()) names.emplace_back(function.name);
    for (auto& kernel : kernels::KernelNames()) names.push_back(std::move(kernel));
    return Error(name.begin,
                 "unknown function or kernel '" + std::string(name.text) + "'." + data::NearestNames(name.text, names));
  }

  Parsed Special(const Token& name, const std::vector<Argument>& arguments) const {
    const auto* const literal =
        arguments.size() == 1 && arguments[0].name.empty() ? LiteralOf(arguments[0].value) : nullptr;
    if (literal == nullptr || (*literal)->type->id() != arrow::Type::STRING) {
      return Error(name.begin, std::string(name.text) + "() takes one string.");
    }
    const std::string text(static_cast<const arrow::StringScalar&>(**literal).view());
    if (name.text == "col") return MakeColumn(text);
    const auto value = name.text == "timestamp" ? ParseTimestamp(text) : ParseSignedDuration(text);
    if (!value.ok()) return Error(arguments[0].begin, value.status().message());
    return MakeLiteral(*value);
  }

  Parsed Function(const Token& name, const FunctionInfo& function, const std::vector<Argument>& arguments) const {
    std::vector<ExpressionPtr> values;
    kernels::OptionMap options;
    for (const auto& argument : arguments) {
      std::string option = argument.name;
      if (option.empty() && values.size() < function.arguments_max()) {
        values.push_back(argument.value);
        continue;
      }
      if (option.empty()) {  // Further arguments are options, in order.
        if (options.size() >= function.options.size()) {
          return Error(argument.begin, std::string(function.name) + " takes " + std::string(function.arguments) +
                                           (function.options.empty() ? "" : " and its options") +
                                           "; this argument is too many.");
        }
        option = function.options[options.size()].name;
      }
      ARROW_ASSIGN_OR_RAISE(auto value, OptionOf(argument));
      options.emplace_back(std::move(option), std::move(value));
    }
    return Call(name.begin, name.text, std::move(values), std::move(options));
  }

  Parsed Kernel(const Token& name, const kernels::KernelInfo& info, const std::vector<Argument>& arguments) {
    ExpressionTree::Kernel kernel{.kernel = std::string(info.doc.name)};
    for (const auto& argument : arguments) {
      if (argument.name.empty()) continue;
      const bool option = std::any_of(info.options.begin(), info.options.end(),
                                      [&](const auto& known) { return known.name == argument.name; });
      const bool role = std::any_of(info.inputs.begin(), info.inputs.end(),
                                    [&](const auto& known) { return known.role == argument.name; });
      if (option && !(role && LiteralOf(argument.value) == nullptr)) {
        ARROW_ASSIGN_OR_RAISE(auto value, OptionOf(argument));
        kernel.options.emplace_back(argument.name, std::move(value));
      } else if (role) {
        kernel.columns[argument.name] = argument.value;
      } else {
        std::vector<std::string> names;
        for (const auto& known : info.options) names.push_back(known.name);
        for (const auto& known : info.inputs) names.push_back(known.role);
        return Error(argument.begin, kernel.kernel + " has neither an option nor an input '" + argument.name + "'." +
                                         data::NearestNames(argument.name, names));
      }
    }
    const auto made = MakeKeyedKernel(kernel.kernel, kernel.options);
    if (!made.ok()) return Error(name.begin, made.status().message());
    const auto inputs = (*made)->inputs();
    for (std::size_t at = 0; at < arguments.size() && arguments[at].name.empty(); ++at) {
      if (at >= inputs.size()) {
        return Error(arguments[at].begin, kernel.kernel + " has " + std::to_string(inputs.size()) +
                                              (inputs.size() == 1 ? " input" : " inputs") +
                                              "; this one is too many. Options are given by name.");
      }
      if (!kernel.columns.emplace(inputs[at].role, arguments[at].value).second) {
        return Error(arguments[at].begin, "input '" + std::string(inputs[at].role) + "' was given by name as well.");
      }
    }
    ARROW_RETURN_NOT_OK(ParsePostfixes(kernel));
    return At(name.begin, MakeKernel(std::move(kernel)));
  }

  // .over(symbol, venue).output(upper)
  arrow::Status ParsePostfixes(ExpressionTree::Kernel& kernel) {
    while (TakeIf(".")) {
      const Token& word = Next();
      const bool over = word.Is("over");
      if (!over && !word.Is("output")) return Expected("over(...) or output(...)");
      Take();
      ARROW_RETURN_NOT_OK(Expect("("));
      if (over ? !kernel.by.empty() : !kernel.output.empty()) {
        return Error(word.begin, std::string(word.text) + "() was given twice.");
      }
      while (!Next().Is(")")) {
        if (Next().kind != TokenKind::kString && !(Next().kind == TokenKind::kName && IsPlainName(Next().text))) {
          return Expected(over ? "the name of a key column" : "the name of an output");
        }
        const Token& name = Take();
        std::string value = name.kind == TokenKind::kString ? name.string : std::string(name.text);
        if (value.empty()) return Error(name.begin, "a name is empty.");
        if (over) {
          kernel.by.push_back(std::move(value));
        } else {
          kernel.output = std::move(value);
        }
        if (!over || !TakeIf(",")) break;
      }
      if (over ? kernel.by.empty() : kernel.output.empty()) {
        return Expected(over ? "the name of a key column" : "the name of an output");
      }
      ARROW_RETURN_NOT_OK(Expect(")"));
    }
    return arrow::Status::OK();
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
};

}  // namespace

arrow::Result<ExpressionPtr> ParseExpression(std::string_view text) {
  ARROW_ASSIGN_OR_RAISE(auto tokens, Tokenize(text));
  return Parser(text, std::move(tokens)).ParseAll();
}

}  // namespace sabot::operators
