// Operators that follow one another, as one state machine: frames in, frames out. What one gives the next takes, and
// one that has more to give than its neighbour has room for is resumed before anything new is begun. A frontier, a
// barrier and the end pass an operator when it has nothing left to give of what came before. One thread at a time.
#pragma once

#include <arrow/result.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/data/frame.h"
#include "sabot/operators/operator.h"
#include "sabot/state/key_store.h"

namespace sabot::engine {

class OperatorChain {
 public:
  // Bound operators, in the order in which rows pass; none: frames pass as they are.
  explicit OperatorChain(std::vector<std::unique_ptr<operators::Operator>> operators);

  // Takes a frame, rows without a selection; only when Next last gave nothing.
  void Push(data::Frame frame);
  // What comes out next; nothing: it must be fed, or has given the end. Rows carry the frontier that holds behind them.
  arrow::Result<std::optional<data::Frame>> Next();

  // The state of each operator, when Next gave a barrier, as of that barrier.
  std::size_t size() const { return links_.size(); }
  arrow::Result<operators::FrozenState> Freeze(std::size_t op) { return links_[op].op->Freeze(); }
  bool state_in_files(std::size_t op) const { return links_[op].op->state_in_files(); }
  arrow::Result<std::vector<state::KeyStore::File>> FreezeFiles(std::size_t op, const std::string& folder) {
    return links_[op].op->FreezeFiles(folder);
  }

 private:
  using Frames = std::deque<data::Frame>;
  class Room;
  struct Link {
    std::unique_ptr<operators::Operator> op;
    Frames inbox = {};
    bool more = false;  // It must be resumed.
    std::optional<data::Frame> passing = std::nullopt;  // What it passes on when it has nothing left to give.
  };

  // Does the next thing; false: there is nothing to do.
  arrow::Result<bool> Step();
  arrow::Result<operators::Progress> Take(Link& link, operators::Output& room);

  std::deque<Link> links_;
  Frames out_;
  data::Place frontier_ = data::kBeginPlace;  // Of what was given.
};

}  // namespace sabot::engine
