// What operators pass on: rows in columns, and the place of each.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>

#include "sabot/data/place.h"
#include "sabot/data/selection.h"

namespace sabot::data {

// A batch that was divided, and which of its rows somebody got.
struct Origin {
  std::shared_ptr<arrow::RecordBatch> base;
  Selection rows;
};

struct Batch {
  std::shared_ptr<arrow::RecordBatch> rows;
  Places places = {};  // One a row; none where nobody downstream asks for them.
  // Where it is set, the first columns are those of its base, at its rows: who only appends columns passes it on, so
  // that a merge of all parts finds these columns put together already.
  std::shared_ptr<const Origin> origin = nullptr;

  int64_t num_rows() const { return rows->num_rows(); }
  Batch Slice(int64_t begin, int64_t count) const {
    Batch slice{.rows = rows->Slice(begin, count), .places = places.Slice(begin, count)};
    if (origin != nullptr) {
      slice.origin = std::make_shared<Origin>(
          Origin{.base = origin->base, .rows = origin->rows.Slice(begin, slice.rows->num_rows())});
    }
    return slice;
  }
};

}  // namespace sabot::data
