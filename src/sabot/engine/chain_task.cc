#include "sabot/engine/chain_task.h"

#include "sabot/data/errors.h"
#include "sabot/operators/map.h"

namespace sabot::engine {
namespace {

// An error of the rows of a batch, with the place of that batch.
arrow::Status WithPlace(const arrow::Status& status, const data::Batch& batch) {
  if (data::KindOf(status) != data::ErrorKind::kData || batch.places.rows() == 0) return status;
  if (status.message().find(" of source ") != std::string::npos) return status;  // It has one.
  return status.WithMessage(status.message(), " It was met in ", operators::WhereIs(batch), ".");
}

}  // namespace

arrow::Result<std::optional<data::Frame>> ChainTask::FromChain() {
  auto frame = chain_.Next();
  if (!frame.ok()) return WithPlace(frame.status(), last_);
  return frame;
}

arrow::Result<Turn> ChainTask::Step() {
  ARROW_ASSIGN_OR_RAISE(const bool flushed, output_->Flush());
  if (!flushed) return Turn::kNoRoom;
  if (ended_) return Turn::kEnded;
  ARROW_ASSIGN_OR_RAISE(auto out, FromChain());
  if (!out) {
    ARROW_ASSIGN_OR_RAISE(auto in, input_->Next());
    if (!in) return Turn::kNoInput;
    if (in->kind == data::FrameKind::kRows) last_ = in->batch;
    chain_.Push(std::move(*in));
    ARROW_ASSIGN_OR_RAISE(out, FromChain());
    if (!out) return Turn::kMore;
  }
  ended_ = out->kind == data::FrameKind::kEnd;
  if (settings_.listener != nullptr) {
    if (ended_) settings_.listener->AtEnd(settings_.number);
    if (out->kind == data::FrameKind::kBarrier) {
      ARROW_RETURN_NOT_OK(settings_.listener->AtBarrier(settings_.number, out->checkpoint, chain_));
    }
  }
  ARROW_RETURN_NOT_OK(output_->Put(std::move(*out)));
  ARROW_ASSIGN_OR_RAISE(const bool sent, output_->Flush());
  if (!sent) return Turn::kNoRoom;
  return ended_ ? Turn::kEnded : Turn::kMore;
}

}  // namespace sabot::engine
