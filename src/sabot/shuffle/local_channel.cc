#include "sabot/shuffle/local_channel.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <mutex>
#include <utility>

#include "sabot/shuffle/pieces_internal.h"
#include "sabot/shuffle/row_bytes.h"

namespace sabot::shuffle {
namespace {

using data::Frame;
using data::FrameKind;

class LocalChannel final : public Channel, public CreditWaiter, public std::enable_shared_from_this<LocalChannel> {
 public:
  explicit LocalChannel(std::shared_ptr<FloatingCredits> credits)
      : credits_(std::move(credits)),
        segment_bytes_(credits_->settings().segment_bytes),
        own_(credits_->segments().channel),
        own_left_(own_) {}

  arrow::Result<int64_t> SendRows(const Frame& rows, int64_t begin) override;
  arrow::Status SendSignal(const Frame& signal) override;
  arrow::Result<std::optional<Frame>> Receive() override;
  void Release(int32_t segments) override;
  int32_t Granted(int32_t segments) override;

 private:
  int32_t SegmentsFor(int64_t rows) const {
    const int64_t segments = (rows * row_bytes_ + segment_bytes_ - 1) / segment_bytes_;
    return static_cast<int32_t>(std::min<int64_t>(segments, std::numeric_limits<int32_t>::max()));
  }
  // Takes credits for as many of `rows` rows as there are some for, and returns the rows and the credits.
  std::pair<int64_t, int32_t> TakeCredits(int64_t rows);
  void Push(Frame&& frame);
  // Under the lock: whether the sender waits and can go on. It waits no longer then.
  bool SenderCanGoOn() {
    return sender_waits_ && own_left_ + floating_in_hand_ >= needed_ && std::exchange(sender_waits_, false);
  }

  const std::shared_ptr<FloatingCredits> credits_;
  const int64_t segment_bytes_;
  const int32_t own_;

  // The sender's.
  const arrow::RecordBatch* measured_ = nullptr;  // Whose rows have...
  int64_t row_bytes_ = 1;                         // ...so many bytes.
  data::Place frontier_ = data::kBeginPlace;            // Of the frame before.

  std::mutex mutex_;
  std::deque<Frame> queue_;
  struct Unreleased {
    int32_t segments;
    int64_t bytes;
  };
  std::deque<Unreleased> unreleased_;  // Frames with rows, sent, some of whose segments are not back.
  int32_t own_left_;
  int32_t floating_in_hand_ = 0;  // Taken for a sender that waits.
  int32_t floating_used_ = 0;
  int32_t needed_ = 0;         // Segments that a waiting sender is woken for: not for every crumb.
  bool asked_ = false;         // For shared segments, perhaps still in the queue.
  bool sender_waits_ = false;
  bool receiver_waits_ = true;  // Who has not asked yet is woken as well.
};

std::pair<int64_t, int32_t> LocalChannel::TakeCredits(int64_t rows) {
  const int32_t wanted = SegmentsFor(rows);
  int32_t unneeded = 0;
  std::pair<int64_t, int32_t> taken;
  {
    const std::lock_guard lock(mutex_);
    const int32_t in_hand = own_left_ + floating_in_hand_;
    if (wanted > in_hand) {
      floating_in_hand_ += credits_->Take(wanted - in_hand, shared_from_this());
      asked_ = true;
    }
    const int64_t fitting = (own_left_ + floating_in_hand_) * segment_bytes_ / row_bytes_;
    const int64_t count = std::min(rows, fitting);
    const int32_t used = SegmentsFor(count);
    const int32_t own_used = std::min(used, own_left_);
    own_left_ -= own_used;
    floating_in_hand_ -= used - own_used;
    floating_used_ += used - own_used;
    taken = {count, used};
    sender_waits_ = count < rows;
    if (sender_waits_) {
      needed_ = std::max(SegmentsFor(1), std::min(SegmentsFor(rows - count), own_));
      counters_.credits_waited.fetch_add(1, std::memory_order_relaxed);
    } else {
      unneeded = std::exchange(floating_in_hand_, 0);
      if (std::exchange(asked_, false)) credits_->Forget(this);
    }
    if (used > 0) unreleased_.push_back({.segments = used, .bytes = count * row_bytes_});
  }
  if (unneeded > 0) credits_->Give(unneeded);
  return taken;
}

arrow::Result<int64_t> LocalChannel::SendRows(const Frame& rows, int64_t begin) {
  const int64_t rest = rows.num_rows() - begin;
  if (rest <= 0) {
    ARROW_RETURN_NOT_OK(SendSignal(Frame::Frontier(rows.frontier)));
    return 0;
  }
  if (begin == 0 || rows.batch.rows.get() != measured_) {
    measured_ = rows.batch.rows.get();
    row_bytes_ = RowBytes(*measured_);
  }
  if (row_bytes_ > own_ * segment_bytes_) {
    return internal::RowTooLarge(rows, begin, row_bytes_, own_, segment_bytes_);
  }
  const auto [count, segments] = TakeCredits(rest);
  if (count == 0) return 0;

  Frame piece = internal::PieceOf(rows, begin, count, frontier_);
  piece.segments = segments;
  frontier_ = piece.frontier;
  counters_.rows_sent.fetch_add(count, std::memory_order_relaxed);
  counters_.bytes_sent.fetch_add(count * row_bytes_, std::memory_order_relaxed);
  counters_.bytes_queued.fetch_add(count * row_bytes_, std::memory_order_relaxed);
  counters_.credits_held.fetch_add(segments, std::memory_order_relaxed);
  Push(std::move(piece));
  return count;
}

arrow::Status LocalChannel::SendSignal(const Frame& signal) {
  if (signal.kind == FrameKind::kFrontier) frontier_ = signal.frontier;
  Push(Frame(signal));
  return arrow::Status::OK();
}

void LocalChannel::Push(Frame&& frame) {
  counters_.frames_sent.fetch_add(1, std::memory_order_relaxed);
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    if (frame.kind == FrameKind::kFrontier && !queue_.empty() && queue_.back().kind == FrameKind::kFrontier) {
      queue_.back() = std::move(frame);
    } else {
      queue_.push_back(std::move(frame));
    }
    wake = std::exchange(receiver_waits_, false);
  }
  if (wake) wake_receiver_();
}

arrow::Result<std::optional<Frame>> LocalChannel::Receive() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) {
    receiver_waits_ = true;
    return std::nullopt;
  }
  Frame frame = std::move(queue_.front());
  queue_.pop_front();
  return frame;
}

void LocalChannel::Release(int32_t segments) {
  int32_t floating;
  int64_t bytes = 0;
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    floating = std::min(segments, floating_used_);
    floating_used_ -= floating;
    own_left_ = std::min(own_, own_left_ + segments - floating);
    for (int32_t left = segments; left > 0 && !unreleased_.empty();) {
      Unreleased& oldest = unreleased_.front();
      const int32_t back = std::min(left, oldest.segments);
      const int64_t share = oldest.bytes / oldest.segments * back;
      bytes += back == oldest.segments ? oldest.bytes : share;
      left -= back;
      oldest = {.segments = oldest.segments - back, .bytes = oldest.bytes - share};
      if (oldest.segments == 0) unreleased_.pop_front();
    }
    wake = SenderCanGoOn();
  }
  counters_.bytes_queued.fetch_sub(bytes, std::memory_order_relaxed);
  counters_.credits_held.fetch_sub(segments, std::memory_order_relaxed);
  if (wake) wake_sender_();
  if (floating > 0) credits_->Give(floating);
}

int32_t LocalChannel::Granted(int32_t segments) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    if (!asked_) return segments;  // All rows went by other segments meanwhile.
    floating_in_hand_ += segments;
    wake = SenderCanGoOn();
  }
  if (wake) wake_sender_();
  return 0;
}

}  // namespace

std::shared_ptr<Channel> MakeLocalChannel(std::shared_ptr<FloatingCredits> credits) {
  return std::make_shared<LocalChannel>(std::move(credits));
}

}  // namespace sabot::shuffle
