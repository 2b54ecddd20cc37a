// The input of a task that several channels feed: merges their rows by place, so that what comes out depends on the
// rows alone and not on which channel was faster. Rows of equal place (one source that came by two ways) come in the
// order of their channels. One thread at a time; it never waits.
//
//   while (!gate.ended()) {
//     ARROW_ASSIGN_OR_RAISE(auto batch, gate.Next());
//     if (batch) use(*batch); else feed the channel gate.wanted() says;
//   }
#pragma once

#include <arrow/result.h>
#include <arrow/type.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sabot/data/batch.h"

namespace sabot::shuffle {

class Gate {
 public:
  Gate(int channels, std::shared_ptr<arrow::Schema> schema);

  // The next rows of a channel, in place order and not behind its earlier ones; empty batches are allowed.
  // Error (kData): they go back.
  arrow::Status Push(int channel, data::Batch batch);
  void End(int channel);

  // All rows that no channel can precede any more, in order: those up to the channel that is furthest behind. Nothing,
  // when that channel must bring more first.
  arrow::Result<std::optional<data::Batch>> Next();
  // The channel that is furthest behind. All others may be fed, too, but then hold more rows.
  int wanted() const { return behind_; }
  // All channels have ended and all rows were given.
  bool ended() const;
  int64_t rows_held() const;

 private:
  struct Channel {
    std::deque<data::Batch> batches;
    data::Place last;  // Of the rows it brought,
    bool began = false;  // if it brought any.
    bool ended = false;
  };
  struct Piece {  // Rows of one channel that may go.
    int channel;
    data::Batch batch;
  };

  void FindBehind();
  bool MayGo(const data::Place& place, int channel) const;
  std::vector<Piece> TakePieces();
  arrow::Result<data::Batch> Merge(std::vector<Piece> pieces) const;

  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Channel> channels_;
  int behind_ = 0;
  std::deque<data::Batch> ready_;
};

}  // namespace sabot::shuffle
