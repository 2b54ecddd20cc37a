#include "sabot/ticks/tick_batches.h"

#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <cstddef>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_batch_columns_internal.h"

namespace sabot::ticks {
namespace {

bool CanBeTime(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::INT64 || IsTickText(type);
}

}  // namespace

std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>> CsvTypesOf(const TickColumnPositions& columns,
                                                                                 const arrow::Schema& schema) {
  std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>> types;
  for (const int column :
       {columns.price, columns.volume, columns.bid, columns.bid_size, columns.ask, columns.ask_size}) {
    if (column != kNoColumn) types.emplace_back(schema.field(column)->name(), arrow::float64());
  }
  for (const int column : {columns.type, columns.side, columns.symbol}) {
    if (column != kNoColumn) types.emplace_back(schema.field(column)->name(), arrow::utf8());
  }
  for (const int column : {columns.time, columns.date, columns.clock, columns.local_time}) {
    if (column == kNoColumn || schema.field(column)->type()->id() == arrow::Type::INT64) continue;
    types.emplace_back(schema.field(column)->name(), arrow::utf8());
  }
  return types;
}

arrow::Result<TickBatches> TickBatches::Make(const arrow::Schema& schema, TickRows rows, Options options) {
  auto names = schema.field_names();
  ARROW_ASSIGN_OR_RAISE(const auto columns, FindTickColumns(names));
  for (const int column : {columns.time, columns.clock, columns.local_time, columns.date}) {
    if (column == kNoColumn) continue;
    const auto& type = *schema.field(column)->type();
    ARROW_RETURN_NOT_OK(CheckTimeZone(schema.field(column)->name(), type));
    if (CanBeTime(type) || (column == columns.date && type.id() == arrow::Type::DATE32)) continue;
    return data::SchemaError("column '" + schema.field(column)->name() + "' is " + type.ToString() +
                             ", expected a timestamp, text, or int64 nanoseconds since 1970.");
  }
  for (const int column :
       {columns.price, columns.volume, columns.bid, columns.bid_size, columns.ask, columns.ask_size}) {
    if (column == kNoColumn) continue;
    const auto& type = *schema.field(column)->type();
    if (arrow::is_numeric(type.id()) || arrow::is_decimal(type.id())) continue;
    return data::SchemaError("column '" + schema.field(column)->name() + "' is " + type.ToString() +
                             ", expected a number.");
  }
  for (const int column : {columns.type, columns.symbol}) {
    if (column == kNoColumn || IsTickText(*schema.field(column)->type())) continue;
    return data::SchemaError("column '" + schema.field(column)->name() + "' is " +
                             schema.field(column)->type()->ToString() + ", expected text.");
  }
  return TickBatches(columns, std::move(names), rows, std::move(options));
}

arrow::Status TickBatches::Read(const arrow::RecordBatch& batch, const Taker& taker) const {
  Columns columns(*this, batch);
  ARROW_RETURN_NOT_OK(columns.Open());
  std::pair<Tick, Tick> ticks;
  std::string reason;
  std::string_view symbol;
  bool local = false;
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    if (columns.has_symbol()) {
      const std::string_view found = columns.symbol(row);
      if (found.empty()) {
        if (columns.IsBlank(row)) continue;
        const std::string& name = names_[static_cast<std::size_t>(columns_.symbol)];
        ARROW_RETURN_NOT_OK(taker.reject("", row, "column '" + name + "': blank, expected a security"));
        continue;
      }
      if (found != symbol) local = options_.uses_local_time && options_.uses_local_time(found);
      symbol = found;
    }
    if (!columns.Read(row, local, &ticks, &reason)) {
      if (columns.IsBlank(row)) continue;
      ARROW_RETURN_NOT_OK(taker.reject(symbol, row, reason));
      continue;
    }
    ARROW_RETURN_NOT_OK(taker.tick(symbol, ticks.first));
    if (rows_ == TickRows::kQuotes) ARROW_RETURN_NOT_OK(taker.tick(symbol, ticks.second));
  }
  return arrow::Status::OK();
}

std::vector<std::string> TickBatches::names() const {
  const auto& at = columns_;
  std::vector<std::string> names;
  for (const int column : {at.time, at.date, at.clock, at.local_time, at.type, at.price, at.volume, at.side, at.symbol,
                           at.bid, at.bid_size, at.ask, at.ask_size}) {
    if (column != kNoColumn) names.push_back(names_[static_cast<std::size_t>(column)]);
  }
  return names;
}

std::string TextOf(const arrow::RecordBatch& batch, int64_t row) {
  std::string text;
  for (int column = 0; column < batch.num_columns(); ++column) {
    if (column > 0) text += ',';
    const auto& values = *batch.column(column);
    if (values.IsNull(row)) continue;
    if (const auto scalar = values.GetScalar(row); scalar.ok()) {
      const auto plain = values.type_id() == arrow::Type::DICTIONARY
                             ? static_cast<const arrow::DictionaryScalar&>(**scalar).GetEncodedValue()
                             : scalar;
      if (plain.ok()) text += (*plain)->ToString();
    }
  }
  return text;
}

}  // namespace sabot::ticks
