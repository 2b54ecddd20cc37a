// The memory of shuffles, counted: a worker has a fixed number of segments, a gate reserves its share when it is
// registered, and a segment is the permission to send so many bytes. Nothing here allocates; nothing ever grows.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace sabot::shuffle {

struct SegmentSettings {
  int64_t segment_bytes = 32 * 1024;
  int32_t channel_segments =
      2;  // Of its own, a channel. A row must fit into these, so that no channel waits for others.
  int32_t shuffle_segments = 8;  // More, which the channels of one gate share.
  int32_t pool_segments = 8192;  // In all, a worker.
  // Whether gates within a process take more where the pool has it: for the block whose turn it is not yet, and for two
  // frames of rows that are divided by key.
  bool roomy = true;

  // Error (kOption): a setting is out of its range.
  arrow::Status Check() const;
};

// What a gate asks for, where it is not what the settings say.
struct GateSegments {
  int32_t channel = 0;  // A channel's own.
  int32_t shared = 0;
};

class FloatingCredits;

// Any thread.
class SegmentPool : public std::enable_shared_from_this<SegmentPool> {
 public:
  // Errors: those of SegmentSettings::Check.
  static arrow::Result<std::shared_ptr<SegmentPool>> Make(const SegmentSettings& settings);

  // The segments of a gate with so many channels; they come back when nobody holds the credits any more.
  // Error (kOption): the pool has fewer left; names what to set.
  arrow::Result<std::shared_ptr<FloatingCredits>> Reserve(int32_t channels, std::optional<GateSegments> segments = {});

  int32_t segments_left() const;
  const SegmentSettings& settings() const { return settings_; }

 private:
  friend class FloatingCredits;
  explicit SegmentPool(const SegmentSettings& settings) : settings_(settings), left_(settings.pool_segments) {}
  void Return(int32_t segments);

  const SegmentSettings settings_;
  mutable std::mutex mutex_;
  int32_t left_;
};

// Who may be refused.
class CreditWaiter {
 public:
  virtual ~CreditWaiter() = default;
  // `segments` > 0 were taken for the one who was refused. Holds no lock; returns how many it has no use for any more.
  virtual int32_t Granted(int32_t segments) = 0;
};

// The segments that the channels of a gate share, first come, first served. Any thread.
class FloatingCredits {
 public:
  ~FloatingCredits();
  FloatingCredits(const FloatingCredits&) = delete;
  FloatingCredits& operator=(const FloatingCredits&) = delete;

  // Takes up to `wanted` > 0 segments. For the rest the waiter gets a place in the queue, or keeps the one it has, and
  // is granted some, in its turn, as they come back.
  int32_t Take(int32_t wanted, const std::shared_ptr<CreditWaiter>& waiter);
  // Gives up the place in the queue, if it has one. A grant may be on its way already.
  void Forget(const CreditWaiter* waiter);
  // `segments` >= 0 come back. Grants them to those in the queue: the caller holds no lock.
  void Give(int32_t segments);

  int32_t left() const;
  const SegmentSettings& settings() const { return pool_->settings(); }
  const GateSegments& segments() const { return segments_; }

 private:
  friend class SegmentPool;
  FloatingCredits(std::shared_ptr<SegmentPool> pool, const GateSegments& segments, int32_t reserved)
      : pool_(std::move(pool)), segments_(segments), reserved_(reserved), left_(segments.shared) {}

  struct Refused {
    const CreditWaiter* identity;
    std::weak_ptr<CreditWaiter> waiter;  // May have died while it waited.
    int32_t wanted;
  };

  std::shared_ptr<SegmentPool> pool_;
  const GateSegments segments_;
  const int32_t reserved_;
  mutable std::mutex mutex_;
  int32_t left_;  // 0 while somebody is in the queue, but for the moment of a grant.
  std::deque<Refused> refused_;  // At most one a channel.
};

}  // namespace sabot::shuffle
