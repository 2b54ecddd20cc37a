#include <arrow/extension_type.h>
#include <arrow/scalar.h>
#include <arrow/type_traits.h>
#include <arrow/util/bitmap_ops.h>

#include <charconv>
#include <cstring>

#include "sabot/engine/cells_internal.h"

namespace sabot::engine {
namespace {

constexpr std::size_t kTextBytesMax = 120;

std::shared_ptr<arrow::Array> WithoutExtension(std::shared_ptr<arrow::Array> array) {
  while (array->type_id() == arrow::Type::EXTENSION) {
    array = static_cast<const arrow::ExtensionArray&>(*array).storage();
  }
  return array;
}

bool SameValidity(const arrow::Array& left, const arrow::Array& right) {
  if (left.null_count() != right.null_count()) return false;
  if (left.null_count() == 0) return true;
  if (left.null_bitmap_data() == nullptr || right.null_bitmap_data() == nullptr) return false;
  return arrow::internal::BitmapEquals(left.null_bitmap_data(), left.offset(), right.null_bitmap_data(), right.offset(),
                                       left.length());
}

template <class Array>
bool SameStrings(const arrow::Array& left, const arrow::Array& right) {
  const auto& a = static_cast<const Array&>(left);
  const auto& b = static_cast<const Array&>(right);
  const auto* a_offsets = a.raw_value_offsets();
  const auto* b_offsets = b.raw_value_offsets();
  for (int64_t row = 1; row <= a.length(); ++row) {
    if (a_offsets[row] - a_offsets[0] != b_offsets[row] - b_offsets[0]) return false;
  }
  const auto bytes = a_offsets[a.length()] - a_offsets[0];
  return bytes == 0 ||
         std::memcmp(a.raw_data() + a_offsets[0], b.raw_data() + b_offsets[0], static_cast<std::size_t>(bytes)) == 0;
}

template <class Number>
std::string NumberText(Number value) {
  char text[64];
  return {text, std::to_chars(std::begin(text), std::end(text), value).ptr};
}

std::string Quoted(std::string_view value) {
  std::string text = "'";
  text.append(value.substr(0, kTextBytesMax)).append("'");
  if (value.size() > kTextBytesMax) text += "... (" + std::to_string(value.size()) + " bytes)";
  return text;
}

}  // namespace

std::shared_ptr<arrow::DataType> ComparedType(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::DICTIONARY:
      return ComparedType(static_cast<const arrow::DictionaryType&>(*type).value_type());
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return arrow::binary();
    default:
      return type;
  }
}

Cells::Kind Cells::KindOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return Kind::kNull;
    case arrow::Type::BOOL:
      return Kind::kBool;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return Kind::kBinary;
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return Kind::kLargeBinary;
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return Kind::kBinaryView;
    case arrow::Type::DICTIONARY: {
      const Kind values = KindOf(*static_cast<const arrow::DictionaryType&>(type).value_type());
      return values == Kind::kOther || values == Kind::kDictionary ? Kind::kOther : Kind::kDictionary;
    }
    default:
      return arrow::is_fixed_width(type.id()) ? Kind::kFixed : Kind::kOther;
  }
}

void Cells::Read(const std::shared_ptr<arrow::Array>& array) {
  array_ = WithoutExtension(array);
  kind_ = KindOf(*array_->type());
  if (kind_ == Kind::kFixed) {
    width_ = static_cast<const arrow::FixedWidthType&>(*array_->type()).bit_width() / 8;
    const auto& buffer = array_->data()->buffers[1];
    const auto* data = buffer == nullptr ? nullptr : reinterpret_cast<const char*>(buffer->data());
    values_ = data == nullptr ? nullptr : data + array_->offset() * width_;
  }
  // Batches mostly share a dictionary; one that is held here keeps its address to itself.
  if (kind_ != Kind::kDictionary || array_->data()->dictionary == dictionary_data_) return;
  dictionary_data_ = array_->data()->dictionary;
  Cells values;
  values.Read(static_cast<const arrow::DictionaryArray&>(*array_).dictionary());
  dictionary_.clear();
  dictionary_.reserve(static_cast<std::size_t>(values.array_->length()));
  for (int64_t row = 0; row < values.array_->length(); ++row) dictionary_.push_back(values[row]);
}

std::string_view Cells::Value(int64_t row) const {
  switch (kind_) {
    case Kind::kFixed:
      return {values_ + row * width_, static_cast<std::size_t>(width_)};
    case Kind::kBool:
      return static_cast<const arrow::BooleanArray&>(*array_).Value(row) ? std::string_view("\1", 1)
                                                                         : std::string_view("\0", 1);
    case Kind::kBinary:
      return static_cast<const arrow::BinaryArray&>(*array_).GetView(row);
    case Kind::kLargeBinary:
      return static_cast<const arrow::LargeBinaryArray&>(*array_).GetView(row);
    case Kind::kBinaryView:
      return static_cast<const arrow::BinaryViewArray&>(*array_).GetView(row);
    case Kind::kNull:
    case Kind::kDictionary:
    case Kind::kOther:
      break;
  }
  return {};
}

bool Cells::SameBuffers(const Cells& other) const {
  if (kind_ != other.kind_ || array_->length() != other.array_->length()) return false;
  if (kind_ == Kind::kNull) return true;
  if (!SameValidity(*array_, *other.array_)) return false;
  switch (kind_) {
    case Kind::kFixed:
      return array_->length() == 0 ||
             (values_ != nullptr && other.values_ != nullptr &&
              std::memcmp(values_, other.values_, static_cast<std::size_t>(array_->length() * width_)) == 0);
    case Kind::kBinary:
      return SameStrings<arrow::BinaryArray>(*array_, *other.array_);
    case Kind::kLargeBinary:
      return SameStrings<arrow::LargeBinaryArray>(*array_, *other.array_);
    default:
      return false;
  }
}

std::string Cells::Text(int64_t row) const { return ValueText(*array_, row); }

std::string ValueText(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return "null";
  switch (array.type_id()) {
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
      return ValueText(*dictionary.dictionary(), dictionary.GetValueIndex(row));
    }
    case arrow::Type::FLOAT:
      return NumberText(static_cast<const arrow::FloatArray&>(array).Value(row));
    case arrow::Type::DOUBLE:
      return NumberText(static_cast<const arrow::DoubleArray&>(array).Value(row));
    case arrow::Type::STRING:
      return Quoted(static_cast<const arrow::StringArray&>(array).GetView(row));
    case arrow::Type::LARGE_STRING:
      return Quoted(static_cast<const arrow::LargeStringArray&>(array).GetView(row));
    case arrow::Type::STRING_VIEW:
      return Quoted(static_cast<const arrow::StringViewArray&>(array).GetView(row));
    default: {
      const auto scalar = array.GetScalar(row);
      return scalar.ok() ? (*scalar)->ToString().substr(0, kTextBytesMax) : scalar.status().message();
    }
  }
}

}  // namespace sabot::engine
