// The consumer's end of a stream: what arrives was paid for, so it is only checked and queued; credits go back as rows
// are released.
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "sabot/shuffle/remote_internal.h"
#include "sabot/shuffle/wire_bytes.h"

namespace sabot::shuffle {
namespace {

using data::Frame;
using data::FrameKind;

constexpr int32_t kGrantMin = 2;  // Own segments, unless the sender waits for them: half as many messages.

class ReceiveChannel final : public Channel, public CreditWaiter, public std::enable_shared_from_this<ReceiveChannel> {
 public:
  ReceiveChannel(const RemoteStream& stream, ChannelId id, std::shared_ptr<FloatingCredits> credits,
                 std::shared_ptr<env::Connection> connection, arrow::MemoryPool* pool)
      : id_(id),
        attempt_(stream.hello.attempt),
        segment_bytes_(stream.hello.segment_bytes),
        own_(stream.hello.channel_segments),
        credits_(std::move(credits)),
        connection_(std::move(connection)),
        pool_(pool),
        decoder_(stream.schema, pool),
        granted_(own_) {}

  arrow::Result<int64_t> SendRows(const Frame&, int64_t) override { return OnlyReceives(); }
  arrow::Status SendSignal(const Frame&) override { return OnlyReceives(); }
  arrow::Result<std::optional<Frame>> Receive() override;
  void Release(int32_t segments) override;
  int32_t Granted(int32_t segments) override;

  // --- the connection's ---
  arrow::Status OnFrame(const DecodedFrame& frame, const env::Message& message);
  void OnEnd(const arrow::Status& why);

 private:
  static arrow::Status OnlyReceives() {
    return arrow::Status::Invalid("shuffle: this end of the channel only receives.");
  }
  struct Queued {
    FrameHeader header;
    std::string more;
    std::shared_ptr<arrow::Buffer> body;
    int32_t segments = 0;
  };
  arrow::Status OnSenderCredit(const FrameHeader& header);
  arrow::Result<Frame> Decode(const Queued& queued);
  void Send(int32_t segments);  // Under the lock: a grant, or (0) that the frontier has come.

  const ChannelId id_;
  const uint32_t attempt_;
  const int64_t segment_bytes_;
  const int32_t own_;
  const std::shared_ptr<FloatingCredits> credits_;
  const std::shared_ptr<env::Connection> connection_;
  arrow::MemoryPool* const pool_;
  WireDecoder decoder_;  // The receiver's.

  std::mutex mutex_;
  std::deque<Queued> queue_;
  std::deque<std::pair<int32_t, int64_t>> unreleased_;  // Segments and bytes of frames that came.
  arrow::Status error_;
  uint64_t seq_ = 0;      // Of the next frame.
  int32_t granted_;       // Which the sender has not used, as far as is known here.
  int32_t own_back_ = 0;  // Released, and not granted anew.
  int32_t shared_held_ = 0;
  bool sender_wishes_ = false;
  bool receiver_waits_ = true;
  bool ended_ = false;
};

void ReceiveChannel::Send(int32_t segments) {
  granted_ += segments;
  FrameHeader credit{.kind = WireKind::kCredit, .attempt = attempt_, .up = id_.up, .part = id_.part};
  credit.rows = static_cast<uint32_t>(segments);
  if (segments > 0) sender_wishes_ = false;
  static_cast<void>(connection_->Send(internal::MessageOf(credit, "")));  // That it is closed is told otherwise.
}

arrow::Status ReceiveChannel::OnSenderCredit(const FrameHeader& header) {
  const auto segments = static_cast<int32_t>(std::min<uint32_t>(header.rows, 1u << 20));
  int32_t shared_back = 0;
  {
    const std::lock_guard lock(mutex_);
    if ((header.flags & FrameHeader::kReturned) != 0) {
      if (segments > granted_) return data::DataError("shuffle: credits came back that were not granted.");
      granted_ -= segments;
      shared_back = std::min(segments, shared_held_);
      shared_held_ -= shared_back;
      own_back_ += segments - shared_back;
    } else if (segments > 0) {
      int32_t grant = std::exchange(own_back_, 0);
      if (segments > grant) {
        const int32_t shared = credits_->Take(segments - grant, shared_from_this());
        shared_held_ += shared;
        grant += shared;
      }
      sender_wishes_ = true;
      if (grant > 0) Send(grant);
    }
  }
  if (shared_back > 0) credits_->Give(shared_back);
  return arrow::Status::OK();
}

int32_t ReceiveChannel::Granted(int32_t segments) {
  const std::lock_guard lock(mutex_);
  if (ended_ || !error_.ok()) return segments;
  shared_held_ += segments;
  Send(segments + std::exchange(own_back_, 0));
  return 0;
}

arrow::Status ReceiveChannel::OnFrame(const DecodedFrame& frame, const env::Message& message) {
  const FrameHeader& header = frame.header;
  if (header.kind == WireKind::kCredit) return OnSenderCredit(header);
  Queued queued{.header = header, .more = std::string(frame.more), .body = nullptr};
  if (header.kind == WireKind::kData) {
    queued.segments = internal::SegmentsOf(header.bytes, segment_bytes_);
    {
      const std::lock_guard lock(mutex_);
      if (queued.segments > granted_) {
        return data::DataError("shuffle: a frame of " + std::to_string(queued.segments) + " segments came, but " +
                               internal::NameOf(id_) + " had credit for " + std::to_string(granted_) + ".");
      }
    }
    ARROW_ASSIGN_OR_RAISE(queued.body, arrow::AllocateBuffer(header.bytes, pool_));
    uint8_t* to = queued.body->mutable_data();
    for (const auto& part : message.body) {
      if (part->size() > 0) std::memcpy(to, part->data(), static_cast<std::size_t>(part->size()));
      to += part->size();
    }
  }
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    if (!error_.ok()) return arrow::Status::OK();
    if (header.seq != seq_ || ended_) {
      return data::DataError("shuffle: frame " + std::to_string(header.seq) + " of " + internal::NameOf(id_) +
                             " came where " + (ended_ ? "nothing" : "frame " + std::to_string(seq_)) +
                             " was to come: frames were lost or repeated.");
    }
    ++seq_;
    ended_ = header.kind == WireKind::kEnd;
    counters_.frames_sent.fetch_add(1, std::memory_order_relaxed);
    if (header.kind == WireKind::kData) {
      granted_ -= queued.segments;
      unreleased_.emplace_back(queued.segments, header.bytes);
      counters_.rows_sent.fetch_add(header.rows, std::memory_order_relaxed);
      counters_.bytes_sent.fetch_add(header.bytes, std::memory_order_relaxed);
      counters_.bytes_queued.fetch_add(header.bytes, std::memory_order_relaxed);
      counters_.credits_held.fetch_add(queued.segments, std::memory_order_relaxed);
    }
    if (header.kind == WireKind::kFrontier) {
      Send(0);
      if (!queue_.empty() && queue_.back().header.kind == WireKind::kFrontier) queue_.pop_back();
    }
    queue_.push_back(std::move(queued));
    wake = std::exchange(receiver_waits_, false);
  }
  if (wake) wake_receiver_();
  return arrow::Status::OK();
}

arrow::Result<Frame> ReceiveChannel::Decode(const Queued& queued) {
  WireReader reader(queued.more);
  Frame frame = Frame::End();
  switch (queued.header.kind) {
    case WireKind::kData: {
      const bool has_places = (queued.header.flags & FrameHeader::kHasPlaces) != 0;
      ARROW_ASSIGN_OR_RAISE(frame, decoder_.Decode(queued.more, queued.body, has_places, queued.header.rows));
      frame.segments = queued.segments;
      return frame;
    }
    case WireKind::kFrontier:
      frame = Frame::Frontier(reader.GetPlace());
      break;
    case WireKind::kBarrier:
      frame = Frame::Barrier(reader.Get<int64_t>());
      break;
    default:
      break;
  }
  if (!reader.ok() || !reader.rest().empty()) return data::DataError("shuffle: a frame was cut or continued.");
  return frame;
}

arrow::Result<std::optional<Frame>> ReceiveChannel::Receive() {
  Queued queued;
  {
    const std::lock_guard lock(mutex_);
    ARROW_RETURN_NOT_OK(error_);
    if (queue_.empty()) {
      receiver_waits_ = true;
      return std::nullopt;
    }
    queued = std::move(queue_.front());
    queue_.pop_front();
  }
  ARROW_ASSIGN_OR_RAISE(Frame frame, Decode(queued));
  return frame;
}

void ReceiveChannel::Release(int32_t segments) {
  int32_t shared_back;
  int64_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    shared_back = std::min(segments, shared_held_);
    shared_held_ -= shared_back;
    own_back_ += segments - shared_back;
    for (int32_t left = segments; left > 0 && !unreleased_.empty();) {
      auto& [held, held_bytes] = unreleased_.front();
      const int32_t back = std::min(left, held);
      const int64_t share = back == held ? held_bytes : held_bytes / held * back;
      bytes += share;
      left -= back;
      held -= back;
      held_bytes -= share;
      if (held == 0) unreleased_.pop_front();
    }
    if (own_back_ >= std::min(kGrantMin, own_) || (sender_wishes_ && own_back_ > 0)) {
      Send(std::exchange(own_back_, 0));
    }
  }
  counters_.bytes_queued.fetch_sub(bytes, std::memory_order_relaxed);
  counters_.credits_held.fetch_sub(segments, std::memory_order_relaxed);
  if (shared_back > 0) credits_->Give(shared_back);
}

void ReceiveChannel::OnEnd(const arrow::Status& why) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    if (ended_ || !error_.ok()) return;
    error_ = why;
    wake = std::exchange(receiver_waits_, false);
  }
  credits_->Forget(this);
  if (wake) wake_receiver_();
}

class ReceiverStream final : public RemoteReceiver {
 public:
  ReceiverStream(RemoteStream stream, const std::vector<std::shared_ptr<FloatingCredits>>& credits,
                 std::unique_ptr<env::Connection> connection, arrow::MemoryPool* pool)
      : core_(std::make_shared<Core>(std::move(stream), std::move(connection))) {
    for (std::size_t i = 0; i < credits.size(); ++i) {
      core_->channels.push_back(std::make_shared<ReceiveChannel>(core_->stream, core_->stream.channels[i], credits[i],
                                                                 core_->connection, pool));
      channels_.push_back(core_->channels.back());
    }
    const std::weak_ptr<Core> weak = core_;
    core_->connection->Start(
        [weak](const env::Message& message) {
          if (const auto alive = weak.lock()) alive->OnMessage(message);
        },
        [weak](const arrow::Status& status) {
          if (const auto alive = weak.lock()) alive->End(status);
        });
    const FrameHeader header{.kind = WireKind::kHello, .attempt = core_->stream.hello.attempt};
    const auto sent = core_->connection->Send(internal::MessageOf(header, EncodeHello(core_->stream.hello)));
    if (!sent.ok()) core_->End(sent);
  }

  const std::vector<std::shared_ptr<Channel>>& channels() const override { return channels_; }

 private:
  // What callbacks of the connection reach, which may come while the stream ends.
  struct Core {
    Core(RemoteStream of, std::shared_ptr<env::Connection> by) : stream(std::move(of)), connection(std::move(by)) {}

    void End(const arrow::Status& status) const {
      const arrow::Status why = internal::StreamEnded(stream, connection->peer(), status);
      for (const auto& channel : channels) channel->OnEnd(why);
    }
    void OnMessage(const env::Message& message) {
      const arrow::Status status = Take(message);
      if (status.ok()) return;
      const FrameHeader header{.kind = WireKind::kCancel, .attempt = stream.hello.attempt};
      static_cast<void>(connection->Send(internal::MessageOf(header, status.message())));
      connection->Close();
      End(status);
    }
    arrow::Status Take(const env::Message& message) {
      ARROW_ASSIGN_OR_RAISE(const DecodedFrame any, DecodeFrame(internal::TextOf(*message.header)));
      if (any.header.kind == WireKind::kCancel) {  // Perhaps since the attempts differ.
        return arrow::Status::IOError("it gave up: ", std::string(any.more));
      }
      if (!greeted) {
        if (any.header.kind != WireKind::kHello)
          return data::DataError("shuffle: a stream that begins without a greeting.");
        ARROW_ASSIGN_OR_RAISE(const Hello theirs, DecodeHello(any.more));
        greeted = true;
        return stream.hello.Check(theirs, connection->peer());
      }
      ARROW_ASSIGN_OR_RAISE(const DecodedFrame frame, internal::DecodeFrom(message, stream.hello));
      const int index = internal::IndexOf(stream, frame.header);
      if (index < 0 || frame.header.kind == WireKind::kHello) {
        return data::DataError("shuffle: a frame for " +
                               internal::NameOf({.up = frame.header.up, .part = frame.header.part}) +
                               ", which this stream does not have.");
      }
      return channels[static_cast<std::size_t>(index)]->OnFrame(frame, message);
    }

    const RemoteStream stream;
    const std::shared_ptr<env::Connection> connection;
    std::vector<std::shared_ptr<ReceiveChannel>> channels;
    bool greeted = false;
  };

  std::shared_ptr<Core> core_;
  std::vector<std::shared_ptr<Channel>> channels_;
};

}  // namespace

arrow::Result<std::unique_ptr<RemoteReceiver>> RemoteReceiver::Make(
    RemoteStream stream, std::vector<std::shared_ptr<FloatingCredits>> credits,
    std::unique_ptr<env::Connection> connection, arrow::MemoryPool* pool) {
  if (credits.empty() || credits.size() != stream.channels.size()) {
    return arrow::Status::Invalid("shuffle: a stream of ", stream.channels.size(), " channels got credits for ",
                                  credits.size(), ".");
  }
  ARROW_RETURN_NOT_OK(internal::Prepare(stream, credits.front()->settings()));
  return std::make_unique<ReceiverStream>(std::move(stream), credits, std::move(connection), pool);
}

}  // namespace sabot::shuffle
