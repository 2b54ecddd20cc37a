// The input of a task: the frames of its channels as one sequence of frames. By place it is a merge, whose rows depend
// on nobody's speed; by arrival rows come as they are there. One thread at a time; it never waits: when Next() has
// nothing, a channel wakes its receiver.
//
// A frame's rows hold its credits until all of them were handed out. Rows up to the least frontier of all channels may
// always go, so the channel that is furthest behind is emptied completely and its sender can go on; what the others
// brought beyond it waits, bounded by their credits.
//
// A barrier is handed out when every channel that has not ended brought it; until then a channel that did is not read.
// All rows that the least frontier lets go come before it. Rows beyond that frontier stay: they were sent before the
// barrier and belong to the checkpoint. None do where a source that is cut at a place sends that place as its frontier
// and then the barrier, and all sources are cut alike; else the snapshot of the task must hold them (rows_held()).
#pragma once

#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sabot/data/frame.h"
#include "sabot/data/place.h"
#include "sabot/shuffle/channel.h"
#include "sabot/shuffle/merge.h"

namespace sabot::shuffle {

enum class GateOrder { kPlace, kArrival };

class InputGate {
 public:
  InputGate(std::vector<std::shared_ptr<Channel>> channels, std::shared_ptr<arrow::Schema> schema, GateOrder order,
            MergeOptions options = {});

  // The next frame; its rows have no selection and hold no credits. Nothing: more must come first, or the end was
  // given. Errors: those of the channels; (kSchema) a batch has other columns; (kData) by place, and of a channel: rows
  // go back behind its frontier, or have no places. After an error the gate can only be destroyed.
  arrow::Result<std::optional<data::Frame>> Next();

  bool ended() const { return ended_; }  // The end was given.
  int64_t rows_held() const;
  // Up to where a channel is complete as far as the gate has read it; kBeginPlace, kEndPlace: it said nothing, all.
  data::Place frontier(int channel) const { return inputs_[static_cast<std::size_t>(channel)].frontier; }
  // Whose frontier is least: the channel that the others' rows wait for.
  int behind() const;
  // Whether a channel brought a barrier that others still have to bring.
  bool waits_at_barrier(int channel) const { return inputs_[static_cast<std::size_t>(channel)].barrier != 0; }

 private:
  // What is left of a frame. The credits go with the last of them.
  struct Held {
    Piece rows;
    data::Place frontier;
    int32_t segments = 0;
  };
  struct Input {
    std::shared_ptr<Channel> channel;
    std::deque<Held> held = {};
    data::Place frontier = data::kBeginPlace;
    int64_t barrier = 0;  // That it brought and is not handed out.
    bool ended = false;
    int32_t releases = 0;  // Credits of rows in `out_`.
  };

  arrow::Status Read(std::size_t number);
  arrow::Status Take(std::size_t number, data::Frame frame);
  arrow::Status CheckRows(std::size_t number, const data::Frame& frame) const;
  arrow::Status GiveMerged();
  arrow::Status GiveArrived();
  void Give(std::vector<data::Batch> batches, const data::Place& frontier);
  void GiveSignals();
  void Release();
  bool by_place() const { return order_ == GateOrder::kPlace; }

  std::shared_ptr<arrow::Schema> schema_;
  GateOrder order_;
  MergeOptions options_;
  std::vector<Input> inputs_;
  std::deque<data::Frame> out_;  // Ready...
  data::Place given_ = data::kBeginPlace;  // ...and the frontier that goes with the last of them.
  int64_t barrier_ = 0;  // The newest that any channel brought...
  int64_t barrier_given_ = 0;  // ...and that was handed out.
  bool read_again_ = false;  // A barrier was given up: who waited at it may be read.
  std::size_t turn_ = 0;  // By arrival: whose turn it is.
  bool ended_ = false;
};

}  // namespace sabot::shuffle
