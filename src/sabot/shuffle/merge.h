// Rows of several channels in the order of their places: what comes out depends on the rows alone, not on which channel
// was faster. Columns are gathered once, straight from the batches that the channels brought.
// What is merged at once is bounded, so that it stays in the cache.
#pragma once

#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sabot/data/batch.h"
#include "sabot/data/selection.h"

namespace sabot::shuffle {

// Batches handed out have at most so many rows.
inline constexpr int64_t kMergedRowsMax = 131'072;

#ifdef NDEBUG
inline constexpr bool kDebugBuild = false;
#else
inline constexpr bool kDebugBuild = true;
#endif

// Rows that a channel brought, in place order: a batch or some rows of it.
struct Piece {
  int channel = 0;
  data::Batch batch;
  std::optional<data::Selection> selection = {};  // Unset: all rows.

  int64_t num_rows() const { return selection ? selection->size() : batch.num_rows(); }
  int64_t batch_row(int64_t row) const { return selection ? selection->rows()[static_cast<std::size_t>(row)] : row; }
  data::Place place(int64_t row) const { return batch.places.at(batch_row(row)); }
  int64_t RowsUpTo(const data::Place& most) const;  // How many have a place up to `most`.
  Piece Slice(int64_t begin, int64_t count) const;
  // A batch of its own. Columns are copied only where the rows do not stand side by side.
  arrow::Result<data::Batch> Dense() const;
};

struct MergeOptions {
  int64_t rows_max = kMergedRowsMax;  // Of one batch.
  // Two channels bring a row of the same place: an error (kData), or in the order of the channels.
  bool equal_places_fail = kDebugBuild;
};

// The rows of all pieces, in place order; rows of equal place by channel. Pieces of one channel come in place order,
// and none is empty. Pieces that lie apart, and pieces that together are a stretch of one batch, are passed on
// uncopied, and so are the columns that such pieces had before others were appended (data::Origin). Errors: (kData) a
// piece is not in place order or has no places; OutOfMemory, CapacityError: text of more than 2 GB in one batch.
arrow::Result<std::vector<data::Batch>> Merge(std::vector<Piece> pieces, const std::shared_ptr<arrow::Schema>& schema,
                                              const MergeOptions& options = {});

}  // namespace sabot::shuffle
