// The key of kernels that read two symbols of one stream: the pair, which no column holds. It is made of the symbols.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sabot/data/key_index.h"
#include "sabot/operators/keyed_kernel.h"

namespace sabot::operators {

class PairKeys {
 public:
  // The symbols are values of the column `by`. Errors (kSchema): it can be no key column; (kOption): it holds integers,
  // and one of the symbols is none. `kernel` begins messages.
  static arrow::Result<PairKeys> Make(const arrow::Schema& schema, const std::string& by, SymbolPair pair,
                                      const std::string& kernel);

  // The key columns, and the schema of what Of gives.
  static const std::vector<std::string>& Columns();  // {"symbol_a", "symbol_b"}
  static const std::shared_ptr<arrow::Schema>& KeySchema();

  struct Rows {
    std::span<int8_t> legs;  // out, one a row: 0 on rows of a, 1 on rows of b; anything on all others.
    std::span<uint64_t> has_key;  // [ceil(rows / 64)] out: bit r is set on rows of either.
    bool all_have_key = false;  // out
  };
  // Finds the rows [begin, begin + rows.legs.size()) of either symbol, which are compared by value, and gives the pair
  // its slot in `keys`, 0, when there is the first one: other keys are not in it. Error (kData): a dictionary index
  // outside its dictionary.
  arrow::Status Resolve(const arrow::RecordBatch& batch, int64_t begin, data::KeyIndex& keys, Rows& rows);

  // As many rows of the pair.
  std::shared_ptr<arrow::RecordBatch> OfEveryRow(int64_t rows) const;

 private:
  PairKeys() = default;
  arrow::Result<data::KeyIndex> FreshSymbols() const;

  std::shared_ptr<arrow::Schema> schema_;  // Of the batches,
  std::vector<std::string> by_;  // and their column.
  std::shared_ptr<arrow::Array> pair_;  // The two symbols as keys of it.
  std::array<std::shared_ptr<arrow::Array>, 2> pair_key_;  // The two symbols as text, an array each.
  std::vector<data::KeyIndex> symbols_;  // One: slot 0 is a, slot 1 is b.
  std::vector<int32_t> symbol_slots_;  // Of the rows in hand.
};

}  // namespace sabot::operators
