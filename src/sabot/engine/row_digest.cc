#include "sabot/engine/row_digest.h"

#include <arrow/array.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/engine/cells_internal.h"

namespace sabot::engine {
namespace {

constexpr uint64_t kNull = 0x6E756C6C6E756C6C;
constexpr std::string_view kNan("NaN");

// Two sums of 64 bits over a sequence of words, with different multipliers.
class Lanes {
 public:
  void Add(uint64_t word) {
    left_ = Mixed((left_ ^ word) * 0xBF58476D1CE4E5B9U);
    right_ = Mixed((right_ + word) * 0x94D049BB133111EBU);
  }
  void Add(std::string_view bytes) {
    Add(static_cast<uint64_t>(bytes.size()));
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
      Add(word);
    }
  }
  void Add(const Lanes& other) {
    Add(other.left_);
    Add(other.right_);
  }
  std::string Hex() const {
    constexpr std::string_view kDigits("0123456789abcdef");
    std::string text;
    for (const uint64_t lane : {left_, right_}) {
      for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[lane >> shift & 15];
    }
    return text;
  }

 private:
  static uint64_t Mixed(uint64_t bits) { return bits ^ bits >> 31; }

  uint64_t left_ = 1;
  uint64_t right_ = 2;
};

template <class Float>
bool IsNan(std::string_view bytes) {
  Float value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return std::isnan(value);
}

bool IsHalfNan(std::string_view bytes) {
  uint16_t bits;
  std::memcpy(&bits, bytes.data(), sizeof bits);
  return (bits & 0x7FFFU) > 0x7C00U;
}

// Whether the bytes are a NaN of the type, which may be a dictionary's.
bool IsNan(arrow::Type::type type, std::string_view bytes) {
  if (type == arrow::Type::DOUBLE) return IsNan<double>(bytes);
  if (type == arrow::Type::FLOAT) return IsNan<float>(bytes);
  return type == arrow::Type::HALF_FLOAT && IsHalfNan(bytes);
}

arrow::Status AddRows(const std::shared_ptr<arrow::Array>& array, Cells& cells, Lanes& to);

arrow::Status AddRows(const std::shared_ptr<arrow::Array>& array, Lanes& to) {
  Cells cells;
  return AddRows(array, cells, to);
}

template <class ListArray>
arrow::Status AddList(const arrow::Array& array, int64_t row, Lanes& to) {
  const auto& lists = static_cast<const ListArray&>(array);
  to.Add(static_cast<uint64_t>(lists.value_length(row)));
  return AddRows(lists.value_slice(row), to);
}

// A value without bytes of its own, which is not null.
arrow::Status AddNested(const arrow::Array& array, int64_t row, Lanes& to) {
  switch (array.type_id()) {
    case arrow::Type::LIST:
      return AddList<arrow::ListArray>(array, row, to);
    case arrow::Type::LARGE_LIST:
      return AddList<arrow::LargeListArray>(array, row, to);
    case arrow::Type::FIXED_SIZE_LIST:
      return AddList<arrow::FixedSizeListArray>(array, row, to);
    case arrow::Type::MAP:
      return AddList<arrow::MapArray>(array, row, to);
    case arrow::Type::STRUCT: {
      const auto& rows = static_cast<const arrow::StructArray&>(array);
      for (int i = 0; i < rows.num_fields(); ++i) ARROW_RETURN_NOT_OK(AddRows(rows.field(i)->Slice(row, 1), to));
      return arrow::Status::OK();
    }
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
      return AddRows(dictionary.dictionary()->Slice(dictionary.GetValueIndex(row), 1), to);
    }
    default: {
      ARROW_ASSIGN_OR_RAISE(const auto scalar, array.GetScalar(row));
      to.Add(scalar->ToString());
      return arrow::Status::OK();
    }
  }
}

arrow::Status AddRows(const std::shared_ptr<arrow::Array>& array, Cells& cells, Lanes& to) {
  cells.Read(array);
  const arrow::Array& values = cells.array();
  const auto type = ComparedType(values.type())->id();
  for (int64_t row = 0; row < values.length(); ++row) {
    if (!cells.has_bytes()) {
      if (values.IsNull(row)) {
        to.Add(kNull);
      } else {
        ARROW_RETURN_NOT_OK(AddNested(values, row, to));
      }
      continue;
    }
    const std::optional<std::string_view> bytes = cells[row];
    if (!bytes) {
      to.Add(kNull);
    } else {
      to.Add(IsNan(type, *bytes) ? kNan : *bytes);
    }
  }
  return arrow::Status::OK();
}

}  // namespace

struct RowDigest::Column {
  Lanes lanes = {};
  Cells cells = {};  // Knows the dictionary of the batch before.
};

RowDigest::RowDigest(std::shared_ptr<arrow::Schema> schema)
    : schema_(std::move(schema)), columns_(static_cast<std::size_t>(schema_->num_fields())) {
  for (int i = 0; i < schema_->num_fields(); ++i) {
    Lanes& lanes = columns_[static_cast<std::size_t>(i)].lanes;
    lanes.Add(schema_->field(i)->name());
    lanes.Add(ComparedType(schema_->field(i)->type())->ToString());
  }
}

RowDigest::RowDigest(RowDigest&&) noexcept = default;
RowDigest::~RowDigest() = default;

arrow::Status RowDigest::Add(const arrow::RecordBatch& batch) {
  if (!batch.schema()->Equals(*schema_, /*check_metadata=*/false)) {
    return data::SchemaError("digest: the batch at row " + std::to_string(rows_) + " has the columns " +
                             batch.schema()->ToString() + "; expected " + schema_->ToString() + ".");
  }
  for (int i = 0; i < batch.num_columns(); ++i) {
    Column& column = columns_[static_cast<std::size_t>(i)];
    ARROW_RETURN_NOT_OK(AddRows(batch.column(i), column.cells, column.lanes));
  }
  rows_ += batch.num_rows();
  return arrow::Status::OK();
}

std::string RowDigest::Hex() const {
  Lanes all;
  all.Add(static_cast<uint64_t>(rows_));
  for (const Column& column : columns_) all.Add(column.lanes);
  return all.Hex();
}

}  // namespace sabot::engine
