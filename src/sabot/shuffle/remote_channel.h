// From task to task of two workers: the channels of one edge between them, over one connection.
//
// The consumer's worker connects and says who it is (frame_header.h: Hello); the producer's answers in kind. From then
// on the producer may send as much as its credits allow: the segments of a channel's own at first, later what the
// receiver grants, which it does as rows are released, and by segments that the gate's channels share for a sender that
// has said how many it wishes for. So everything that arrives has its room, and is only put into a queue. A header's
// part by kind: kData wire_batch.h, kFrontier a place, kBarrier the checkpoint's number (int64), kCancel the reason,
// others nothing.
//
// One frontier is under way at a time: the next goes when the receiver has it (a kCredit of no segments), or with what
// is sent before; so a slow connection does not fill with them.
#pragma once

#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "sabot/env/transport.h"
#include "sabot/shuffle/channel.h"
#include "sabot/shuffle/frame_header.h"
#include "sabot/shuffle/segment_pool.h"

namespace sabot::shuffle {

struct ChannelId {
  uint16_t up = 0;  // The sender's task,
  uint16_t part = 0;  // and the receiver's.
  friend auto operator<=>(const ChannelId&, const ChannelId&) = default;
};

// Both ends name the same; the schema and the sizes of segments are put into the greeting by the ends.
struct RemoteStream {
  Hello hello;
  std::shared_ptr<arrow::Schema> schema;
  std::vector<ChannelId> channels;
};

// The producer's end of a stream. Its channels can only send. A connection that breaks is an IOError of every channel
// that has not sent its end, and so of the attempt.
class RemoteSender {
 public:
  // Errors: two channels of one name (Invalid), a column that cannot travel (kSchema).
  static arrow::Result<std::unique_ptr<RemoteSender>> Make(RemoteStream stream, const SegmentSettings& settings,
                                                           arrow::MemoryPool* pool = arrow::default_memory_pool());
  virtual ~RemoteSender() = default;
  // Somebody connected. Who runs something else, an older attempt above all, is refused, and the next is waited for.
  virtual void Accept(std::unique_ptr<env::Connection> connection) = 0;
  // In the stream's order. They may be used before somebody connected.
  virtual const std::vector<std::shared_ptr<Channel>>& channels() const = 0;
};

// The consumer's end. Its channels can only receive.
class RemoteReceiver {
 public:
  // `credits`: one a channel, of the gate it belongs to. What is queued is copied into `pool`, so that it is counted
  // there and at a fit address. Errors: those of RemoteSender::Make.
  static arrow::Result<std::unique_ptr<RemoteReceiver>> Make(RemoteStream stream,
                                                             std::vector<std::shared_ptr<FloatingCredits>> credits,
                                                             std::unique_ptr<env::Connection> connection,
                                                             arrow::MemoryPool* pool = arrow::default_memory_pool());
  virtual ~RemoteReceiver() = default;
  virtual const std::vector<std::shared_ptr<Channel>>& channels() const = 0;
};

}  // namespace sabot::shuffle
