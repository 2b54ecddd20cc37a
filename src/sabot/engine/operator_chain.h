// Operators that follow one another, as one state machine: what one gives the next takes, and one that has more to give
// than its neighbour has room for is resumed before anything new is begun. One thread at a time.
#pragma once

#include <arrow/result.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sabot/data/batch.h"
#include "sabot/operators/operator.h"

namespace sabot::engine {

class OperatorChain {
 public:
  // Bound operators, in the order in which rows pass.
  explicit OperatorChain(std::vector<std::unique_ptr<operators::Operator>> operators);

  // Takes a batch; only when Next last gave nothing.
  void Push(data::Batch batch);
  // No more batches will come.
  void End();
  // What comes out next; nothing: it must be fed, or has ended.
  arrow::Result<std::optional<data::Batch>> Next();

 private:
  class Room;
  struct Link {
    std::unique_ptr<operators::Operator> op;
    std::unique_ptr<std::deque<data::Batch>> inbox = std::make_unique<std::deque<data::Batch>>();
    bool more = false;  // It must be resumed.
    bool ending = false;  // It was told that there are no more rows.
  };

  // Does the next thing; false: there is nothing to do.
  arrow::Result<bool> Step();

  std::vector<Link> links_;
  std::unique_ptr<std::deque<data::Batch>> out_ = std::make_unique<std::deque<data::Batch>>();
  bool ended_ = false;
};

}  // namespace sabot::engine
