#include "sabot/engine/operator_chain.h"

#include <utility>

namespace sabot::engine {

// The inbox of the next operator: it has room for one batch.
class OperatorChain::Room final : public operators::Output {
 public:
  explicit Room(std::deque<data::Batch>& batches) : batches_(batches) {}
  arrow::Result<operators::Progress> Emit(data::Batch batch, int /*port*/) override {
    batches_.push_back(std::move(batch));
    return operators::Progress::kMore;
  }

 private:
  std::deque<data::Batch>& batches_;
};

OperatorChain::OperatorChain(std::vector<std::unique_ptr<operators::Operator>> operators) {
  for (auto& op : operators) links_.push_back({.op = std::move(op)});
}

void OperatorChain::Push(data::Batch batch) {
  (links_.empty() ? out_ : links_.front().inbox)->push_back(std::move(batch));
}

void OperatorChain::End() { ended_ = true; }

arrow::Result<bool> OperatorChain::Step() {
  for (std::size_t i = links_.size(); i-- > 0;) {
    Link& link = links_[i];
    Room room(i + 1 < links_.size() ? *links_[i + 1].inbox : *out_);
    operators::Progress progress;
    if (link.more) {
      ARROW_ASSIGN_OR_RAISE(progress, link.op->Resume(room));
    } else if (!link.inbox->empty()) {
      const data::Batch batch = std::move(link.inbox->front());
      link.inbox->pop_front();
      ARROW_ASSIGN_OR_RAISE(progress, link.op->Process(0, batch, room));
    } else if (!link.ending && (i == 0 ? ended_ : links_[i - 1].ending && !links_[i - 1].more)) {
      link.ending = true;
      ARROW_ASSIGN_OR_RAISE(progress, link.op->OnTime(data::kEndPlace, room));
    } else {
      continue;
    }
    link.more = progress == operators::Progress::kMore;
    return true;
  }
  return false;
}

arrow::Result<std::optional<data::Batch>> OperatorChain::Next() {
  while (out_->empty()) {
    ARROW_ASSIGN_OR_RAISE(const bool did, Step());
    if (!did) return std::nullopt;
  }
  std::optional<data::Batch> next = std::move(out_->front());
  out_->pop_front();
  return next;
}

}  // namespace sabot::engine
