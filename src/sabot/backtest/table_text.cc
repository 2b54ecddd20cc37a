#include <arrow/array.h>
#include <arrow/table.h>

#include "sabot/backtest/csv_line_internal.h"
#include "sabot/backtest/table_text_internal.h"

namespace sabot::backtest::internal {
namespace {

template <typename Array, typename Append>
void AppendValue(const arrow::Array& array, int64_t row, const Append& append) {
  append(static_cast<const Array&>(array).GetView(row));
}

void AppendValue(const arrow::Array& array, int64_t row, CsvLines& lines) {
  if (array.IsNull(row)) {
    lines.Empty();
    return;
  }
  switch (array.type_id()) {
    case arrow::Type::INT64:
      AppendValue<arrow::Int64Array>(array, row, [&](int64_t value) { lines.Integer(value); });
      break;
    case arrow::Type::DOUBLE:
      AppendValue<arrow::DoubleArray>(array, row, [&](double value) { lines.Number(value); });
      break;
    case arrow::Type::BOOL:
      AppendValue<arrow::BooleanArray>(array, row, [&](bool value) { lines.Text(value ? "true" : "false"); });
      break;
    default:
      AppendValue<arrow::StringArray>(array, row, [&](std::string_view value) { lines.Text(value); });
  }
}

}  // namespace

std::string TableText(const arrow::Table& table) {
  CsvLines lines;
  for (const auto& field : table.fields()) lines.Text(field->name());
  lines.End();
  arrow::TableBatchReader batches(table);
  std::shared_ptr<arrow::RecordBatch> batch;
  while (batches.ReadNext(&batch).ok() && batch != nullptr) {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      for (const auto& column : batch->columns()) AppendValue(*column, row, lines);
      lines.End();
    }
  }
  return lines.text();
}

}  // namespace sabot::backtest::internal
