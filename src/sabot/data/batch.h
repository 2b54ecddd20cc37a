// What operators pass on: rows in columns, and the place of each.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>

#include "sabot/data/place.h"

namespace sabot::data {

struct Batch {
  std::shared_ptr<arrow::RecordBatch> rows;
  Places places = {};  // One a row; none where nobody downstream asks for them.

  int64_t num_rows() const { return rows->num_rows(); }
  Batch Slice(int64_t begin, int64_t count) const {
    return {.rows = rows->Slice(begin, count), .places = places.Slice(begin, count)};
  }
};

}  // namespace sabot::data
