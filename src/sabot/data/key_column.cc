#include "sabot/data/key_column_internal.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <type_traits>
#include <utility>

#include "sabot/data/bitmap.h"
#include "sabot/data/errors.h"
#include "sabot/data/key_readers_internal.h"

namespace sabot::data::internal {
namespace {

constexpr int32_t kUnresolved = -1;           // In a remap: no row used the entry so far.
constexpr int32_t kNullEntry = -2;            // In a remap: the entry is null.
constexpr std::size_t kDictionariesKept = 4;  // Sources that alternate keep their remaps.

bool BitAt(const uint8_t* bitmap, int64_t bit) { return (bitmap[bit / 8] >> (bit % 8) & 1) != 0; }

// Calls function(row) for each bit set among the first `rows` bits; stops at the first error.
template <class Function>
arrow::Status ForEachSetBit(const uint64_t* words, int64_t rows, Function&& function) {
  for (int64_t base = 0; base < rows; base += kWordRows) {
    for (uint64_t word = words[base / kWordRows]; word != 0; word &= word - 1) {
      ARROW_RETURN_NOT_OK(function(base + std::countr_zero(word)));
    }
  }
  return arrow::Status::OK();
}

template <class Reader>
arrow::Status ResolveValues(KeyColumn& column, const arrow::ArrayData& array, int64_t row, int64_t count, int32_t* ids,
                            uint64_t* has_key) {
  auto& table = column.table<typename Reader::Table>();
  const Reader values(array);
  const uint8_t* const validity = array.MayHaveNulls() ? array.buffers[0]->data() : nullptr;
  for (int64_t base = 0; base < count; base += kWordRows) {
    const int64_t rows = std::min(kWordRows, count - base);
    uint64_t& word = has_key[base / kWordRows];
    if (validity != nullptr) word &= LoadBits(validity, array.offset + row + base, rows);
    int32_t failed = 0;
    if (word == LowBits(rows)) {
      for (int64_t at = base; at < base + rows; ++at) failed |= ids[at] = table.FindOrInsert(values[row + at]);
    } else {
      std::fill_n(ids + base, rows, 0);
      for (uint64_t left = word; left != 0; left &= left - 1) {
        const int64_t at = base + std::countr_zero(left);
        failed |= ids[at] = table.FindOrInsert(values[row + at]);
      }
    }
    if (failed < 0) [[unlikely]] {
      return CannotInsert(column.name, *std::min_element(ids + base, ids + base + rows));
    }
  }
  return arrow::Status::OK();
}

template <class Reader>
int32_t ResolveEntry(KeyColumn& column, const arrow::ArrayData& dictionary, int64_t entry) {
  return column.table<typename Reader::Table>().FindOrInsert(Reader(dictionary)[entry]);
}

// The remap of a dictionary, made or moved to the front.
Remap& UseDictionary(KeyColumn& column, const std::shared_ptr<arrow::ArrayData>& dictionary) {
  auto& remaps = column.remaps;
  auto found = remaps.begin();
  while (found != remaps.end() && !SameDictionary(*found->dictionary, *dictionary)) ++found;
  if (found == remaps.end()) {
    if (remaps.size() < kDictionariesKept) remaps.emplace_back();
    found = remaps.end() - 1;
    found->dictionary = dictionary;
    found->ids.assign(static_cast<std::size_t>(dictionary->length), kUnresolved);
    if (dictionary->type->id() == arrow::Type::NA) {
      std::fill(found->ids.begin(), found->ids.end(), kNullEntry);
    } else if (dictionary->MayHaveNulls()) {
      const uint8_t* const validity = dictionary->buffers[0]->data();
      for (int64_t entry = 0; entry < dictionary->length; ++entry) {
        if (!BitAt(validity, dictionary->offset + entry)) found->ids[static_cast<std::size_t>(entry)] = kNullEntry;
      }
    }
  }
  std::rotate(remaps.begin(), found, found + 1);
  return remaps.front();
}

// The usual case, where every entry was seen before: two passes without branches. False: some row needs a closer look.
template <std::integral Index>
bool Gather(const Remap& remap, const Index* indices, int64_t count, int32_t* ids) {
  using Unsigned = std::make_unsigned_t<Index>;
  Unsigned highest = 0;  // A negative index is a high one.
  for (int64_t at = 0; at < count; ++at) highest = std::max(highest, static_cast<Unsigned>(indices[at]));
  if (uint64_t{highest} >= remap.ids.size() || (std::is_signed_v<Index> && static_cast<Index>(highest) < 0))
    return false;
  const int32_t* const entry_ids = remap.ids.data();
  int32_t negative = 0;
  for (int64_t at = 0; at < count; ++at) negative |= ids[at] = entry_ids[indices[at]];
  return negative >= 0;
}

// As above, where some rows are null and their indices may be anything.
template <std::integral Index>
bool GatherMasked(const Remap& remap, const Index* indices, int64_t count, uint64_t word, int32_t* ids) {
  using Unsigned = std::make_unsigned_t<Index>;
  if (remap.ids.empty()) return false;
  std::array<Unsigned, kWordRows> known;
  Unsigned highest = 0;
  for (int64_t at = 0; at < count; ++at) {
    const auto mask = static_cast<Unsigned>(-static_cast<Unsigned>(word >> at & 1));
    known[static_cast<std::size_t>(at)] = static_cast<Unsigned>(indices[at]) & mask;
    highest = std::max(highest, known[static_cast<std::size_t>(at)]);
  }
  if (uint64_t{highest} >= remap.ids.size() || (std::is_signed_v<Index> && static_cast<Index>(highest) < 0))
    return false;
  int32_t negative = 0;
  for (int64_t at = 0; at < count; ++at) {
    const auto mask = -static_cast<int32_t>(word >> at & 1);
    negative |= ids[at] = remap.ids[known[static_cast<std::size_t>(at)]] & mask;
  }
  return negative >= 0;
}

template <std::integral Index>
arrow::Status GatherSlowly(KeyColumn& column, Remap& remap, const Index* indices, int64_t row, int64_t count,
                           int32_t* ids, uint64_t* has_key) {
  std::fill_n(ids, count, 0);
  return ForEachSetBit(has_key, count, [&](int64_t at) -> arrow::Status {
    const Index index = indices[at];
    if (std::cmp_less(index, 0) || std::cmp_greater_equal(index, remap.ids.size())) {
      return DataError("key column '" + column.name + "', row " + std::to_string(row + at) + ": dictionary index " +
                       std::to_string(index) + " lies outside its dictionary of " + std::to_string(remap.ids.size()) +
                       " entries. Validate the batch where it is made.");
    }
    int32_t& id = remap.ids[static_cast<std::size_t>(index)];
    if (id == kUnresolved) {
      const int32_t resolved = column.resolve_entry(column, *remap.dictionary, static_cast<int64_t>(index));
      if (resolved < 0) return CannotInsert(column.name, resolved);
      id = resolved;
    }
    if (id == kNullEntry) {
      has_key[at / kWordRows] &= ~(uint64_t{1} << (at % kWordRows));
    } else {
      ids[at] = id;
    }
    return arrow::Status::OK();
  });
}

template <std::integral Index>
arrow::Status ResolveDictionary(KeyColumn& column, const arrow::ArrayData& array, int64_t row, int64_t count,
                                int32_t* ids, uint64_t* has_key) {
  if (column.remaps.empty() || column.remaps.front().dictionary != array.dictionary) {
    UseDictionary(column, array.dictionary);
  }
  Remap& remap = column.remaps.front();
  const Index* const indices = array.GetValues<Index>(1) + row;
  if (!array.MayHaveNulls()) {
    if (Gather(remap, indices, count, ids)) return arrow::Status::OK();
    return GatherSlowly(column, remap, indices, row, count, ids, has_key);
  }
  const uint8_t* const validity = array.buffers[0]->data();
  for (int64_t base = 0; base < count; base += kWordRows) {
    const int64_t rows = std::min(kWordRows, count - base);
    uint64_t& word = has_key[base / kWordRows];
    word &= LoadBits(validity, array.offset + row + base, rows);
    if (word == LowBits(rows) ? Gather(remap, indices + base, rows, ids + base)
                              : GatherMasked(remap, indices + base, rows, word, ids + base)) {
      continue;
    }
    ARROW_RETURN_NOT_OK(GatherSlowly(column, remap, indices + base, row + base, rows, ids + base, &word));
  }
  return arrow::Status::OK();
}

ChunkResolver DictionaryResolver(arrow::Type::type index_type) {
  switch (index_type) {
    case arrow::Type::INT8:
      return ResolveDictionary<int8_t>;
    case arrow::Type::INT16:
      return ResolveDictionary<int16_t>;
    case arrow::Type::INT32:
      return ResolveDictionary<int32_t>;
    case arrow::Type::INT64:
      return ResolveDictionary<int64_t>;
    case arrow::Type::UINT8:
      return ResolveDictionary<uint8_t>;
    case arrow::Type::UINT16:
      return ResolveDictionary<uint16_t>;
    case arrow::Type::UINT32:
      return ResolveDictionary<uint32_t>;
    default:
      return ResolveDictionary<uint64_t>;
  }
}

}  // namespace

bool SameDictionary(const arrow::ArrayData& kept, const arrow::ArrayData& other) {
  if (&kept == &other) return true;
  if (kept.length != other.length || kept.offset != other.offset || kept.type->id() != other.type->id()) return false;
  // A stream may wrap the same memory anew for each batch. What we keep cannot be freed and used again.
  return std::equal(kept.buffers.begin(), kept.buffers.end(), other.buffers.begin(), other.buffers.end(),
                    [](const auto& a, const auto& b) {
                      return a == b ||
                             (a != nullptr && b != nullptr && a->size() == b->size() && a->address() == b->address());
                    });
}

arrow::Status CannotInsert(const std::string& column, int32_t why) {
  if (why == kKeyTooLong) {
    return DataError("key column '" + column + "': a value is longer than 2147483647 bytes. Use a shorter key.");
  }
  return DataError("key column '" + column + "': more than 2147483647 distinct keys. Spread the keys over more tasks.");
}

arrow::Status BindColumn(const arrow::Schema& schema, KeyColumn& column) {
  const std::vector<int> positions = schema.GetAllFieldIndices(column.name);
  if (positions.empty()) {
    return SchemaError("key column '" + column.name + "' is missing." +
                       NearestNames(column.name, schema.field_names()));
  }
  if (positions.size() > 1) {
    return SchemaError("key column '" + column.name + "' exists " + std::to_string(positions.size()) +
                       " times. Rename all but one of them.");
  }
  column.position = positions.front();
  column.type = schema.field(column.position)->type();

  const arrow::DataType* value_type = column.type.get();
  if (column.type->id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = arrow::internal::checked_cast<const arrow::DictionaryType&>(*column.type);
    column.resolve = DictionaryResolver(dictionary.index_type()->id());
    value_type = dictionary.value_type().get();
  }
  const bool known = WithReader(value_type->id(), [&]<class Reader>(std::type_identity<Reader>) {
    column.resolve_entry = ResolveEntry<Reader>;
    if (column.resolve == nullptr) column.resolve = ResolveValues<Reader>;
  });
  const bool no_values = column.resolve != nullptr && value_type->id() == arrow::Type::NA;  // A dictionary of nulls.
  if (!known && !no_values) {
    return SchemaError(
        "key column '" + column.name + "' has type " + column.type->ToString() +
        "; a key is utf8, large_utf8, utf8_view, an integer, or a dictionary of these. Cast it at its source.");
  }
  if (arrow::is_unsigned_integer(value_type->id())) {
    column.key_type = arrow::uint64();
  } else if (arrow::is_signed_integer(value_type->id())) {
    column.key_type = arrow::int64();
  } else {
    column.key_type = arrow::utf8();
  }
  column.resolve_keys =
      column.key_type->id() == arrow::Type::STRING ? ResolveValues<Strings<int32_t>> : ResolveValues<Integers<int64_t>>;
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::Array>> ValuesOf(const KeyColumn& column, std::span<const int32_t> ids) {
  const auto integers = [&](auto builder) -> arrow::Result<std::shared_ptr<arrow::Array>> {
    ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(ids.size())));
    using Value = typename decltype(builder)::value_type;
    for (const int32_t id : ids) builder.UnsafeAppend(static_cast<Value>(column.integers.Value(id)));
    return builder.Finish();
  };
  if (column.key_type->id() == arrow::Type::UINT64) return integers(arrow::UInt64Builder());
  if (column.key_type->id() == arrow::Type::INT64) return integers(arrow::Int64Builder());
  arrow::StringBuilder builder;
  int64_t bytes = 0;
  for (const int32_t id : ids) bytes += static_cast<int64_t>(column.strings.Value(id).size());
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(ids.size())));
  ARROW_RETURN_NOT_OK(builder.ReserveData(bytes));
  for (const int32_t id : ids) builder.UnsafeAppend(column.strings.Value(id));
  return builder.Finish();
}

}  // namespace sabot::data::internal
