#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <cstddef>

#include "sabot/ticks/tick_batch_columns_internal.h"
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

}  // namespace

bool IsTickText(const arrow::DataType& type) {
  const auto& values =
      type.id() == arrow::Type::DICTIONARY ? *static_cast<const arrow::DictionaryType&>(type).value_type() : type;
  return arrow::is_base_binary_like(values.id()) || arrow::is_binary_view_like(values.id());
}

arrow::Status TickBatches::Columns::Open() {
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

bool TickBatches::Columns::IsBlank(int64_t row) const {
  return std::ranges::all_of(batch_.columns(), [row](const ArrayPtr& values) {
    if (values->IsNull(row)) return true;
    if (values->type_id() != arrow::Type::STRING) return false;
    return WithoutBlanks(static_cast<const arrow::StringArray&>(*values).GetView(row)).empty();
  });
}

bool TickBatches::Columns::Read(int64_t row, bool local, std::pair<Tick, Tick>* ticks, std::string* reason) const {
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

arrow::Status TickBatches::Columns::OpenText(int column, std::shared_ptr<arrow::StringArray>* text) const {
  if (column == kNoColumn) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto array,
                        Cast(batch_.column(column), arrow::utf8(), arrow::compute::CastOptions::Safe()));
  *text = std::static_pointer_cast<arrow::StringArray>(array);
  return arrow::Status::OK();
}

arrow::Status TickBatches::Columns::OpenNumber(int column, std::shared_ptr<arrow::DoubleArray>* numbers) const {
  ARROW_ASSIGN_OR_RAISE(const auto array,
                        Cast(batch_.column(column), arrow::float64(), arrow::compute::CastOptions::Unsafe()));
  *numbers = std::static_pointer_cast<arrow::DoubleArray>(array);
  return arrow::Status::OK();
}

arrow::Status TickBatches::Columns::OpenTime(int column, Times* times) const {
  if (column == kNoColumn) return arrow::Status::OK();
  const auto& array = batch_.column(column);
  if (IsTickText(*array->type())) return OpenText(column, &times->text);
  times->are_numbers = array->type_id() == arrow::Type::INT64;
  if (times->are_numbers) return SetNanoseconds(array, times);
  const auto& zone = static_cast<const arrow::TimestampType&>(*array->type()).timezone();
  ARROW_ASSIGN_OR_RAISE(
      const auto cast, Cast(array, arrow::timestamp(arrow::TimeUnit::NANO, zone), arrow::compute::CastOptions::Safe()));
  return SetNanoseconds(cast, times);
}

arrow::Status TickBatches::Columns::OpenDay(int column, Times* times) const {
  if (column == kNoColumn || batch_.column(column)->type_id() != arrow::Type::DATE32) return OpenTime(column, times);
  ARROW_ASSIGN_OR_RAISE(const auto cast, Cast(batch_.column(column), arrow::timestamp(arrow::TimeUnit::NANO),
                                              arrow::compute::CastOptions::Safe()));
  return SetNanoseconds(cast, times);
}

arrow::Status TickBatches::Columns::SetNanoseconds(const ArrayPtr& array, Times* times) {
  const auto data = array->data()->Copy();
  data->type = arrow::int64();
  times->nanoseconds = std::make_shared<arrow::Int64Array>(data);
  return arrow::Status::OK();
}

bool TickBatches::Columns::Wrong(int column, const std::string& found, const std::string& expected,
                                 std::string* reason) const {
  *reason = Name(column) + ": " + (found.empty() ? "blank" : "'" + found + "'") + expected;
  return false;
}

bool TickBatches::Columns::ReadTime(int64_t row, bool local, int64_t* timestamp, std::string* reason) const {
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
bool TickBatches::Columns::ReadOne(int64_t row, const Times& times, int column, const Parse& parse, int64_t* timestamp,
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

bool TickBatches::Columns::ReadType(int64_t row, TickType* type, std::string* reason) const {
  *type = TickType::kTrade;
  if (of_.rows_ == TickRows::kTrades) return true;
  const auto found = type_->IsValid(row) ? TickTypeOf(type_->GetView(row)) : std::nullopt;
  if (found) return *type = *found, true;
  return Wrong(of_.columns_.type, type_->IsValid(row) ? type_->GetString(row) : "", ", expected bid, ask or trade",
               reason);
}

bool TickBatches::Columns::ReadPrice(int64_t row, const arrow::DoubleArray& values, int column, double* value,
                                     std::string* reason) const {
  *value = values.Value(row);
  if (values.IsValid(row) && IsPrice(*value)) return true;
  return Wrong(column, values.IsValid(row) ? TextAt(column, row) : "", ", expected a finite number above zero", reason);
}

bool TickBatches::Columns::ReadVolume(int64_t row, const arrow::DoubleArray& values, int column, double* value,
                                      std::string* reason) const {
  *value = values.Value(row);
  if (values.IsValid(row) && IsVolume(*value)) return true;
  return Wrong(column, values.IsValid(row) ? TextAt(column, row) : "", ", expected a finite number, zero or more",
               reason);
}

bool TickBatches::Columns::ReadSide(int64_t row, Tick* tick, std::string* reason) const {
  tick->side = 0;
  if (side_ == nullptr || tick->type != TickType::kTrade || side_->IsNull(row)) return true;
  const auto side = SideOf(side_->GetView(row));
  if (!side) return Wrong(of_.columns_.side, side_->GetString(row), ", expected BUY, SELL, 1 or -1", reason);
  tick->side = static_cast<int8_t>(*side);
  return true;
}

std::string TickBatches::Columns::TextAt(int column, int64_t row) const {
  const auto scalar = batch_.column(column)->GetScalar(row);
  return scalar.ok() ? (*scalar)->ToString() : "";
}

}  // namespace sabot::ticks
