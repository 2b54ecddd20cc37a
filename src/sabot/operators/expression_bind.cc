// Trees bound to a schema and run. A call on a dictionary of strings is computed once an entry, as long as it and all
// it is used by are functions of that column alone; then rows take the entry's result.
#include <arrow/array/array_dict.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/util.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <mutex>

#include "sabot/data/errors.h"
#include "sabot/operators/expression_bind_internal.h"
#include "sabot/operators/expression_math.h"
#include "sabot/operators/expression_take_internal.h"

namespace sabot::operators {
namespace {

namespace cp = arrow::compute;

std::string Shown(const ExpressionTree& expression) {
  constexpr std::size_t kShownMax = 200;
  auto text = ToString(expression);
  if (text.size() <= kShownMax) return text;
  text.resize(kShownMax);
  while ((static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
  return text + "...";
}

bool IsTextDictionary(const arrow::DataType& type) {
  return type.id() == arrow::Type::DICTIONARY &&
         arrow::is_string(static_cast<const arrow::DictionaryType&>(type).value_type()->id());
}

class Binder {
 public:
  Binder(const arrow::Schema& schema, std::string_view where) : schema_(schema), where_(where) {}

  arrow::Result<BoundNode> Bind(const ExpressionTree& expression) {
    if (const auto* column = std::get_if<ExpressionTree::Column>(&expression.node)) return BindColumn(column->name);
    if (const auto* literal = std::get_if<ExpressionTree::Literal>(&expression.node))
      return LiteralNode(literal->value);
    if (const auto* call = std::get_if<ExpressionTree::Call>(&expression.node)) return BindCall(expression, *call);
    return data::OptionError(
        where_ + Shown(expression) +
        ": a kernel keeps state, so it cannot stand here. Make it a column with with_columns first.");
  }

  // Over the sources.
  BoundNode OverRows(BoundNode node) {
    if (node.dictionary < 0) return node;
    auto bound =
        node.expression.Bind(arrow::Schema({arrow::field("0", EntryType(node.dictionary))}), ExpressionContext());
    sources_.push_back({.column = node.dictionary,
                        .type = node.type,
                        .of_dictionary = true,
                        .of_entry = std::move(bound).ValueOrDie(),
                        .decoded_only = node.expression.field_ref() != nullptr});
    return {cp::field_ref(static_cast<int>(sources_.size()) - 1), node.type, nullptr, -1};
  }

  std::vector<ExpressionSource> sources() && { return std::move(sources_); }
  arrow::Result<int> FindColumn(const std::string& name) const {
    const auto found = schema_.GetAllFieldIndices(name);
    if (found.size() == 1) return found[0];
    if (found.empty()) {
      return data::SchemaError(where_ + "column '" + name + "' is missing." +
                               data::NearestNames(name, schema_.field_names()));
    }
    return data::SchemaError(where_ + "column '" + name + "' exists " + std::to_string(found.size()) +
                             " times. Rename them apart.");
  }

 private:
  const TypePtr& EntryType(int column) const {
    return static_cast<const arrow::DictionaryType&>(*schema_.field(column)->type()).value_type();
  }

  arrow::Result<BoundNode> BindColumn(const std::string& name) {
    ARROW_ASSIGN_OR_RAISE(const int column, FindColumn(name));
    const auto& type = schema_.field(column)->type();
    if (IsTextDictionary(*type)) return BoundNode{cp::field_ref(0), EntryType(column), nullptr, column};
    const auto known = std::find_if(sources_.begin(), sources_.end(), [&](const auto& source) {
      return source.column == column && !source.of_dictionary;
    });
    const auto at = static_cast<int>(known - sources_.begin());
    if (known == sources_.end()) sources_.push_back({.column = column, .type = type, .of_entry = {}});
    BoundNode node{cp::field_ref(at), type, nullptr, -1};
    if (type->id() != arrow::Type::DICTIONARY) return node;
    return CastNode(std::move(node), EntryType(column));
  }

  // Whether it may be computed on the entries of one dictionary.
  static bool StaysOnEntries(const FunctionInfo& function, const ExpressionTree::Call& call,
                             const std::vector<BoundNode>& arguments) {
    int column = -1;
    bool literals = false;
    for (const auto& argument : arguments) {
      if (argument.literal != nullptr) {
        literals = true;
      } else if (argument.dictionary < 0 || (column >= 0 && argument.dictionary != column)) {
        return false;
      } else {
        column = argument.dictionary;
      }
    }
    if (column < 0 || !function.by_dictionary_entry) return false;
    // Beside `true`, null may become true.
    if (function.rule == FunctionRule::kBoolean) return !literals;
    return function.rule != FunctionRule::kIsIn || call.options.empty();
  }

  arrow::Result<BoundNode> BindCall(const ExpressionTree& expression, const ExpressionTree::Call& call) {
    const auto& function = *FindFunction(call.function);
    std::vector<BoundNode> arguments;
    for (const auto& argument : call.arguments) {
      ARROW_ASSIGN_OR_RAISE(arguments.emplace_back(), Bind(*argument));
    }
    if (!StaysOnEntries(function, call, arguments)) {
      for (auto& argument : arguments) argument = OverRows(std::move(argument));
    }
    std::string found;
    for (const auto& argument : arguments) found += (found.empty() ? "" : " and ") + TypeName(*argument.type);
    auto applied = ApplyRule(function, call.options, std::move(arguments));
    if (applied.ok()) return applied;
    std::string reason = function.rule == FunctionRule::kCast ? " " + applied.status().message() : "";
    return data::SchemaError(where_ + Shown(expression) + ": " + call.function + " takes " +
                             std::string(function.takes) + ", found " + found + "." + reason + Advice(found));
  }

  static std::string Advice(const std::string& found) {
    if (found.find("timestamp") != std::string::npos && found.find("string") != std::string::npos) {
      return " Write a time as timestamp(\"2024-01-31T09:30:00Z\").";
    }
    return "";
  }

  const arrow::Schema& schema_;
  const std::string where_;
  std::vector<ExpressionSource> sources_;
};

// Results of the entries of the last dictionary seen: batches often share one.
struct EntryCache {
  std::mutex mutex;
  std::shared_ptr<arrow::ArrayData> dictionary;
  std::shared_ptr<arrow::Array> values;
};

arrow::Result<std::shared_ptr<arrow::Array>> ToArray(const arrow::Datum& datum, int64_t length) {
  if (datum.is_array()) return datum.make_array();
  if (datum.is_scalar()) return arrow::MakeArrayFromScalar(*datum.scalar(), length);
  return arrow::Status::TypeError("an expression gave ", datum.ToString());
}

constexpr auto kOneNan = std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN());

bool IsOtherNan(double value) { return value != value && std::bit_cast<uint64_t>(value) != kOneNan; }

// Which NaN an operation gives depends on the compiler; results have one.
arrow::Result<std::shared_ptr<arrow::Array>> WithOneNan(std::shared_ptr<arrow::Array> array) {
  if (array->type_id() != arrow::Type::DOUBLE) return array;
  const auto* const values = static_cast<const arrow::DoubleArray&>(*array).raw_values();
  uint64_t others = 0;
  for (int64_t row = 0; row < array->length(); ++row) others |= IsOtherNan(values[row]) ? 1 : 0;
  if (others == 0) return array;
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(8 * array->length()));
  auto* const fixed = reinterpret_cast<double*>(buffer->mutable_data());
  for (int64_t row = 0; row < array->length(); ++row) {
    fixed[row] = values[row] == values[row] ? values[row] : std::bit_cast<double>(kOneNan);
  }
  std::shared_ptr<arrow::Buffer> validity;
  if (array->null_count() > 0) {
    ARROW_ASSIGN_OR_RAISE(validity, arrow::internal::CopyBitmap(arrow::default_memory_pool(), array->null_bitmap_data(),
                                                                array->offset(), array->length()));
  }
  return std::make_shared<arrow::DoubleArray>(array->length(), std::move(buffer), std::move(validity));
}

}  // namespace

struct BoundExpression::Impl {
  std::string where;
  ExpressionTree tree;
  TypePtr type;
  int column = -1;  // The expression is this column, as it is.
  std::vector<ExpressionSource> sources;
  mutable std::vector<std::unique_ptr<EntryCache>> caches;  // Of each source.
  cp::Expression expression;                                // Bound to the sources.

  arrow::Result<arrow::Datum> Source(std::size_t index, const arrow::RecordBatch& batch) const {
    const auto& source = sources[index];
    const auto& array = batch.column(source.column);
    if (!source.of_dictionary) return arrow::Datum(array);
    const auto& rows = static_cast<const arrow::DictionaryArray&>(*array);
    const auto& dictionary = array->data()->dictionary;
    std::shared_ptr<arrow::Array> values;
    if (source.decoded_only) {
      values = rows.dictionary();
    } else {
      auto& cache = *caches[index];
      const std::scoped_lock lock(cache.mutex);
      if (cache.dictionary != dictionary) {
        const cp::ExecBatch entries({arrow::Datum(dictionary)}, dictionary->length);
        ARROW_ASSIGN_OR_RAISE(const auto result,
                              cp::ExecuteScalarExpression(source.of_entry, entries, ExpressionContext()));
        ARROW_ASSIGN_OR_RAISE(cache.values, ToArray(result, dictionary->length));
        cache.dictionary = dictionary;
      }
      values = cache.values;
    }
    return TakeByEntry(*values, rows);
  }

  arrow::Result<std::shared_ptr<arrow::Array>> Compute(const arrow::RecordBatch& batch) const {
    if (column >= 0) return batch.column(column);
    std::vector<arrow::Datum> values;
    for (std::size_t index = 0; index < sources.size(); ++index) {
      ARROW_ASSIGN_OR_RAISE(values.emplace_back(), Source(index, batch));
    }
    ARROW_ASSIGN_OR_RAISE(const auto result,
                          cp::ExecuteScalarExpression(expression, cp::ExecBatch(std::move(values), batch.num_rows()),
                                                      ExpressionContext()));
    ARROW_ASSIGN_OR_RAISE(auto array, ToArray(result, batch.num_rows()));
    return WithOneNan(std::move(array));
  }

  // The first row that fails alone, by halving.
  arrow::Status Explain(const arrow::RecordBatch& batch, const arrow::Status& cause) const {
    if (cause.IsOutOfMemory()) return cause;
    int64_t good = 0, bad = batch.num_rows();  // The first `good` rows can be computed, the first `bad` cannot.
    while (bad - good > 1) {
      const int64_t middle = good + (bad - good) / 2;
      (Compute(*batch.Slice(0, middle)).ok() ? good : bad) = middle;
    }
    std::string message = where + Shown(tree) + ": ";
    if (batch.num_rows() > 0) message += "row " + std::to_string(good) + " of the batch: ";
    message += cause.message();
    std::string held;
    for (const auto& name : ColumnsOf(tree)) {
      const auto column_array = batch.GetColumnByName(name);
      if (batch.num_rows() == 0 || column_array == nullptr) continue;
      const auto value = column_array->GetScalar(good);
      if (value.ok()) held += (held.empty() ? " (" : ", ") + name + " = " + (*value)->ToString();
    }
    message += held.empty() ? "." : held + ").";
    if (cause.message().find("overflow") != std::string::npos) {
      message += " Integers are computed as int64: cast(x, \"float64\") has no such limit.";
    }
    return data::DataError(std::move(message));
  }
};

arrow::Result<BoundExpression> BoundExpression::Bind(const ExpressionTree& expression, const arrow::Schema& schema,
                                                     std::string_view where) {
  auto impl = std::make_shared<Impl>();
  impl->where = where.empty() ? "" : std::string(where) + ": ";
  impl->tree = expression;
  Binder binder(schema, impl->where);
  if (const auto* column = std::get_if<ExpressionTree::Column>(&expression.node)) {
    ARROW_ASSIGN_OR_RAISE(impl->column, binder.FindColumn(column->name));
    impl->type = schema.field(impl->column)->type();
    return BoundExpression(std::move(impl));
  }
  ARROW_ASSIGN_OR_RAISE(auto node, binder.Bind(expression));
  node = binder.OverRows(std::move(node));
  impl->type = node.type;
  impl->sources = std::move(binder).sources();
  arrow::FieldVector fields;
  for (const auto& source : impl->sources) {
    fields.push_back(arrow::field(std::to_string(fields.size()), source.type));
    impl->caches.push_back(std::make_unique<EntryCache>());
  }
  ARROW_ASSIGN_OR_RAISE(impl->expression, node.expression.Bind(arrow::Schema(std::move(fields)), ExpressionContext()));
  return BoundExpression(std::move(impl));
}

const std::shared_ptr<arrow::DataType>& BoundExpression::type() const { return impl_->type; }

arrow::Result<std::shared_ptr<arrow::Array>> BoundExpression::Run(const arrow::RecordBatch& batch) const {
  auto computed = impl_->Compute(batch);
  return computed.ok() ? std::move(computed) : impl_->Explain(batch, computed.status());
}

}  // namespace sabot::operators
