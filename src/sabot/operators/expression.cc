#include "sabot/operators/expression.h"

#include <algorithm>
#include <functional>

#include "sabot/data/errors.h"
#include "sabot/operators/expression_functions.h"
#include "sabot/operators/expression_types_internal.h"
#include "sabot/operators/keyed_kernel.h"

namespace sabot::operators {
namespace {

arrow::Result<ExpressionPtr> Finish(
    std::variant<ExpressionTree::Column, ExpressionTree::Literal, ExpressionTree::Call, ExpressionTree::Kernel> node,
    int depth_below) {
  if (depth_below >= kExpressionDepthMax) {
    return data::OptionError("the expression is nested more than " + std::to_string(kExpressionDepthMax) +
                             " deep. Split it into columns, or write x in [...] for many comparisons of one column.");
  }
  return std::make_shared<const ExpressionTree>(ExpressionTree{std::move(node), depth_below + 1});
}

std::vector<std::string> FunctionNames() {
  std::vector<std::string> names{"fill_null"};
  for (const auto& function : ExpressionFunctions()) names.emplace_back(function.name);
  return names;
}

std::string Arguments(std::size_t count) { return std::to_string(count) + (count == 1 ? " argument" : " arguments"); }

arrow::Status CheckArguments(const FunctionInfo& function, std::size_t found) {
  const std::size_t least = function.arguments_min(), most = function.arguments_max();
  if (found >= least && found <= most) return arrow::Status::OK();
  return data::OptionError(std::string(function.name) + " takes " + (least == most ? "" : "at least ") +
                           Arguments(least) + " (" + std::string(function.arguments) + "), found " +
                           std::to_string(found) + ".");
}

const arrow::Scalar* LiteralOf(const ExpressionTree& expression) {
  const auto* literal = std::get_if<ExpressionTree::Literal>(&expression.node);
  return literal == nullptr ? nullptr : literal->value.get();
}

// Makes `name` the output's own name; "upper" is enough for "bb_upper".
arrow::Status FindOutput(const std::string& kernel, const std::vector<std::string>& outputs, std::string& name) {
  if (name.empty() || std::find(outputs.begin(), outputs.end(), name) != outputs.end()) return arrow::Status::OK();
  const auto ends = [&](const std::string& output) { return output.ends_with("_" + name); };
  if (std::count_if(outputs.begin(), outputs.end(), ends) == 1) {
    name = *std::find_if(outputs.begin(), outputs.end(), ends);
    return arrow::Status::OK();
  }
  return data::OptionError(kernel + ": it has no output '" + name + "'." + data::NearestNames(name, outputs));
}

// Calls `visit` for each node, parents first.
void Walk(const ExpressionTree& expression, const std::function<void(const ExpressionTree&)>& visit) {
  visit(expression);
  if (const auto* call = std::get_if<ExpressionTree::Call>(&expression.node)) {
    for (const auto& argument : call->arguments) Walk(*argument, visit);
  }
  if (const auto* kernel = std::get_if<ExpressionTree::Kernel>(&expression.node)) {
    for (const auto& [role, column] : kernel->columns) Walk(*column, visit);
  }
}

}  // namespace

ExpressionPtr MakeColumn(std::string name) {
  return std::make_shared<const ExpressionTree>(ExpressionTree{ExpressionTree::Column{std::move(name)}});
}

arrow::Result<ExpressionPtr> MakeLiteral(const std::shared_ptr<arrow::Scalar>& value) {
  ARROW_ASSIGN_OR_RAISE(auto normal, NormalLiteral(value));
  return Finish(ExpressionTree::Literal{std::move(normal)}, 0);
}

arrow::Result<ExpressionPtr> MakeCall(std::string_view name, std::vector<ExpressionPtr> arguments,
                                      kernels::OptionMap options) {
  const bool fill_null = name == "fill_null";
  const FunctionInfo* const function = FindFunction(fill_null ? "coalesce" : name);
  if (function == nullptr) {
    return data::OptionError("unknown function '" + std::string(name) + "'." +
                             data::NearestNames(name, FunctionNames()));
  }
  if (fill_null && arguments.size() != 2) {
    return data::OptionError("fill_null takes 2 arguments (x, value), found " + std::to_string(arguments.size()) + ".");
  }
  ARROW_RETURN_NOT_OK(CheckArguments(*function, arguments.size()));
  ARROW_ASSIGN_OR_RAISE(auto normal, NormalOptions(*function, std::move(options)));
  int depth = 0;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    depth = std::max(depth, arguments[at]->depth);
    const auto* literal = LiteralOf(*arguments[at]);
    const bool list = literal != nullptr && literal->type->id() == arrow::Type::LIST;
    const bool wants_list = function->rule == FunctionRule::kIsIn && at == 1;
    if (list == wants_list) continue;
    return data::OptionError(wants_list ? "is_in takes a list of literals as second argument, such as [1, 2]."
                                        : std::string(function->name) + " takes no list. Lists stand after `in`.");
  }
  return Finish(ExpressionTree::Call{std::string(function->name), std::move(arguments), std::move(normal)}, depth);
}

arrow::Result<ExpressionPtr> MakeKernel(ExpressionTree::Kernel kernel) {
  ARROW_ASSIGN_OR_RAISE(const auto made, MakeKeyedKernel(kernel.kernel, kernel.options));
  kernel.kernel = std::string(made->doc().name);
  std::vector<std::string> roles, outputs;
  for (const auto& input : made->inputs()) roles.emplace_back(input.role);
  for (const auto& output : made->outputs()) outputs.emplace_back(output.name);
  ARROW_ASSIGN_OR_RAISE(const auto* const info, kernels::FindKernel(kernel.kernel));
  int depth = 0;
  for (const auto& [role, column] : kernel.columns) {
    depth = std::max(depth, column->depth);
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) {
      return data::OptionError(kernel.kernel + ": it has no input '" + role + "' (with these options)." +
                               data::NearestNames(role, roles));
    }
    // Text tells the two apart by what is given.
    const bool is_option = std::any_of(info->options.begin(), info->options.end(),
                                       [&role = role](const auto& option) { return option.name == role; });
    if (is_option && LiteralOf(*column) != nullptr) {
      return data::OptionError(kernel.kernel + ": input '" + role + "' is a column; a constant is given as option '" +
                               role + "'.");
    }
  }
  ARROW_RETURN_NOT_OK(FindOutput(kernel.kernel, outputs, kernel.output));
  return Finish(std::move(kernel), depth);
}

bool HasKernel(const ExpressionTree& expression) {
  bool found = false;
  Walk(expression,
       [&](const ExpressionTree& node) { found |= std::holds_alternative<ExpressionTree::Kernel>(node.node); });
  return found;
}

std::vector<std::string> ColumnsOf(const ExpressionTree& expression) {
  std::vector<std::string> names;
  Walk(expression, [&](const ExpressionTree& node) {
    const auto* column = std::get_if<ExpressionTree::Column>(&node.node);
    if (column == nullptr || std::find(names.begin(), names.end(), column->name) != names.end()) return;
    names.push_back(column->name);
  });
  return names;
}

}  // namespace sabot::operators
