#include <arrow/array/array_dict.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sabot/data/bitmap.h"
#include "sabot/data/column_buffer.h"
#include "sabot/data/gather.h"
#include "sabot/shuffle/merge_columns_internal.h"

namespace sabot::shuffle {
namespace {

using arrow::internal::checked_cast;
using Segments = std::span<const Segment>;
using Buffers = std::vector<std::shared_ptr<arrow::Buffer>>;

const arrow::ArrayData& DataOf(const Segment& segment, int column) {
  return *segment.piece->batch.rows->column_data(column);
}

// Calls `each(row of the output, row of the batch)`. What it reads of the segment is held aside, as what it writes may
// be of the same type; four rows a turn, as the loop itself takes as long as moving a value.
template <class Each>
void ForRows(const Segment& segment, Each each) {
  const int64_t count = segment.end - segment.begin;
  const int32_t* const ranks = segment.ranks;
  const int64_t first = segment.first_rank;
  if (segment.piece->selection) {
    const int32_t* const rows = segment.piece->selection->rows().data() + segment.begin;
#pragma GCC unroll 4
    for (int64_t at = 0; at < count; ++at) each(ranks[at] - first, int64_t{rows[at]});
  } else {
    const int64_t begin = segment.begin;
#pragma GCC unroll 4
    for (int64_t at = 0; at < count; ++at) each(ranks[at] - first, begin + at);
  }
}

template <class Word>
void ScatterWords(Segments segments, int column, uint8_t* out_bytes) {
  Word* const out = reinterpret_cast<Word*>(out_bytes);
  for (const Segment& segment : segments) {
    const Word* const values = DataOf(segment, column).GetValues<Word>(1);
    ForRows(segment, [&](int64_t to, int64_t row) { out[to] = values[row]; });
  }
}

struct TwoWords {
  uint64_t words[2];
};

void ScatterBytes(Segments segments, int column, int64_t width, uint8_t* out) {
  for (const Segment& segment : segments) {
    const arrow::ArrayData& data = DataOf(segment, column);
    const uint8_t* const values = data.buffers[1]->data() + data.offset * width;
    ForRows(segment, [&](int64_t to, int64_t row) {
      std::memcpy(out + to * width, values + row * width, static_cast<std::size_t>(width));
    });
  }
}

// Bits of rows, from a byte a row, and how many are not set.
struct Bits {
  std::shared_ptr<arrow::Buffer> buffer;
  int64_t unset = 0;
};
class Flags {
 public:
  Flags(int64_t rows, uint8_t value) : rows_(rows), flags_(static_cast<std::size_t>(Bytes() * kByteRows)) {
    std::fill_n(flags_.begin(), rows, value);
  }
  uint8_t& operator[](int64_t row) { return flags_[static_cast<std::size_t>(row)]; }

  arrow::Result<Bits> Pack() const {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(Bytes()));
    int64_t set = 0;
    for (int64_t byte = 0; byte < Bytes(); ++byte) {
      uint64_t eight = 0;
      std::memcpy(&eight, flags_.data() + byte * kByteRows, sizeof(eight));
      const auto packed = static_cast<uint8_t>(eight * 0x0102040810204080U >> 56);  // Gathers their low bits.
      buffer->mutable_data()[byte] = packed;
      set += std::popcount(packed);
    }
    return Bits{std::move(buffer), rows_ - set};
  }

 private:
  static constexpr int64_t kByteRows = 8;
  int64_t Bytes() const { return (rows_ + kByteRows - 1) / kByteRows; }

  const int64_t rows_;
  std::vector<uint8_t> flags_;
};

arrow::Result<Bits> ScatterBools(Segments segments, int column, int64_t rows) {
  Flags flags(rows, 0);
  for (const Segment& segment : segments) {
    const arrow::ArrayData& data = DataOf(segment, column);
    const uint8_t* const bits = data.buffers[1]->data();
    ForRows(segment, [&](int64_t to, int64_t row) { flags[to] = arrow::bit_util::GetBit(bits, data.offset + row); });
  }
  return flags.Pack();
}

bool MayHaveNulls(Segments segments, int column) {
  return std::any_of(segments.begin(), segments.end(),
                     [&](const Segment& segment) { return DataOf(segment, column).GetNullCount() > 0; });
}

// Most rows have values: only the others are looked at one by one.
void ClearNulls(const Segment& segment, const arrow::ArrayData& data, Flags& flags) {
  if (data.GetNullCount() == 0) return;
  const uint8_t* const validity = data.buffers[0]->data();
  if (segment.piece->selection) {
    ForRows(segment,
            [&](int64_t to, int64_t row) { flags[to] = arrow::bit_util::GetBit(validity, data.offset + row); });
    return;
  }
  constexpr int64_t kWordRows = 64;
  for (int64_t begin = segment.begin; begin < segment.end; begin += kWordRows) {
    const int64_t count = std::min(kWordRows, segment.end - begin);
    uint64_t nulls = ~data::LoadBits(validity, data.offset + begin, count) & data::LowBits(count);
    for (; nulls != 0; nulls &= nulls - 1) {
      flags[segment.ranks[begin - segment.begin + std::countr_zero(nulls)] - segment.first_rank] = 0;
    }
  }
}

arrow::Result<Bits> ScatterValidity(Segments segments, int column, int64_t rows) {
  if (!MayHaveNulls(segments, column)) return Bits{};
  Flags flags(rows, 1);
  for (const Segment& segment : segments) ClearNulls(segment, DataOf(segment, column), flags);
  ARROW_ASSIGN_OR_RAISE(Bits validity, flags.Pack());
  if (validity.unset == 0) validity.buffer = nullptr;
  return validity;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ScatterFixed(Segments segments, int column, int64_t width, int64_t rows) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, data::AllocateColumn(rows * width));
  uint8_t* const out = buffer->mutable_data();
  switch (width) {
    case 1:
      ScatterWords<uint8_t>(segments, column, out);
      break;
    case 2:
      ScatterWords<uint16_t>(segments, column, out);
      break;
    case 4:
      ScatterWords<uint32_t>(segments, column, out);
      break;
    case 8:
      ScatterWords<uint64_t>(segments, column, out);
      break;
    case sizeof(TwoWords):
      ScatterWords<TwoWords>(segments, column, out);
      break;
    default:
      ScatterBytes(segments, column, width, out);
  }
  return buffer;
}

// Offsets and bytes of text: lengths go to their ranks, then bytes follow in order.
template <class Offset>
arrow::Result<Buffers> ScatterText(Segments segments, int column, int64_t rows) {
  ARROW_ASSIGN_OR_RAISE(auto offsets_buffer, data::AllocateColumn((rows + 1) * static_cast<int64_t>(sizeof(Offset))));
  auto* const offsets = offsets_buffer->template mutable_data_as<Offset>();
  std::vector<const uint8_t*> from(static_cast<std::size_t>(rows));
  for (const Segment& segment : segments) {
    const arrow::ArrayData& data = DataOf(segment, column);
    const Offset* const ends = data.GetValues<Offset>(1);
    const uint8_t* const text = data.buffers[2] == nullptr ? nullptr : data.buffers[2]->data();
    ForRows(segment, [&](int64_t to, int64_t row) {
      offsets[to + 1] = ends[row + 1] - ends[row];
      from[static_cast<std::size_t>(to)] = text + ends[row];
    });
  }
  int64_t bytes = 0;
  offsets[0] = 0;
  for (int64_t row = 0; row < rows; ++row) {
    bytes += offsets[row + 1];
    if (bytes > std::numeric_limits<Offset>::max()) {
      return arrow::Status::CapacityError("merged rows have more than ", std::numeric_limits<Offset>::max(),
                                          " bytes of text in one column. Use its large type.");
    }
    offsets[row + 1] = static_cast<Offset>(bytes);
  }
  ARROW_ASSIGN_OR_RAISE(auto text_buffer, data::AllocateColumn(bytes));
  uint8_t* const text = text_buffer->mutable_data();
  for (int64_t row = 0; row < rows; ++row) {
    const auto length = static_cast<std::size_t>(offsets[row + 1] - offsets[row]);
    if (length > 0) std::memcpy(text + offsets[row], from[static_cast<std::size_t>(row)], length);
  }
  return Buffers{std::move(offsets_buffer), std::move(text_buffer)};
}

// Views and all buffers that they point to; these are shared.
arrow::Result<Buffers> ScatterViews(Segments segments, int column, int64_t rows) {
  ARROW_ASSIGN_OR_RAISE(auto views, data::AllocateColumn(rows * static_cast<int64_t>(sizeof(TwoWords))));
  auto* const out = views->mutable_data_as<TwoWords>();
  Buffers buffers = {std::move(views)};
  std::unordered_map<const arrow::Buffer*, uint64_t> numbers;
  std::vector<uint64_t> number;  // Of a batch's buffer among all.
  for (const Segment& segment : segments) {
    constexpr uint32_t kInlineBytes = 12;
    constexpr int kNumberBits = 32;
    const arrow::ArrayData& data = DataOf(segment, column);
    number.clear();
    for (auto buffer = data.buffers.begin() + 2; buffer != data.buffers.end(); ++buffer) {
      const auto [found, added] = numbers.emplace(buffer->get(), buffers.size() - 1);
      if (added) buffers.push_back(*buffer);
      number.push_back(found->second);
    }
    const auto* const values = data.GetValues<TwoWords>(1);
    ForRows(segment, [&](int64_t to, int64_t row) {  // Length and prefix; number and offset.
      TwoWords view = values[row];
      const auto old = static_cast<uint32_t>(view.words[1]);
      if (static_cast<uint32_t>(view.words[0]) > kInlineBytes && old < number.size()) {
        view.words[1] = (view.words[1] >> kNumberBits << kNumberBits) | number[old];
      }
      out[to] = view;
    });
  }
  return buffers;
}

// One dictionary for all segments, and for each what its indices become; nullptr: they stay.
struct Unified {
  std::shared_ptr<arrow::ArrayData> dictionary;
  std::unordered_map<const arrow::ArrayData*, std::shared_ptr<arrow::Buffer>> becomes;
};

bool SameValues(const std::shared_ptr<arrow::ArrayData>& one, const std::shared_ptr<arrow::ArrayData>& other) {
  if (one->length != other->length) return false;
  return one->buffers == other->buffers && one->offset == other->offset && one->child_data == other->child_data;
}

arrow::Result<Unified> UnifyDictionaries(const arrow::DictionaryType& type, Segments segments, int column) {
  std::vector<std::shared_ptr<arrow::ArrayData>> dictionaries;  // Those that differ.
  Unified unified;
  for (const Segment& segment : segments) {
    const auto& dictionary = DataOf(segment, column).dictionary;
    if (unified.becomes.emplace(dictionary.get(), nullptr).second) dictionaries.push_back(dictionary);
  }
  // The longest first: where the others are its beginnings, as those of a growing feed are, it is the result.
  std::stable_sort(dictionaries.begin(), dictionaries.end(),
                   [](const auto& one, const auto& other) { return one->length > other->length; });
  unified.dictionary = dictionaries.front();
  if (std::all_of(dictionaries.begin(), dictionaries.end(),
                  [&](const auto& other) { return SameValues(dictionaries.front(), other); })) {
    return unified;
  }
  ARROW_ASSIGN_OR_RAISE(const auto unifier, arrow::DictionaryUnifier::Make(type.value_type()));
  for (const auto& dictionary : dictionaries) {
    ARROW_RETURN_NOT_OK(unifier->Unify(*arrow::MakeArray(dictionary), &unified.becomes[dictionary.get()]));
  }
  std::shared_ptr<arrow::Array> all;
  ARROW_RETURN_NOT_OK(unifier->GetResultWithIndexType(type.index_type(), &all));
  if (all->length() != dictionaries.front()->length) {
    unified.dictionary = all->data();
  } else {
    unified.becomes[dictionaries.front().get()] = nullptr;
  }
  return unified;
}

template <class Word>
void ScatterIndices(Segments segments, int column, const Unified& unified, uint8_t* out_bytes) {
  Word* const out = reinterpret_cast<Word*>(out_bytes);
  for (const Segment& segment : segments) {
    const arrow::ArrayData& data = DataOf(segment, column);
    const Word* const values = data.GetValues<Word>(1);
    const auto& becomes = unified.becomes.at(data.dictionary.get());
    if (becomes == nullptr) {
      ForRows(segment, [&](int64_t to, int64_t row) { out[to] = values[row]; });
      continue;
    }
    const auto* const map = becomes->data_as<int32_t>();
    const auto length = static_cast<uint64_t>(data.dictionary->length);
    ForRows(segment, [&](int64_t to, int64_t row) {  // What a null's index is, nobody says.
      const auto index = static_cast<uint64_t>(values[row]);
      out[to] = index < length ? static_cast<Word>(map[index]) : Word{0};
    });
  }
}

arrow::Result<std::shared_ptr<arrow::Array>> MergeDictionary(const std::shared_ptr<arrow::DataType>& type, int column,
                                                             Segments segments, int64_t rows) {
  const auto& dictionary_type = checked_cast<const arrow::DictionaryType&>(*type);
  ARROW_ASSIGN_OR_RAISE(const Unified unified, UnifyDictionaries(dictionary_type, segments, column));
  const int64_t width = dictionary_type.bit_width() / 8;
  ARROW_ASSIGN_OR_RAISE(auto indices, data::AllocateColumn(rows * width));
  uint8_t* const out = indices->mutable_data();
  switch (width) {
    case 1:
      ScatterIndices<uint8_t>(segments, column, unified, out);
      break;
    case 2:
      ScatterIndices<uint16_t>(segments, column, unified, out);
      break;
    case 4:
      ScatterIndices<uint32_t>(segments, column, unified, out);
      break;
    default:
      ScatterIndices<uint64_t>(segments, column, unified, out);
  }
  ARROW_ASSIGN_OR_RAISE(Bits validity, ScatterValidity(segments, column, rows));
  auto merged = arrow::ArrayData::Make(type, rows, {std::move(validity.buffer), std::move(indices)}, validity.unset);
  merged->dictionary = unified.dictionary;
  return arrow::MakeArray(std::move(merged));
}

// Any type that Arrow can take rows of.
arrow::Result<std::shared_ptr<arrow::Array>> MergeAny(int column, Segments segments, int64_t rows) {
  arrow::ArrayVector parts;
  std::vector<int32_t> order(static_cast<std::size_t>(rows));
  int32_t next = 0;
  for (const Segment& segment : segments) {
    const auto values = segment.piece->batch.rows->column(column);
    const auto count = segment.end - segment.begin;
    if (segment.piece->selection) {
      const auto numbers = segment.piece->selection->Slice(segment.begin, count);
      ARROW_ASSIGN_OR_RAISE(parts.emplace_back(), data::Gather(*values, numbers.rows()));
    } else {
      parts.push_back(values->Slice(segment.begin, count));
    }
    ForRows(segment, [&](int64_t to, int64_t) { order[static_cast<std::size_t>(to)] = next++; });
  }
  ARROW_ASSIGN_OR_RAISE(const auto all, arrow::Concatenate(parts));
  return data::Gather(*all, order);
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Array>> MergeColumn(const std::shared_ptr<arrow::DataType>& type, int column,
                                                         std::span<const Segment> segments, int64_t rows) {
  const arrow::Type::type id = type->id();
  if (id == arrow::Type::DICTIONARY) {
    auto merged = MergeDictionary(type, column, segments, rows);
    if (merged.ok() || !merged.status().IsNotImplemented()) return merged;
    return MergeAny(column, segments, rows);
  }
  Buffers buffers;
  if (id == arrow::Type::BOOL) {
    ARROW_ASSIGN_OR_RAISE(Bits values, ScatterBools(segments, column, rows));
    buffers = {std::move(values.buffer)};
  } else if (arrow::is_primitive(id) || arrow::is_temporal(id) || arrow::is_decimal(id) ||
             id == arrow::Type::FIXED_SIZE_BINARY) {
    const auto width = checked_cast<const arrow::FixedWidthType&>(*type).bit_width() / 8;
    ARROW_ASSIGN_OR_RAISE(buffers.emplace_back(), ScatterFixed(segments, column, width, rows));
  } else if (arrow::is_binary_like(id)) {
    ARROW_ASSIGN_OR_RAISE(buffers, ScatterText<int32_t>(segments, column, rows));
  } else if (arrow::is_large_binary_like(id)) {
    ARROW_ASSIGN_OR_RAISE(buffers, ScatterText<int64_t>(segments, column, rows));
  } else if (arrow::is_binary_view_like(id)) {
    ARROW_ASSIGN_OR_RAISE(buffers, ScatterViews(segments, column, rows));
  } else {
    return MergeAny(column, segments, rows);
  }
  ARROW_ASSIGN_OR_RAISE(Bits validity, ScatterValidity(segments, column, rows));
  buffers.insert(buffers.begin(), std::move(validity.buffer));
  return arrow::MakeArray(arrow::ArrayData::Make(type, rows, std::move(buffers), validity.unset));
}

}  // namespace sabot::shuffle
