// The JSON tree of expressions, which graphs, YAML and HTTP carry:
//   {"column": "price"}
//   {"literal": 1.5}    {"literal": "5s", "type": "duration[ns]"}    {"literal": ["A", "B"]}
//   {"call": "round", "arguments": [...], "options": {"digits": 2}}
//   {"kernel": "ewma", "columns": {"x": ...}, "options": {...}, "over": ["symbol"], "output": "..."}
// Wherever a tree stands, a string is one in text form, and a number, true, false or null is a literal.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sabot/data/errors.h"
#include "sabot/operators/expression.h"
#include "sabot/operators/expression_types_internal.h"

namespace sabot::operators {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string Shown(const Json& json) {
  if (json.is_structured()) return json.is_array() ? "an array" : "an object";
  const auto text = Dump(json);
  return text.size() <= 60 ? text : text.substr(0, 60) + "...";
}

arrow::Status Wrong(const std::string& path, const std::string& what) {
  return data::OptionError("expression at " + path + ": " + what);
}

// An error of a constructor of trees, with its path.
template <class T>
arrow::Result<T> At(const std::string& path, arrow::Result<T> made) {
  return made.ok() ? std::move(made) : arrow::Result<T>(Wrong(path, made.status().message()));
}

arrow::Result<ScalarPtr> ScalarOf(const Json& json, const std::string& type, const std::string& path) {
  if (json.is_null()) return NullLiteral();
  if (type.empty() || type == "bool" || type == "int64" || type == "string" || type == "float64") {
    if (json.is_boolean() && (type.empty() || type == "bool")) {
      return std::make_shared<arrow::BooleanScalar>(json.get<bool>());
    }
    if (json.is_number_integer() && (type.empty() || type == "int64")) {
      if (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
        return Wrong(path, "the integer " + Dump(json) + " does not fit int64.");
      }
      return std::make_shared<arrow::Int64Scalar>(json.get<int64_t>());
    }
    if (json.is_number() && (type.empty() || type == "float64")) {
      return std::make_shared<arrow::DoubleScalar>(json.get<double>());
    }
    if (json.is_string() && (type.empty() || type == "string")) {
      return std::make_shared<arrow::StringScalar>(json.get<std::string>());
    }
    if (json.is_string() && type == "float64") {
      const auto text = json.get<std::string>();
      if (text == "nan") return std::make_shared<arrow::DoubleScalar>(std::numeric_limits<double>::quiet_NaN());
      if (text == "inf" || text == "-inf") {
        const double infinity = std::numeric_limits<double>::infinity();
        return std::make_shared<arrow::DoubleScalar>(text == "inf" ? infinity : -infinity);
      }
    }
  } else if (type == "timestamp[ns]" || type == "timestamp[ns, tz=UTC]") {
    const bool utc = type != "timestamp[ns]";
    if (json.is_string()) {
      ARROW_ASSIGN_OR_RAISE(auto value, At(path, ParseTimestamp(json.get<std::string>())));
      const bool instant = !static_cast<const arrow::TimestampType&>(*value->type).timezone().empty();
      if (instant == utc) return value;
      return Wrong(path, utc ? "a timestamp with tz=UTC ends in Z." : "a timestamp without tz has no Z and no offset.");
    }
    if (json.is_number_integer()) {
      const TypePtr exact = utc ? UtcTimestampType() : arrow::timestamp(arrow::TimeUnit::NANO);
      return std::make_shared<arrow::TimestampScalar>(json.get<int64_t>(), exact);
    }
  } else if (type == "duration[ns]") {
    if (json.is_string()) return At(path, ParseSignedDuration(json.get<std::string>()));
    if (json.is_number_integer()) {
      return std::make_shared<arrow::DurationScalar>(json.get<int64_t>(), arrow::TimeUnit::NANO);
    }
  } else {
    static const std::vector<std::string> kTypes = {
        "bool", "int64", "float64", "string", "timestamp[ns]", "timestamp[ns, tz=UTC]", "duration[ns]"};
    return Wrong(path, "unknown type '" + type + "' of a literal." + data::NearestNames(type, kTypes) +
                           " Another type is made by the function cast.");
  }
  return Wrong(path,
               "found " + Shown(json) + (type.empty() ? ", which is no literal." : ", which is no " + type + "."));
}

arrow::Result<ScalarPtr> LiteralFrom(const Json& json, const std::string& type, const std::string& path) {
  if (!json.is_array()) return ScalarOf(json, type, path);
  std::vector<ScalarPtr> values;
  for (std::size_t at = 0; at < json.size(); ++at) {
    ARROW_ASSIGN_OR_RAISE(values.emplace_back(), ScalarOf(json[at], type, path + "[" + std::to_string(at) + "]"));
  }
  return At(path, ListLiteral(std::move(values)));
}

arrow::Result<std::string> TextFrom(const Json& json, const std::string& path) {
  if (json.is_string() && !json.get_ref<const std::string&>().empty()) return json.get<std::string>();
  return Wrong(path, "expected a name, found " + Shown(json) + ".");
}

arrow::Result<kernels::OptionMap> OptionsFrom(const Json& json, const std::string& path) {
  if (!json.is_object()) return Wrong(path, "expected an object, found " + Shown(json) + ".");
  return At(path, kernels::OptionsFromJson(Dump(json)));
}

arrow::Status CheckMembers(const Json& json, std::vector<std::string> known, const std::string& path) {
  for (const auto& [name, value] : json.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return Wrong(path, "unknown member '" + name + "'." + data::NearestNames(name, known));
  }
  return arrow::Status::OK();
}

arrow::Result<ExpressionPtr> TreeFrom(const Json& json, const std::string& path, int depth);

arrow::Result<ExpressionPtr> CallFrom(const Json& json, const std::string& path, int depth) {
  ARROW_RETURN_NOT_OK(CheckMembers(json, {"call", "arguments", "options"}, path));
  ARROW_ASSIGN_OR_RAISE(const auto function, TextFrom(json["call"], path + ".call"));
  std::vector<ExpressionPtr> arguments;
  kernels::OptionMap options;
  if (json.contains("arguments")) {
    const auto& list = json["arguments"];
    if (!list.is_array()) return Wrong(path + ".arguments", "expected an array, found " + Shown(list) + ".");
    for (std::size_t at = 0; at < list.size(); ++at) {
      const auto where = path + ".arguments[" + std::to_string(at) + "]";
      ARROW_ASSIGN_OR_RAISE(arguments.emplace_back(), TreeFrom(list[at], where, depth + 1));
    }
  }
  if (json.contains("options")) {
    ARROW_ASSIGN_OR_RAISE(options, OptionsFrom(json["options"], path + ".options"));
  }
  return At(path, MakeCall(function, std::move(arguments), std::move(options)));
}

arrow::Result<ExpressionPtr> KernelFrom(const Json& json, const std::string& path, int depth) {
  ARROW_RETURN_NOT_OK(CheckMembers(json, {"kernel", "columns", "options", "over", "output"}, path));
  ExpressionTree::Kernel kernel;
  ARROW_ASSIGN_OR_RAISE(kernel.kernel, TextFrom(json["kernel"], path + ".kernel"));
  if (json.contains("columns")) {
    const auto& columns = json["columns"];
    if (!columns.is_object()) return Wrong(path + ".columns", "expected an object, found " + Shown(columns) + ".");
    for (const auto& [role, tree] : columns.items()) {
      ARROW_ASSIGN_OR_RAISE(kernel.columns[role], TreeFrom(tree, path + ".columns." + role, depth + 1));
    }
  }
  if (json.contains("options")) {
    ARROW_ASSIGN_OR_RAISE(kernel.options, OptionsFrom(json["options"], path + ".options"));
  }
  if (json.contains("over")) {
    const auto& over = json["over"];
    if (!over.is_array()) return Wrong(path + ".over", "expected an array of names, found " + Shown(over) + ".");
    for (const auto& name : over) {
      ARROW_ASSIGN_OR_RAISE(kernel.by.emplace_back(), TextFrom(name, path + ".over"));
    }
  }
  if (json.contains("output")) {
    ARROW_ASSIGN_OR_RAISE(kernel.output, TextFrom(json["output"], path + ".output"));
  }
  return At(path, MakeKernel(std::move(kernel)));
}

arrow::Result<ExpressionPtr> TreeFrom(const Json& json, const std::string& path, int depth) {
  if (depth > kExpressionDepthMax) {
    return data::OptionError("the expression is nested more than " + std::to_string(kExpressionDepthMax) + " deep.");
  }
  if (json.is_string()) return At(path, ParseExpression(json.get_ref<const std::string&>()));
  if (json.is_array()) return Wrong(path, "found an array. A list is written {\"literal\": [...]}.");
  if (!json.is_object()) {
    ARROW_ASSIGN_OR_RAISE(const auto value, ScalarOf(json, "", path));
    return MakeLiteral(value);
  }
  if (json.contains("call")) return CallFrom(json, path, depth);
  if (json.contains("kernel")) return KernelFrom(json, path, depth);
  if (json.contains("column")) {
    ARROW_RETURN_NOT_OK(CheckMembers(json, {"column"}, path));
    const auto& name = json["column"];
    if (!name.is_string()) return Wrong(path + ".column", "expected a name, found " + Shown(name) + ".");
    return MakeColumn(name.get<std::string>());
  }
  if (json.contains("literal")) {
    ARROW_RETURN_NOT_OK(CheckMembers(json, {"literal", "type"}, path));
    std::string type;
    if (json.contains("type")) {
      ARROW_ASSIGN_OR_RAISE(type, TextFrom(json["type"], path + ".type"));
    }
    ARROW_ASSIGN_OR_RAISE(const auto value, LiteralFrom(json["literal"], type, path + ".literal"));
    return At(path, MakeLiteral(value));
  }
  return Wrong(path, "expected an object with \"column\", \"literal\", \"call\" or \"kernel\".");
}

// A literal, or an element of a list. What JSON alone does not tell goes to `type`.
Json ValueJson(const arrow::Scalar& value, std::string& type) {
  if (!value.is_valid) return nullptr;
  switch (value.type->id()) {
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanScalar&>(value).value;
    case arrow::Type::INT64:
      return static_cast<const arrow::Int64Scalar&>(value).value;
    case arrow::Type::DOUBLE: {
      const double number = static_cast<const arrow::DoubleScalar&>(value).value;
      if (std::isfinite(number)) return number;
      type = "float64";
      return FormatDouble(number);
    }
    case arrow::Type::TIMESTAMP:
      type = TypeName(*value.type);
      return FormatTimestamp(static_cast<const arrow::TimestampScalar&>(value).value, type != "timestamp[ns]");
    case arrow::Type::DURATION:
      type = "duration[ns]";
      return kernels::FormatDuration(static_cast<const arrow::DurationScalar&>(value).value);
    case arrow::Type::LIST: {
      auto list = Json::array();
      for (const auto& element : ValuesOf(value)) list.push_back(ValueJson(*element, type));
      return list;
    }
    default:
      return std::string(static_cast<const arrow::BaseBinaryScalar&>(value).view());
  }
}

Json TreeJson(const ExpressionTree& expression) {
  auto json = Json::object();
  const auto set_options = [&](const kernels::OptionMap& options) {
    if (!options.empty()) json["options"] = Json::parse(kernels::OptionsToJson(options));
  };
  if (const auto* column = std::get_if<ExpressionTree::Column>(&expression.node)) {
    json["column"] = column->name;
  } else if (const auto* literal = std::get_if<ExpressionTree::Literal>(&expression.node)) {
    std::string type;
    json["literal"] = ValueJson(*literal->value, type);
    if (!type.empty()) json["type"] = type;
  } else if (const auto* call = std::get_if<ExpressionTree::Call>(&expression.node)) {
    json["call"] = call->function;
    auto& arguments = json["arguments"] = Json::array();
    for (const auto& argument : call->arguments) arguments.push_back(TreeJson(*argument));
    set_options(call->options);
  } else {
    const auto& kernel = std::get<ExpressionTree::Kernel>(expression.node);
    json["kernel"] = kernel.kernel;
    for (const auto& [role, tree] : kernel.columns) json["columns"][role] = TreeJson(*tree);
    set_options(kernel.options);
    if (!kernel.by.empty()) json["over"] = kernel.by;
    if (!kernel.output.empty()) json["output"] = kernel.output;
  }
  return json;
}

}  // namespace

arrow::Result<ExpressionPtr> ExpressionFromJson(std::string_view text) {
  if (text.size() > (std::size_t{64} << 20)) return data::OptionError("the expression's JSON is larger than 64 MB.");
  const auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return data::OptionError("the expression is no JSON: " + std::string(text.substr(0, 60)) +
                             (text.size() > 60 ? "..." : "") + ". Text form is written as a JSON string.");
  }
  return TreeFrom(json, "$", 1);
}

std::string ToJson(const ExpressionTree& expression) { return Dump(TreeJson(expression)); }

}  // namespace sabot::operators
