// Kernels taken out of expressions: each becomes a member of a fused chain, in the first stage that has its inputs and
// keeps its key, and a temporary column in what is left.
#include <algorithm>

#include "sabot/data/errors.h"
#include "sabot/operators/expression.h"
#include "sabot/operators/expression_types_internal.h"
#include "sabot/operators/keyed_kernel.h"

namespace sabot::operators {
namespace {

// An expression without kernels.
struct Plain {
  ExpressionPtr expression;
  std::size_t stage = 0;  // The first one whose `columns` may compute it.
};

// A kernel that has its place.
struct Placed {
  std::size_t stage = 0;
  std::vector<std::string> outputs;  // Names of the kernel.
  std::vector<std::string> columns;  // Their temporary names.
};

bool IsNumber(const arrow::DataType& type) {
  return arrow::is_numeric(type.id()) || arrow::is_decimal(type.id()) || type.id() == arrow::Type::NA;
}
bool IsTime(const arrow::DataType& type) {
  return type.id() == arrow::Type::INT64 || type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::NA;
}

class Lowering {
 public:
  Lowering(const arrow::Schema& schema, const std::vector<std::string>& by, std::string_view where)
      : input_(schema), fields_(schema.fields()), by_(by), where_(where.empty() ? "" : std::string(where) + ": ") {}

  arrow::Status Add(const NamedExpression& column) {
    const auto& expression = *column.expression;
    const bool unnamed = column.name.empty() || column.name.front() == '$';  // '$': a name no user gave.
    place_ = where_ + (unnamed ? ToString(expression) : "column '" + column.name + "'");
    const auto* const kernel = std::get_if<ExpressionTree::Kernel>(&expression.node);
    if (kernel != nullptr) {
      ARROW_ASSIGN_OR_RAISE(const auto* const placed, Place(*kernel));
      if (kernel->output.empty() && placed->outputs.size() > 1) return AddAllOutputs(column.name, *placed);
      ARROW_ASSIGN_OR_RAISE(const auto output, OutputOf(*kernel, *placed));
      return AddResult(column.name.empty() ? placed->outputs[output] : column.name,
                       MakeColumn(placed->columns[output]));
    }
    ARROW_ASSIGN_OR_RAISE(const auto plain, WithoutKernels(expression));
    ARROW_RETURN_NOT_OK(BoundExpression::Bind(*plain.expression, *arrow::schema(fields_), place_));
    const auto* const source = std::get_if<ExpressionTree::Column>(&expression.node);
    if (source == nullptr && column.name.empty()) {
      return data::OptionError(place_ + ": the column needs a name. Write name=..., or .alias(\"name\").");
    }
    return AddResult(column.name.empty() ? source->name : column.name, plain.expression);
  }

  arrow::Result<Lowered> Finish() && {
    arrow::FieldVector fields = input_.fields();
    for (const auto& stage : result_.stages) {  // Finds what is wrong with the keys.
      ARROW_ASSIGN_OR_RAISE(auto chain, KernelChain::Make(stage.kernels, stage.by));
      for (const auto& column : stage.columns) fields.push_back(Field(column.name));
      const auto bound = chain.Bind(arrow::schema(fields));
      if (!bound.ok()) return bound.status().WithMessage(where_, bound.status().message());
      fields = (*bound)->fields();
    }
    return std::move(result_);
  }

 private:
  std::shared_ptr<arrow::Field> Field(const std::string& name) const {
    return *std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) { return field->name() == name; });
  }

  arrow::Status AddResult(const std::string& name, ExpressionPtr expression) {
    for (const auto& other : result_.columns) {
      if (other.name == name)
        return data::OptionError(where_ + "column '" + name + "' is made twice. Name one otherwise.");
    }
    result_.columns.push_back({name, std::move(expression)});
    return arrow::Status::OK();
  }

  // "bb_upper" under the alias b is b_upper: what all outputs begin with is left out.
  arrow::Status AddAllOutputs(const std::string& alias, const Placed& placed) {
    const auto& outputs = placed.outputs;
    std::size_t shared = outputs[0].find('_') + 1;
    const auto starts_alike = [&](const std::string& name) {
      return name.size() > shared && name.compare(0, shared, outputs[0], 0, shared) == 0;
    };
    if (!std::all_of(outputs.begin(), outputs.end(), starts_alike)) shared = 0;
    for (std::size_t output = 0; output < outputs.size(); ++output) {
      ARROW_RETURN_NOT_OK(AddResult(alias.empty() ? outputs[output] : alias + "_" + outputs[output].substr(shared),
                                    MakeColumn(placed.columns[output])));
    }
    return arrow::Status::OK();
  }

  arrow::Result<std::size_t> OutputOf(const ExpressionTree::Kernel& kernel, const Placed& placed) const {
    const auto& outputs = placed.outputs;
    if (kernel.output.empty() && outputs.size() == 1) return 0;
    const auto found = std::find(outputs.begin(), outputs.end(), kernel.output);
    if (found != outputs.end()) return static_cast<std::size_t>(found - outputs.begin());
    std::string names;
    for (const auto& output : outputs) names += (names.empty() ? "" : ", ") + output;
    return data::OptionError(place_ + ": " + kernel.kernel + " has several outputs: " + names + ". Choose one, as in " +
                             kernel.kernel + "(...).output(" + outputs[0] + ").");
  }

  std::string Temporary(const TypePtr& type) {
    std::string name;
    do {
      name = "$" + std::to_string(temporaries_++);
    } while (!input_.GetAllFieldIndices(name).empty());
    fields_.push_back(arrow::field(name, type));
    return name;
  }

  arrow::Result<Plain> WithoutKernels(const ExpressionTree& expression) {
    if (const auto* kernel = std::get_if<ExpressionTree::Kernel>(&expression.node)) {
      ARROW_ASSIGN_OR_RAISE(const auto* const placed, Place(*kernel));
      ARROW_ASSIGN_OR_RAISE(const auto output, OutputOf(*kernel, *placed));
      return Plain{MakeColumn(placed->columns[output]), placed->stage + 1};
    }
    const auto* const call = std::get_if<ExpressionTree::Call>(&expression.node);
    if (call == nullptr) return Plain{std::make_shared<const ExpressionTree>(expression), 0};
    std::vector<ExpressionPtr> arguments;
    std::size_t stage = 0;
    for (const auto& argument : call->arguments) {
      ARROW_ASSIGN_OR_RAISE(auto plain, WithoutKernels(*argument));
      stage = std::max(stage, plain.stage);
      arguments.push_back(std::move(plain.expression));
    }
    ARROW_ASSIGN_OR_RAISE(auto made, MakeCall(call->function, std::move(arguments), call->options));
    return Plain{std::move(made), stage};
  }

  // The keys of a kernel; none for one without state.
  arrow::Result<std::vector<std::string>> KeysOf(const ExpressionTree::Kernel& kernel, const KeyedKernel& made) const {
    if (!made.stateful()) return std::vector<std::string>{};
    const auto& keys = kernel.by.empty() ? by_ : kernel.by;
    if (keys.empty()) {
      return data::OptionError(place_ + ": " + kernel.kernel + " keeps state by key, and there is none. Write " +
                               kernel.kernel + "(...).over(symbol), or give the stream a key with key_by.");
    }
    for (const auto& key : keys) {
      if (!input_.GetAllFieldIndices(key).empty()) continue;
      return data::SchemaError(place_ + ": " + kernel.kernel + " keeps state by column '" + key +
                               "', which is missing." + data::NearestNames(key, input_.field_names()));
    }
    return keys;
  }

  // A kernel's input as a column: which, and in which stage it is there.
  struct Input {
    std::string role, column;  // Empty: `plain` is still to be computed.
    Plain plain;
    std::size_t stage = 0;  // The first one whose chain may read it.
  };

  arrow::Result<Input> InputOf(const ExpressionTree::Kernel& kernel, const KernelInput& wanted) {
    const std::string role(wanted.role);
    const auto given = kernel.columns.find(role);
    const bool by_default = given == kernel.columns.end();
    const auto tree = by_default ? MakeColumn(std::string(wanted.default_column)) : given->second;
    const std::string where = place_ + ": " + kernel.kernel + ": input '" + role + "'";
    Input input{.role = role, .column = {}, .plain = {}};
    ARROW_ASSIGN_OR_RAISE(input.plain, WithoutKernels(*tree));
    const auto* const column = std::get_if<ExpressionTree::Column>(&input.plain.expression->node);
    if (column != nullptr) input.column = column->name;
    if (by_default && input_.GetAllFieldIndices(input.column).empty()) {
      return data::SchemaError(where + " is column '" + input.column + "' unless given, which is missing." +
                               data::NearestNames(input.column, input_.field_names()) + " Write " + kernel.kernel +
                               "(" + role + "=...).");
    }
    ARROW_ASSIGN_OR_RAISE(const auto bound,
                          BoundExpression::Bind(*input.plain.expression, *arrow::schema(fields_), where));
    const auto& type = *bound.type();
    if (!(wanted.is_time ? IsTime(type) : IsNumber(type))) {
      return data::SchemaError(where + " is " + ToString(*tree) + " of type " + TypeName(type) + ", expected " +
                               (wanted.is_time ? "int64 (ns since the epoch) or a timestamp." : "a number.") +
                               (type.id() == arrow::Type::BOOL ? " cast(x, \"int64\") makes 0 and 1 of it." : ""));
    }
    input.stage = input.plain.stage;
    // What another kernel of the chain writes is read there as it is.
    const bool of_kernel = std::holds_alternative<ExpressionTree::Kernel>(tree->node);
    if (of_kernel && type.id() == (wanted.is_time ? arrow::Type::INT64 : arrow::Type::DOUBLE)) --input.stage;
    return input;
  }

  // Says whether two kernels are the same thing.
  static std::string SignatureOf(const ExpressionTree::Kernel& kernel, const KeyedKernel& made,
                                 const std::vector<std::string>& keys) {
    auto resolved = kernel;
    resolved.options = made.options();
    resolved.by = keys;
    resolved.output.clear();
    for (const auto& wanted : made.inputs()) {
      auto& input = resolved.columns[std::string(wanted.role)];
      if (input == nullptr) input = MakeColumn(std::string(wanted.default_column));
    }
    return ToJson(ExpressionTree{std::move(resolved)});
  }

  arrow::Result<const Placed*> Place(const ExpressionTree::Kernel& kernel) {
    ARROW_ASSIGN_OR_RAISE(const auto made, MakeKeyedKernel(kernel.kernel, kernel.options));
    ARROW_ASSIGN_OR_RAISE(const auto keys, KeysOf(kernel, *made));
    const auto signature = SignatureOf(kernel, *made, keys);
    if (const auto known = placed_.find(signature); known != placed_.end()) return &known->second;
    std::vector<Input> inputs;
    std::size_t first = 0;
    for (const auto& wanted : made->inputs()) {
      ARROW_ASSIGN_OR_RAISE(inputs.emplace_back(), InputOf(kernel, wanted));
      first = std::max(first, inputs.back().stage);
    }
    Placed placed{.stage = StageFor(keys, made->pair(), first), .outputs = {}, .columns = {}};
    KernelSpec spec{.kernel = kernel.kernel, .options = kernel.options};
    for (auto& input : inputs) {
      if (input.column.empty()) {
        ARROW_ASSIGN_OR_RAISE(input.column, Computed(input.plain, placed.stage));
      }
      spec.columns[input.role] = input.column;
    }
    for (const auto& output : made->outputs()) {
      placed.outputs.emplace_back(output.name);
      placed.columns.push_back(Temporary(output.type));
      spec.outputs[placed.outputs.back()] = placed.columns.back();
    }
    result_.stages[placed.stage].kernels.push_back(std::move(spec));
    return &placed_.emplace(signature, std::move(placed)).first->second;
  }

  // From `first` on, one whose chain has these keys and this pair, or may have.
  std::size_t StageFor(const std::vector<std::string>& keys, const std::optional<SymbolPair>& pair, std::size_t first) {
    auto& stages = result_.stages;
    for (std::size_t stage = first; stage < stages.size(); ++stage) {
      if (stages[stage].pair != pair) continue;
      if (keys.empty() || stages[stage].by == keys) return stage;
      if (!stages[stage].by.empty()) continue;
      stages[stage].by = keys;
      return stage;
    }
    stages.push_back({.columns = {}, .kernels = {}, .by = keys, .pair = pair});
    return stages.size() - 1;
  }

  // The column that holds an expression, computed in the stage unless an earlier one has it.
  arrow::Result<std::string> Computed(const Plain& plain, std::size_t stage) {
    const auto signature = ToJson(*plain.expression);
    auto& known = computed_[signature];
    if (!known.second.empty() && known.first <= stage) return known.second;
    ARROW_ASSIGN_OR_RAISE(const auto bound, BoundExpression::Bind(*plain.expression, *arrow::schema(fields_), place_));
    known = {stage, Temporary(bound.type())};
    result_.stages[stage].columns.push_back({known.second, plain.expression});
    return known.second;
  }

  const arrow::Schema& input_;
  arrow::FieldVector fields_;  // The input's and the temporary ones.
  const std::vector<std::string>& by_;
  const std::string where_;
  std::string place_;  // Begins messages about the column in hand.
  Lowered result_;
  std::map<std::string, Placed> placed_;                                  // By signature.
  std::map<std::string, std::pair<std::size_t, std::string>> computed_;  // JSON -> stage, column.
  int temporaries_ = 0;
};

}  // namespace

arrow::Result<Lowered> Lower(const std::vector<NamedExpression>& columns, const arrow::Schema& schema,
                             const std::vector<std::string>& by, std::string_view where) {
  Lowering lowering(schema, by, where);
  for (const auto& column : columns) ARROW_RETURN_NOT_OK(lowering.Add(column));
  return std::move(lowering).Finish();
}

}  // namespace sabot::operators
