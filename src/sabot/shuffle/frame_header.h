// What stands before every frame on the wire, and the greeting that opens a stream.
//
// A message's header is a FrameHeader of kFrameHeaderBytes, little-endian, and then what its kind adds: see
// remote_channel.h. The checksum covers all of it, not the body, which the transport looks after.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sabot::shuffle {

enum class WireKind : uint8_t {
  kHello = 1,     // Who speaks, for which plan: the first frame of both ends.
  kData = 2,      // Rows. Sender to receiver, paid with credits.
  kFrontier = 3,  // These three as data::FrameKind has them; free.
  kBarrier = 4,
  kEnd = 5,
  kCredit = 6,  // Segments: from the receiver a grant, from the sender a wish, or (kReturned) what it does not need.
  kCancel = 7,  // Why the other end gives up.
};
inline constexpr uint8_t kWireKinds = 7;

struct FrameHeader {
  static constexpr uint16_t kHasPlaces = 1;  // Flags: the rows carry places;
  static constexpr uint16_t kReturned = 2;   // credits come back unused.

  WireKind kind = WireKind::kData;
  uint16_t flags = 0;
  uint32_t attempt = 0;
  uint16_t up = 0;    // The channel: the sender's task,
  uint16_t part = 0;  // and the receiver's.
  uint64_t seq = 0;   // Of the channel and direction, from 0 on, without gaps. Credits carry none.
  uint32_t rows = 0;  // Of kData; segments, of kCredit.
  uint32_t bytes = 0;  // The body's.

  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

inline constexpr std::size_t kFrameHeaderBytes = 40;

// The bytes of a message's header: the frame's, and what its kind adds.
std::string EncodeFrame(const FrameHeader& header, std::string_view more);

struct DecodedFrame {
  FrameHeader header;
  std::string_view more;  // Of the bytes given.
};
// Error (kData): these bytes are no frame, of another version, or damaged. Any bytes may be given.
arrow::Result<DecodedFrame> DecodeFrame(std::string_view bytes);

// What both ends of a stream must agree on.
struct Hello {
  std::string job;
  uint32_t attempt = 0;
  std::string plan;         // Its digest.
  std::string edge;         // Its id.
  uint32_t key_groups = 0;
  std::string schema = {};  // The rows', in words.
  std::string math;         // The digest of the golden bits.
  int64_t segment_bytes = 0;
  int32_t channel_segments = 0;

  // Nothing where both say the same; else which, and both values.
  arrow::Status Check(const Hello& other, const std::string& peer) const;
};
std::string EncodeHello(const Hello& hello);
arrow::Result<Hello> DecodeHello(std::string_view bytes);

}  // namespace sabot::shuffle
