// A digest of rows in their order: the same for the same values, however they are cut into batches and encoded. What
// diff calls equal has one digest: bits count, any NaN is as any other, a dictionary is its values.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sabot::engine {

// One thread at a time. Memory is that of the dictionaries of the last batch.
class RowDigest {
 public:
  explicit RowDigest(std::shared_ptr<arrow::Schema> schema);
  RowDigest(RowDigest&&) noexcept;
  ~RowDigest();

  // Error (kSchema): the batch has other columns.
  arrow::Status Add(const arrow::RecordBatch& batch);
  int64_t rows() const { return rows_; }
  std::string Hex() const;  // 32 digits: of the columns' names, types and values, and of the number of rows.

 private:
  struct Column;

  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Column> columns_;
  int64_t rows_ = 0;
};

}  // namespace sabot::engine
