// A column's values as bytes, whatever their type: what diff compares.
#pragma once

#include <arrow/array.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::engine {

// What a type is for diff: dictionaries are their values, and of strings and bytes there is one kind each.
std::shared_ptr<arrow::DataType> ComparedType(const std::shared_ptr<arrow::DataType>& type);

// The values of one array after another, of one column.
class Cells {
 public:
  void Read(const std::shared_ptr<arrow::Array>& array);

  // The type is one whose values are bytes: no list, struct, map or union.
  bool has_bytes() const { return kind_ != Kind::kOther; }
  // The value's bytes, or nothing for a null; until the next Read. Only if has_bytes().
  std::optional<std::string_view> operator[](int64_t row) const {
    if (array_->IsNull(row)) return std::nullopt;
    if (kind_ == Kind::kDictionary) {
      return dictionary_[static_cast<std::size_t>(
          static_cast<const arrow::DictionaryArray&>(*array_).GetValueIndex(row))];
    }
    return Value(row);
  }
  // Same values for sure, without looking at each: all buffers are equal byte by byte. False means nothing.
  bool SameBuffers(const Cells& other) const;
  // The value for a reader, such that different numbers have different texts.
  std::string Text(int64_t row) const;
  const arrow::Array& array() const { return *array_; }

 private:
  enum class Kind { kNull, kBool, kFixed, kBinary, kLargeBinary, kBinaryView, kDictionary, kOther };

  static Kind KindOf(const arrow::DataType& type);
  std::string_view Value(int64_t row) const;

  std::shared_ptr<arrow::Array> array_;
  Kind kind_ = Kind::kOther;
  int64_t width_ = 0;                // Of a kFixed value, in bytes.
  const char* values_ = nullptr;     // Of kFixed: row 0.
  std::shared_ptr<arrow::ArrayData> dictionary_data_;  // What dictionary_ was read from.
  std::vector<std::optional<std::string_view>> dictionary_;
};

// The text of a value: 'AAPL', 0.30000000000000004, 2024-01-01 00:00:00.000000001.
std::string ValueText(const arrow::Array& array, int64_t row);

}  // namespace sabot::engine
