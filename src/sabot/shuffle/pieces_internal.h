// What channels share that cut a frame into pieces.
#pragma once

#include <cstdint>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/data/frame.h"

namespace sabot::shuffle::internal {

// `count` rows of a frame from its row `begin` on; `before`: the frontier of the frame that was sent before.
inline data::Frame PieceOf(const data::Frame& rows, int64_t begin, int64_t count, const data::Place& before) {
  const bool last = begin + count == rows.num_rows();
  data::Frame piece = rows;
  if (begin > 0 || !last) {
    if (rows.selection) {
      piece.selection = rows.selection->Slice(begin, count);
    } else {
      piece.batch = rows.batch.Slice(begin, count);
    }
  }
  if (!last) piece.frontier = rows.batch.places.rows() > 0 ? rows.place(begin + count - 1) : before;
  return piece;
}

inline arrow::Status RowTooLarge(const data::Frame& rows, int64_t row, int64_t bytes, int64_t segments,
                                 int64_t segment_bytes) {
  const std::string where = rows.batch.places.rows() > 0 ? rows.place(row).ToString() : "row " + std::to_string(row);
  return data::DataError("shuffle: the row at " + where + " has about " + std::to_string(bytes) +
                         " bytes, but a channel of its own holds " + std::to_string(segments * segment_bytes) + " (" +
                         std::to_string(segments) + " segments of " + std::to_string(segment_bytes) +
                         " bytes). Raise segment_bytes or channel_segments.");
}

}  // namespace sabot::shuffle::internal
