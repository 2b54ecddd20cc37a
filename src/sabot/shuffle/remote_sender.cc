// The producer's end of a stream: whom it takes for its receiver, and what it hears from it.
#include <mutex>
#include <string>

#include "sabot/shuffle/send_channel_internal.h"

namespace sabot::shuffle {
namespace {

using internal::SendChannel;

class SenderStream final : public RemoteSender {
 public:
  SenderStream(RemoteStream stream, arrow::MemoryPool* pool) : core_(std::make_shared<Core>(std::move(stream))) {
    for (const ChannelId id : core_->stream.channels) {
      core_->channels.push_back(std::make_shared<SendChannel>(core_->stream, id, pool));
      channels_.push_back(core_->channels.back());
    }
  }

  void Accept(std::unique_ptr<env::Connection> connection) override { Core::Accept(core_, std::move(connection)); }
  const std::vector<std::shared_ptr<Channel>>& channels() const override { return channels_; }

 private:
  // What callbacks of connections reach, which may come while the stream ends.
  struct Core {
    explicit Core(RemoteStream of) : stream(std::move(of)) {}

    static void Accept(const std::shared_ptr<Core>& core, std::unique_ptr<env::Connection> accepted);
    void OnMessage(env::Connection* from, const env::Message& message);
    void OnClose(env::Connection* from, const arrow::Status& status);
    arrow::Status Greeted(env::Connection* from, const DecodedFrame& frame);
    arrow::Status OnFrame(const DecodedFrame& frame);
    // Tells the other end why, and hears nothing of it any more.
    void Cancel(env::Connection* connection, const arrow::Status& why) const;

    const RemoteStream stream;
    std::vector<std::shared_ptr<SendChannel>> channels;
    std::mutex mutex;
    std::vector<std::shared_ptr<env::Connection>> strangers;  // Who connected and has not said who it is,
    std::vector<std::shared_ptr<env::Connection>> refused;    // and whom the next Accept frees.
    std::shared_ptr<env::Connection> peer;
  };

  std::shared_ptr<Core> core_;
  std::vector<std::shared_ptr<Channel>> channels_;
};

void SenderStream::Core::Accept(const std::shared_ptr<Core>& core, std::unique_ptr<env::Connection> accepted) {
  const std::shared_ptr<env::Connection> connection = std::move(accepted);
  std::vector<std::shared_ptr<env::Connection>> to_free;
  {
    const std::lock_guard lock(core->mutex);
    to_free.swap(core->refused);
    core->strangers.push_back(connection);
  }
  const std::weak_ptr<Core> weak = core;
  env::Connection* const from = connection.get();
  connection->Start(
      [weak, from](const env::Message& message) {
        if (const auto alive = weak.lock()) alive->OnMessage(from, message);
      },
      [weak, from](const arrow::Status& status) {
        if (const auto alive = weak.lock()) alive->OnClose(from, status);
      });
}

void SenderStream::Core::Cancel(env::Connection* connection, const arrow::Status& why) const {
  const FrameHeader header{.kind = WireKind::kCancel, .attempt = stream.hello.attempt};
  static_cast<void>(connection->Send(internal::MessageOf(header, why.message())));
  connection->Close();
}

arrow::Status SenderStream::Core::Greeted(env::Connection* from, const DecodedFrame& frame) {
  if (frame.header.kind != WireKind::kHello)
    return data::DataError("shuffle: a stream that begins without a greeting.");
  ARROW_ASSIGN_OR_RAISE(const Hello theirs, DecodeHello(frame.more));
  ARROW_RETURN_NOT_OK(stream.hello.Check(theirs, from->peer()));
  {
    const std::lock_guard lock(mutex);
    if (peer != nullptr) return data::DataError("shuffle: this stream has its receiver already: " + peer->peer() + ".");
    const auto stranger = std::ranges::find(strangers, from, &std::shared_ptr<env::Connection>::get);
    peer = std::move(*stranger);
    strangers.erase(stranger);
  }
  const FrameHeader answer{.kind = WireKind::kHello, .attempt = stream.hello.attempt};
  ARROW_RETURN_NOT_OK(peer->Send(internal::MessageOf(answer, EncodeHello(stream.hello))));
  for (const auto& channel : channels) channel->Open(peer);
  return arrow::Status::OK();
}

arrow::Status SenderStream::Core::OnFrame(const DecodedFrame& frame) {
  if (frame.header.kind == WireKind::kCancel) {
    return arrow::Status::IOError("it gave up: ", std::string(frame.more));
  }
  const int index = internal::IndexOf(stream, frame.header);
  if (frame.header.kind != WireKind::kCredit || index < 0 || frame.header.rows > (1u << 20)) {
    return data::DataError("shuffle: a frame that a receiver does not send.");
  }
  channels[static_cast<std::size_t>(index)]->OnCredit(frame.header);
  return arrow::Status::OK();
}

void SenderStream::Core::OnMessage(env::Connection* from, const env::Message& message) {
  bool is_peer;
  {
    const std::lock_guard lock(mutex);
    is_peer = peer.get() == from;
  }
  if (!is_peer) {  // It is not the attempt's fault who else connects.
    const auto greeting = DecodeFrame(internal::TextOf(*message.header));
    const arrow::Status status = greeting.ok() ? Greeted(from, *greeting) : greeting.status();
    if (status.ok()) return;
    Cancel(from, status);
    const std::lock_guard lock(mutex);
    const auto stranger = std::ranges::find(strangers, from, &std::shared_ptr<env::Connection>::get);
    if (stranger == strangers.end()) return;
    refused.push_back(std::move(*stranger));
    strangers.erase(stranger);
    return;
  }
  const auto frame = internal::DecodeFrom(message, stream.hello);
  const arrow::Status status = frame.ok() ? OnFrame(*frame) : frame.status();
  if (status.ok()) return;
  Cancel(from, status);
  for (const auto& channel : channels) channel->OnEnd(internal::StreamEnded(stream, from->peer(), status));
}

void SenderStream::Core::OnClose(env::Connection* from, const arrow::Status& status) {
  {
    const std::lock_guard lock(mutex);
    if (peer.get() != from) {
      const auto stranger = std::ranges::find(strangers, from, &std::shared_ptr<env::Connection>::get);
      if (stranger == strangers.end()) return;
      refused.push_back(std::move(*stranger));
      strangers.erase(stranger);
      return;
    }
  }
  for (const auto& channel : channels) channel->OnEnd(internal::StreamEnded(stream, from->peer(), status));
}

}  // namespace

arrow::Result<std::unique_ptr<RemoteSender>> RemoteSender::Make(RemoteStream stream, const SegmentSettings& settings,
                                                                arrow::MemoryPool* pool) {
  ARROW_RETURN_NOT_OK(internal::Prepare(stream, settings));
  return std::make_unique<SenderStream>(std::move(stream), pool);
}

}  // namespace sabot::shuffle
