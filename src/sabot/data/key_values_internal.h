// The values of a key column as canonical key bytes (docs/reference/key-hash.md): numbers and times as eight bytes,
// everything else as bytes that lie somewhere. One reader a physical type; nothing is looked up by type within a loop.
#pragma once

#include <arrow/array/data.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

namespace sabot::data::internal {

struct KeyBytes {
  const char* data = nullptr;
  uint32_t length = 0;
  bool readable20 = false;  // So many bytes at `data` may be read, however short the value is.
};

template <std::integral T>
struct IntegerKeys {
  IntegerKeys(const arrow::DataType& /*type*/, const arrow::ArrayData& array) : values(array.GetValues<T>(1)) {}
  uint64_t operator[](int64_t row) const { return static_cast<uint64_t>(values[row]); }  // Sign extended.
  const T* values;
};

struct BooleanKeys {
  BooleanKeys(const arrow::DataType& /*type*/, const arrow::ArrayData& array)
      : bits(array.buffers[1] == nullptr ? nullptr : array.buffers[1]->data()), offset(array.offset) {}
  uint64_t operator[](int64_t row) const { return arrow::bit_util::GetBit(bits, offset + row) ? 1 : 0; }
  const uint8_t* bits;
  int64_t offset;
};

inline uint64_t CanonicalBits(double value) {
  constexpr uint64_t kNan = 0x7FF8000000000000;
  if (value != value) return kNan;
  return value == 0 ? 0 : std::bit_cast<uint64_t>(value);
}

template <std::floating_point T>
struct FloatKeys {
  FloatKeys(const arrow::DataType& /*type*/, const arrow::ArrayData& array) : values(array.GetValues<T>(1)) {}
  uint64_t operator[](int64_t row) const { return CanonicalBits(static_cast<double>(values[row])); }
  const T* values;
};

struct HalfFloatKeys {
  HalfFloatKeys(const arrow::DataType& /*type*/, const arrow::ArrayData& array)
      : values(array.GetValues<uint16_t>(1)) {}
  uint64_t operator[](int64_t row) const {
    return CanonicalBits(arrow::util::Float16::FromBits(values[row]).ToDouble());
  }
  const uint16_t* values;
};

inline uint64_t NanosecondsOf(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1'000'000'000;
    case arrow::TimeUnit::MILLI:
      return 1'000'000;
    case arrow::TimeUnit::MICRO:
      return 1'000;
    default:
      return 1;
  }
}

// Timestamps, times of day and durations, in ns modulo 2^64.
template <std::integral T>
struct TimeKeys {
  TimeKeys(const arrow::DataType& type, const arrow::ArrayData& array)
      : values(array.GetValues<T>(1)), scale(NanosecondsOf(UnitOf(type))) {}
  static arrow::TimeUnit::type UnitOf(const arrow::DataType& type) {
    using arrow::internal::checked_cast;
    if (type.id() == arrow::Type::TIMESTAMP) return checked_cast<const arrow::TimestampType&>(type).unit();
    if (type.id() == arrow::Type::DURATION) return checked_cast<const arrow::DurationType&>(type).unit();
    return checked_cast<const arrow::TimeType&>(type).unit();
  }
  uint64_t operator[](int64_t row) const { return static_cast<uint64_t>(values[row]) * scale; }
  const T* values;
  uint64_t scale;
};

// date64 as days; what is no whole day belongs to the day it lies in.
struct DateKeys {
  DateKeys(const arrow::DataType& /*type*/, const arrow::ArrayData& array) : values(array.GetValues<int64_t>(1)) {}
  uint64_t operator[](int64_t row) const {
    constexpr int64_t kDayMilliseconds = 86'400'000;
    const int64_t days = values[row] / kDayMilliseconds;
    return static_cast<uint64_t>(days - (values[row] % kDayMilliseconds < 0 ? 1 : 0));
  }
  const int64_t* values;
};

template <std::integral Offset>
struct TextKeys {
  TextKeys(const arrow::DataType& /*type*/, const arrow::ArrayData& array) : offsets(array.GetValues<Offset>(1)) {
    if (const auto& bytes = array.buffers[2]; bytes != nullptr) {
      data = reinterpret_cast<const char*>(bytes->data());
      readable20_end = bytes->size() - 20;
    }
  }
  KeyBytes operator[](int64_t row) const {
    const auto begin = static_cast<int64_t>(offsets[row]);
    return {.data = data + begin,
            .length = static_cast<uint32_t>(offsets[row + 1] - offsets[row]),
            .readable20 = begin <= readable20_end};
  }
  const Offset* offsets;
  const char* data = "";
  int64_t readable20_end = -1;
};

struct TextViewKeys {
  using View = arrow::BinaryViewType::c_type;
  TextViewKeys(const arrow::DataType& /*type*/, const arrow::ArrayData& array)
      : views(array.GetValues<View>(1)), buffers(array.buffers.data() + 2) {}
  KeyBytes operator[](int64_t row) const {
    const View& view = views[row];
    const auto length = static_cast<uint32_t>(view.size());
    if (view.is_inline()) return {.data = reinterpret_cast<const char*>(view.inline_data()), .length = length};
    const auto* const buffer = reinterpret_cast<const char*>(buffers[view.ref.buffer_index]->data());
    return {.data = buffer + view.ref.offset, .length = length};
  }
  const View* views;
  const std::shared_ptr<arrow::Buffer>* buffers;
};

struct FixedBytesKeys {
  FixedBytesKeys(const arrow::DataType& type, const arrow::ArrayData& array) : width(type.byte_width()) {
    if (array.buffers[1] != nullptr)
      data = reinterpret_cast<const char*>(array.buffers[1]->data()) + array.offset * width;
  }
  KeyBytes operator[](int64_t row) const {
    return {.data = data + row * width, .length = static_cast<uint32_t>(width)};
  }
  const char* data = "";
  int64_t width;
};

// The unscaled value without trailing zeros in 32 bytes, then the scale that belongs to it in four: 1.5 is 1.50,
// whatever the precision and the width of either column.
template <class Decimal>
struct DecimalKeys {
  DecimalKeys(const arrow::DataType& type, const arrow::ArrayData& array)
      : data(array.buffers[1] == nullptr ? nullptr : array.buffers[1]->data() + array.offset * Decimal::kByteWidth),
        scale(arrow::internal::checked_cast<const arrow::DecimalType&>(type).scale()) {}

  KeyBytes operator[](int64_t row) {
    const Decimal value(data + row * Decimal::kByteWidth);
    arrow::Decimal256 unscaled;
    if constexpr (std::is_same_v<Decimal, arrow::Decimal256>) {
      unscaled = value;
    } else if constexpr (std::is_same_v<Decimal, arrow::Decimal128>) {
      unscaled = arrow::Decimal256(value);
    } else {
      unscaled = arrow::Decimal256(static_cast<int64_t>(value.value()));
    }
    int32_t digits = scale;
    if (unscaled == arrow::Decimal256(0)) digits = 0;
    while (unscaled != arrow::Decimal256(0)) {
      arrow::Decimal256 quotient;
      arrow::Decimal256 remainder;
      unscaled.BasicDecimal256::Divide(arrow::Decimal256(10), &quotient, &remainder);
      if (remainder != arrow::Decimal256(0)) break;
      unscaled = quotient;
      --digits;
    }
    const auto words = unscaled.little_endian_array();
    std::memcpy(bytes.data(), words.data(), 32);
    std::memcpy(bytes.data() + 32, &digits, 4);
    return {.data = bytes.data(), .length = 36, .readable20 = true};
  }
  const uint8_t* data;
  int32_t scale;
  std::array<char, 36> bytes = {};  // Of the row asked for last.
};

// Calls function(std::type_identity<Reader>()) with the reader of a value type; returns whether there is one.
template <class Function>
bool WithKeyReader(arrow::Type::type type, Function&& function) {
  const auto with = [&function]<class Reader>(std::type_identity<Reader> reader) { return function(reader), true; };
  switch (type) {
    case arrow::Type::BOOL:
      return with(std::type_identity<BooleanKeys>());
    case arrow::Type::INT8:
      return with(std::type_identity<IntegerKeys<int8_t>>());
    case arrow::Type::INT16:
      return with(std::type_identity<IntegerKeys<int16_t>>());
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
      return with(std::type_identity<IntegerKeys<int32_t>>());
    case arrow::Type::INT64:
      return with(std::type_identity<IntegerKeys<int64_t>>());
    case arrow::Type::UINT8:
      return with(std::type_identity<IntegerKeys<uint8_t>>());
    case arrow::Type::UINT16:
      return with(std::type_identity<IntegerKeys<uint16_t>>());
    case arrow::Type::UINT32:
      return with(std::type_identity<IntegerKeys<uint32_t>>());
    case arrow::Type::UINT64:
      return with(std::type_identity<IntegerKeys<uint64_t>>());
    case arrow::Type::HALF_FLOAT:
      return with(std::type_identity<HalfFloatKeys>());
    case arrow::Type::FLOAT:
      return with(std::type_identity<FloatKeys<float>>());
    case arrow::Type::DOUBLE:
      return with(std::type_identity<FloatKeys<double>>());
    case arrow::Type::DATE64:
      return with(std::type_identity<DateKeys>());
    case arrow::Type::TIME32:
      return with(std::type_identity<TimeKeys<int32_t>>());
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
      return with(std::type_identity<TimeKeys<int64_t>>());
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return with(std::type_identity<TextKeys<int32_t>>());
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return with(std::type_identity<TextKeys<int64_t>>());
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return with(std::type_identity<TextViewKeys>());
    case arrow::Type::FIXED_SIZE_BINARY:
      return with(std::type_identity<FixedBytesKeys>());
    case arrow::Type::DECIMAL32:
      return with(std::type_identity<DecimalKeys<arrow::Decimal32>>());
    case arrow::Type::DECIMAL64:
      return with(std::type_identity<DecimalKeys<arrow::Decimal64>>());
    case arrow::Type::DECIMAL128:
      return with(std::type_identity<DecimalKeys<arrow::Decimal128>>());
    case arrow::Type::DECIMAL256:
      return with(std::type_identity<DecimalKeys<arrow::Decimal256>>());
    default:
      return false;
  }
}

}  // namespace sabot::data::internal
