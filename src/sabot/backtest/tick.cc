#include "sabot/backtest/tick.h"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_schema.h"
#include "sabot/ticks/tick_values.h"

namespace sabot::backtest {
namespace {

arrow::Result<std::shared_ptr<arrow::Array>> Column(const arrow::RecordBatch& batch, const std::string& name) {
  const int index = batch.schema()->GetFieldIndex(name);
  if (index < 0) {
    return data::SchemaError("ticks: there is no column '" + name +
                             "', or there are several; ticks have timestamp, type, price and volume." +
                             data::NearestNames(name, batch.schema()->field_names()));
  }
  return batch.column(index);
}

int64_t FirstNull(const arrow::Array& column) {
  int64_t row = 0;
  while (column.IsValid(row)) ++row;
  return row;
}

// How messages begin that are of one row, which counts from 0.
std::string At(int64_t row) { return "ticks: row " + std::to_string(row); }

arrow::Result<std::shared_ptr<arrow::Array>> Column(const arrow::RecordBatch& batch, const std::string& name,
                                                    const std::shared_ptr<arrow::DataType>& type, int64_t first_row) {
  ARROW_ASSIGN_OR_RAISE(auto column, Column(batch, name));
  if (!column->type()->Equals(type)) {
    return data::SchemaError("ticks: column '" + name + "' is " + column->type()->ToString() + "; expected " +
                             type->ToString() + ".");
  }
  if (column->null_count() > 0) {
    return data::DataError(At(first_row + FirstNull(*column)) + " has no " + name +
                           ". Leave such rows out, or convert the file with 'sabot convert', which reports them.");
  }
  return column;
}

arrow::Result<TickType> TypeOf(std::string_view text) {
  if (text == "trade") return TickType::kTrade;
  if (text == "bid") return TickType::kBid;
  if (text == "ask") return TickType::kAsk;
  return data::DataError("type '" + std::string(text) + "', which is unknown; expected bid, ask or trade.");
}

template <class Indices>
arrow::Status TypesOf(const arrow::DictionaryArray& column, int64_t first_row, std::vector<TickType>& types) {
  if (column.dictionary()->type_id() != arrow::Type::STRING) {
    return data::SchemaError("ticks: column 'type' is " + column.type()->ToString() +
                             "; expected utf8 or a dictionary of it.");
  }
  const auto& names = static_cast<const arrow::StringArray&>(*column.dictionary());
  std::vector<arrow::Result<TickType>> meaning;
  for (int64_t i = 0; i < names.length(); ++i) meaning.push_back(TypeOf(names.IsNull(i) ? "" : names.GetView(i)));
  const auto& indices = static_cast<const Indices&>(*column.indices());
  for (int64_t row = 0; row < indices.length(); ++row) {
    const auto& type = meaning[static_cast<std::size_t>(indices.Value(row))];
    if (!type.ok()) return data::DataError(At(first_row + row) + " has " + type.status().message());
    types[static_cast<std::size_t>(row)] = *type;
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<TickType>> TypesOf(const arrow::Array& column, int64_t first_row) {
  std::vector<TickType> types(static_cast<std::size_t>(column.length()));
  if (column.null_count() > 0) {
    return data::DataError(At(first_row + FirstNull(column)) + " has no type; expected bid, ask or trade.");
  }
  if (column.type_id() == arrow::Type::STRING) {
    const auto& names = static_cast<const arrow::StringArray&>(column);
    for (int64_t row = 0; row < names.length(); ++row) {
      const auto type = TypeOf(names.GetView(row));
      if (!type.ok()) return data::DataError(At(first_row + row) + " has " + type.status().message());
      types[static_cast<std::size_t>(row)] = *type;
    }
    return types;
  }
  if (column.type_id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(column);
    switch (dictionary.indices()->type_id()) {
      case arrow::Type::INT8:
        ARROW_RETURN_NOT_OK(TypesOf<arrow::Int8Array>(dictionary, first_row, types));
        return types;
      case arrow::Type::INT16:
        ARROW_RETURN_NOT_OK(TypesOf<arrow::Int16Array>(dictionary, first_row, types));
        return types;
      case arrow::Type::INT32:
        ARROW_RETURN_NOT_OK(TypesOf<arrow::Int32Array>(dictionary, first_row, types));
        return types;
      default:
        break;
    }
  }
  return data::SchemaError("ticks: column 'type' is " + column.type()->ToString() +
                           "; expected utf8, or a dictionary of it with int8, int16 or int32 indices.");
}

template <class Array>
arrow::Status SidesOf(const arrow::Array& column, int64_t first_row, std::vector<int8_t>& sides) {
  const auto& values = static_cast<const Array&>(column);
  for (int64_t row = 0; row < values.length(); ++row) {
    if (values.IsNull(row)) continue;
    const auto value = values.Value(row);
    if (value != 1 && value != -1) {
      return data::DataError(At(first_row + row) + " has side " + std::to_string(value) +
                             "; expected +1 (the buyer was the aggressor), -1 (the seller), or null.");
    }
    sides[static_cast<std::size_t>(row)] = value > 0 ? 1 : -1;
  }
  return arrow::Status::OK();
}

// Errors name the first row that is not `good`. Counts over the whole keep the loop free of branches.
template <class Good>
arrow::Status CheckNumbers(std::string_view name, std::span<const double> values, int64_t first_row, const Good& good,
                           std::string_view expected) {
  int64_t bad = 0;
  for (const double value : values) bad += !good(value);
  if (bad == 0) return arrow::Status::OK();
  const auto row = std::ranges::find_if_not(values, good) - values.begin();
  return data::DataError(At(first_row + row) + " has " + std::string(name) + " " +
                         std::to_string(values[static_cast<std::size_t>(row)]) + "; expected " + std::string(expected) +
                         ".");
}

}  // namespace

arrow::Result<Ticks> Ticks::From(std::shared_ptr<arrow::RecordBatch> batch, int64_t first_row) {
  ARROW_ASSIGN_OR_RAISE(const auto timestamps,
                        Column(*batch, "timestamp", arrow::timestamp(arrow::TimeUnit::NANO), first_row));
  ARROW_ASSIGN_OR_RAISE(const auto types, Column(*batch, "type"));
  ARROW_ASSIGN_OR_RAISE(const auto prices, Column(*batch, "price", arrow::float64(), first_row));
  ARROW_ASSIGN_OR_RAISE(const auto volumes, Column(*batch, "volume", arrow::float64(), first_row));
  const auto rows = static_cast<std::size_t>(batch->num_rows());
  Ticks ticks;
  ticks.timestamps_ = {static_cast<const arrow::TimestampArray&>(*timestamps).raw_values(), rows};
  ticks.prices_ = {static_cast<const arrow::DoubleArray&>(*prices).raw_values(), rows};
  ticks.volumes_ = {static_cast<const arrow::DoubleArray&>(*volumes).raw_values(), rows};
  ARROW_ASSIGN_OR_RAISE(ticks.types_, TypesOf(*types, first_row));
  if (rows > 0) {
    const auto [least, most] = std::minmax_element(ticks.timestamps_.begin(), ticks.timestamps_.end());
    for (const auto extreme : {least, most}) {
      if (*extreme >= ticks::kTickTimeLeast && *extreme <= ticks::kTickTimeMost) continue;
      return data::DataError(At(first_row + (extreme - ticks.timestamps_.begin())) + " has timestamp " +
                             std::to_string(*extreme) + " ns since 1970; expected one from 1679 to 2261.");
    }
  }
  ARROW_RETURN_NOT_OK(CheckNumbers(
      "price", ticks.prices_, first_row, [](double price) { return ticks::IsPrice(price); },
      "a finite number above zero"));
  ARROW_RETURN_NOT_OK(CheckNumbers(
      "volume", ticks.volumes_, first_row, [](double volume) { return ticks::IsVolume(volume); },
      "a finite number, zero or more"));
  if (const int side = batch->schema()->GetFieldIndex("side"); side >= 0) {
    const auto column = batch->column(side);
    ticks.has_sides_ = true;
    ticks.sides_.resize(rows);
    if (column->type_id() == arrow::Type::INT8) {
      ARROW_RETURN_NOT_OK(SidesOf<arrow::Int8Array>(*column, first_row, ticks.sides_));
    } else if (column->type_id() == arrow::Type::DOUBLE) {
      ARROW_RETURN_NOT_OK(SidesOf<arrow::DoubleArray>(*column, first_row, ticks.sides_));
    } else {
      return data::SchemaError("ticks: column 'side' is " + column->type()->ToString() +
                               "; expected int8 or float64 (+1, -1 or null).");
    }
  }
  ticks.batch_ = std::move(batch);
  return ticks;
}

}  // namespace sabot::backtest
