// What each rule of expression_functions.h does: which types come in, which Arrow function runs.
#include <arrow/array/util.h>
#include <arrow/compute/api_scalar.h>

#include <algorithm>

#include "sabot/operators/expression_bind_internal.h"

namespace sabot::operators {
namespace {

namespace cp = arrow::compute;

using Nodes = std::vector<BoundNode>;
using Node = arrow::Result<BoundNode>;

arrow::Status WrongTypes() { return arrow::Status::TypeError("types"); }

bool IsNumber(const BoundNode& node) {
  return arrow::is_numeric(node.type->id()) || arrow::is_decimal(node.type->id()) || node.type->id() == arrow::Type::NA;
}
bool IsInteger(const BoundNode& node) { return arrow::is_integer(node.type->id()); }
bool IsA(const BoundNode& node, arrow::Type::type id) { return node.type->id() == id; }
bool All(const Nodes& nodes, bool (*is)(const BoundNode&)) { return std::all_of(nodes.begin(), nodes.end(), is); }

arrow::Result<Nodes> CastAll(Nodes nodes, const TypePtr& type) {
  for (auto& node : nodes) {
    ARROW_ASSIGN_OR_RAISE(node, CastNode(std::move(node), type));
  }
  return nodes;
}

Node CallAs(std::string_view function, Nodes nodes, const TypePtr& type,
            std::shared_ptr<cp::FunctionOptions> options = nullptr) {
  ARROW_ASSIGN_OR_RAISE(nodes, CastAll(std::move(nodes), type));
  return ArrowCall(function, nodes, std::move(options));
}

// Times without a zone are UTC where they meet others; int64 is ns since the epoch, or a duration in ns.
Node TimeArithmetic(const FunctionInfo& function, Nodes nodes) {
  auto &left = nodes[0], &right = nodes[1];
  const bool left_time = IsA(left, arrow::Type::TIMESTAMP), right_time = IsA(right, arrow::Type::TIMESTAMP);
  const bool left_duration = IsA(left, arrow::Type::DURATION), right_duration = IsA(right, arrow::Type::DURATION);
  const auto to_ns = [](BoundNode& node) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(node, CastNode(std::move(node), arrow::duration(arrow::TimeUnit::NANO)));
    ARROW_ASSIGN_OR_RAISE(node, CastNode(std::move(node), arrow::int64()));
    return arrow::Status::OK();
  };
  if (function.name == "multiply") {
    if (!(left_duration && IsInteger(right)) && !(right_duration && IsInteger(left))) return WrongTypes();
    auto& factor = left_duration ? right : left;
    ARROW_ASSIGN_OR_RAISE(factor, CastNode(std::move(factor), arrow::int64()));
    return ArrowCall(function.computed_by, nodes);
  }
  const bool difference = function.name == "subtract";
  if (difference && (left_time || right_time) && (left_time || IsA(left, arrow::Type::INT64)) &&
      (right_time || IsA(right, arrow::Type::INT64))) {
    ARROW_ASSIGN_OR_RAISE(const auto type, CommonType(nodes));
    return CallAs(function.computed_by, std::move(nodes), type);
  }
  if (left_duration && IsA(right, arrow::Type::INT64)) ARROW_RETURN_NOT_OK(to_ns(left));
  if (right_duration && IsA(left, arrow::Type::INT64)) ARROW_RETURN_NOT_OK(to_ns(right));
  if (left_time && right_time && !difference) return WrongTypes();
  if (left_time != right_time && !(left_duration || right_duration)) return WrongTypes();
  return ArrowCall(function.computed_by, nodes);
}

Node Arithmetic(const FunctionInfo& function, Nodes nodes) {
  if (!All(nodes, IsNumber)) return TimeArithmetic(function, std::move(nodes));
  const auto decimal = [](const BoundNode& node) { return arrow::is_decimal(node.type->id()); };
  const auto floating = [](const BoundNode& node) { return arrow::is_floating(node.type->id()); };
  const bool any_float = std::any_of(nodes.begin(), nodes.end(), floating);
  if (std::any_of(nodes.begin(), nodes.end(), decimal) && !any_float) return ArrowCall(function.computed_by, nodes);
  const bool any_integer = std::any_of(nodes.begin(), nodes.end(), IsInteger);
  return CallAs(function.computed_by, std::move(nodes), any_integer && !any_float ? arrow::int64() : arrow::float64());
}

Node Divide(Nodes nodes) {
  const auto is_duration = [](const BoundNode& node) { return IsA(node, arrow::Type::DURATION); };
  if (All(nodes, is_duration)) {
    ARROW_ASSIGN_OR_RAISE(nodes, CastAll(std::move(nodes), arrow::duration(arrow::TimeUnit::NANO)));
    ARROW_ASSIGN_OR_RAISE(nodes, CastAll(std::move(nodes), arrow::int64()));
  }
  if (!All(nodes, IsNumber)) return WrongTypes();
  return CallAs("divide", std::move(nodes), arrow::float64());
}

Node OneNumber(const FunctionInfo& function, const kernels::OptionMap& options, Nodes nodes) {
  const bool duration = IsA(nodes[0], arrow::Type::DURATION) && (function.name == "negate" || function.name == "abs");
  if (!IsNumber(nodes[0]) && !duration) return WrongTypes();
  TypePtr type = nodes[0].type;
  if (IsInteger(nodes[0])) type = arrow::int64();
  if (IsA(nodes[0], arrow::Type::NA)) type = arrow::float64();
  std::shared_ptr<cp::FunctionOptions> rounding;
  if (function.name == "round") {
    const bool even = std::get<std::string>(OptionOf(function, options, "mode")) == "half_to_even";
    rounding =
        std::make_shared<cp::RoundOptions>(std::get<int64_t>(OptionOf(function, options, "digits")),
                                           even ? cp::RoundMode::HALF_TO_EVEN : cp::RoundMode::HALF_TOWARDS_INFINITY);
  }
  ARROW_ASSIGN_OR_RAISE(auto result, CallAs(function.computed_by, std::move(nodes), type, std::move(rounding)));
  // Some of Arrow's functions turn integers into floating point, or a sign into int8.
  return arrow::is_integer(type->id()) && arrow::is_numeric(result.type->id()) ? CastNode(std::move(result), type)
                                                                               : std::move(result);
}

// An integer beside a column of integers is compared in the column's type, where it fits.
Nodes NarrowLiterals(Nodes nodes) {
  for (std::size_t at = 0; nodes.size() == 2 && at < 2; ++at) {
    auto &node = nodes[at], &other = nodes[1 - at];
    if (node.literal == nullptr || other.literal != nullptr || !IsInteger(node) || !IsInteger(other)) continue;
    if (auto narrow = CastNode(node, other.type); narrow.ok()) node = std::move(*narrow);
  }
  return nodes;
}

Node InCommonType(std::string_view function, Nodes nodes, std::shared_ptr<cp::FunctionOptions> options = nullptr) {
  ARROW_ASSIGN_OR_RAISE(const auto type, CommonType(nodes));
  return CallAs(function, std::move(nodes), type, std::move(options));
}

// The least and the greatest of floating point are ours: which of -0 and 0 the C library prefers is its own choice.
Node Common(const FunctionInfo& function, Nodes nodes) {
  ARROW_ASSIGN_OR_RAISE(const auto type, CommonType(nodes));
  const bool extreme = function.name == "least" || function.name == "greatest";
  if (!extreme || !arrow::is_floating(type->id())) return CallAs(function.computed_by, std::move(nodes), type);
  return CallAs("sabot." + std::string(function.name), std::move(nodes), arrow::float64());
}

arrow::Result<BoundNode> AsBool(BoundNode node) {
  if (!IsA(node, arrow::Type::BOOL) && !IsA(node, arrow::Type::NA)) return WrongTypes();
  return CastNode(std::move(node), arrow::boolean());
}

Node IfElse(const FunctionInfo& function, const Nodes& nodes) {
  ARROW_ASSIGN_OR_RAISE(auto condition, AsBool(nodes[0]));
  const Nodes values{nodes[1], nodes[2]};
  ARROW_ASSIGN_OR_RAISE(const auto type, CommonType(values));
  ARROW_ASSIGN_OR_RAISE(auto cast, CastAll(values, type));
  return ArrowCall(function.computed_by, {std::move(condition), std::move(cast[0]), std::move(cast[1])});
}

Node CaseWhen(const FunctionInfo& function, const Nodes& nodes) {
  Nodes conditions, values;
  std::vector<std::string> names;
  for (std::size_t at = 0; at + 1 < nodes.size(); at += 2) {
    ARROW_ASSIGN_OR_RAISE(conditions.emplace_back(), AsBool(nodes[at]));
    values.push_back(nodes[at + 1]);
    names.push_back(std::to_string(at));
  }
  if (nodes.size() % 2 == 1) values.push_back(nodes.back());
  ARROW_ASSIGN_OR_RAISE(const auto type, CommonType(values));
  ARROW_ASSIGN_OR_RAISE(values, CastAll(std::move(values), type));
  ARROW_ASSIGN_OR_RAISE(auto all, ArrowCall("make_struct", conditions, std::make_shared<cp::MakeStructOptions>(names)));
  values.insert(values.begin(), std::move(all));
  return ArrowCall(function.computed_by, values);
}

Node IsIn(const FunctionInfo& function, const kernels::OptionMap& options, Nodes nodes) {
  const auto& values = static_cast<const arrow::ListScalar&>(*nodes[1].literal).value;
  BoundNode element{.expression = {}, .type = values->type(), .literal = nullptr, .dictionary = -1};
  TypePtr type = nodes[0].type;
  ARROW_ASSIGN_OR_RAISE(const auto common, CommonType({nodes[0], element}));
  const bool integers = IsInteger(nodes[0]) && IsInteger(element);
  if (!integers || !cp::Cast(*values, type).ok()) type = common;
  if (type->id() == arrow::Type::NA) type = arrow::boolean();
  const auto rule = std::get<std::string>(OptionOf(function, options, "nulls"));
  const auto nulls = rule == "match"       ? cp::SetLookupOptions::MATCH
                     : rule == "skip"      ? cp::SetLookupOptions::SKIP
                     : rule == "emit_null" ? cp::SetLookupOptions::EMIT_NULL
                                           : cp::SetLookupOptions::INCONCLUSIVE;
  auto cast_options = cp::CastOptions::Safe(type);
  cast_options.allow_float_truncate = true;
  ARROW_ASSIGN_OR_RAISE(const auto set, cp::Cast(*values, type, cast_options));
  ARROW_ASSIGN_OR_RAISE(auto value, CastNode(std::move(nodes[0]), type));
  return ArrowCall(function.computed_by, {std::move(value)},
                   std::make_shared<cp::SetLookupOptions>(arrow::Datum(set), nulls));
}

Node Time(const FunctionInfo& function, const kernels::OptionMap& options, Nodes nodes) {
  auto& time = nodes[0];
  if (IsA(time, arrow::Type::INT64) || IsA(time, arrow::Type::NA)) {
    ARROW_ASSIGN_OR_RAISE(time, CastNode(std::move(time), arrow::timestamp(arrow::TimeUnit::NANO)));
  }
  if (!arrow::is_temporal(time.type->id()) || IsA(time, arrow::Type::DURATION)) return WrongTypes();
  std::shared_ptr<cp::FunctionOptions> rounding;
  if (!function.options.empty()) {
    const auto& unit = OptionOf(function, options, "unit");
    const auto& units = function.options[1].choices;
    const auto at = std::find(units.begin(), units.end(), std::get<std::string>(unit)) - units.begin();
    rounding = std::make_shared<cp::RoundTemporalOptions>(
        static_cast<int>(std::get<int64_t>(OptionOf(function, options, "multiple"))),
        static_cast<cp::CalendarUnit>(at));
  }
  return ArrowCall(function.computed_by, nodes, std::move(rounding));
}

Node Text(const FunctionInfo& function, const kernels::OptionMap& options, Nodes nodes) {
  ARROW_ASSIGN_OR_RAISE(auto type, CommonType(nodes));
  if (type->id() == arrow::Type::NA || type->id() == arrow::Type::STRING_VIEW) type = arrow::utf8();
  if (!arrow::is_string(type->id())) return WrongTypes();
  const auto text = [&](std::string_view name) { return std::get<std::string>(OptionOf(function, options, name)); };
  std::shared_ptr<cp::FunctionOptions> made;
  if (function.name == "replace") {
    made = std::make_shared<cp::ReplaceSubstringOptions>(text("pattern"), text("replacement"));
  } else if (function.name == "slice") {
    const auto number = [&](std::string_view name) { return std::get<int64_t>(OptionOf(function, options, name)); };
    made = std::make_shared<cp::SliceOptions>(number("start"), number("stop"));
  } else if (!function.options.empty()) {
    made = std::make_shared<cp::MatchSubstringOptions>(text("pattern"),
                                                       std::get<bool>(OptionOf(function, options, "ignore_case")));
  } else if (function.name == "concat") {
    nodes.push_back(LiteralNode(std::make_shared<arrow::StringScalar>("")));
  }
  return CallAs(function.computed_by, std::move(nodes), type, std::move(made));
}

}  // namespace

Node ApplyRule(const FunctionInfo& function, const kernels::OptionMap& options, Nodes nodes) {
  switch (function.rule) {
    case FunctionRule::kArithmetic:
      return Arithmetic(function, std::move(nodes));
    case FunctionRule::kDivide:
      return Divide(std::move(nodes));
    case FunctionRule::kQuotient:
      if (!All(nodes, IsInteger)) return Divide(std::move(nodes));
      return CallAs(function.computed_by, std::move(nodes), arrow::int64());
    case FunctionRule::kNumber:
      return OneNumber(function, options, std::move(nodes));
    case FunctionRule::kFloat:
      if (!All(nodes, IsNumber)) return WrongTypes();
      return CallAs(function.computed_by, std::move(nodes), arrow::float64());
    case FunctionRule::kComparison:
      return InCommonType(function.computed_by, NarrowLiterals(std::move(nodes)));
    case FunctionRule::kBoolean:
      for (auto& node : nodes) {
        ARROW_ASSIGN_OR_RAISE(node, AsBool(std::move(node)));
      }
      return ArrowCall(function.computed_by, nodes);
    case FunctionRule::kCommon:
      return Common(function, std::move(nodes));
    case FunctionRule::kIfElse:
      return IfElse(function, nodes);
    case FunctionRule::kCaseWhen:
      return CaseWhen(function, nodes);
    case FunctionRule::kCast: {
      ARROW_ASSIGN_OR_RAISE(const auto type, ParseType(std::get<std::string>(OptionOf(function, options, "type"))));
      return CastNode(std::move(nodes[0]), type);
    }
    case FunctionRule::kIsIn:
      return IsIn(function, options, std::move(nodes));
    case FunctionRule::kTime:
      return Time(function, options, std::move(nodes));
    case FunctionRule::kText:
      return Text(function, options, std::move(nodes));
    case FunctionRule::kAny:
      return ArrowCall(function.computed_by, nodes);
  }
  return WrongTypes();
}

}  // namespace sabot::operators
