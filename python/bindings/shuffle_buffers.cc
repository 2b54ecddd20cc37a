// Channels in one process: the pool of their segments, both ends of one as a buffer, and what takes them to disk.
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "sabot/data/errors.h"
#include "sabot/shuffle/local_channel.h"
#include "sabot/shuffle/row_bytes.h"
#include "sabot/shuffle/segment_pool.h"
#include "sabot/shuffle/spill.h"

namespace sabot::python {
namespace {

using Clock = std::chrono::steady_clock;
using shuffle::Channel;

// What wakes one who waits at an end of a channel.
class Bell {
 public:
  void Ring() {
    {
      const std::scoped_lock lock(mutex_);
      rung_ = true;
    }
    changed_.notify_all();
  }
  // Until it was rung since it was last heard, or until then: false. Ctrl-C ends it, too.
  bool Wait(Clock::time_point until) {
    for (;;) {
      Check(env::InterruptScope::Check());
      std::unique_lock lock(mutex_);
      const auto now = Clock::now();
      const auto slice = std::min(until, now + std::chrono::milliseconds(env::kInterruptEveryMs));
      if (changed_.wait_until(lock, slice, [this] { return rung_; })) {
        rung_ = false;
        return true;
      }
      if (now >= until) return false;
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
};

Clock::time_point Until(double wait_seconds) {
  constexpr double kForever = 1e8;
  const double seconds = wait_seconds > 0 ? std::min(wait_seconds, kForever) : 0;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

// Where buffers spill to, who does the disk's work, and how much that was. Outlives its buffers.
class Spill {
 public:
  Spill(const std::string& folder, int64_t bytes_max, bool always, int64_t batch_bytes) {
    if (bytes_max < 1) Check(data::OptionError(AtLeastOne("max_bytes", bytes_max)));
    if (batch_bytes < 1) Check(data::OptionError(AtLeastOne("batch_bytes", batch_bytes)));
    auto [storage, path] = Check(env::StorageOf(folder));
    storage_ = std::move(storage);
    background_ = env::MakeBackground();
    edge_ = std::make_shared<shuffle::SpillEdge>(
        shuffle::SpillSettings{.when = always ? shuffle::SpillWhen::kAlways : shuffle::SpillWhen::kOverflow,
                               .folder = path,
                               .edge_bytes_max = bytes_max,
                               .batch_bytes = batch_bytes},
        *storage_, *background_);
  }

  std::shared_ptr<Channel> Wrap(std::shared_ptr<Channel> inner) {
    static std::atomic<int64_t> parts = 0;  // Of this process: a name of its own for each.
    auto channel = shuffle::MakeSpillingChannel(std::move(inner), edge_,
                                                std::to_string(::getpid()) + "-" + std::to_string(parts++));
    const std::scoped_lock lock(mutex_);
    channels_.push_back(channel.get());
    return channel;
  }
  void Forget(const Channel* channel) {
    const std::scoped_lock lock(mutex_);
    if (std::erase(channels_, channel) > 0) bytes_of_gone_ += channel->counters().bytes_spilled;
  }

  int64_t bytes_on_disk() const { return edge_->bytes(); }
  int64_t bytes_spilled() {
    const std::scoped_lock lock(mutex_);
    int64_t bytes = bytes_of_gone_;
    for (const Channel* const channel : channels_) bytes += channel->counters().bytes_spilled;
    return bytes;
  }

 private:
  static std::string AtLeastOne(const std::string& name, int64_t value) {
    return "spill: " + name + " is " + std::to_string(value) + "; it must be at least 1.";
  }

  std::shared_ptr<env::Storage> storage_;
  std::unique_ptr<env::Background> background_;  // Does what was posted before it ends.
  std::shared_ptr<shuffle::SpillEdge> edge_;
  std::mutex mutex_;
  std::vector<const Channel*> channels_;  // Of buffers that are there,
  int64_t bytes_of_gone_ = 0;             // and of those that were.
};

// Both ends of a channel. One thread writes, one reads; they may be the same. Rows are gathered until they fill a
// segment, since each frame takes a segment at least.
class Buffer {
 public:
  Buffer(const std::shared_ptr<shuffle::FloatingCredits>& credits, std::shared_ptr<Spill> spill)
      : segment_bytes_(credits->settings().segment_bytes),
        spill_(std::move(spill)),
        room_(std::make_shared<Bell>()),
        rows_(std::make_shared<Bell>()),
        channel_(shuffle::MakeLocalChannel(credits)) {
    if (spill_ != nullptr) channel_ = spill_->Wrap(std::move(channel_));
    channel_->set_wake_sender([room = room_] { room->Ring(); });
    channel_->set_wake_receiver([rows = rows_] { rows->Ring(); });
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    const nb::gil_scoped_release released;  // A file may have to be written to its end.
    if (spill_ != nullptr) spill_->Forget(channel_.get());
    channel_.reset();
    spill_.reset();
  }

  int64_t Write(const nb::object& data, double wait) {
    const auto reader = ImportReader(data);
    const Waiting released;
    const auto until = Until(wait);
    int64_t taken = 0;
    for (;;) {
      const auto batch = Check(reader->Next());
      if (batch == nullptr) return taken;
      for (int64_t begin = 0; begin < batch->num_rows();) {
        const int64_t some = Put(batch, begin);
        begin += some;
        taken += some;
        if (begin < batch->num_rows() && !room_->Wait(until)) return taken;
      }
    }
  }

  bool Flush(double wait) {
    const Waiting released;
    const auto until = Until(wait);
    for (;;) {
      {
        const std::scoped_lock lock(write_mutex_);
        if (SendGathered()) return true;
      }
      if (!room_->Wait(until)) return false;
    }
  }

  // No more rows. What did not go yet goes as the reader makes room.
  void Finish() {
    const nb::gil_scoped_release released;
    {
      const std::scoped_lock lock(write_mutex_);
      finished_ = true;
    }
    SendEnd();
    rows_->Ring();
  }

  std::optional<ArrowResult> Read(double wait) {
    const Waiting released;
    const auto until = Until(wait);
    for (;;) {
      if (auto batch = Take()) return ArrowResult(batch);
      if (ended_ || !rows_->Wait(until)) return std::nullopt;
    }
  }

  void Release() {
    const nb::gil_scoped_release released;
    const std::scoped_lock lock(read_mutex_);
    GiveBack();
  }

  bool ended() const { return ended_; }
  bool finished() const { return finished_; }
  int64_t rows_written() const { return rows_written_; }
  int64_t rows_read() const { return rows_read_; }
  int64_t bytes_gathered() const { return bytes_gathered_; }
  const shuffle::ChannelCounters& counters() const { return channel_->counters(); }

 private:
  using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

  // As many rows from `begin` on as there is room for.
  int64_t Put(const BatchPtr& batch, int64_t begin) {
    const std::scoped_lock lock(write_mutex_);
    if (finished_) Check(data::OptionError("shuffle buffer: finish() said that there are no more rows."));
    if (schema_ == nullptr) schema_ = batch->schema();
    if (!batch->schema()->Equals(*schema_, /*check_metadata=*/false)) {
      Check(data::SchemaError("shuffle buffer: a batch has the columns " + batch->schema()->ToString() +
                              ", those before it had " + schema_->ToString() + ". Give all batches the same columns."));
    }
    const int64_t row_bytes = shuffle::RowBytes(*batch);
    const int64_t first = begin;
    while (begin < batch->num_rows()) {
      const int64_t rest = batch->num_rows() - begin;
      if (gathered_.empty() && rest * row_bytes >= segment_bytes_) {
        const int64_t sent = Check(channel_->SendRows(data::Frame::Rows({.rows = batch}, data::kBeginPlace), begin));
        begin += sent;
        if (sent < rest) break;
        continue;
      }
      const int64_t fitting = (segment_bytes_ - bytes_gathered_) / row_bytes;
      if (fitting <= 0) {
        if (!SendGathered()) break;
        continue;
      }
      const int64_t count = std::min(rest, fitting);
      gathered_.push_back(batch->Slice(begin, count));
      bytes_gathered_ += count * row_bytes;
      begin += count;
      if (count == fitting) SendGathered();
    }
    rows_written_ += begin - first;
    return begin - first;
  }

  // Under the write lock. Whether nothing is left.
  bool SendGathered() {
    if (gathered_.empty()) return true;
    if (gathered_.size() > 1) gathered_ = {Check(arrow::ConcatenateRecordBatches(gathered_))};
    const BatchPtr& all = gathered_.front();
    const int64_t sent = Check(channel_->SendRows(data::Frame::Rows({.rows = all}, data::kBeginPlace), 0));
    if (sent == all->num_rows()) {
      gathered_.clear();
      bytes_gathered_ = 0;
      return true;
    }
    bytes_gathered_ = bytes_gathered_ / all->num_rows() * (all->num_rows() - sent);
    gathered_ = {all->Slice(sent)};
    return false;
  }

  void SendEnd() {
    const std::scoped_lock lock(write_mutex_);
    if (!finished_ || end_sent_ || !SendGathered()) return;
    Check(channel_->SendSignal(data::Frame::End()));
    end_sent_ = true;
  }

  BatchPtr Take() {
    const std::scoped_lock lock(read_mutex_);
    GiveBack();
    if (finished_) SendEnd();
    for (;;) {
      auto frame = Check(channel_->Receive());
      if (!frame) return nullptr;
      if (frame->kind == data::FrameKind::kEnd) {
        ended_ = true;
        return nullptr;
      }
      if (frame->kind != data::FrameKind::kRows) continue;
      held_ = frame->segments;
      rows_read_ += frame->num_rows();
      return frame->batch.rows;  // All of its rows: none was sent with a selection.
    }
  }
  void GiveBack() {
    if (const int32_t segments = std::exchange(held_, 0); segments > 0) channel_->Release(segments);
  }

  const int64_t segment_bytes_;
  std::shared_ptr<Spill> spill_;  // Outlives the channel.
  const std::shared_ptr<Bell> room_;
  const std::shared_ptr<Bell> rows_;
  std::shared_ptr<Channel> channel_;

  std::mutex write_mutex_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<BatchPtr> gathered_;  // Fewer rows than fill a segment, or what found no room.
  std::atomic<int64_t> bytes_gathered_ = 0;
  std::atomic<int64_t> rows_written_ = 0;
  std::atomic<bool> finished_ = false;
  bool end_sent_ = false;

  std::mutex read_mutex_;  // Taken before the other one.
  int32_t held_ = 0;       // Segments of the batch that was read last.
  std::atomic<int64_t> rows_read_ = 0;
  std::atomic<bool> ended_ = false;
};

// The segments of `channels` buffers that share some, as those of one shuffle do.
std::vector<std::shared_ptr<Buffer>> Reserve(shuffle::SegmentPool& pool, int32_t channels,
                                             const std::shared_ptr<Spill>& spill) {
  if (channels < 1) {
    Check(data::OptionError("shuffle: channels is " + std::to_string(channels) + "; it must be at least 1."));
  }
  const auto credits = Check(pool.Reserve(channels));
  std::vector<std::shared_ptr<Buffer>> buffers;
  for (int32_t channel = 0; channel < channels; ++channel) buffers.push_back(std::make_shared<Buffer>(credits, spill));
  return buffers;
}

nb::dict Settings(const shuffle::SegmentPool& pool) {
  nb::dict settings;
  settings["pool_segments"] = pool.settings().pool_segments;
  settings["segment_bytes"] = pool.settings().segment_bytes;
  settings["channel_segments"] = pool.settings().channel_segments;
  settings["shuffle_segments"] = pool.settings().shuffle_segments;
  return settings;
}

nb::dict Counters(const Buffer& buffer) {
  const auto& counters = buffer.counters();
  nb::dict entry;
  entry["rows_written"] = buffer.rows_written();
  entry["rows_read"] = buffer.rows_read();
  entry["bytes_sent"] = counters.bytes_sent.load();
  entry["bytes_queued"] = counters.bytes_queued.load() + buffer.bytes_gathered();
  entry["credits_held"] = counters.credits_held.load();
  entry["credits_waited"] = counters.credits_waited.load();
  entry["bytes_spilled"] = counters.bytes_spilled.load();
  return entry;
}

}  // namespace

void RegisterShuffleBuffers(nb::module_& module) {
  nb::class_<Spill>(module, "Spill")
      .def(nb::init<const std::string&, int64_t, bool, int64_t>(), nb::arg("folder"), nb::arg("bytes_max"),
           nb::arg("always"), nb::arg("batch_bytes"))
      .def_prop_ro("bytes_on_disk", &Spill::bytes_on_disk)
      .def_prop_ro("bytes_spilled", &Spill::bytes_spilled);
  nb::class_<Buffer>(module, "ShuffleBuffer")
      .def("write", &Buffer::Write, nb::arg("data"), nb::arg("wait"))
      .def("flush", &Buffer::Flush, nb::arg("wait"))
      .def("finish", &Buffer::Finish)
      .def("read", &Buffer::Read, nb::arg("wait"))
      .def("release", &Buffer::Release)
      .def_prop_ro("finished", &Buffer::finished)
      .def_prop_ro("ended", &Buffer::ended)
      .def("counters", &Counters);
  nb::class_<shuffle::SegmentPool>(module, "SegmentPool")
      .def_prop_ro("segments_left", &shuffle::SegmentPool::segments_left)
      .def("settings", &Settings)
      .def("reserve", &Reserve, nb::arg("channels"), nb::arg("spill").none());
  module.def(
      "make_segment_pool",
      [](int32_t pool_segments, int64_t segment_bytes, int32_t channel_segments, int32_t shuffle_segments) {
        return Check(shuffle::SegmentPool::Make({.segment_bytes = segment_bytes,
                                                 .channel_segments = channel_segments,
                                                 .shuffle_segments = shuffle_segments,
                                                 .pool_segments = pool_segments}));
      },
      nb::arg("pool_segments"), nb::arg("segment_bytes"), nb::arg("channel_segments"), nb::arg("shuffle_segments"));
}

}  // namespace sabot::python
