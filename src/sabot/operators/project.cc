#include "sabot/operators/project.h"

#include <arrow/array.h>

#include <algorithm>
#include <set>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::operators {

arrow::Result<SchemaVector> Project::Bind(const SchemaVector& inputs) {
  const arrow::Schema& input = *inputs.front();
  arrow::FieldVector fields;
  std::set<std::string_view> names;
  for (const auto& [name, expression] : columns_) {
    if (!names.insert(name).second) {
      return data::SchemaError(verb_ + ": two columns are called '" + name + "'. Give one of them another name.");
    }
    const auto* const column = std::get_if<ExpressionTree::Column>(&expression->node);
    const int index = column == nullptr ? -1 : input.GetFieldIndex(column->name);
    if (index >= 0) {
      sources_.push_back({.column = index});
      fields.push_back(input.field(index)->WithName(name));
      continue;
    }
    const std::string where = column != nullptr && column->name == name ? verb_ : verb_ + " '" + name + "'";
    ARROW_ASSIGN_OR_RAISE(auto bound, BoundExpression::Bind(*expression, input, where));
    sources_.push_back({.expression = expressions_.size()});
    fields.push_back(arrow::field(name, bound.type()));
    expressions_.push_back(std::move(bound));
  }
  schema_ = arrow::schema(std::move(fields));
  return SchemaVector{schema_};
}

arrow::Result<Progress> Project::Process(int /*input*/, const data::Batch& batch, Output& output) {
  arrow::ArrayVector computed(expressions_.size());
  for (std::size_t i = 0; i < computed.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(computed[i], expressions_[i].Run(*batch.rows));
  }
  arrow::ArrayVector columns;
  columns.reserve(sources_.size());
  for (const Source& source : sources_) {
    columns.push_back(source.column >= 0 ? batch.rows->column(source.column) : computed[source.expression]);
  }
  ARROW_RETURN_NOT_OK(output.Emit(
      {.rows = arrow::RecordBatch::Make(schema_, batch.num_rows(), std::move(columns)), .places = batch.places}));
  return Progress::kDone;
}

std::vector<NamedExpression> WithColumns(const arrow::Schema& schema, const std::vector<NamedExpression>& columns) {
  std::vector<NamedExpression> all;
  for (const auto& field : schema.fields()) {
    all.push_back({.name = field->name(), .expression = MakeColumn(field->name())});
  }
  for (const auto& column : columns) {
    const auto same =
        std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.name == column.name; });
    if (same != all.end()) {
      *same = column;
    } else {
      all.push_back(column);
    }
  }
  return all;
}

}  // namespace sabot::operators
