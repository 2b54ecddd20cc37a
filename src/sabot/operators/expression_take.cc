#include <arrow/array/array_primitive.h>
#include <arrow/compute/api_vector.h>

#include <algorithm>
#include <vector>

#include "sabot/operators/expression_math.h"
#include "sabot/operators/expression_take_internal.h"

namespace sabot::operators {
namespace {

namespace cp = arrow::compute;

template <class Index>
void TakeBits(const std::vector<uint8_t>& entries, const Index* indices, int64_t rows, uint64_t* bits) {
  for (int64_t base = 0; base < rows; base += 64) {
    const int64_t count = std::min<int64_t>(64, rows - base);
    uint64_t word = 0;
    for (int64_t row = 0; row < count; ++row) word |= uint64_t{entries[indices[base + row]]} << row;
    bits[base / 64] = word;
  }
}

// Filters read booleans of symbols more than anything else, and Arrow's Take is twice as slow on them.
arrow::Result<std::shared_ptr<arrow::Array>> TakeBooleans(const arrow::BooleanArray& values,
                                                          const arrow::DictionaryArray& rows) {
  std::vector<uint8_t> entries;
  for (int64_t entry = 0; entry < values.length(); ++entry) entries.push_back(values.Value(entry) ? 1 : 0);
  const auto& indices = *rows.indices()->data();
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bits, arrow::AllocateBuffer((rows.length() + 63) / 64 * 8));
  auto* const words = reinterpret_cast<uint64_t*>(bits->mutable_data());
  const auto take = [&]<class Index>(Index) { TakeBits(entries, indices.GetValues<Index>(1), rows.length(), words); };
  switch (indices.type->id()) {
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
      take(uint8_t{});
      break;
    case arrow::Type::INT16:
    case arrow::Type::UINT16:
      take(uint16_t{});
      break;
    case arrow::Type::INT32:
    case arrow::Type::UINT32:
      take(uint32_t{});
      break;
    default:
      take(uint64_t{});
  }
  return std::make_shared<arrow::BooleanArray>(rows.length(), std::move(bits));
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Array>> TakeByEntry(const arrow::Array& values,
                                                         const arrow::DictionaryArray& rows) {
  const bool no_nulls = rows.indices()->null_count() == 0 && values.null_count() == 0;
  if (no_nulls && values.type_id() == arrow::Type::BOOL) {  // An index below a null may be anything.
    return TakeBooleans(static_cast<const arrow::BooleanArray&>(values), rows);
  }
  ARROW_ASSIGN_OR_RAISE(const auto taken, cp::Take(arrow::Datum(values.data()), arrow::Datum(rows.indices()),
                                                   cp::TakeOptions::NoBoundsCheck(), ExpressionContext()));
  return taken.make_array();
}

}  // namespace sabot::operators
