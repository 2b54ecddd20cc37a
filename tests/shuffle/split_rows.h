// What the tests of partitioners share: batches from JSON, and the rows of a split by partition.
#pragma once

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/shuffle/partitioner.h"

namespace sabot::shuffle {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using RowLists = std::vector<std::vector<int32_t>>;

inline ArrayPtr Of(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

inline ArrayPtr Dictionary(const std::string& indices, const ArrayPtr& values) {
  return std::make_shared<arrow::DictionaryArray>(arrow::dictionary(arrow::int32(), values->type()),
                                                  Of(arrow::int32(), indices), values);
}

// Columns "c0", "c1", ...
inline data::Batch BatchOf(const arrow::ArrayVector& columns) {
  arrow::FieldVector fields;
  for (std::size_t at = 0; at < columns.size(); ++at)
    fields.push_back(arrow::field("c" + std::to_string(at), columns[at]->type()));
  return {.rows = arrow::RecordBatch::Make(arrow::schema(fields), columns[0]->length(), columns)};
}

inline RowLists RowsOf(const Split& split, int64_t batch_rows) {
  RowLists lists;
  for (const Split::Part& part : split.parts) {
    auto& list = lists.emplace_back();
    if (part.all) {
      EXPECT_EQ(part.rows.size(), 0);
      list.resize(static_cast<std::size_t>(batch_rows));
      std::iota(list.begin(), list.end(), 0);
    } else {
      list.assign(part.rows.rows().begin(), part.rows.rows().end());
    }
    EXPECT_EQ(part.size(batch_rows), static_cast<int64_t>(list.size()));
  }
  return lists;
}

inline RowLists Partition(Partitioner& partitioner, const data::Batch& batch) {
  return RowsOf(partitioner.Partition(batch).ValueOrDie(), batch.num_rows());
}

inline void ExpectError(const arrow::Status& status, data::ErrorKind kind, const std::string& message) {
  EXPECT_EQ(data::KindOf(status), kind);
  EXPECT_EQ(status.message(), message);
}

}  // namespace sabot::shuffle
