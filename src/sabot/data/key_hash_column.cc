#include "sabot/data/key_hash_column_internal.h"

#include <arrow/extension_type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "sabot/data/errors.h"
#include "sabot/data/key_column_internal.h"
#include "sabot/data/key_values_internal.h"
#include "sabot/data/murmur3.h"

namespace sabot::data::internal {
namespace {

using arrow::internal::checked_cast;

constexpr uint32_t kNullTag = 0xFFFFFFFF;             // No text in UTF-8 has these bytes, and no number so few.
constexpr std::size_t kDictionariesKept = 4;          // Sources that alternate keep their hashes.
constexpr std::string_view kNullBytes = "\xFF\xFF\xFF\xFF";

// --- One value. ---

uint32_t HashAlone(uint64_t word) {
  return murmur3::Finish(
      murmur3::Absorb(murmur3::Absorb(0, static_cast<uint32_t>(word)), static_cast<uint32_t>(word >> 32)), 8);
}

// Without a branch that depends on the length: symbols of three and of five letters come in any order.
template <uint32_t kBlocksMax>
uint32_t HashReadable(const char* data, uint32_t length) {
  static constexpr uint32_t kTailMasks[4] = {0, 0xFF, 0xFFFF, 0xFFFFFF};
  const uint32_t blocks = length / 4;
  uint32_t state = 0;
  for (uint32_t block = 0; block < kBlocksMax; ++block) {
    const uint32_t next = murmur3::Absorb(state, murmur3::Load32(data + std::size_t{4} * block));
    state ^= (state ^ next) & -static_cast<uint32_t>(block < blocks);
  }
  const uint32_t tail = murmur3::Load32(data + std::size_t{4} * blocks) & kTailMasks[length % 4];
  return murmur3::Finish(murmur3::AbsorbTail(state, tail), length);
}

uint32_t HashAlone(const KeyBytes& bytes) {
  if (bytes.readable20) [[likely]] {
    if (bytes.length < 8) return HashReadable<1>(bytes.data, bytes.length);
    if (bytes.length < 20) return HashReadable<4>(bytes.data, bytes.length);
  }
  return murmur3::Hash({bytes.data, bytes.length});
}

// As one of several columns: length, bytes, zeros up to a multiple of four. So a column can be taken in for all rows
// before the next one is looked at.
void AbsorbInto(uint64_t word, uint32_t& state, uint32_t& length) {
  state = murmur3::Absorb(murmur3::Absorb(murmur3::Absorb(state, 8), static_cast<uint32_t>(word)),
                          static_cast<uint32_t>(word >> 32));
  length += 12;
}

void AbsorbInto(const KeyBytes& bytes, uint32_t& state, uint32_t& length) {
  state = murmur3::AbsorbBlocks(murmur3::Absorb(state, bytes.length), bytes.data, bytes.length);
  if (bytes.length % 4 != 0) state = murmur3::Absorb(state, murmur3::TailOf(bytes.data, bytes.length));
  length += 4 + (bytes.length + 3) / 4 * 4;
}

void AbsorbNull(uint32_t& state, uint32_t& length) {
  state = murmur3::Absorb(state, kNullTag);
  length += 4;
}

void AppendTo(uint64_t word, std::string& out) { out.append(reinterpret_cast<const char*>(&word), sizeof word); }
void AppendTo(const KeyBytes& bytes, std::string& out) { out.append(bytes.data, bytes.length); }

// --- One column. ---

// Values of type null have no bitmap that says so.
bool IsNull(const HashColumn& column, const arrow::ArrayData& array, int64_t row) {
  if (column.value_type->id() == arrow::Type::NA) return true;
  return array.MayHaveNulls() && !arrow::bit_util::GetBit(array.buffers[0]->data(), array.offset + row);
}

template <class Reader>
arrow::Status HashValues(HashColumn& column, const arrow::ArrayData& array, uint32_t* out) {
  Reader values(*column.value_type, array);
  if (!array.MayHaveNulls()) {
    for (int64_t row = 0; row < array.length; ++row) out[row] = HashAlone(values[row]);
    return arrow::Status::OK();
  }
  const uint32_t null_hash = murmur3::Hash(kNullBytes);
  const uint8_t* const validity = array.buffers[0]->data();
  for (int64_t row = 0; row < array.length; ++row)
    out[row] = arrow::bit_util::GetBit(validity, array.offset + row) ? HashAlone(values[row]) : null_hash;
  return arrow::Status::OK();
}

template <class Reader>
arrow::Status AbsorbValues(HashColumn& column, const arrow::ArrayData& array, uint32_t* states, uint32_t* lengths) {
  Reader values(*column.value_type, array);
  const uint8_t* const validity = array.MayHaveNulls() ? array.buffers[0]->data() : nullptr;
  for (int64_t row = 0; row < array.length; ++row) {
    if (validity == nullptr || arrow::bit_util::GetBit(validity, array.offset + row)) {
      AbsorbInto(values[row], states[row], lengths[row]);
    } else {
      AbsorbNull(states[row], lengths[row]);
    }
  }
  return arrow::Status::OK();
}

arrow::Status HashNulls(HashColumn& /*column*/, const arrow::ArrayData& array, uint32_t* out) {
  std::fill_n(out, array.length, murmur3::Hash(kNullBytes));
  return arrow::Status::OK();
}

arrow::Status AbsorbNulls(HashColumn& /*column*/, const arrow::ArrayData& array, uint32_t* states, uint32_t* lengths) {
  for (int64_t row = 0; row < array.length; ++row) AbsorbNull(states[row], lengths[row]);
  return arrow::Status::OK();
}

template <class Reader>
void AppendValueOf(const arrow::DataType& type, const arrow::ArrayData& array, int64_t row, std::string& out) {
  Reader values(type, array);
  AppendTo(values[row], out);
}

// The bytes of a value or of null, as the only column or as one of several.
void AppendKey(const HashColumn& column, const arrow::ArrayData& array, int64_t row, std::string& out) {
  if (IsNull(column, array, row)) {
    out += kNullBytes;
  } else if (column.alone) {
    column.append(*column.value_type, array, row, out);
  } else {
    const std::size_t begin = out.size();
    out.append(4, '\0');
    column.append(*column.value_type, array, row, out);
    const auto length = static_cast<uint32_t>(out.size() - begin - 4);
    std::memcpy(out.data() + begin, &length, sizeof length);
    out.append((4 - length % 4) % 4, '\0');
  }
}

// --- Dictionaries. ---

HashedDictionary HashDictionary(const HashColumn& column, const std::shared_ptr<arrow::ArrayData>& dictionary) {
  HashedDictionary hashed;
  hashed.dictionary = dictionary;
  std::string bytes;
  hashed.begins.push_back(0);
  for (int64_t entry = 0; entry <= dictionary->length; ++entry) {
    bytes.clear();
    if (entry < dictionary->length) {
      AppendKey(column, *dictionary, entry, bytes);
    } else {
      bytes = kNullBytes;
    }
    if (column.alone) {
      hashed.hashes.push_back(murmur3::Hash(bytes));
      continue;
    }
    for (std::size_t at = 0; at < bytes.size(); at += 4) hashed.blocks.push_back(murmur3::Load32(bytes.data() + at));
    hashed.begins.push_back(hashed.blocks.size());
  }
  return hashed;
}

const HashedDictionary& UseDictionary(HashColumn& column, const std::shared_ptr<arrow::ArrayData>& dictionary) {
  auto& kept = column.dictionaries;
  if (!kept.empty() && kept.front().dictionary == dictionary) return kept.front();
  auto found = kept.begin();
  while (found != kept.end() && !SameDictionary(*found->dictionary, *dictionary)) ++found;
  if (found == kept.end()) {
    if (kept.size() == kDictionariesKept) kept.pop_back();
    kept.insert(kept.begin(), HashDictionary(column, dictionary));
  } else {
    std::rotate(kept.begin(), found, found + 1);
  }
  return kept.front();
}

arrow::Status OutsideDictionary(const HashColumn& column, int64_t row, const std::string& index, int64_t entries) {
  return DataError("key column '" + column.name + "', row " + std::to_string(row) + ": dictionary index " + index +
                   " lies outside its dictionary of " + std::to_string(entries) +
                   " entries. Validate the batch where it is made.");
}

// Calls use(row, entry) for each row; null rows have the entry behind the last.
template <std::integral Index, class Use>
arrow::Status ForEachEntry(const HashColumn& column, const arrow::ArrayData& array, std::size_t entries, Use&& use) {
  const Index* const indices = array.GetValues<Index>(1);
  const uint8_t* const validity = array.MayHaveNulls() ? array.buffers[0]->data() : nullptr;
  for (int64_t row = 0; row < array.length; ++row) {
    auto entry = static_cast<std::size_t>(indices[row]);  // A negative index is a high one.
    if (validity != nullptr && !arrow::bit_util::GetBit(validity, array.offset + row)) {
      entry = entries;
    } else if (entry >= entries) [[unlikely]] {
      return OutsideDictionary(column, row, std::to_string(indices[row]), static_cast<int64_t>(entries));
    }
    use(row, entry);
  }
  return arrow::Status::OK();
}

template <std::integral Index>
arrow::Status HashIndices(HashColumn& column, const arrow::ArrayData& array, uint32_t* out) {
  using Unsigned = std::make_unsigned_t<Index>;
  const HashedDictionary& hashed = UseDictionary(column, array.dictionary);
  const uint32_t* const hashes = hashed.hashes.data();
  if (!array.MayHaveNulls()) {  // The usual case, in two passes without branches.
    const Index* const indices = array.GetValues<Index>(1);
    Unsigned highest = 0;
    for (int64_t row = 0; row < array.length; ++row) highest = std::max(highest, static_cast<Unsigned>(indices[row]));
    if (uint64_t{highest} < hashed.entries() && (std::is_unsigned_v<Index> || static_cast<Index>(highest) >= 0)) {
      for (int64_t row = 0; row < array.length; ++row) out[row] = hashes[indices[row]];
      return arrow::Status::OK();
    }
  }
  return ForEachEntry<Index>(column, array, hashed.entries(),
                             [&](int64_t row, std::size_t entry) { out[row] = hashes[entry]; });
}

template <std::integral Index>
arrow::Status AbsorbIndices(HashColumn& column, const arrow::ArrayData& array, uint32_t* states, uint32_t* lengths) {
  const HashedDictionary& hashed = UseDictionary(column, array.dictionary);
  return ForEachEntry<Index>(column, array, hashed.entries(), [&](int64_t row, std::size_t entry) {
    const std::size_t begin = hashed.begins[entry];
    const std::size_t end = hashed.begins[entry + 1];
    uint32_t state = states[row];
    for (std::size_t at = begin; at < end; ++at) state = murmur3::Absorb(state, hashed.blocks[at]);
    states[row] = state;
    lengths[row] += static_cast<uint32_t>(4 * (end - begin));
  });
}

template <class Function>
void WithIndexType(arrow::Type::type type, Function&& function) {
  switch (type) {
    case arrow::Type::INT8:
      return function(int8_t{});
    case arrow::Type::INT16:
      return function(int16_t{});
    case arrow::Type::INT32:
      return function(int32_t{});
    case arrow::Type::INT64:
      return function(int64_t{});
    case arrow::Type::UINT8:
      return function(uint8_t{});
    case arrow::Type::UINT16:
      return function(uint16_t{});
    case arrow::Type::UINT32:
      return function(uint32_t{});
    default:
      return function(uint64_t{});
  }
}

// --- Binding. ---

const std::shared_ptr<arrow::DataType>& StorageOf(const std::shared_ptr<arrow::DataType>& type) {
  return type->id() == arrow::Type::EXTENSION ? checked_cast<const arrow::ExtensionType&>(*type).storage_type() : type;
}

arrow::Type::type IndexTypeOf(const std::shared_ptr<arrow::DataType>& type) {
  return checked_cast<const arrow::DictionaryType&>(*StorageOf(type)).index_type()->id();
}

}  // namespace

arrow::Status BindHashColumn(const arrow::Schema& schema, HashColumn& column) {
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
  column.value_type = StorageOf(column.type);
  if (column.value_type->id() == arrow::Type::DICTIONARY) {
    WithIndexType(IndexTypeOf(column.type), [&column]<class Index>(Index) {
      column.hash = HashIndices<Index>;
      column.absorb = AbsorbIndices<Index>;
    });
    column.value_type = StorageOf(checked_cast<const arrow::DictionaryType&>(*column.value_type).value_type());
  } else if (column.value_type->id() == arrow::Type::NA) {
    column.hash = HashNulls;
    column.absorb = AbsorbNulls;
  }
  const bool has_values = WithKeyReader(column.value_type->id(), [&column]<class Reader>(std::type_identity<Reader>) {
    column.append = AppendValueOf<Reader>;
    if (column.hash == nullptr) {
      column.hash = HashValues<Reader>;
      column.absorb = AbsorbValues<Reader>;
    }
  });
  if (has_values || column.value_type->id() == arrow::Type::NA) return arrow::Status::OK();
  return SchemaError("key column '" + column.name + "' has type " + column.type->ToString() +
                     "; a key is text, binary, a number, a decimal, a boolean, a date, a time, a duration, or a "
                     "dictionary of these. Cast it at its source, or take one of its parts.");
}

arrow::Status AppendRow(const HashColumn& column, const std::shared_ptr<arrow::ArrayData>& array, int64_t row,
                        std::string& out) {
  if (array->dictionary == nullptr || IsNull(column, *array, row)) {
    AppendKey(column, *array, row, out);
    return arrow::Status::OK();
  }
  int64_t entry = 0;
  WithIndexType(IndexTypeOf(array->type),
                [&]<class Index>(Index) { entry = static_cast<int64_t>(array->GetValues<Index>(1)[row]); });
  if (entry < 0 || entry >= array->dictionary->length)
    return OutsideDictionary(column, row, std::to_string(entry), array->dictionary->length);
  AppendKey(column, *array->dictionary, entry, out);
  return arrow::Status::OK();
}

}  // namespace sabot::data::internal
