// One sender to one receiver: frames in order, in bounded memory. A segment is a credit; rows take credits, what has no
// rows takes none. Neither end ever waits: who has no room, or nothing to take, is woken.
//
// The sender's calls are made by one thread at a time, the receiver's by one thread at a time; the two may run at once.
// After an error a channel can only be destroyed.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "sabot/data/frame.h"

namespace sabot::shuffle {

// May be read by any thread.
struct ChannelCounters {
  std::atomic<int64_t> rows_sent = 0;
  std::atomic<int64_t> frames_sent = 0;
  std::atomic<int64_t> bytes_sent = 0;
  std::atomic<int64_t> credits_held = 0;  // By frames sent and not yet released.
  std::atomic<int64_t> credits_waited = 0;  // Times that the sender found no credit.
  std::atomic<int64_t> bytes_queued = 0;  // Sent and not yet released.
  std::atomic<int64_t> bytes_spilled = 0;
};

class Channel {
 public:
  virtual ~Channel() = default;

  // --- the sender ---

  // Takes as many rows of a kRows frame from its row `begin` on as there are credits for, and returns how many: all of
  // them, or fewer, and then the sender is woken when there is room for more. With the frame's last row its frontier is
  // sent; earlier pieces carry the place of their last row.
  // Error (kData): a row that is larger than the segments of the channel's own, which alone are always there for it;
  // names the row's place, its size, the settings.
  virtual arrow::Result<int64_t> SendRows(const data::Frame& rows, int64_t begin) = 0;
  // A frontier, a barrier or the end: always taken. A frontier behind which no other frame was sent replaces the one
  // before it, so that they take no room.
  virtual arrow::Status SendSignal(const data::Frame& signal) = 0;

  // --- the receiver ---

  // The next frame; nothing: none is there, and the receiver is woken when one is. Rows hold their credits until...
  virtual arrow::Result<std::optional<data::Frame>> Receive() = 0;
  // ...the receiver has no use for (some of) them any more: `segments` go back to the sender.
  virtual void Release(int32_t segments) = 0;

  // --- both: set before the first frame, called on any thread and from within calls of other channels' tasks; a wake
  // marks its task runnable and returns. Who was not told to wait, or was woken already, is not woken. A receiver that
  // has not asked yet is. ---
  void set_wake_sender(std::function<void()> wake) { wake_sender_ = std::move(wake); }
  void set_wake_receiver(std::function<void()> wake) { wake_receiver_ = std::move(wake); }
  virtual const ChannelCounters& counters() const { return counters_; }

 protected:
  static ChannelCounters& CountersOf(Channel& channel) { return channel.counters_; }

  std::function<void()> wake_sender_ = [] {};
  std::function<void()> wake_receiver_ = [] {};
  ChannelCounters counters_;
};

}  // namespace sabot::shuffle
