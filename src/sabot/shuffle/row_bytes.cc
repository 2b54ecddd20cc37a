#include "sabot/shuffle/row_bytes.h"

#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <cmath>

namespace sabot::shuffle {
namespace {

using arrow::internal::checked_cast;

double AverageBits(const arrow::ArrayData& column);

// Of values that lie one behind the other, `Offset`s telling where each begins.
template <class Offset>
double VariableBits(const arrow::ArrayData& column, double element_bits) {
  if (column.buffers[1] == nullptr || column.buffers[1]->size() == 0) return 8.0 * sizeof(Offset);
  const auto* const offsets = column.GetValues<Offset>(1);
  const auto elements = static_cast<double>(offsets[column.length] - offsets[0]);
  return 8.0 * sizeof(Offset) + element_bits * elements / static_cast<double>(column.length);
}

// What the types without a width of their own refer to, shared among the rows.
double ReferencedBits(const arrow::ArrayData& column) {
  const auto bytes = arrow::util::ReferencedBufferSize(*arrow::MakeArray(column.Copy()));
  return 8.0 * static_cast<double>(bytes.ValueOr(0)) / static_cast<double>(column.length);
}

double ValueBits(const arrow::ArrayData& column) {
  switch (column.type->id()) {
    case arrow::Type::NA:
      return 0;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return VariableBits<int32_t>(column, 8);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return VariableBits<int64_t>(column, 8);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return VariableBits<int32_t>(column, AverageBits(*column.child_data[0]));
    case arrow::Type::LARGE_LIST:
      return VariableBits<int64_t>(column, AverageBits(*column.child_data[0]));
    case arrow::Type::FIXED_SIZE_LIST:
      return checked_cast<const arrow::FixedSizeListType&>(*column.type).list_size() *
             AverageBits(*column.child_data[0]);
    case arrow::Type::STRUCT: {
      double bits = 0;
      for (const auto& child : column.child_data) bits += AverageBits(*child);
      return bits;
    }
    case arrow::Type::DICTIONARY:
      return checked_cast<const arrow::DictionaryType&>(*column.type).index_type()->bit_width();
    default:
      return column.type->bit_width() > 0 ? column.type->bit_width() : ReferencedBits(column);
  }
}

double AverageBits(const arrow::ArrayData& column) {
  if (column.length == 0) return 0;
  return ValueBits(column) + (column.buffers[0] != nullptr ? 1 : 0);  // Whether it is null.
}

}  // namespace

int64_t RowBytes(const arrow::RecordBatch& batch) {
  double bits = 0;
  for (const auto& column : batch.column_data()) bits += AverageBits(*column);
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(bits / 8)));
}

}  // namespace sabot::shuffle
