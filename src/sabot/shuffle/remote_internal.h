// What the two ends of a stream share.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/shuffle/remote_channel.h"
#include "sabot/shuffle/wire_batch.h"

namespace sabot::shuffle::internal {

inline std::string_view TextOf(const arrow::Buffer& buffer) {
  return {buffer.data_as<char>(), static_cast<std::size_t>(buffer.size())};
}

inline env::Message MessageOf(const FrameHeader& header, std::string_view more, arrow::BufferVector body = {}) {
  return {.header = arrow::Buffer::FromString(EncodeFrame(header, more)), .body = std::move(body)};
}

inline int32_t SegmentsOf(int64_t bytes, int64_t segment_bytes) {
  return static_cast<int32_t>(std::max<int64_t>(1, (bytes + segment_bytes - 1) / segment_bytes));
}

inline std::string NameOf(ChannelId id) {
  return "channel " + std::to_string(id.up) + " to " + std::to_string(id.part);
}

// Fills in the greeting, and checks what can be checked before anybody connects.
inline arrow::Status Prepare(RemoteStream& stream, const SegmentSettings& settings) {
  ARROW_RETURN_NOT_OK(settings.Check());
  ARROW_RETURN_NOT_OK(CheckWireSchema(*stream.schema));
  auto ids = stream.channels;
  std::ranges::sort(ids);
  if (const auto twice = std::ranges::adjacent_find(ids); twice != ids.end()) {
    return arrow::Status::Invalid("shuffle: a stream has ", NameOf(*twice), " twice.");
  }
  stream.hello.schema = stream.schema->ToString(/*show_metadata=*/false);
  stream.hello.segment_bytes = settings.segment_bytes;
  stream.hello.channel_segments = settings.channel_segments;
  return arrow::Status::OK();
}

// Which of the stream's channels a frame is for; -1: none.
inline int IndexOf(const RemoteStream& stream, const FrameHeader& header) {
  const ChannelId id{.up = header.up, .part = header.part};
  const auto at = std::ranges::find(stream.channels, id);
  return at == stream.channels.end() ? -1 : static_cast<int>(at - stream.channels.begin());
}

// What every frame must be, whoever reads it.
inline arrow::Result<DecodedFrame> DecodeFrom(const env::Message& message, const Hello& hello) {
  ARROW_ASSIGN_OR_RAISE(auto frame, DecodeFrame(TextOf(*message.header)));
  if (frame.header.attempt != hello.attempt) {
    return data::DataError("shuffle: a frame of attempt " + std::to_string(frame.header.attempt) + " came to attempt " +
                           std::to_string(hello.attempt) + ".");
  }
  if (frame.header.bytes != message.body_bytes()) {
    return data::DataError("shuffle: a frame says that its body has " + std::to_string(frame.header.bytes) +
                           " bytes; it has " + std::to_string(message.body_bytes()) + ".");
  }
  return frame;
}

// Why a channel ended before its end.
inline arrow::Status StreamEnded(const RemoteStream& stream, const std::string& peer, const arrow::Status& why) {
  const std::string what = "shuffle: edge '" + stream.hello.edge + "' lost " + peer + ": ";
  if (why.ok()) return arrow::Status::IOError(what, "it closed the connection before the end of the rows.");
  return why.WithMessage(what, why.message());
}

}  // namespace sabot::shuffle::internal
