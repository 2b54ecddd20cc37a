#include "sabot/backtest/tick_types.h"

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <string>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_schema.h"

namespace sabot::backtest {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

arrow::Result<ArrayPtr> Cast(const std::string& name, const ArrayPtr& column,
                             const std::shared_ptr<arrow::DataType>& wanted) {
  if (column->type()->Equals(wanted)) return column;
  auto cast = arrow::compute::Cast(*column, wanted);
  if (cast.ok()) return cast;
  return data::DataError("ticks: column '" + name + "' is " + column->type()->ToString() + "; read as " +
                         wanted->ToString() + " a value would change: " + cast.status().message() +
                         ". Leave such rows out, or scale the column.");
}

arrow::Result<ArrayPtr> Times(const std::string& name, const ArrayPtr& column) {
  if (column->type_id() != arrow::Type::TIMESTAMP) return column;
  if (const auto status = ticks::CheckTimeZone(name, *column->type()); !status.ok()) {
    return status.WithMessage("ticks: ", status.message());
  }
  const std::string& zone = static_cast<const arrow::TimestampType&>(*column->type()).timezone();
  ARROW_ASSIGN_OR_RAISE(const auto times, Cast(name, column, arrow::timestamp(arrow::TimeUnit::NANO, zone)));
  return zone.empty() ? times : times->View(arrow::timestamp(arrow::TimeUnit::NANO));
}

arrow::Result<ArrayPtr> Numbers(const std::string& name, const ArrayPtr& column) {
  const auto type = column->type_id();
  if (!arrow::is_integer(type) && !arrow::is_floating(type)) return column;
  return Cast(name, column, arrow::float64());
}

bool IsText(arrow::Type::type type) { return arrow::is_string(type) || type == arrow::Type::STRING_VIEW; }

arrow::Result<ArrayPtr> Texts(const std::string& name, const ArrayPtr& column) {
  if (IsText(column->type_id())) return Cast(name, column, arrow::utf8());
  if (column->type_id() != arrow::Type::DICTIONARY) return column;
  const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*column);
  const auto texts_type = dictionary.dictionary()->type_id();
  const auto index = dictionary.indices()->type_id();
  const bool is_read = index == arrow::Type::INT8 || index == arrow::Type::INT16 || index == arrow::Type::INT32;
  if (!IsText(texts_type) || (texts_type == arrow::Type::STRING && is_read)) return column;
  ARROW_ASSIGN_OR_RAISE(const auto indices, Cast(name, dictionary.indices(), arrow::int32()));
  ARROW_ASSIGN_OR_RAISE(const auto texts, Cast(name, dictionary.dictionary(), arrow::utf8()));
  return arrow::DictionaryArray::FromArrays(indices, texts);
}

arrow::Result<ArrayPtr> Readable(const std::string& name, const ArrayPtr& column) {
  if (name == "timestamp") return Times(name, column);
  if (name == "type") return Texts(name, column);
  const bool is_side = name == "side" && column->type_id() != arrow::Type::INT8;
  return is_side || name == "price" || name == "volume" ? Numbers(name, column) : column;
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadableTicks(std::shared_ptr<arrow::RecordBatch> ticks) {
  for (int i = 0; i < ticks->num_columns(); ++i) {
    const ArrayPtr found = ticks->column(i);
    ARROW_ASSIGN_OR_RAISE(const auto column, Readable(ticks->column_name(i), found));
    if (column == found) continue;
    ARROW_ASSIGN_OR_RAISE(ticks, ticks->SetColumn(i, ticks->schema()->field(i)->WithType(column->type()), column));
  }
  return ticks;
}

}  // namespace sabot::backtest
