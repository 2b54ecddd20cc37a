#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <cstddef>
#include <optional>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_buffer.h"
#include "sabot/ticks/tick_check_internal.h"

namespace sabot::ticks::internal {
namespace {

constexpr double kMax = std::numeric_limits<double>::max();
constexpr int8_t kNoType = -1;

std::string_view NameAt(const arrow::Array& names, int64_t at) {
  if (arrow::is_large_binary_like(names.type_id()))
    return static_cast<const arrow::LargeBinaryArray&>(names).GetView(at);
  return static_cast<const arrow::BinaryArray&>(names).GetView(at);
}

// The type of every name of a dictionary.
std::vector<int8_t> TypesOfNames(const arrow::Array& names) {
  std::vector<int8_t> types;
  for (int64_t at = 0; at < names.length(); ++at) {
    const auto type = names.IsNull(at) ? std::nullopt : TickTypeOf(NameAt(names, at));
    types.push_back(type ? static_cast<int8_t>(*type) : kNoType);
  }
  return types;
}

// What the indices stand for; kNoType where one stands for nothing. Returns whether there is none of that.
template <class Index>
bool Look(const arrow::ArrayData& indices, const std::vector<int8_t>& types, std::vector<int8_t>& found) {
  const auto* const values = indices.GetValues<Index>(1);
  bool good = true;
  for (std::size_t row = 0; row < found.size(); ++row) {
    const auto index = static_cast<std::size_t>(values[row]);
    found[row] = index < types.size() ? types[index] : kNoType;
    good &= found[row] != kNoType;
  }
  return good;
}

}  // namespace

TickCheck::TickCheck(std::string where, const arrow::Schema& found) : where_(std::move(where)) {
  schema_ = TickSchema(found.GetFieldIndex("side") >= 0);
  for (const auto& field : schema_->fields()) columns_.push_back(found.GetFieldIndex(field->name()));
}

arrow::Status TickCheck::Bad(int64_t row, const std::string& reason) const {
  return data::DataError(where_ + "row " + std::to_string(rows_ + row + 1) + ": " + reason +
                         std::string(kConvertTicks));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TickCheck::Check(const arrow::RecordBatch& read) {
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    const auto& values = *read.column(columns_[column]);
    columns.push_back(values.data());
    if (column == 4 || values.null_count() == 0) continue;
    int64_t row = 0;
    while (values.IsValid(row)) ++row;
    return Bad(row, "'" + schema_->field(static_cast<int>(column))->name() + "' is null.");
  }
  ARROW_ASSIGN_OR_RAISE(auto types, Types(*read.column(columns_[1])));
  columns[1] = TypeColumn(std::move(types));
  if (has_side()) {
    ARROW_ASSIGN_OR_RAISE(auto sides, Sides(*read.column(columns_[4])));
    columns[4] = SideColumn(std::move(sides));
  }
  auto ticks = arrow::RecordBatch::Make(schema_, read.num_rows(), std::move(columns));
  ARROW_RETURN_NOT_OK(CheckValues(TickColumnsOf(*ticks)));
  rows_ += read.num_rows();
  return ticks;
}

arrow::Status TickCheck::CheckValues(const TickColumns& ticks) {
  bool good = true;
  int64_t before = last_;
  for (const int64_t timestamp : ticks.timestamps) good &= std::exchange(before, timestamp) <= timestamp;
  for (const int64_t timestamp : ticks.timestamps) good &= (timestamp >= kTickTimeLeast) & (timestamp <= kTickTimeMost);
  for (const double price : ticks.prices) good &= (price > 0) & (price <= kMax);
  for (const double volume : ticks.volumes) good &= (volume >= 0) & (volume <= kMax);
  if (!good) return FindBadValue(ticks);
  last_ = before;
  return arrow::Status::OK();
}

arrow::Status TickCheck::FindBadValue(const TickColumns& ticks) const {
  int64_t before = last_;
  for (int64_t row = 0; row < ticks.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);
    if (ticks.timestamps[at] < kTickTimeLeast || ticks.timestamps[at] > kTickTimeMost) {
      return Bad(row, "the time is " + std::to_string(ticks.timestamps[at]) + " ns, expected one from 1679 to 2261.");
    }
    if (ticks.timestamps[at] < before) {
      return Bad(row, "the time goes back from " + std::to_string(before) + " to " +
                          std::to_string(ticks.timestamps[at]) + " ns.");
    }
    before = ticks.timestamps[at];
    if (const double price = ticks.prices[at]; !(price > 0 && price <= kMax)) {
      return Bad(row, "price is " + std::to_string(price) + ", expected a finite number above zero.");
    }
    if (const double volume = ticks.volumes[at]; !(volume >= 0 && volume <= kMax)) {
      return Bad(row, "volume is " + std::to_string(volume) + ", expected a finite number, zero or more.");
    }
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<int8_t>> TickCheck::Types(const arrow::Array& column) const {
  if (column.type_id() != arrow::Type::DICTIONARY) {
    return data::DataError(where_ + "column 'type' was read as " + column.type()->ToString() +
                           ", expected a dictionary." + std::string(kConvertTicks));
  }
  const auto& encoded = static_cast<const arrow::DictionaryArray&>(column);
  const auto types = TypesOfNames(*encoded.dictionary());
  std::vector<int8_t> found(static_cast<std::size_t>(column.length()));
  const auto width = encoded.indices()->type()->byte_width();
  const bool good = width == 1   ? Look<uint8_t>(*column.data(), types, found)
                    : width == 2 ? Look<uint16_t>(*column.data(), types, found)
                    : width == 4 ? Look<uint32_t>(*column.data(), types, found)
                                 : Look<uint64_t>(*column.data(), types, found);
  if (good) return found;
  int64_t row = 0;
  while (found[static_cast<std::size_t>(row)] != kNoType) ++row;
  const auto index = static_cast<std::size_t>(encoded.GetValueIndex(row));
  const bool has_name = index < types.size() && encoded.dictionary()->IsValid(encoded.GetValueIndex(row));
  const std::string name = has_name ? std::string(NameAt(*encoded.dictionary(), encoded.GetValueIndex(row))) : "";
  return Bad(row, "type is '" + name + "', expected bid, ask or trade.");
}

arrow::Result<std::vector<int8_t>> TickCheck::Sides(const arrow::Array& column) const {
  const auto& sides = static_cast<const arrow::Int8Array&>(column);
  std::vector<int8_t> found(static_cast<std::size_t>(sides.length()));
  for (int64_t row = 0; row < sides.length(); ++row) {
    if (sides.IsNull(row)) continue;
    const int8_t side = sides.Value(row);
    if (side != 1 && side != -1) return Bad(row, "side is " + std::to_string(side) + ", expected 1, -1 or nothing.");
    found[static_cast<std::size_t>(row)] = side;
  }
  return found;
}

}  // namespace sabot::ticks::internal
