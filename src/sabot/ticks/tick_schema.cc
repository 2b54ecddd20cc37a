#include "sabot/ticks/tick_schema.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/logging.h>

#include <algorithm>
#include <array>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_values.h"

namespace sabot::ticks {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"bid", "ask", "trade"};
constexpr std::array<std::string_view, 6> kUtc = {"UTC", "Etc/UTC", "Z", "GMT", "+00:00", "+0000"};

std::shared_ptr<arrow::Array> MakeNames() {
  arrow::StringBuilder builder;
  for (const std::string_view name : kNames) ARROW_CHECK_OK(builder.Append(name));
  return builder.Finish().ValueOrDie();
}

}  // namespace

arrow::Status CheckTimeZone(std::string_view column, const arrow::DataType& type) {
  if (type.id() != arrow::Type::TIMESTAMP) return arrow::Status::OK();
  const std::string& zone = static_cast<const arrow::TimestampType&>(type).timezone();
  if (zone.empty() || std::ranges::find(kUtc, zone) != kUtc.end()) return arrow::Status::OK();
  return data::SchemaError("column '" + std::string(column) + "' is " + type.ToString() +
                           "; expected no time zone, or UTC: sessions have hours of the venue's clock. Take the zone "
                           "away, which leaves that clock's time: pyarrow.compute.local_timestamp, or "
                           "dt.tz_localize(None) of pandas, or dt.replace_time_zone(None) of polars.");
}

std::optional<TickType> TickTypeOf(std::string_view text) {
  const std::string_view name = WithoutBlanks(text);
  for (std::size_t type = 0; type < kNames.size(); ++type) {
    if (SameInLowerCase(name, kNames[type])) return static_cast<TickType>(type);
  }
  return std::nullopt;
}

std::shared_ptr<arrow::Schema> TickSchema(bool with_side) {
  static const auto type = arrow::dictionary(arrow::int8(), arrow::utf8());
  arrow::FieldVector fields = {arrow::field("timestamp", arrow::timestamp(arrow::TimeUnit::NANO)),
                               arrow::field("type", type), arrow::field("price", arrow::float64()),
                               arrow::field("volume", arrow::float64())};
  if (with_side) fields.push_back(arrow::field("side", arrow::int8()));
  return arrow::schema(std::move(fields));
}

const std::shared_ptr<arrow::Array>& TickTypeNames() {
  static const std::shared_ptr<arrow::Array> names = MakeNames();
  return names;
}

TickColumns TickColumnsOf(const arrow::RecordBatch& ticks) {
  const auto rows = static_cast<std::size_t>(ticks.num_rows());
  const auto values = [&]<class Value>(int column, const Value*) {
    return std::span<const Value>(ticks.column_data(column)->GetValues<Value>(1), rows);
  };
  TickColumns columns;
  columns.timestamps = values(0, static_cast<const int64_t*>(nullptr));
  columns.types = values(1, static_cast<const TickType*>(nullptr));
  columns.prices = values(2, static_cast<const double*>(nullptr));
  columns.volumes = values(3, static_cast<const double*>(nullptr));
  if (ticks.num_columns() > 4) columns.sides = values(4, static_cast<const int8_t*>(nullptr));
  return columns;
}

}  // namespace sabot::ticks
