// Readers of key columns: the value at a row of an array, in the form that the tables compare. One loop a reader and
// table is compiled; nothing is looked up by type within it.
#pragma once

#include <arrow/array/data.h>
#include <arrow/type.h>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include "sabot/data/key_table_internal.h"

namespace sabot::data::internal {

template <std::integral T>
struct Integers {
  using Table = IntegerTable;
  explicit Integers(const arrow::ArrayData& array) : values(array.GetValues<T>(1)) {}
  int64_t operator[](int64_t row) const { return static_cast<int64_t>(values[row]); }
  const T* values;
};

template <std::integral Offset>
struct Strings {
  using Table = StringTable;
  explicit Strings(const arrow::ArrayData& array) : offsets(array.GetValues<Offset>(1)) {
    if (const auto& bytes = array.buffers[2]; bytes != nullptr) {
      data = reinterpret_cast<const char*>(bytes->data());
      readable16_end = bytes->size() - StringKey::kInlineBytes;
    }
  }
  StringKey operator[](int64_t row) const {
    const auto begin = static_cast<int64_t>(offsets[row]);
    const int64_t length = static_cast<int64_t>(offsets[row + 1]) - begin;
    if (begin <= readable16_end) [[likely]]
      return StringKey::OfReadable16(data + begin, length);
    return StringKey::Of({data + begin, static_cast<std::size_t>(length)});
  }
  const Offset* offsets;
  const char* data = "";
  int64_t readable16_end = -1;  // Up to here 16 bytes may be read.
};

struct StringViews {
  using Table = StringTable;
  using View = arrow::BinaryViewType::c_type;
  explicit StringViews(const arrow::ArrayData& array)
      : views(array.GetValues<View>(1)), buffers(array.buffers.data() + 2) {}
  StringKey operator[](int64_t row) const {
    const View& view = views[row];
    if (view.is_inline()) [[likely]] {  // The format pads the twelve bytes with zeros.
      const auto* const bytes = reinterpret_cast<const char*>(view.inline_data());
      uint32_t tail;
      std::memcpy(&tail, bytes + 8, sizeof tail);
      return {.head = internal::Load64(bytes), .tail = tail, .length = view.size(), .data = bytes};
    }
    const auto* const buffer = reinterpret_cast<const char*>(buffers[view.ref.buffer_index]->data());
    return StringKey::Of({buffer + view.ref.offset, static_cast<std::size_t>(view.size())});
  }
  const View* views;
  const std::shared_ptr<arrow::Buffer>* buffers;
};

// Calls function(std::type_identity<Reader>()) with the reader of a value type; returns whether there is one.
template <class Function>
bool WithReader(arrow::Type::type type, Function&& function) {
  switch (type) {
    case arrow::Type::STRING:
      return function(std::type_identity<Strings<int32_t>>()), true;
    case arrow::Type::LARGE_STRING:
      return function(std::type_identity<Strings<int64_t>>()), true;
    case arrow::Type::STRING_VIEW:
      return function(std::type_identity<StringViews>()), true;
    case arrow::Type::INT8:
      return function(std::type_identity<Integers<int8_t>>()), true;
    case arrow::Type::INT16:
      return function(std::type_identity<Integers<int16_t>>()), true;
    case arrow::Type::INT32:
      return function(std::type_identity<Integers<int32_t>>()), true;
    case arrow::Type::INT64:
      return function(std::type_identity<Integers<int64_t>>()), true;
    case arrow::Type::UINT8:
      return function(std::type_identity<Integers<uint8_t>>()), true;
    case arrow::Type::UINT16:
      return function(std::type_identity<Integers<uint16_t>>()), true;
    case arrow::Type::UINT32:
      return function(std::type_identity<Integers<uint32_t>>()), true;
    case arrow::Type::UINT64:
      return function(std::type_identity<Integers<uint64_t>>()), true;
    default:
      return false;
  }
}

}  // namespace sabot::data::internal
