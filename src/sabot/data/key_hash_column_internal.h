// One column of a hashed key. KeyHasher puts the columns of a key together.
#pragma once

#include <arrow/array/data.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sabot::data::internal {

// The entries of a dictionary, hashed; behind them one for null rows.
struct HashedDictionary {
  std::shared_ptr<arrow::ArrayData> dictionary;  // Kept, so that its addresses stay its own.
  std::vector<uint32_t> hashes;                  // [entries + 1] as the only column,
  std::vector<uint32_t> blocks;                  // or what a row takes in of several columns:
  std::vector<std::size_t> begins;               // [entries + 2] entry e has blocks [begins[e], begins[e + 1]).
  std::size_t entries() const { return static_cast<std::size_t>(dictionary->length); }
};

struct HashColumn;
using HashRows = arrow::Status (*)(HashColumn&, const arrow::ArrayData&, uint32_t* out);
using AbsorbRows = arrow::Status (*)(HashColumn&, const arrow::ArrayData&, uint32_t* states, uint32_t* lengths);
using AppendValue = void (*)(const arrow::DataType&, const arrow::ArrayData&, int64_t row, std::string& out);

struct HashColumn {
  std::string name;
  int position = -1;                            // In the schema.
  bool alone = true;                            // No other column belongs to the key.
  std::shared_ptr<arrow::DataType> type;        // As in the schema,
  std::shared_ptr<arrow::DataType> value_type;  // and of its values: of a dictionary's, of an extension's storage.
  HashRows hash = nullptr;
  AbsorbRows absorb = nullptr;
  AppendValue append = nullptr;  // Of a value that is not null; of a dictionary's entries.
  std::vector<HashedDictionary> dictionaries;  // The one in use first.
};

// Finds the column that `column.name` names and how it is hashed; `column.alone` is set. Errors: those of
// KeyHasher::Make.
arrow::Status BindHashColumn(const arrow::Schema& schema, HashColumn& column);

// Appends the canonical bytes of one row, a null's too. Error (kData): a dictionary index outside its dictionary.
arrow::Status AppendRow(const HashColumn& column, const std::shared_ptr<arrow::ArrayData>& array, int64_t row,
                        std::string& out);

}  // namespace sabot::data::internal
