#include "sabot/ticks/tick_buffer.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace sabot::ticks {
namespace {

template <class Value>
std::vector<Value> Permuted(const std::vector<Value>& values, const std::vector<uint32_t>& order) {
  std::vector<Value> permuted;
  permuted.reserve(values.size());
  for (const uint32_t row : order) permuted.push_back(values[row]);
  return permuted;
}

template <class Value>
std::shared_ptr<arrow::ArrayData> Column(std::shared_ptr<arrow::DataType> type, std::vector<Value> values) {
  const auto rows = static_cast<int64_t>(values.size());
  return arrow::ArrayData::Make(std::move(type), rows, {nullptr, arrow::Buffer::FromVector(std::move(values))}, 0);
}

}  // namespace

std::shared_ptr<arrow::ArrayData> TypeColumn(std::vector<int8_t> types) {
  static const auto type = arrow::dictionary(arrow::int8(), arrow::utf8());
  auto column = Column(type, std::move(types));
  column->dictionary = TickTypeNames()->data();
  return column;
}

std::shared_ptr<arrow::ArrayData> SideColumn(std::vector<int8_t> sides) {
  std::vector<uint8_t> valid((sides.size() + 7) / 8);
  int64_t nulls = 0;
  for (std::size_t row = 0; row < sides.size(); ++row) {
    if (sides[row] == 0) ++nulls;
    valid[row / 8] |= static_cast<uint8_t>((sides[row] != 0 ? 1 : 0) << (row % 8));
  }
  auto column = Column(arrow::int8(), std::move(sides));
  if (nulls > 0) column->buffers[0] = arrow::Buffer::FromVector(std::move(valid));
  column->null_count = nulls;
  return column;
}

void TickBuffer::Append(const TickColumns& ticks) {
  timestamps_.insert(timestamps_.end(), ticks.timestamps.begin(), ticks.timestamps.end());
  const auto* const types = reinterpret_cast<const int8_t*>(ticks.types.data());
  types_.insert(types_.end(), types, types + ticks.types.size());
  prices_.insert(prices_.end(), ticks.prices.begin(), ticks.prices.end());
  volumes_.insert(volumes_.end(), ticks.volumes.begin(), ticks.volumes.end());
  sides_.insert(sides_.end(), ticks.sides.begin(), ticks.sides.end());
  sides_.resize(timestamps_.size());
}

void TickBuffer::Clear() {
  timestamps_.clear();
  types_.clear();
  prices_.clear();
  volumes_.clear();
  sides_.clear();
}

void TickBuffer::Sort() {
  if (std::is_sorted(timestamps_.begin(), timestamps_.end())) return;
  std::vector<uint32_t> order(timestamps_.size());
  std::iota(order.begin(), order.end(), uint32_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [this](uint32_t left, uint32_t right) { return timestamps_[left] < timestamps_[right]; });
  timestamps_ = Permuted(timestamps_, order);
  types_ = Permuted(types_, order);
  prices_ = Permuted(prices_, order);
  volumes_ = Permuted(volumes_, order);
  sides_ = Permuted(sides_, order);
}

std::shared_ptr<arrow::RecordBatch> TickBuffer::Take(bool with_side) {
  static const auto without = TickSchema(false);
  static const auto with = TickSchema(true);
  const auto& schema = with_side ? with : without;
  const int64_t taken = rows();
  std::vector<std::shared_ptr<arrow::ArrayData>> columns = {
      Column(schema->field(0)->type(), std::exchange(timestamps_, {})), TypeColumn(std::exchange(types_, {})),
      Column(schema->field(2)->type(), std::exchange(prices_, {})),
      Column(schema->field(3)->type(), std::exchange(volumes_, {}))};
  if (with_side) columns.push_back(SideColumn(std::exchange(sides_, {})));
  sides_.clear();
  return arrow::RecordBatch::Make(schema, taken, std::move(columns));
}

}  // namespace sabot::ticks
