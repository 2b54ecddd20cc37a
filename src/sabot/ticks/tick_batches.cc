#include "sabot/ticks/tick_batches.h"

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <cstddef>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_times.h"
#include "sabot/ticks/tick_values.h"

namespace sabot::ticks {
namespace {

constexpr int64_t kNanosecondsMin = 100'000'000'000'000'000;  // March 1973: less is another unit.
constexpr int64_t kDay = 86'400'000'000'000;

using ArrayPtr = std::shared_ptr<arrow::Array>;

arrow::Result<ArrayPtr> Cast(const ArrayPtr& array, const std::shared_ptr<arrow::DataType>& type,
                             const arrow::compute::CastOptions& options) {
  if (array->type()->Equals(*type)) return array;
  return arrow::compute::Cast(*array, type, options);
}

bool IsText(const arrow::DataType& type) {
  const auto& values =
      type.id() == arrow::Type::DICTIONARY ? *static_cast<const arrow::DictionaryType&>(type).value_type() : type;
  return arrow::is_base_binary_like(values.id()) || arrow::is_binary_view_like(values.id());
}

bool CanBeTime(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::INT64 || IsText(type);
}

}  // namespace

// The columns of one batch in forms that are read fast; null where there is none.
class TickBatches::Columns {
 public:
  Columns(const TickBatches& of, const arrow::RecordBatch& batch) : of_(of), batch_(batch) {}

  arrow::Status Open() {
    const auto& at = of_.columns_;
    ARROW_RETURN_NOT_OK(OpenTime(at.time, &time_));
    ARROW_RETURN_NOT_OK(OpenDay(at.date, &date_));
    ARROW_RETURN_NOT_OK(OpenTime(at.clock, &clock_));
    ARROW_RETURN_NOT_OK(OpenTime(at.local_time, &local_time_));
    ARROW_RETURN_NOT_OK(OpenText(at.type, &type_));
    ARROW_RETURN_NOT_OK(OpenText(at.side, &side_));
    ARROW_RETURN_NOT_OK(OpenText(at.symbol, &symbol_));
    const bool quotes = of_.rows_ == TickRows::kQuotes;
    ARROW_RETURN_NOT_OK(OpenNumber(quotes ? at.bid : at.price, &first_price_));
    ARROW_RETURN_NOT_OK(OpenNumber(quotes ? at.bid_size : at.volume, &first_volume_));
    if (!quotes) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(OpenNumber(at.ask, &second_price_));
    return OpenNumber(at.ask_size, &second_volume_);
  }

  // Nothing but blanks in any column, also in those that are not read.
  bool IsBlank(int64_t row) const {
    return std::ranges::all_of(batch_.columns(), [row](const ArrayPtr& values) {
      if (values->IsNull(row)) return true;
      if (values->type_id() != arrow::Type::STRING) return false;
      return WithoutBlanks(static_cast<const arrow::StringArray&>(*values).GetView(row)).empty();
    });
  }
  bool has_symbol() const { return symbol_ != nullptr; }
  std::string_view symbol(int64_t row) const {
    return symbol_->IsValid(row) ? symbol_->GetView(row) : std::string_view();
  }

  // The row's ticks, one or two; false with a reason.
  bool Read(int64_t row, bool local, std::pair<Tick, Tick>* ticks, std::string* reason) const {
    Tick& first = ticks->first;
    if (!ReadTime(row, local, &first.timestamp, reason)) return false;
    const auto& at = of_.columns_;
    if (of_.rows_ == TickRows::kQuotes) {
      Tick& second = ticks->second;
      first.type = TickType::kBid;
      second.type = TickType::kAsk;
      second.timestamp = first.timestamp;
      return ReadPrice(row, *first_price_, at.bid, &first.price, reason) &&
             ReadVolume(row, *first_volume_, at.bid_size, &first.volume, reason) &&
             ReadPrice(row, *second_price_, at.ask, &second.price, reason) &&
             ReadVolume(row, *second_volume_, at.ask_size, &second.volume, reason);
    }
    return ReadType(row, &first.type, reason) && ReadPrice(row, *first_price_, at.price, &first.price, reason) &&
           ReadVolume(row, *first_volume_, at.volume, &first.volume, reason) && ReadSide(row, &first, reason);
  }

 private:
  struct Times {
    std::shared_ptr<arrow::Int64Array> nanoseconds;
    std::shared_ptr<arrow::StringArray> text;
    bool are_numbers = false;
  };

  arrow::Status OpenText(int column, std::shared_ptr<arrow::StringArray>* text) const {
    if (column == kNoColumn) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto array,
                          Cast(batch_.column(column), arrow::utf8(), arrow::compute::CastOptions::Safe()));
    *text = std::static_pointer_cast<arrow::StringArray>(array);
    return arrow::Status::OK();
  }
  arrow::Status OpenNumber(int column, std::shared_ptr<arrow::DoubleArray>* numbers) const {
    ARROW_ASSIGN_OR_RAISE(const auto array,
                          Cast(batch_.column(column), arrow::float64(), arrow::compute::CastOptions::Unsafe()));
    *numbers = std::static_pointer_cast<arrow::DoubleArray>(array);
    return arrow::Status::OK();
  }
  arrow::Status OpenTime(int column, Times* times) const {
    if (column == kNoColumn) return arrow::Status::OK();
    const auto& array = batch_.column(column);
    if (IsText(*array->type())) return OpenText(column, &times->text);
    times->are_numbers = array->type_id() == arrow::Type::INT64;
    if (times->are_numbers) return SetNanoseconds(array, times);
    const auto& zone = static_cast<const arrow::TimestampType&>(*array->type()).timezone();
    ARROW_ASSIGN_OR_RAISE(const auto cast, Cast(array, arrow::timestamp(arrow::TimeUnit::NANO, zone),
                                                arrow::compute::CastOptions::Safe()));
    return SetNanoseconds(cast, times);
  }
  arrow::Status OpenDay(int column, Times* times) const {
    if (column == kNoColumn || batch_.column(column)->type_id() != arrow::Type::DATE32) return OpenTime(column, times);
    ARROW_ASSIGN_OR_RAISE(const auto cast, Cast(batch_.column(column), arrow::timestamp(arrow::TimeUnit::NANO),
                                                arrow::compute::CastOptions::Safe()));
    return SetNanoseconds(cast, times);
  }
  static arrow::Status SetNanoseconds(const ArrayPtr& array, Times* times) {
    const auto data = array->data()->Copy();
    data->type = arrow::int64();
    times->nanoseconds = std::make_shared<arrow::Int64Array>(data);
    return arrow::Status::OK();
  }

  std::string Name(int column) const { return "column '" + of_.names_[static_cast<std::size_t>(column)] + "'"; }
  bool Wrong(int column, const std::string& found, const std::string& expected, std::string* reason) const {
    *reason = Name(column) + ": " + (found.empty() ? "blank" : "'" + found + "'") + expected;
    return false;
  }

  bool ReadTime(int64_t row, bool local, int64_t* timestamp, std::string* reason) const {
    const auto& at = of_.columns_;
    if (local) return ReadOne(row, local_time_, at.local_time, &ParseTickTime, timestamp, reason);
    if (at.time != kNoColumn) return ReadOne(row, time_, at.time, &ParseTickTime, timestamp, reason);
    int64_t clock = 0;
    const auto parse_clock = [](std::string_view text, bool) { return ParseTimeOfDay(text); };
    if (!ReadOne(row, date_, at.date, &ParseTickDate, timestamp, reason) ||
        !ReadOne(row, clock_, at.clock, parse_clock, &clock, reason)) {
      return false;
    }
    if (*timestamp % kDay != 0) {
      return Wrong(at.date, std::to_string(*timestamp), " has a time of day, and another column has it, too", reason);
    }
    if (clock_.text == nullptr && (clock < 0 || clock >= kDay)) {  // A date and time; before 1970-01-02 it has none.
      if (clock < *timestamp || clock - *timestamp >= kDay) {
        return Wrong(at.clock, TextAt(at.clock, row), std::string(" ") + kOtherDate, reason);
      }
      clock -= *timestamp;
    }
    *timestamp += clock;
    return true;
  }

  template <class Parse>
  bool ReadOne(int64_t row, const Times& times, int column, const Parse& parse, int64_t* timestamp,
               std::string* reason) const {
    const bool is_null = times.text != nullptr ? times.text->IsNull(row) : times.nanoseconds->IsNull(row);
    if (is_null) return Wrong(column, "", ", expected a time", reason);
    if (times.text != nullptr) {
      const TickTime time = parse(times.text->GetView(row), of_.options_.day_first);
      *timestamp = time.nanoseconds;
      return time.ok() || Wrong(column, times.text->GetString(row), std::string(" ") + time.wrong, reason);
    }
    *timestamp = times.nanoseconds->Value(row);
    if (!times.are_numbers || *timestamp >= kNanosecondsMin) return true;
    return Wrong(column, std::to_string(*timestamp), ", expected nanoseconds since 1970", reason);
  }

  bool ReadType(int64_t row, TickType* type, std::string* reason) const {
    *type = TickType::kTrade;
    if (of_.rows_ == TickRows::kTrades) return true;
    const auto found = type_->IsValid(row) ? TickTypeOf(type_->GetView(row)) : std::nullopt;
    if (found) return *type = *found, true;
    return Wrong(of_.columns_.type, type_->IsValid(row) ? type_->GetString(row) : "", ", expected bid, ask or trade",
                 reason);
  }
  bool ReadPrice(int64_t row, const arrow::DoubleArray& values, int column, double* value, std::string* reason) const {
    *value = values.Value(row);
    if (values.IsValid(row) && IsPrice(*value)) return true;
    return Wrong(column, values.IsValid(row) ? TextAt(column, row) : "", ", expected a finite number above zero",
                 reason);
  }
  bool ReadVolume(int64_t row, const arrow::DoubleArray& values, int column, double* value, std::string* reason) const {
    *value = values.Value(row);
    if (values.IsValid(row) && IsVolume(*value)) return true;
    return Wrong(column, values.IsValid(row) ? TextAt(column, row) : "", ", expected a finite number, zero or more",
                 reason);
  }
  bool ReadSide(int64_t row, Tick* tick, std::string* reason) const {
    tick->side = 0;
    if (side_ == nullptr || tick->type != TickType::kTrade || side_->IsNull(row)) return true;
    const auto side = SideOf(side_->GetView(row));
    if (!side) return Wrong(of_.columns_.side, side_->GetString(row), ", expected BUY, SELL, 1 or -1", reason);
    tick->side = static_cast<int8_t>(*side);
    return true;
  }

  std::string TextAt(int column, int64_t row) const {
    const auto scalar = batch_.column(column)->GetScalar(row);
    return scalar.ok() ? (*scalar)->ToString() : "";
  }

  const TickBatches& of_;
  const arrow::RecordBatch& batch_;
  Times time_;
  Times date_;
  Times clock_;
  Times local_time_;
  std::shared_ptr<arrow::StringArray> type_;
  std::shared_ptr<arrow::StringArray> side_;
  std::shared_ptr<arrow::StringArray> symbol_;
  std::shared_ptr<arrow::DoubleArray> first_price_;  // Of a bid where rows are quotes.
  std::shared_ptr<arrow::DoubleArray> first_volume_;
  std::shared_ptr<arrow::DoubleArray> second_price_;  // Of an ask.
  std::shared_ptr<arrow::DoubleArray> second_volume_;
};

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
    if (column == kNoColumn || IsText(*schema.field(column)->type())) continue;
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
