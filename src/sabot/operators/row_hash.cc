#include "sabot/operators/row_hash.h"

#include <arrow/array.h>
#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "sabot/data/errors.h"

namespace sabot::operators {
namespace {

using arrow::internal::checked_cast;

constexpr uint64_t kNull = 0x6E756C6C;

// The finalizer of splitmix64: every bit of the input moves every bit of the output.
uint64_t Mix(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
  return bits ^ (bits >> 31);
}

uint64_t HashOf(std::string_view bytes) {
  uint64_t hash = bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    hash = Mix(hash ^ word);
  }
  return hash;
}

template <class HashOfRow>
void Add(const arrow::Array& column, std::vector<uint64_t>& hashes, HashOfRow hash_of_row) {
  for (int64_t row = 0; row < column.length(); ++row) {
    uint64_t& hash = hashes[static_cast<std::size_t>(row)];
    hash = Mix(hash * 31 + (column.IsNull(row) ? kNull : hash_of_row(row)));
  }
}

template <class StringArray>
void AddStrings(const arrow::Array& column, std::vector<uint64_t>& hashes) {
  const auto& strings = checked_cast<const StringArray&>(column);
  Add(column, hashes, [&](int64_t row) { return HashOf(strings.GetView(row)); });
}

template <class Word>
void AddWords(const arrow::Array& column, std::vector<uint64_t>& hashes) {
  const auto* const values = column.data()->GetValues<Word>(1);
  Add(column, hashes, [&](int64_t row) { return static_cast<uint64_t>(values[row]); });
}

arrow::Status AddColumn(const arrow::Array& column, std::vector<uint64_t>& hashes) {
  switch (column.type_id()) {
    case arrow::Type::BOOL:
      Add(column, hashes, [&](int64_t row) {
        return static_cast<uint64_t>(checked_cast<const arrow::BooleanArray&>(column).Value(row));
      });
      return arrow::Status::OK();
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      AddStrings<arrow::BinaryArray>(column, hashes);
      return arrow::Status::OK();
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      AddStrings<arrow::LargeBinaryArray>(column, hashes);
      return arrow::Status::OK();
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      AddStrings<arrow::BinaryViewArray>(column, hashes);
      return arrow::Status::OK();
    case arrow::Type::DICTIONARY: {
      const auto& coded = checked_cast<const arrow::DictionaryArray&>(column);
      std::vector<uint64_t> entries(static_cast<std::size_t>(coded.dictionary()->length()));
      ARROW_RETURN_NOT_OK(AddColumn(*coded.dictionary(), entries));
      for (int64_t row = 0; row < coded.length(); ++row) {
        if (coded.IsNull(row)) continue;
        const int64_t index = coded.GetValueIndex(row);
        if (index >= 0 && index < coded.dictionary()->length()) continue;
        return data::DataError("row " + std::to_string(row) + " of a batch: dictionary index " + std::to_string(index) +
                               " lies outside its dictionary of " + std::to_string(coded.dictionary()->length()) +
                               " entries. Validate the batch where it is made.");
      }
      Add(column, hashes, [&](int64_t row) { return entries[static_cast<std::size_t>(coded.GetValueIndex(row))]; });
      return arrow::Status::OK();
    }
    default:
      break;
  }
  switch (arrow::is_fixed_width(column.type_id()) ? column.type()->bit_width() : 0) {
    case 8:
      AddWords<uint8_t>(column, hashes);
      break;
    case 16:
      AddWords<uint16_t>(column, hashes);
      break;
    case 32:
      AddWords<uint32_t>(column, hashes);
      break;
    case 64:
      AddWords<uint64_t>(column, hashes);
      break;
    default:
      break;
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<std::vector<uint64_t>> HashRows(const arrow::RecordBatch& batch, const std::vector<int>& columns) {
  std::vector<uint64_t> hashes(static_cast<std::size_t>(batch.num_rows()));
  for (const int column : columns) ARROW_RETURN_NOT_OK(AddColumn(*batch.column(column), hashes));
  return hashes;
}

}  // namespace sabot::operators
