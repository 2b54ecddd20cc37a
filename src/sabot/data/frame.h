// What passes between tasks, in order, on a channel.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "sabot/data/batch.h"
#include "sabot/data/place.h"
#include "sabot/data/selection.h"

namespace sabot::data {

enum class FrameKind : uint8_t {
  kRows,      // A batch, or in process some rows of one that other channels share.
  kFrontier,  // No rows, but the promise that goes with a frontier.
  kBarrier,   // Of a checkpoint: all rows before it belong to the checkpoint, none behind it does.
  kEnd,       // Nothing comes after it.
};

struct Frame {
  FrameKind kind = FrameKind::kRows;
  Batch batch = {};                                // Of kRows...
  std::optional<Selection> selection = {};         // ...and which of its rows; unset: all.
  // Of kRows and kFrontier: every row of this channel up to here has been sent. kEndPlace, of kEnd.
  Place frontier = {};
  int64_t checkpoint = 0;  // Of kBarrier.
  int32_t segments = 0;    // Credits that a received frame holds; set by the channel.

  static Frame Rows(Batch rows, Place frontier) { return {.batch = std::move(rows), .frontier = frontier}; }
  static Frame Rows(Batch rows, Selection selection, Place frontier) {
    return {.batch = std::move(rows), .selection = std::move(selection), .frontier = frontier};
  }
  static Frame Frontier(Place place) { return {.kind = FrameKind::kFrontier, .frontier = place}; }
  static Frame Barrier(int64_t checkpoint) { return {.kind = FrameKind::kBarrier, .checkpoint = checkpoint}; }
  static Frame End() { return {.kind = FrameKind::kEnd, .frontier = kEndPlace}; }

  int64_t num_rows() const {
    if (kind != FrameKind::kRows) return 0;
    return selection ? selection->size() : batch.num_rows();
  }
  // The place of a row of the frame, where rows have places.
  Place place(int64_t row) const {
    return batch.places.at(selection ? selection->rows()[static_cast<std::size_t>(row)] : row);
  }
};

}  // namespace sabot::data
