// One column of a key: its values as ids, in order of first appearance. KeyIndex folds the ids of several columns.
#pragma once

#include <arrow/array/data.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sabot/data/key_table_internal.h"

namespace sabot::data::internal {

inline constexpr int64_t kWordRows = 64;               // Rows of a validity word.
inline constexpr int64_t kChunkRows = 16 * kWordRows;  // Rows resolved together, within the first-level cache.

// The entries of one dictionary as ids.
struct Remap {
  std::shared_ptr<arrow::ArrayData> dictionary;  // Kept, so that its addresses stay its own.
  std::vector<int32_t> ids;                      // Or less than 0: not resolved so far, or null.
};

struct KeyColumn;

// Resolves rows [row, row + count) of an array, count at most kChunkRows, to ids (0 where null). Clears the bits of
// null rows in `has_key` and leaves rows alone whose bit is clear already.
using ChunkResolver = arrow::Status (*)(KeyColumn&, const arrow::ArrayData&, int64_t row, int64_t count, int32_t* ids,
                                        uint64_t* has_key);
// The id of an entry that is not null, or what FindOrInsert returns instead of one.
using EntryResolver = int32_t (*)(KeyColumn&, const arrow::ArrayData& dictionary, int64_t entry);

struct KeyColumn {
  std::string name;
  int position = -1;                          // In the schema.
  std::shared_ptr<arrow::DataType> type;      // As in the schema,
  std::shared_ptr<arrow::DataType> key_type;  // and as Keys() gives it.
  ChunkResolver resolve = nullptr;
  ChunkResolver resolve_keys = nullptr;  // For columns of `key_type`.
  EntryResolver resolve_entry = nullptr;
  StringTable strings;
  IntegerTable integers;
  std::vector<Remap> remaps;  // The one in use first.

  template <class Table>
  Table& table() {
    if constexpr (std::same_as<Table, StringTable>) {
      return strings;
    } else {
      return integers;
    }
  }
};

// Whether what was found for one holds for the other: the same values in the same memory. `kept` is kept alive.
bool SameDictionary(const arrow::ArrayData& kept, const arrow::ArrayData& other);

// Finds the column that `column.name` names and how it is resolved. Errors: those of KeyIndex::Make.
arrow::Status BindColumn(const arrow::Schema& schema, KeyColumn& column);

// The values that belong to `ids`, in their order, as `key_type`.
arrow::Result<std::shared_ptr<arrow::Array>> ValuesOf(const KeyColumn& column, std::span<const int32_t> ids);

// Why a table refused a key (kData); `why` is what it returned instead of an id.
arrow::Status CannotInsert(const std::string& column, int32_t why);

}  // namespace sabot::data::internal
