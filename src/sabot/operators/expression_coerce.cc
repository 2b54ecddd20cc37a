// Types brought together.
#include <arrow/compute/api_scalar.h>

#include <algorithm>

#include "sabot/operators/expression_bind_internal.h"
#include "sabot/operators/expression_math.h"

namespace sabot::operators {

namespace cp = arrow::compute;

BoundNode LiteralNode(ScalarPtr value) {
  auto type = value->type;
  return {cp::literal(arrow::Datum(value)), std::move(type), value, -1};
}

arrow::Result<BoundNode> ArrowCall(std::string_view function, const std::vector<BoundNode>& arguments,
                                   std::shared_ptr<cp::FunctionOptions> options) {
  arrow::FieldVector fields;
  std::vector<cp::Expression> probes, expressions;
  int dictionary = -1;
  for (const auto& argument : arguments) {
    const bool literal = argument.literal != nullptr;
    probes.push_back(literal ? argument.expression : cp::field_ref(static_cast<int>(fields.size())));
    if (!literal) fields.push_back(arrow::field(std::to_string(fields.size()), argument.type));
    expressions.push_back(argument.expression);
    dictionary = std::max(dictionary, argument.dictionary);
  }
  ARROW_ASSIGN_OR_RAISE(const auto bound, cp::call(std::string(function), std::move(probes), options)
                                              .Bind(arrow::Schema(std::move(fields)), ExpressionContext()));
  return BoundNode{cp::call(std::string(function), std::move(expressions), std::move(options)),
                   bound.type()->GetSharedPtr(), nullptr, dictionary};
}

arrow::Result<BoundNode> CastNode(BoundNode node, const TypePtr& type) {
  if (node.type->Equals(*type)) return node;
  auto options = std::make_shared<cp::CastOptions>(cp::CastOptions::Safe(type));
  options->allow_float_truncate = arrow::is_integer(node.type->id()) && arrow::is_floating(type->id());
  if (node.literal == nullptr) return ArrowCall("cast", {node}, options);
  ARROW_ASSIGN_OR_RAISE(const auto cast, cp::Cast(arrow::Datum(node.literal), *options, ExpressionContext()));
  return LiteralNode(cast.scalar());
}

arrow::Result<TypePtr> CommonType(const std::vector<BoundNode>& nodes) {
  std::vector<TypePtr> types;
  for (const auto& node : nodes) {
    const bool known =
        std::any_of(types.begin(), types.end(), [&](const auto& type) { return type->Equals(*node.type); });
    if (!known && node.type->id() != arrow::Type::NA) types.push_back(node.type);
  }
  if (types.empty()) return arrow::null();
  if (types.size() == 1) return types[0];
  const auto all = [&](auto&& is) {
    return std::all_of(types.begin(), types.end(), [&](const auto& t) { return is(t->id()); });
  };
  const auto any = [&](auto&& is) {
    return std::any_of(types.begin(), types.end(), [&](const auto& t) { return is(t->id()); });
  };
  const auto is_integer = [](arrow::Type::type id) { return arrow::is_integer(id); };
  const auto is_text = [](arrow::Type::type id) { return arrow::is_string(id) || id == arrow::Type::STRING_VIEW; };
  const auto is_time = [](arrow::Type::type id) {
    return id == arrow::Type::TIMESTAMP || id == arrow::Type::DATE32 || id == arrow::Type::DATE64;
  };
  const auto is_duration = [](arrow::Type::type id) { return id == arrow::Type::DURATION; };
  if (all(is_integer)) return arrow::int64();
  if (all([](arrow::Type::type id) { return arrow::is_numeric(id) || arrow::is_decimal(id); })) {
    if (!any([](arrow::Type::type id) { return arrow::is_decimal(id); }) ||
        any([](arrow::Type::type id) { return arrow::is_floating(id); })) {
      return arrow::float64();
    }
    int32_t whole = 19, scale = 0;  // An int64 has 19 digits.
    for (const auto& type : types) {
      if (!arrow::is_decimal(type->id())) continue;
      const auto& decimal = static_cast<const arrow::DecimalType&>(*type);
      whole = std::max(whole, decimal.precision() - decimal.scale());
      scale = std::max(scale, decimal.scale());
    }
    return arrow::Decimal128Type::Make(whole + scale, scale);
  }
  if (all(is_text)) {
    const bool large = any([](arrow::Type::type id) { return id == arrow::Type::LARGE_STRING; });
    return large ? arrow::large_utf8() : arrow::utf8();
  }
  // int64 stands for times and durations in ns where there is one.
  const auto is_ns = [](arrow::Type::type id) { return id == arrow::Type::INT64; };
  if (any(is_time) && all([&](arrow::Type::type id) { return is_time(id) || is_ns(id); })) {
    auto unit = any(is_ns) ? arrow::TimeUnit::NANO : arrow::TimeUnit::SECOND;
    std::string zone;
    for (const auto& type : types) {
      if (type->id() != arrow::Type::TIMESTAMP) continue;
      const auto& timestamp = static_cast<const arrow::TimestampType&>(*type);
      unit = std::max(unit, timestamp.unit());
      if (zone.empty() || zone == "UTC") zone = timestamp.timezone().empty() ? zone : timestamp.timezone();
    }
    return arrow::timestamp(unit, zone);
  }
  if (any(is_duration) && all([&](arrow::Type::type id) { return is_duration(id) || is_ns(id); })) {
    auto unit = any(is_ns) ? arrow::TimeUnit::NANO : arrow::TimeUnit::SECOND;
    for (const auto& type : types) {
      if (type->id() == arrow::Type::DURATION)
        unit = std::max(unit, static_cast<const arrow::DurationType&>(*type).unit());
    }
    return arrow::duration(unit);
  }
  return arrow::Status::TypeError("no common type");
}

}  // namespace sabot::operators
