// The key of kernels that read two symbols of one stream: the pair, which no column holds. It is made of the symbols.
#pragma once

#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
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
    std::shared_ptr<arrow::RecordBatch> keys;  // The pair on rows of either symbol, null on all others.
    std::shared_ptr<arrow::Buffer> legs;  // int8 a row: 0 on rows of a, 1 on rows of b; 0 on all others.
  };
  // Symbols are compared by value. Error (kData): a dictionary index outside its dictionary.
  arrow::Result<Rows> Of(const arrow::RecordBatch& batch);

 private:
  PairKeys() = default;
  arrow::Result<data::KeyIndex> FreshSymbols() const;

  std::shared_ptr<arrow::Schema> schema_;  // Of the batches,
  std::vector<std::string> by_;  // and their column.
  std::shared_ptr<arrow::Array> pair_;  // The two symbols as keys of it.
  std::shared_ptr<arrow::ArrayData> a_;  // Dictionaries of one symbol.
  std::shared_ptr<arrow::ArrayData> b_;
  std::vector<data::KeyIndex> symbols_;  // One: slot 0 is a, slot 1 is b.
  std::vector<int32_t> slots_;
};

}  // namespace sabot::operators
