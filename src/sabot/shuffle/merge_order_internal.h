// Where each row of several channels comes in the order of all.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <span>
#include <vector>

#include "sabot/data/place.h"
#include "sabot/shuffle/merge.h"

namespace sabot::shuffle {

struct MergedOrder {
  std::vector<int32_t> ranks;  // Of the rows of all pieces, piece after piece; ascending in each channel.
  data::Places places = {};    // Of the merged rows.
};

// Pieces of one channel stand side by side, channels ascend. Errors as those of Merge().
arrow::Result<MergedOrder> OrderRows(std::span<const Piece> pieces, bool equal_places_fail);

}  // namespace sabot::shuffle
