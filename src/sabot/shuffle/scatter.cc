// The rows of each partition as a batch of their own. A column is walked once a partition with the row numbers of the
// split. All partitions of a column are slices of one buffer: making a buffer for each costs as much as copying the
// rows.
#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "sabot/data/gather.h"
#include "sabot/shuffle/partitioner.h"

namespace sabot::shuffle {
namespace {

using Rows = std::span<const int32_t>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;
using Column = std::shared_ptr<arrow::ArrayData>;
using Columns = std::vector<Column>;  // [parts]

constexpr int64_t kAlignRows = 64;    // So that values of a byte and more, and bits, begin at whole words.
constexpr int64_t kCopyBytes = 16;    // A text that is not longer is copied in one step, with what lies behind it.

// The parts that get rows of their own, and where they begin in memory that all of them share.
struct Parts {
  std::vector<Rows> rows;
  std::vector<int64_t> begins;
  int64_t rows_end = 0;

  void Add(Rows part) {
    rows.push_back(part);
    begins.push_back(rows_end);
    rows_end += (static_cast<int64_t>(part.size()) + kAlignRows - 1) / kAlignRows * kAlignRows;
  }
  std::size_t size() const { return rows.size(); }
};

// Bits of an Arrow bitmap at `rows`, in whole words; returns how many of them are set.
int64_t GatherBits(const uint8_t* bitmap, int64_t offset, Rows rows, uint8_t* out) {
  int64_t set = 0;
  for (std::size_t base = 0; base < rows.size(); base += 64) {
    const std::size_t count = std::min<std::size_t>(64, rows.size() - base);
    uint64_t word = 0;
    for (std::size_t at = 0; at < count; ++at) {
      const int64_t bit = offset + rows[base + at];
      word |= static_cast<uint64_t>(bitmap[bit / 8] >> (bit % 8) & 1) << at;
    }
    set += std::popcount(word);
    std::memcpy(out + base / 8, &word, sizeof word);
  }
  return set;
}

struct Bits {
  BufferPtr buffer;
  std::vector<int64_t> set;  // By part.
};

arrow::Result<Bits> ScatterBits(const uint8_t* bitmap, int64_t offset, const Parts& parts) {
  Bits bits;
  ARROW_ASSIGN_OR_RAISE(bits.buffer, arrow::AllocateBuffer(parts.rows_end / 8));
  for (std::size_t part = 0; part < parts.size(); ++part) {
    uint8_t* const out = bits.buffer->mutable_data() + parts.begins[part] / 8;
    bits.set.push_back(GatherBits(bitmap, offset, parts.rows[part], out));
  }
  return bits;
}

// One array a part. `shared` are the buffers behind the validity, from the parts' begins on, as validity is.
arrow::Result<Columns> ColumnsOf(const arrow::ArrayData& column, const Parts& parts, const BufferPtr& shared) {
  Bits validity;
  const bool has_nulls = column.buffers[0] != nullptr && column.GetNullCount() > 0;
  if (has_nulls) {
    ARROW_ASSIGN_OR_RAISE(validity, ScatterBits(column.buffers[0]->data(), column.offset, parts));
  }
  Columns columns;
  columns.reserve(parts.size());
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const auto rows = static_cast<int64_t>(parts.rows[part].size());
    const int64_t nulls = has_nulls ? rows - validity.set[part] : 0;
    std::vector<BufferPtr> buffers(2);
    if (nulls > 0) buffers[0] = validity.buffer;
    buffers[1] = shared;
    columns.push_back(
        std::make_shared<arrow::ArrayData>(column.type, rows, std::move(buffers), nulls, parts.begins[part]));
    columns.back()->dictionary = column.dictionary;
  }
  return columns;
}

arrow::Result<Columns> ScatterBooleans(const arrow::ArrayData& column, const Parts& parts) {
  ARROW_ASSIGN_OR_RAISE(const Bits values, ScatterBits(column.buffers[1]->data(), column.offset, parts));
  return ColumnsOf(column, parts, values.buffer);
}

template <int kWords>
struct Words {
  uint64_t words[kWords];
};

template <class Value>
arrow::Result<Columns> ScatterFixed(const arrow::ArrayData& column, const Parts& parts) {
  ARROW_ASSIGN_OR_RAISE(const BufferPtr buffer,
                        arrow::AllocateBuffer(parts.rows_end * static_cast<int64_t>(sizeof(Value))));
  const Value* const values = column.GetValues<Value>(1);
  for (std::size_t part = 0; part < parts.size(); ++part) {
    Value* const out = buffer->mutable_data_as<Value>() + parts.begins[part];
    const Rows rows = parts.rows[part];
    std::size_t at = 0;
    for (; at + 4 <= rows.size(); at += 4) {  // Unrolled: the compiler does not, and it saves a fifth of the time.
      out[at] = values[rows[at]];
      out[at + 1] = values[rows[at + 1]];
      out[at + 2] = values[rows[at + 2]];
      out[at + 3] = values[rows[at + 3]];
    }
    for (; at < rows.size(); ++at) out[at] = values[rows[at]];
  }
  return ColumnsOf(column, parts, buffer);
}

// Offsets go on from part to part; rows between the parts are empty.
template <class Offset>
arrow::Result<Columns> ScatterTexts(const arrow::ArrayData& column, const Parts& parts) {
  ARROW_ASSIGN_OR_RAISE(const BufferPtr offsets_buffer,
                        arrow::AllocateBuffer((parts.rows_end + 1) * static_cast<int64_t>(sizeof(Offset))));
  const Offset* const offsets = column.GetValues<Offset>(1);
  Offset* const out_offsets = offsets_buffer->mutable_data_as<Offset>();
  Offset end = 0;
  Offset* out_offset = out_offsets;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    out_offset = std::fill_n(out_offset, out_offsets + parts.begins[part] - out_offset, end);
    for (const int32_t row : parts.rows[part]) {
      *out_offset++ = end;
      end += offsets[row + 1] - offsets[row];
    }
  }
  std::fill(out_offset, out_offsets + parts.rows_end + 1, end);

  ARROW_ASSIGN_OR_RAISE(const BufferPtr text_buffer, arrow::AllocateBuffer(static_cast<int64_t>(end) + kCopyBytes));
  const BufferPtr& source = column.buffers[2];
  const uint8_t* const text = source == nullptr ? nullptr : source->data();
  const int64_t copyable_end = source == nullptr ? -1 : source->size() - kCopyBytes;
  uint8_t* out = text_buffer->mutable_data();
  for (const Rows rows : parts.rows) {  // In order: what is copied too much is written over.
    for (const int32_t row : rows) {
      const auto begin = static_cast<int64_t>(offsets[row]);
      const int64_t length = static_cast<int64_t>(offsets[row + 1]) - begin;
      if (length <= kCopyBytes && begin <= copyable_end) [[likely]] {
        std::memcpy(out, text + begin, kCopyBytes);
      } else if (length > 0) {
        std::memcpy(out, text + begin, static_cast<std::size_t>(length));
      }
      out += length;
    }
  }
  const BufferPtr texts = arrow::SliceBuffer(text_buffer, 0, static_cast<int64_t>(end));
  ARROW_ASSIGN_OR_RAISE(Columns columns, ColumnsOf(column, parts, offsets_buffer));
  for (const Column& of_part : columns) of_part->buffers.push_back(texts);
  return columns;
}

arrow::Result<Columns> ScatterByGather(const arrow::Array& column, const Parts& parts) {
  Columns columns;
  for (const Rows rows : parts.rows) {
    ARROW_ASSIGN_OR_RAISE(const auto gathered, data::Gather(column, rows));
    columns.push_back(gathered->data());
  }
  return columns;
}

// Bytes of a value, 0 where they are not of fixed width.
int ByteWidthOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::DICTIONARY:
      return arrow::internal::checked_cast<const arrow::DictionaryType&>(type).index_type()->byte_width();
    case arrow::Type::NA:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::RUN_END_ENCODED:
      return 0;
    default:
      return arrow::is_fixed_width(type.id()) ? type.byte_width() : 0;
  }
}

arrow::Result<Columns> ScatterColumn(const arrow::RecordBatch& batch, int position, const Parts& parts) {
  const arrow::ArrayData& column = *batch.column_data(position);
  const arrow::DataType& type =
      column.type->id() == arrow::Type::EXTENSION
          ? *arrow::internal::checked_cast<const arrow::ExtensionType&>(*column.type).storage_type()
          : *column.type;
  switch (type.id()) {
    case arrow::Type::BOOL:
      return ScatterBooleans(column, parts);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return ScatterTexts<int32_t>(column, parts);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return ScatterTexts<int64_t>(column, parts);
    default:
      break;
  }
  switch (ByteWidthOf(type)) {
    case 1:
      return ScatterFixed<uint8_t>(column, parts);
    case 2:
      return ScatterFixed<uint16_t>(column, parts);
    case 4:
      return ScatterFixed<uint32_t>(column, parts);
    case 8:
      return ScatterFixed<uint64_t>(column, parts);
    case 16:
      return ScatterFixed<Words<2>>(column, parts);
    case 32:
      return ScatterFixed<Words<4>>(column, parts);
    default:
      return ScatterByGather(*batch.column(position), parts);
  }
}

}  // namespace

arrow::Result<arrow::RecordBatchVector> Scatter(const arrow::RecordBatch& batch, const Split& split) {
  arrow::RecordBatchVector scattered(split.parts.size());
  std::vector<std::size_t> written;  // The parts that get rows of their own.
  Parts parts;
  for (std::size_t part = 0; part < split.parts.size(); ++part) {
    if (split.parts[part].size(batch.num_rows()) == 0) continue;
    if (split.parts[part].all) {
      scattered[part] = batch.Slice(0);
    } else {
      written.push_back(part);
      parts.Add(split.parts[part].rows.rows());
    }
  }
  if (written.empty()) return scattered;
  std::vector<Columns> columns(written.size());  // By part.
  for (Columns& of_part : columns) of_part.reserve(static_cast<std::size_t>(batch.num_columns()));
  for (int position = 0; position < batch.num_columns(); ++position) {
    ARROW_ASSIGN_OR_RAISE(Columns of_parts, ScatterColumn(batch, position, parts));
    for (std::size_t at = 0; at < written.size(); ++at) columns[at].push_back(std::move(of_parts[at]));
  }
  for (std::size_t at = 0; at < written.size(); ++at) {
    scattered[written[at]] =
        arrow::RecordBatch::Make(batch.schema(), static_cast<int64_t>(parts.rows[at].size()), std::move(columns[at]));
  }
  return scattered;
}

}  // namespace sabot::shuffle
