#include "sabot/shuffle/wire_dictionary.h"

#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

namespace sabot::shuffle {
namespace {

using arrow::internal::checked_cast;

// A dictionary is begun anew rather than kept with more values; a frame may go beyond where the index type allows it.
constexpr int64_t kValuesKept = int64_t{1} << 20;

int64_t ValuesMax(const arrow::DataType& index) {
  const int bits = index.bit_width() - (arrow::is_signed_integer(index.id()) ? 1 : 0);
  return bits >= 31 ? std::numeric_limits<int32_t>::max() : int64_t{1} << bits;
}

std::string_view BytesOf(const arrow::Array& values, int64_t row) {
  const auto& type = *values.type();
  if (arrow::is_binary_like(type.id())) return checked_cast<const arrow::BinaryArray&>(values).GetView(row);
  if (arrow::is_large_binary_like(type.id())) return checked_cast<const arrow::LargeBinaryArray&>(values).GetView(row);
  const int64_t width = type.byte_width();
  return {reinterpret_cast<const char*>(values.data()->buffers[1]->data()) + (values.offset() + row) * width,
          static_cast<std::size_t>(width)};
}

}  // namespace

bool HasWireDictionary(const arrow::DictionaryType& type) {
  const arrow::DataType& values = *type.value_type();
  if (arrow::is_base_binary_like(values.id())) return true;
  return arrow::is_fixed_width(values.id()) && values.num_fields() == 0 && values.id() != arrow::Type::DICTIONARY &&
         values.id() != arrow::Type::EXTENSION && values.bit_width() % 8 == 0;
}

WireDictionary::WireDictionary(std::shared_ptr<arrow::DictionaryType> type, arrow::MemoryPool* pool)
    : type_(std::move(type)), pool_(pool), values_max_(ValuesMax(*type_->index_type())) {}

void WireDictionary::Undo() {
  for (const std::string& value : new_values_) indices_.erase(value);
  new_values_.clear();
  news_.reset();
  last_.reset();  // Some of its indices are gone.
}

void WireDictionary::Clear() {
  Undo();
  indices_.clear();
  reset_ = true;
}

arrow::Result<int64_t> WireDictionary::Resolve(int64_t value) {
  if (last_->IsNull(value)) return kNull;
  const std::string bytes(BytesOf(*last_, value));
  if (const auto known = indices_.find(bytes); known != indices_.end()) return known->second;
  const auto index = static_cast<int64_t>(indices_.size());
  if (index >= values_max_) return kFull;
  if (news_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(news_, arrow::MakeBuilder(type_->value_type(), pool_));
  }
  ARROW_RETURN_NOT_OK(news_->AppendArraySlice(arrow::ArraySpan(*last_->data()), value, 1));
  indices_.emplace(bytes, index);
  new_values_.push_back(bytes);
  return index;
}

template <class Index>
arrow::Result<std::shared_ptr<arrow::Array>> WireDictionary::MapAs(const arrow::DictionaryArray& column) {
  const auto rows = column.length();
  const auto* const from = column.indices()->data()->GetValues<Index>(1);
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> to_bytes,
                        arrow::AllocateBuffer(rows * static_cast<int64_t>(sizeof(Index)), pool_));
  auto* const to = to_bytes->mutable_data_as<Index>();
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> valid, arrow::AllocateEmptyBitmap(rows, pool_));
  int64_t nulls = 0;
  const bool may_be_null = column.indices()->null_count() > 0;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t index = kNull;
    if (!may_be_null || column.indices()->IsValid(row)) {
      int64_t& resolved = of_last_[static_cast<std::size_t>(from[row])];
      if (resolved == kUnknown) {
        ARROW_ASSIGN_OR_RAISE(resolved, Resolve(static_cast<int64_t>(from[row])));
      }
      index = resolved;
    }
    if (index == kFull) {  // Only what earlier frames needed can fill it: one batch's values fit into its own type.
      if (indices_.size() == new_values_.size()) return arrow::Status::CapacityError("shuffle: a dictionary is full.");
      Clear();
      return Map(column);
    }
    to[row] = index == kNull ? Index{0} : static_cast<Index>(index);
    arrow::bit_util::SetBitTo(valid->mutable_data(), row, index != kNull);
    nulls += index == kNull ? 1 : 0;
  }
  return arrow::MakeArray(arrow::ArrayData::Make(type_->index_type(), rows,
                                                 {nulls > 0 ? std::move(valid) : nullptr, std::move(to_bytes)}, nulls));
}

arrow::Result<std::shared_ptr<arrow::Array>> WireDictionary::Map(const arrow::DictionaryArray& column) {
  if (column.dictionary() != last_) {
    last_ = column.dictionary();
    of_last_.assign(static_cast<std::size_t>(last_->length()), kUnknown);
  }
  switch (type_->index_type()->id()) {
    case arrow::Type::INT8:
      return MapAs<int8_t>(column);
    case arrow::Type::UINT8:
      return MapAs<uint8_t>(column);
    case arrow::Type::INT16:
      return MapAs<int16_t>(column);
    case arrow::Type::UINT16:
      return MapAs<uint16_t>(column);
    case arrow::Type::INT32:
      return MapAs<int32_t>(column);
    case arrow::Type::UINT32:
      return MapAs<uint32_t>(column);
    case arrow::Type::INT64:
      return MapAs<int64_t>(column);
    default:
      return MapAs<uint64_t>(column);
  }
}

arrow::Result<WireDictionary::News> WireDictionary::TakeNews() {
  News news{.values = nullptr, .reset = reset_};
  if (news_ != nullptr) {
    ARROW_ASSIGN_OR_RAISE(news.values, news_->Finish());
    news_.reset();
  } else if (reset_) {
    ARROW_ASSIGN_OR_RAISE(news.values, arrow::MakeEmptyArray(type_->value_type(), pool_));
  }
  return news;
}

void WireDictionary::Keep() {
  new_values_.clear();
  reset_ = false;
  if (static_cast<int64_t>(indices_.size()) > kValuesKept) Clear();
}

}  // namespace sabot::shuffle
