#include "sabot/shuffle/frame_header.h"

#include <arrow/util/crc32.h>

#include "sabot/data/errors.h"
#include "sabot/shuffle/wire_bytes.h"

namespace sabot::shuffle {
namespace {

constexpr uint32_t kMagic = 0x46624153;  // "SAbF"
constexpr uint8_t kVersion = 1;
constexpr std::size_t kChecksumAt = kFrameHeaderBytes - sizeof(uint32_t);

// Of the header before the checksum, and of what stands behind it.
uint32_t Checksum(std::string_view before, std::string_view more) {
  const uint32_t begun = arrow::internal::crc32(0, before.data(), before.size());
  return arrow::internal::crc32(begun, more.data(), more.size());
}

arrow::Status NoFrame(const std::string& why) {
  return data::DataError("shuffle: a message that is no frame: " + why +
                         ". Check that both workers are of the same release and nothing else uses this port.");
}

}  // namespace

std::string EncodeFrame(const FrameHeader& header, std::string_view more) {
  WireWriter writer;
  writer.Put(kMagic).Put(kVersion).Put(static_cast<uint8_t>(header.kind)).Put(header.flags).Put(header.attempt);
  writer.Put(header.up).Put(header.part).Put(header.seq).Put(header.rows).Put(header.bytes);
  writer.Put(static_cast<uint32_t>(more.size()));
  writer.Put(Checksum(writer.bytes(), more));
  std::string bytes = writer.Take();
  bytes.append(more);
  return bytes;
}

arrow::Result<DecodedFrame> DecodeFrame(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes) {
    return NoFrame("it has " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(kFrameHeaderBytes));
  }
  WireReader reader(bytes);
  if (const auto magic = reader.Get<uint32_t>(); magic != kMagic) {
    return NoFrame("it begins with " + std::to_string(magic) + ", not " + std::to_string(kMagic));
  }
  if (const auto version = reader.Get<uint8_t>(); version != kVersion) {
    return NoFrame("it is of version " + std::to_string(version) + ", not " + std::to_string(kVersion));
  }
  DecodedFrame frame;
  const auto kind = reader.Get<uint8_t>();
  frame.header.flags = reader.Get<uint16_t>();
  frame.header.attempt = reader.Get<uint32_t>();
  frame.header.up = reader.Get<uint16_t>();
  frame.header.part = reader.Get<uint16_t>();
  frame.header.seq = reader.Get<uint64_t>();
  frame.header.rows = reader.Get<uint32_t>();
  frame.header.bytes = reader.Get<uint32_t>();
  const auto more_bytes = reader.Get<uint32_t>();
  const auto checksum = reader.Get<uint32_t>();
  frame.more = reader.rest();
  if (more_bytes != frame.more.size()) return NoFrame("it was cut or continued");
  if (checksum != Checksum(bytes.substr(0, kChecksumAt), frame.more)) return NoFrame("its checksum is wrong");
  if (kind == 0 || kind > kWireKinds) return NoFrame("its kind is " + std::to_string(kind));
  frame.header.kind = static_cast<WireKind>(kind);
  return frame;
}

arrow::Status Hello::Check(const Hello& other, const std::string& peer) const {
  const auto check = [&](std::string_view what, const auto& mine, const auto& theirs) {
    if (mine == theirs) return arrow::Status::OK();
    const auto text = [](const auto& value) {
      if constexpr (std::is_integral_v<std::decay_t<decltype(value)>>) {
        return std::to_string(value);
      } else {
        return "'" + value + "'";
      }
    };
    return data::DataError("shuffle: " + peer + " and this worker do not run the same: " + std::string(what) + " is " +
                           text(theirs) + " there and " + text(mine) + " here. The stream is refused.");
  };
  ARROW_RETURN_NOT_OK(check("the job", job, other.job));
  ARROW_RETURN_NOT_OK(check("the attempt", attempt, other.attempt));
  ARROW_RETURN_NOT_OK(check("the plan", plan, other.plan));
  ARROW_RETURN_NOT_OK(check("the edge", edge, other.edge));
  ARROW_RETURN_NOT_OK(check("the number of key groups", key_groups, other.key_groups));
  ARROW_RETURN_NOT_OK(check("the schema", schema, other.schema));
  ARROW_RETURN_NOT_OK(check("the digest of the math library", math, other.math));
  ARROW_RETURN_NOT_OK(check("segment_bytes", segment_bytes, other.segment_bytes));
  return check("channel_segments", channel_segments, other.channel_segments);
}

std::string EncodeHello(const Hello& hello) {
  WireWriter writer;
  writer.PutBytes(hello.job).Put(hello.attempt).PutBytes(hello.plan).PutBytes(hello.edge).Put(hello.key_groups);
  writer.PutBytes(hello.schema).PutBytes(hello.math).Put(hello.segment_bytes).Put(hello.channel_segments);
  return writer.Take();
}

arrow::Result<Hello> DecodeHello(std::string_view bytes) {
  WireReader reader(bytes);
  Hello hello;
  hello.job = reader.GetBytes();
  hello.attempt = reader.Get<uint32_t>();
  hello.plan = reader.GetBytes();
  hello.edge = reader.GetBytes();
  hello.key_groups = reader.Get<uint32_t>();
  hello.schema = reader.GetBytes();
  hello.math = reader.GetBytes();
  hello.segment_bytes = reader.Get<int64_t>();
  hello.channel_segments = reader.Get<int32_t>();
  if (!reader.ok() || !reader.rest().empty()) return NoFrame("its greeting is cut or continued");
  return hello;
}

}  // namespace sabot::shuffle
