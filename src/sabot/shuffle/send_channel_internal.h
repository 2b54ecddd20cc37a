// A channel of the producer's end of a stream: cuts rows to the credits in hand, and numbers what it sends.
#pragma once

#include <mutex>
#include <optional>
#include <string_view>

#include "sabot/shuffle/pieces_internal.h"
#include "sabot/shuffle/remote_internal.h"

namespace sabot::shuffle::internal {

class SendChannel final : public Channel {
 public:
  SendChannel(const RemoteStream& stream, ChannelId id, arrow::MemoryPool* pool)
      : id_(id),
        attempt_(stream.hello.attempt),
        segment_bytes_(stream.hello.segment_bytes),
        own_(stream.hello.channel_segments),
        encoder_(stream.schema, pool) {}

  arrow::Result<int64_t> SendRows(const data::Frame& rows, int64_t begin) override;
  arrow::Status SendSignal(const data::Frame& signal) override;
  arrow::Result<std::optional<data::Frame>> Receive() override {
    return arrow::Status::Invalid("shuffle: this end of the channel only sends.");
  }
  void Release(int32_t) override {}

  // --- the connection's ---
  void Open(std::shared_ptr<env::Connection> connection);
  void OnCredit(const FrameHeader& credit);
  void OnEnd(const arrow::Status& why);

 private:
  // Sends what one frame can carry of the rows; 0: nothing now, and the sender waits.
  arrow::Result<int64_t> SendPiece(const data::Frame& rows, int64_t begin);
  // The sender waits for `needed` segments, or (false) has them by now; tells the receiver that it wishes for more.
  bool Wait(int64_t rows_left, int32_t needed);

  // Under the lock.
  FrameHeader Header(WireKind kind) const {
    return {.kind = kind, .attempt = attempt_, .up = id_.up, .part = id_.part};
  }
  arrow::Status SendNext(FrameHeader header, std::string_view more, arrow::BufferVector body = {});
  arrow::Status SendFrontier();
  void Wish(int32_t segments);
  void ReturnUnneeded();

  const ChannelId id_;
  const uint32_t attempt_;
  const int64_t segment_bytes_;
  const int32_t own_;

  // The sender's.
  WireEncoder encoder_;
  const arrow::RecordBatch* measured_ = nullptr;
  double row_bytes_ = 1;  // Corrected by what bodies turned out to be.
  data::Place frontier_ = data::kBeginPlace;

  std::mutex mutex_;
  std::shared_ptr<env::Connection> connection_;
  std::vector<env::Message> unsent_;  // Signals, before somebody connected: the last frontier, a barrier, the end.
  arrow::Status error_;
  uint64_t seq_ = 0;
  int32_t credits_ = 0;
  int32_t needed_ = 0;
  bool sender_waits_ = false;
  bool has_more_ = false;  // The sender was told fewer, and has not sent the rest yet.
  bool wished_ = false;                   // And not answered.
  bool ended_ = false;
  bool frontier_under_way_ = false;
  std::optional<data::Place> frontier_kept_;  // Behind it.
};

}  // namespace sabot::shuffle::internal
