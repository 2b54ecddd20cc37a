#include "sabot/engine/operator_chain.h"

#include <algorithm>
#include <utility>

namespace sabot::engine {

// The inbox of the next operator: it has room for one batch.
class OperatorChain::Room final : public operators::Output {
 public:
  explicit Room(Frames& frames) : frames_(frames) {}
  arrow::Result<operators::Progress> Emit(data::Batch batch, int /*port*/) override {
    frames_.push_back(data::Frame::Rows(std::move(batch), data::kBeginPlace));
    return operators::Progress::kMore;
  }

 private:
  Frames& frames_;
};

OperatorChain::OperatorChain(std::vector<std::unique_ptr<operators::Operator>> operators) {
  for (auto& op : operators) links_.push_back({.op = std::move(op)});
}

void OperatorChain::Push(data::Frame frame) {
  (links_.empty() ? out_ : links_.front().inbox).push_back(std::move(frame));
}

arrow::Result<bool> OperatorChain::Step() {
  for (std::size_t i = links_.size(); i-- > 0;) {
    Link& link = links_[i];
    Frames& next = i + 1 < links_.size() ? links_[i + 1].inbox : out_;
    Room room(next);
    operators::Progress progress = operators::Progress::kDone;
    if (link.more) {
      ARROW_ASSIGN_OR_RAISE(progress, link.op->Resume(room));
    } else if (link.passing) {
      next.push_back(*std::exchange(link.passing, std::nullopt));
    } else if (!link.inbox.empty()) {
      ARROW_ASSIGN_OR_RAISE(progress, Take(link, room));
    } else {
      continue;
    }
    link.more = progress == operators::Progress::kMore;
    return true;
  }
  return false;
}

arrow::Result<operators::Progress> OperatorChain::Take(Link& link, operators::Output& room) {
  const data::Frame frame = std::move(link.inbox.front());
  link.inbox.pop_front();
  switch (frame.kind) {
    case data::FrameKind::kRows:
      if (frame.frontier > data::kBeginPlace) link.inbox.push_front(data::Frame::Frontier(frame.frontier));
      return link.op->Process(0, frame.batch, room);
    case data::FrameKind::kFrontier:
    case data::FrameKind::kEnd:
      link.passing = frame;
      return link.op->OnTime(frame.frontier, room);
    case data::FrameKind::kBarrier:
      link.passing = frame;
      return operators::Progress::kDone;
  }
  return operators::Progress::kDone;
}

arrow::Result<std::optional<data::Frame>> OperatorChain::Next() {
  while (out_.size() < 2) {  // A frontier that follows rows travels with them.
    ARROW_ASSIGN_OR_RAISE(const bool did, Step());
    if (!did) break;
  }
  if (out_.empty()) return std::nullopt;
  std::optional<data::Frame> next = std::move(out_.front());
  out_.pop_front();
  if (next->kind == data::FrameKind::kRows && !out_.empty() && out_.front().kind == data::FrameKind::kFrontier) {
    next->frontier = out_.front().frontier;
    out_.pop_front();
  }
  // Operators give rows in the order of their places, so all up to the last one have been given.
  if (next->kind == data::FrameKind::kRows && next->batch.places.rows() > 0) {
    next->frontier = std::max(next->frontier, next->batch.places.at(next->batch.places.rows() - 1));
  }
  if (next->kind != data::FrameKind::kBarrier) frontier_ = next->frontier = std::max(frontier_, next->frontier);
  return next;
}

}  // namespace sabot::engine
