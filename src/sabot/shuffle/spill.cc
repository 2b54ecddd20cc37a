#include "sabot/shuffle/spill.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "sabot/shuffle/pieces_internal.h"
#include "sabot/shuffle/row_bytes.h"
#include "sabot/shuffle/spill_file_internal.h"

namespace sabot::shuffle {
namespace {

using data::Frame;
using data::FrameKind;

// While nothing is behind, the sender's calls go to the inner channel. From the first row that it does not take until
// all is behind it again, frames wait here in a row, and only jobs, of which at most one is posted, call the inner
// channel.
class SpillingChannel final : public Channel,
                              public SpillEdge::Waiter,
                              public std::enable_shared_from_this<SpillingChannel> {
 public:
  SpillingChannel(std::shared_ptr<Channel> inner, std::shared_ptr<SpillEdge> edge, std::string part)
      : inner_(std::move(inner)), edge_(std::move(edge)), part_(std::move(part)) {}
  ~SpillingChannel() override;
  void TakeWakes();

  arrow::Result<int64_t> SendRows(const Frame& rows, int64_t begin) override;
  arrow::Status SendSignal(const Frame& signal) override;
  arrow::Result<std::optional<Frame>> Receive() override;
  void Release(int32_t segments) override { inner_->Release(segments); }
  const ChannelCounters& counters() const override { return inner_->counters(); }
  void OnSpace() override;

 private:
  struct Waiting {
    Frame signal = Frame::End();     // Of what is no rows;
    std::vector<Frame> rows = {};    // or rows in memory,
    int64_t bytes = 0;               // so many,
    std::string file = {};           // or in a file
    int64_t file_bytes = 0;          // of so many;
    std::shared_ptr<arrow::Schema> schema = nullptr;  // either way of this schema,
    bool has_places = false;
    data::Place frontier = {};       // up to here.
    bool is_rows() const { return schema != nullptr; }
  };

  bool always() const { return edge_->settings().when == SpillWhen::kAlways; }
  void Append(const Frame& rows, int64_t bytes);  // Under the lock...
  void PostJob();                                 // ...both.
  void OnInnerRoom();
  void Job();
  arrow::Result<bool> SendSome();  // What a job does; whether it came forward.
  arrow::Result<bool> WriteOne();
  arrow::Result<bool> TakeFirst();
  arrow::Result<bool> Write(std::size_t index);
  bool HasRoom(int64_t row_bytes) const {  // Under the lock: in memory, for one more row.
    return memory_bytes_ == 0 || memory_bytes_ + row_bytes <= 2 * edge_->settings().batch_bytes;
  }

  const std::shared_ptr<Channel> inner_;
  const std::shared_ptr<SpillEdge> edge_;
  const std::string part_;

  data::Place frontier_ = data::kBeginPlace;  // The sender's: of the frame before.

  std::mutex mutex_;
  arrow::Status error_;
  std::deque<Waiting> waiting_;
  bool behind_ = false;      // Something waits here, or a job has it.
  bool job_posted_ = false;
  bool job_again_ = false;   // Something changed while it ran.
  bool sender_waits_ = false;  // For room for a row...
  int64_t row_bytes_ = 0;      // ...of so many bytes.
  int64_t memory_bytes_ = 0;  // Of rows that wait in memory.

  // The jobs'.
  std::optional<Frame> current_;  // Rows on their way into the inner channel,
  int64_t current_begin_ = 0;     // from here on,
  int64_t current_memory_ = 0;    // counted in memory_bytes_,
  int64_t files_made_ = 0;
};

SpillingChannel::~SpillingChannel() {
  std::vector<std::string> files;
  int64_t bytes = 0;
  for (const Waiting& waiting : waiting_) {
    if (waiting.file.empty()) continue;
    files.push_back(waiting.file);
    bytes += waiting.file_bytes;
  }
  if (files.empty()) return;
  edge_->background().Post([edge = edge_, files = std::move(files), bytes] {
    for (const std::string& file : files) static_cast<void>(edge->storage().Remove(file));
    edge->Return(bytes);
  });
}

void SpillingChannel::TakeWakes() {
  inner_->set_wake_sender([weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->OnInnerRoom();
  });
  inner_->set_wake_receiver([weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->wake_receiver_();
  });
}

void SpillingChannel::PostJob() {
  job_again_ = true;
  if (std::exchange(job_posted_, true)) return;
  edge_->background().Post([weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->Job();
  });
}

void SpillingChannel::OnInnerRoom() {
  const std::lock_guard lock(mutex_);
  PostJob();  // Rows may be on their way here from the call that was told to wait.
}

void SpillingChannel::OnSpace() {
  const std::lock_guard lock(mutex_);
  PostJob();
}

void SpillingChannel::Append(const Frame& rows, int64_t bytes) {
  const auto& schema = rows.batch.rows->schema();
  const bool has_places = rows.batch.places.rows() > 0;
  const bool joins = !waiting_.empty() && !waiting_.back().rows.empty() && waiting_.back().schema == schema &&
                     waiting_.back().has_places == has_places &&
                     waiting_.back().bytes + bytes <= edge_->settings().batch_bytes;
  if (!joins) waiting_.push_back({.schema = schema, .has_places = has_places});
  Waiting& last = waiting_.back();
  last.rows.push_back(rows);
  last.bytes += bytes;
  last.frontier = rows.frontier;
  memory_bytes_ += bytes;
}

arrow::Result<int64_t> SpillingChannel::SendRows(const Frame& rows, int64_t begin) {
  bool behind;
  {
    const std::lock_guard lock(mutex_);
    ARROW_RETURN_NOT_OK(error_);
    behind = behind_;  // Only this thread sets it.
  }
  const int64_t all = rows.num_rows();
  int64_t sent = 0;
  if (all <= begin || (!behind && !always())) {
    if (all <= begin) {
      ARROW_RETURN_NOT_OK(SendSignal(Frame::Frontier(rows.frontier)));
      return 0;
    }
    ARROW_ASSIGN_OR_RAISE(sent, inner_->SendRows(rows, begin));
    if (sent > 0) frontier_ = rows.batch.places.rows() > 0 ? rows.place(begin + sent - 1) : frontier_;
    if (begin + sent == all) {
      frontier_ = rows.frontier;
      return sent;
    }
  }
  const int64_t row_bytes = RowBytes(*rows.batch.rows);
  const int64_t batch_bytes = edge_->settings().batch_bytes;
  const std::lock_guard lock(mutex_);
  while (begin + sent < all) {
    if (!HasRoom(row_bytes)) break;
    const int64_t fitting = std::min(batch_bytes, 2 * batch_bytes - memory_bytes_) / row_bytes;
    const int64_t count = std::clamp<int64_t>(fitting, 1, all - begin - sent);
    const Frame piece = internal::PieceOf(rows, begin + sent, count, frontier_);
    frontier_ = piece.frontier;
    Append(piece, count * row_bytes);
    sent += count;
  }
  behind_ = true;
  sender_waits_ = begin + sent < all;
  row_bytes_ = row_bytes;
  PostJob();
  return sent;
}

arrow::Status SpillingChannel::SendSignal(const Frame& signal) {
  if (signal.kind == FrameKind::kFrontier) frontier_ = signal.frontier;
  {
    const std::lock_guard lock(mutex_);
    ARROW_RETURN_NOT_OK(error_);
    if (behind_) {
      const bool joins = signal.kind == FrameKind::kFrontier && !waiting_.empty() &&
                         (waiting_.back().is_rows() || waiting_.back().signal.kind == FrameKind::kFrontier);
      if (!joins) waiting_.push_back({.signal = signal});
      if (joins && waiting_.back().is_rows()) {
        waiting_.back().frontier = signal.frontier;
      } else {
        waiting_.back().signal = signal;
      }
      PostJob();
      return arrow::Status::OK();
    }
  }
  return inner_->SendSignal(signal);
}

arrow::Result<std::optional<Frame>> SpillingChannel::Receive() {
  {
    const std::lock_guard lock(mutex_);
    ARROW_RETURN_NOT_OK(error_);
  }
  return inner_->Receive();
}

void SpillingChannel::Job() {
  {
    const std::lock_guard lock(mutex_);
    job_again_ = false;
  }
  // Rows first go on, then to disk: what goes on need not be written.
  auto came_forward = SendSome();
  if (came_forward.ok() && !*came_forward) came_forward = WriteOne();
  const arrow::Status status = came_forward.status();
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    if (!status.ok()) error_ = status;
    if (waiting_.empty() && !current_) behind_ = false;
    wake = (!status.ok() || HasRoom(row_bytes_)) && std::exchange(sender_waits_, false);
    job_posted_ = false;
    if (status.ok() && (*came_forward || job_again_)) PostJob();  // Behind the jobs of others.
  }
  if (wake) wake_sender_();
  if (!status.ok()) wake_receiver_();
}

// The rows on their way, or the first that waits. Nothing: none waits, or the inner channel has no room.
arrow::Result<bool> SpillingChannel::SendSome() {
  if (!current_) {
    ARROW_ASSIGN_OR_RAISE(const bool took, TakeFirst());
    if (!current_) return took;
  }
  ARROW_ASSIGN_OR_RAISE(const int64_t sent, inner_->SendRows(*current_, current_begin_));
  current_begin_ += sent;
  if (current_begin_ < current_->num_rows()) return false;
  const std::lock_guard lock(mutex_);
  memory_bytes_ -= current_memory_;
  current_.reset();
  return true;
}

arrow::Result<bool> SpillingChannel::TakeFirst() {
  Waiting first;
  {
    std::unique_lock lock(mutex_);
    if (waiting_.empty()) return false;
    if (always() && !waiting_.front().rows.empty()) {
      lock.unlock();
      ARROW_RETURN_NOT_OK(Write(0).status());  // Or, on a full disk, it stays in memory.
      lock.lock();
    }
    first = std::move(waiting_.front());
    waiting_.pop_front();
  }
  if (!first.is_rows()) {
    ARROW_RETURN_NOT_OK(inner_->SendSignal(first.signal));
    return true;
  }
  if (first.file.empty()) {
    ARROW_ASSIGN_OR_RAISE(current_, internal::JoinFrames(first.rows));
  } else {
    auto read = internal::ReadSpillFile(edge_->storage(), first.file, first.schema, first.has_places);
    static_cast<void>(edge_->storage().Remove(first.file));
    edge_->Return(first.file_bytes);
    ARROW_ASSIGN_OR_RAISE(current_, std::move(read));
  }
  current_->frontier = first.frontier;
  current_begin_ = 0;
  current_memory_ = first.file.empty() ? first.bytes : 0;
  return true;
}

// The first full batch in memory to disk. The last may still grow, unless nothing more fits into memory.
arrow::Result<bool> SpillingChannel::WriteOne() {
  std::size_t index = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto in_memory = std::ranges::find_if(waiting_, [](const Waiting& waiting) { return !waiting.rows.empty(); });
    if (in_memory == waiting_.end()) return false;
    index = static_cast<std::size_t>(in_memory - waiting_.begin());
    if (index + 1 == waiting_.size() && !sender_waits_) return false;
  }
  return Write(index);
}

arrow::Result<bool> SpillingChannel::Write(std::size_t index) {
  std::vector<Frame> rows;
  {
    const std::lock_guard lock(mutex_);
    rows = waiting_[index].rows;
    waiting_[index].rows.clear();  // So that nothing joins it meanwhile.
  }
  ARROW_ASSIGN_OR_RAISE(const Frame joined, internal::JoinFrames(rows));
  int64_t bytes;
  {
    const std::lock_guard lock(mutex_);
    bytes = waiting_[index].bytes;
    if (!edge_->Reserve(bytes, shared_from_this())) {
      waiting_[index].rows = std::move(rows);
      return false;
    }
  }
  const std::string& folder = edge_->settings().folder;
  const std::string file = folder + "/" + part_ + "-" + std::to_string(files_made_++) + ".arrow";
  arrow::Status status = edge_->storage().CreateFolder(folder);
  if (status.ok()) status = internal::WriteSpillFile(edge_->storage(), file, joined);
  if (!status.ok()) edge_->Return(bytes);
  const std::lock_guard lock(mutex_);
  Waiting& waiting = waiting_[index];
  if (!status.ok()) {
    waiting.rows = std::move(rows);
    if (!internal::IsFull(status)) return status;
    return false;
  }
  waiting.file = file;
  waiting.file_bytes = bytes;
  memory_bytes_ -= bytes;
  CountersOf(*inner_).bytes_spilled.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

}  // namespace

int64_t SpillEdge::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

bool SpillEdge::Reserve(int64_t bytes, const std::shared_ptr<Waiter>& waiter) {
  const std::lock_guard lock(mutex_);
  if (bytes_ + bytes <= settings_.edge_bytes_max) {
    bytes_ += bytes;
    return true;
  }
  const auto is_waiter = [&](const auto& other) { return other.lock() == waiter; };
  if (std::ranges::none_of(refused_, is_waiter)) refused_.push_back(waiter);
  return false;
}

void SpillEdge::Return(int64_t bytes) {
  std::vector<std::weak_ptr<Waiter>> refused;
  {
    const std::lock_guard lock(mutex_);
    bytes_ -= bytes;
    refused.swap(refused_);
  }
  for (const auto& waiter : refused) {
    if (const auto alive = waiter.lock()) alive->OnSpace();
  }
}

std::shared_ptr<Channel> MakeSpillingChannel(std::shared_ptr<Channel> inner, std::shared_ptr<SpillEdge> edge,
                                             std::string part) {
  const auto channel = std::make_shared<SpillingChannel>(std::move(inner), std::move(edge), std::move(part));
  channel->TakeWakes();
  return channel;
}

}  // namespace sabot::shuffle
