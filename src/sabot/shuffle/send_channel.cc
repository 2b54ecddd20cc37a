#include "sabot/shuffle/send_channel_internal.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sabot/shuffle/row_bytes.h"
#include "sabot/shuffle/wire_bytes.h"

namespace sabot::shuffle::internal {
namespace {

constexpr int32_t kFrameSegmentsMax = 8;  // More at once is no faster, and holds the reader longer.
constexpr int64_t kPlaceBytes = 28;
constexpr int64_t kColumnBytes = 16;  // What each may take beyond its rows.

}  // namespace

using data::Frame;
using data::FrameKind;

arrow::Status SendChannel::SendNext(FrameHeader header, std::string_view more, arrow::BufferVector body) {
  header.seq = seq_++;
  counters_.frames_sent.fetch_add(1, std::memory_order_relaxed);
  auto message = MessageOf(header, more, std::move(body));
  if (connection_ != nullptr) return connection_->Send(std::move(message));
  unsent_.push_back(std::move(message));
  return arrow::Status::OK();
}

arrow::Status SendChannel::SendFrontier() {
  frontier_under_way_ = true;
  const data::Place place = *std::exchange(frontier_kept_, std::nullopt);
  return SendNext(Header(WireKind::kFrontier), WireWriter().PutPlace(place).Take());
}

void SendChannel::Wish(int32_t segments) {
  if (connection_ == nullptr || std::exchange(wished_, true)) return;
  FrameHeader wish = Header(WireKind::kCredit);
  wish.rows = static_cast<uint32_t>(segments);
  static_cast<void>(connection_->Send(MessageOf(wish, "")));  // That it is closed is told otherwise.
}

bool SendChannel::Wait(int64_t rows_left, int32_t needed) {
  const std::lock_guard lock(mutex_);
  if (credits_ >= needed) return false;
  needed_ = needed;
  sender_waits_ = has_more_ = true;
  counters_.credits_waited.fetch_add(1, std::memory_order_relaxed);
  const auto left = static_cast<int64_t>(static_cast<double>(rows_left) * row_bytes_);
  Wish(std::clamp(SegmentsOf(left, segment_bytes_), needed, kFrameSegmentsMax + needed) - credits_);
  return true;
}

arrow::Result<int64_t> SendChannel::SendPiece(const Frame& rows, int64_t begin) {
  const int64_t left = rows.num_rows() - begin;
  int32_t needed = 1;
  for (;;) {
    int32_t credits;
    {
      const std::lock_guard lock(mutex_);
      ARROW_RETURN_NOT_OK(error_);
      credits = std::min(credits_, std::max(kFrameSegmentsMax, needed));
    }
    if (credits < needed) {
      if (Wait(left, needed)) return 0;
      continue;
    }
    const int64_t room = credits * segment_bytes_;
    const int64_t padding = std::min(room / 4, kColumnBytes * (rows.batch.rows->num_columns() + 3));
    auto count = std::clamp<int64_t>(static_cast<int64_t>(static_cast<double>(room - padding) / row_bytes_), 1, left);
    for (;;) {
      const Frame piece = PieceOf(rows, begin, count, frontier_);
      ARROW_ASSIGN_OR_RAISE(auto encoded, encoder_.Encode(piece));
      if (encoded.body_bytes <= room) {
        encoder_.Keep();
        const int32_t used = SegmentsOf(encoded.body_bytes, segment_bytes_);
        const std::lock_guard lock(mutex_);
        ARROW_RETURN_NOT_OK(error_);
        credits_ -= used;
        frontier_ = piece.frontier;
        frontier_kept_.reset();  // The rows' own is at least as far.
        FrameHeader header = Header(WireKind::kData);
        header.flags = encoded.has_places ? FrameHeader::kHasPlaces : uint16_t{0};
        header.rows = static_cast<uint32_t>(count);
        header.bytes = static_cast<uint32_t>(encoded.body_bytes);
        counters_.rows_sent.fetch_add(count, std::memory_order_relaxed);
        counters_.bytes_sent.fetch_add(encoded.body_bytes, std::memory_order_relaxed);
        ARROW_RETURN_NOT_OK(SendNext(header, encoded.more, std::move(encoded.body)));
        return count;
      }
      encoder_.Undo();
      row_bytes_ = std::max(row_bytes_, static_cast<double>(encoded.body_bytes) / static_cast<double>(count));
      if (count == 1) {
        needed = SegmentsOf(encoded.body_bytes, segment_bytes_);
        if (needed > own_) return RowTooLarge(rows, begin, encoded.body_bytes, own_, segment_bytes_);
        break;  // With more credits.
      }
      count = std::clamp<int64_t>(static_cast<int64_t>(static_cast<double>(room) / row_bytes_), 1, count / 2 + 1);
      if (count > 1) --count;
    }
  }
}

arrow::Result<int64_t> SendChannel::SendRows(const Frame& rows, int64_t begin) {
  if (rows.num_rows() - begin <= 0) {
    ARROW_RETURN_NOT_OK(SendSignal(Frame::Frontier(rows.frontier)));
    return 0;
  }
  if (begin == 0 || rows.batch.rows.get() != measured_) {
    measured_ = rows.batch.rows.get();
    row_bytes_ = static_cast<double>(RowBytes(*measured_) + (rows.batch.places.rows() > 0 ? kPlaceBytes : 0));
  }
  int64_t sent = 0;
  while (begin + sent < rows.num_rows()) {
    ARROW_ASSIGN_OR_RAISE(const int64_t taken, SendPiece(rows, begin + sent));
    if (taken == 0) return sent;
    sent += taken;
  }
  const std::lock_guard lock(mutex_);
  has_more_ = false;
  ReturnUnneeded();
  return sent;
}

void SendChannel::ReturnUnneeded() {
  const int32_t unneeded = credits_ - own_;
  if (unneeded <= 0) return;
  credits_ -= unneeded;
  FrameHeader back = Header(WireKind::kCredit);
  back.flags = FrameHeader::kReturned;
  back.rows = static_cast<uint32_t>(unneeded);
  static_cast<void>(connection_->Send(MessageOf(back, "")));
}

arrow::Status SendChannel::SendSignal(const Frame& signal) {
  const std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(error_);
  if (signal.kind == FrameKind::kFrontier) {
    frontier_ = signal.frontier;
    frontier_kept_ = signal.frontier;
    if (frontier_under_way_ || connection_ == nullptr) return arrow::Status::OK();
    return SendFrontier();
  }
  if (frontier_kept_) ARROW_RETURN_NOT_OK(SendFrontier());
  if (signal.kind == FrameKind::kBarrier) {
    return SendNext(Header(WireKind::kBarrier), WireWriter().Put(signal.checkpoint).Take());
  }
  ended_ = true;
  return SendNext(Header(WireKind::kEnd), "");
}

void SendChannel::Open(std::shared_ptr<env::Connection> connection) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    connection_ = std::move(connection);
    for (env::Message& message : unsent_) static_cast<void>(connection_->Send(std::move(message)));
    unsent_.clear();
    if (frontier_kept_ && !frontier_under_way_) static_cast<void>(SendFrontier());
    credits_ = own_;
    wake = std::exchange(sender_waits_, false);
  }
  if (wake) wake_sender_();
}

void SendChannel::OnCredit(const FrameHeader& credit) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (credit.rows == 0) {
      frontier_under_way_ = false;
      if (frontier_kept_ && error_.ok()) static_cast<void>(SendFrontier());
      return;
    }
    credits_ += static_cast<int32_t>(credit.rows);
    wished_ = false;
    if (sender_waits_ && credits_ >= needed_) {
      sender_waits_ = false;
      wake = true;
    } else if (sender_waits_) {
      Wish(needed_ - credits_);
    } else if (!has_more_) {  // It comes too late.
      ReturnUnneeded();
    }
  }
  if (wake) wake_sender_();
}

void SendChannel::OnEnd(const arrow::Status& why) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    if (ended_ || !error_.ok()) return;
    error_ = why;
    wake = std::exchange(sender_waits_, false);
  }
  if (wake) wake_sender_();
}

}  // namespace sabot::shuffle::internal
