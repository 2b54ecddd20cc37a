#include "sabot/shuffle/segment_pool.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::shuffle {
namespace {

constexpr int64_t kSegmentBytesMin = 1024;
constexpr int64_t kSegmentBytesMax = int64_t{64} << 20;
constexpr int64_t kSegmentsMax = 1 << 20;

arrow::Status CheckRange(std::string_view name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return arrow::Status::OK();
  return data::OptionError("shuffle: " + std::string(name) + " is " + std::to_string(value) + "; it must be from " +
                           std::to_string(least) + " to " + std::to_string(most) + ".");
}

}  // namespace

arrow::Status SegmentSettings::Check() const {
  ARROW_RETURN_NOT_OK(CheckRange("segment_bytes", segment_bytes, kSegmentBytesMin, kSegmentBytesMax));
  ARROW_RETURN_NOT_OK(CheckRange("channel_segments", channel_segments, 1, kSegmentsMax));
  ARROW_RETURN_NOT_OK(CheckRange("shuffle_segments", shuffle_segments, 0, kSegmentsMax));
  return CheckRange("pool_segments", pool_segments, 1, kSegmentsMax);
}

arrow::Result<std::shared_ptr<SegmentPool>> SegmentPool::Make(const SegmentSettings& settings) {
  ARROW_RETURN_NOT_OK(settings.Check());
  return std::shared_ptr<SegmentPool>(new SegmentPool(settings));
}

arrow::Result<std::shared_ptr<FloatingCredits>> SegmentPool::Reserve(int32_t channels,
                                                                     std::optional<GateSegments> segments) {
  const GateSegments share =
      segments.value_or(GateSegments{.channel = settings_.channel_segments, .shared = settings_.shuffle_segments});
  const int64_t wanted = int64_t{channels} * share.channel + share.shared;
  {
    const std::lock_guard lock(mutex_);
    if (wanted > left_) {
      return data::OptionError("shuffle: a gate of " + std::to_string(channels) + " channels needs " +
                               std::to_string(wanted) + " segments (" + std::to_string(share.channel) +
                               " a channel and " + std::to_string(share.shared) + " shared), but this worker has " +
                               std::to_string(left_) + " of " + std::to_string(settings_.pool_segments) +
                               " left. Raise pool_segments by at least " + std::to_string(wanted - left_) +
                               ", or lower channel_segments, shuffle_segments or the parallelism.");
    }
    left_ -= static_cast<int32_t>(wanted);
  }
  return std::shared_ptr<FloatingCredits>(new FloatingCredits(shared_from_this(), share, static_cast<int32_t>(wanted)));
}

int32_t SegmentPool::segments_left() const {
  const std::lock_guard lock(mutex_);
  return left_;
}

void SegmentPool::Return(int32_t segments) {
  const std::lock_guard lock(mutex_);
  left_ += segments;
}

FloatingCredits::~FloatingCredits() { pool_->Return(reserved_); }

int32_t FloatingCredits::Take(int32_t wanted, const std::shared_ptr<CreditWaiter>& waiter) {
  const std::lock_guard lock(mutex_);
  const int32_t taken = std::min(wanted, left_);
  left_ -= taken;
  if (taken == wanted) return taken;
  const auto mine = std::ranges::find(refused_, waiter.get(), &Refused::identity);
  if (mine != refused_.end()) {
    mine->wanted = wanted - taken;
  } else {
    refused_.push_back({.identity = waiter.get(), .waiter = waiter, .wanted = wanted - taken});
  }
  return taken;
}

void FloatingCredits::Forget(const CreditWaiter* waiter) {
  const std::lock_guard lock(mutex_);
  std::erase_if(refused_, [waiter](const Refused& refused) { return refused.identity == waiter; });
}

void FloatingCredits::Give(int32_t segments) {
  std::unique_lock lock(mutex_);
  left_ += segments;
  while (left_ > 0 && !refused_.empty()) {
    Refused next = std::move(refused_.front());
    refused_.pop_front();
    const auto waiter = next.waiter.lock();
    if (waiter == nullptr) continue;
    const int32_t granted = std::min(next.wanted, left_);
    left_ -= granted;
    next.wanted -= granted;
    if (next.wanted > 0) refused_.push_back(std::move(next));  // Behind those who had none yet.
    lock.unlock();  // The waiter wakes a task.
    const int32_t unused = waiter->Granted(granted);
    lock.lock();
    left_ += unused;
  }
}

int32_t FloatingCredits::left() const {
  const std::lock_guard lock(mutex_);
  return left_;
}

}  // namespace sabot::shuffle
