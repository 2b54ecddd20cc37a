#include "sabot/operators/filter.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>

#include "sabot/data/errors.h"
#include "sabot/data/gather.h"

namespace sabot::operators {
namespace {

// A dictionary's value stands for itself.
arrow::Result<std::string> TextOfValue(const arrow::Array& column, int64_t row) {
  ARROW_ASSIGN_OR_RAISE(auto value, column.GetScalar(row));
  if (value->type->id() == arrow::Type::DICTIONARY && value->is_valid) {
    ARROW_ASSIGN_OR_RAISE(value,
                          arrow::internal::checked_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue());
  }
  return value->ToString();
}

// symbol=BTC, price=null. Columns that the plan computed for itself ("$0") are not the user's.
std::string TextOfRow(const arrow::RecordBatch& rows, int64_t row) {
  std::string text;
  for (int column = 0; column < rows.num_columns(); ++column) {
    const std::string& name = rows.schema()->field(column)->name();
    if (name.starts_with('$')) continue;
    const auto value = TextOfValue(*rows.column(column), row);
    text += (text.empty() ? "" : ", ") + name + "=" + (value.ok() ? *value : value.status().ToString());
  }
  return text;
}

}  // namespace

arrow::Result<SchemaVector> Filter::Bind(const SchemaVector& inputs) {
  const std::string where = std::string(name()) + " " + ToString(*keep_) + ": ";
  ARROW_ASSIGN_OR_RAISE(auto bound, BoundExpression::Bind(*keep_, *inputs.front(), name()));
  if (bound.type()->id() != arrow::Type::BOOL) {
    return data::SchemaError(where + "the expression is " + bound.type()->ToString() +
                             ", expected bool. Compare its value with something.");
  }
  bound_ = std::move(bound);
  return inputs;
}

arrow::Result<Progress> Filter::Process(int /*input*/, const data::Batch& batch, Output& output) {
  ARROW_ASSIGN_OR_RAISE(const auto values, bound_->Run(*batch.rows));
  const auto& kept = arrow::internal::checked_cast<const arrow::BooleanArray&>(*values);
  const int64_t count = kept.true_count();
  if (rejects_ != nullptr && count < batch.num_rows()) ARROW_RETURN_NOT_OK(Reject(batch, kept));
  if (count == 0) return Progress::kDone;
  if (count == batch.num_rows()) {
    ARROW_RETURN_NOT_OK(output.Emit(batch));
    return Progress::kDone;
  }
  const auto numbers = data::TrueRows(kept);
  ARROW_ASSIGN_OR_RAISE(auto rows, data::Gather(*batch.rows, numbers));
  data::Places places;
  if (places_) {
    ARROW_ASSIGN_OR_RAISE(places, batch.places.Take(numbers));
  }
  ARROW_RETURN_NOT_OK(output.Emit({.rows = std::move(rows), .places = std::move(places)}));
  return Progress::kDone;
}

arrow::Status Filter::Reject(const data::Batch& batch, const arrow::BooleanArray& kept) const {
  for (int64_t row = 0; row < kept.length(); ++row) {
    if (kept.IsValid(row) && kept.Value(row)) continue;
    ARROW_RETURN_NOT_OK(rejects_->Add({.where = "require: " + batch.places.at(row).ToString(),
                                       .reason = reason_,
                                       .row = TextOfRow(*batch.rows, row)}));
  }
  return arrow::Status::OK();
}

}  // namespace sabot::operators
