#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/util/checked_cast.h>

#include <utility>

#include "sabot/connectors/file_sink_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {
namespace {

using arrow::internal::checked_cast;

bool IsString(const arrow::DataType& type) {
  return arrow::is_string(type.id()) || type.id() == arrow::Type::STRING_VIEW;
}

std::shared_ptr<arrow::DataType> WrittenType(const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() == arrow::Type::STRING_VIEW) return arrow::utf8();
  if (type->id() != arrow::Type::DICTIONARY) return type;
  const auto& value_type = checked_cast<const arrow::DictionaryType&>(*type).value_type();
  return IsString(*value_type) ? arrow::utf8() : value_type;
}

arrow::Status OutsideDictionary(int64_t entries) {
  return data::DataError("a dictionary index of a batch lies outside its dictionary of " + std::to_string(entries) +
                         " entries. Validate the batch where it is made.");
}

// Strings by their views; `values` is a dictionary's entries where `indices` is given, else the rows themselves.
template <class StringArray>
arrow::Result<std::shared_ptr<arrow::Array>> Utf8Of(const arrow::Array& values, const arrow::DictionaryArray* indices) {
  const auto& strings = checked_cast<const StringArray&>(values);
  const int64_t rows = indices != nullptr ? indices->length() : values.length();
  arrow::StringBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(rows));
  for (int64_t row = 0; row < rows; ++row) {
    int64_t at = row;
    if (indices != nullptr) {
      if (indices->IsNull(row)) {
        builder.UnsafeAppendNull();
        continue;
      }
      at = indices->GetValueIndex(row);
      if (at < 0 || at >= strings.length()) return OutsideDictionary(strings.length());
    }
    if (strings.IsNull(at)) {
      builder.UnsafeAppendNull();
    } else {
      ARROW_RETURN_NOT_OK(builder.Append(strings.GetView(at)));
    }
  }
  return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> WrittenColumn(const std::shared_ptr<arrow::Array>& column,
                                                           const arrow::DataType& written) {
  const bool encoded = column->type_id() == arrow::Type::DICTIONARY;
  if (!encoded && column->type_id() != arrow::Type::STRING_VIEW) return column;
  const auto* const indices = encoded ? &checked_cast<const arrow::DictionaryArray&>(*column) : nullptr;
  const arrow::Array& values = encoded ? *indices->dictionary() : *column;
  if (written.id() == arrow::Type::STRING) {
    switch (values.type_id()) {
      case arrow::Type::LARGE_STRING:
        return Utf8Of<arrow::LargeStringArray>(values, indices);
      case arrow::Type::STRING_VIEW:
        return Utf8Of<arrow::StringViewArray>(values, indices);
      default:
        return Utf8Of<arrow::StringArray>(values, indices);
    }
  }
  auto taken = arrow::compute::Take(values, *indices->indices());
  if (taken.status().IsIndexError()) return OutsideDictionary(values.length());
  return taken;
}

}  // namespace

std::shared_ptr<arrow::Schema> WrittenSchema(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) {
    fields.push_back(arrow::field(field->name(), WrittenType(field->type()), field->nullable()));
  }
  return arrow::schema(std::move(fields));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> WrittenRows(const std::shared_ptr<arrow::RecordBatch>& batch,
                                                               const std::shared_ptr<arrow::Schema>& written) {
  arrow::ArrayVector columns;
  for (int column = 0; column < batch->num_columns(); ++column) {
    const auto& field = written->field(column);
    const auto& values = batch->column(column);
    if (!field->nullable()) {
      if (const int64_t nulls = values->ComputeLogicalNullCount(); nulls > 0) {
        return data::DataError("column '" + field->name() + "' is not nullable, but a batch holds " +
                               std::to_string(nulls) + " nulls in it. Declare it nullable, or fill them.");
      }
    }
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), WrittenColumn(values, *field->type()));
  }
  return arrow::RecordBatch::Make(written, batch->num_rows(), std::move(columns));
}

}  // namespace sabot::connectors::internal
