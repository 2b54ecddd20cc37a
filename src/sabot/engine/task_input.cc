#include "sabot/engine/task_input.h"

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <mutex>
#include <random>
#include <string>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::engine {
namespace {

constexpr uint64_t kCutBits = 17;  // Of the rows of a drawn frame, at most.

class PartitionInput final : public SourceInput {
 public:
  PartitionInput(std::shared_ptr<connectors::Source> source, SourceInputOptions options,
                 std::atomic<int64_t>& rows_read, SourcePosition begin)
      : source_(std::move(source)),
        options_(std::move(options)),
        rows_read_(rows_read),
        cuts_(options_.cut_seed.value_or(0) + static_cast<uint64_t>(options_.rank)),
        passed_over_(begin.offset),
        time_(begin.time),
        last_(begin.last) {
    if (options_.event_time < 0) time_ = std::max<int64_t>(time_, 0);  // The time of all its rows.
    if (options_.carried != Carried::kTimes) return;  // Nobody merges them.
    decided_ = {options_.decided.begin(), options_.decided.end()};
    std::stable_sort(decided_.begin(), decided_.end(),
                     [](const auto& left, const auto& right) { return left.offset < right.offset; });
    while (!decided_.empty() && decided_.front().offset < passed_over_) decided_.pop_front();
  }
  ~PartitionInput() override { static_cast<void>(source_->Close()); }

  arrow::Result<std::optional<data::Frame>> Next() override {
    const std::lock_guard lock(mutex_);
    if (held_) return std::nullopt;
    for (; !decided_.empty() && decided_.front().offset <= Offset(); decided_.pop_front()) {
      Promise(decided_.front().time);
    }
    if (std::exchange(promised_, false)) return data::Frame::Frontier(last_);
    if (cut_ && !ended_ && last_ >= *cut_) return AtTheCut();  // Whenever the next rows come, they are behind it.
    ARROW_ASSIGN_OR_RAISE(const bool read, Read());
    waits_ = !read;
    if (!read) return std::nullopt;
    if (rest_ == nullptr) {
      ended_ = true;
      return data::Frame::End();
    }
    int64_t rows = std::min(rest_->num_rows() - begin_, options_.batch_rows - offset_ % options_.batch_rows);
    if (!decided_.empty()) rows = std::min(rows, decided_.front().offset - offset_);
    if (options_.cut_seed) rows = std::min(rows, DrawnRows());
    const int64_t time = time_;
    data::Batch batch{.rows = rest_->Slice(begin_, rows)};
    std::shared_ptr<arrow::Buffer> times;
    if (options_.carried == Carried::kTimes && (options_.event_time >= 0 || time_ > 0)) {
      ARROW_ASSIGN_OR_RAISE(times, Times(*batch.rows));
    }
    batch.places = data::Places::OfSource(options_.rank, offset_, rows, std::move(times));
    if (cut_) {
      const int64_t before = RowsUpTo(*cut_, batch.places);
      if (before == 0) {
        time_ = time;
        return AtTheCut();
      }
      if (before < rows) {
        rows = before;
        batch = batch.Slice(0, rows);
        if (batch.places.columns().times != nullptr) time_ = batch.places.at(rows - 1).time;
      }
    }
    begin_ += rows;
    offset_ += rows;
    rows_read_ += rows;
    last_ = batch.places.at(rows - 1);
    last_.path = data::kEndPlace.path;  // And whatever is made of it.
    return data::Frame::Rows(std::move(batch), last_);
  }

  SourcePosition Hold() override {
    const std::lock_guard lock(mutex_);
    held_ = true;
    return Position();
  }
  void Cut(int64_t checkpoint, const data::Place& place, bool last) override {
    const std::lock_guard lock(mutex_);
    held_ = false;
    checkpoint_ = checkpoint;
    last_cut_ = last;
    if (!ended_) cut_ = place;
  }
  SourcePosition position() const override {
    const std::lock_guard lock(mutex_);
    return Position();
  }

  bool HoldIdle() override {
    const std::lock_guard lock(mutex_);
    if (held_ || ended_ || !waits_ || !decided_.empty() || options_.carried != Carried::kTimes) return false;
    return held_ = true;
  }
  void DeclareIdle(int64_t time) override {
    const std::lock_guard lock(mutex_);
    held_ = false;
    Promise(time);
  }

 private:
  int64_t Offset() const { return std::max(offset_, passed_over_); }
  SourcePosition Position() const {
    return {.offset = Offset(), .time = time_, .last = last_, .ended = ended_, .waits = waits_};
  }

  // No row at or before `time` comes any more. To promise the same again changes nothing, nor does it matter after
  // which of several decisions at one offset a checkpoint was taken.
  void Promise(int64_t time) {
    time = std::min(time, std::numeric_limits<int64_t>::max() - 1);
    time_ = std::max(time_, time + 1);
    if (BehindAllOf(time) <= last_) return;
    last_ = BehindAllOf(time);
    promised_ = true;
  }

  // Sees to it that there are rows, or the end. False: they will come.
  arrow::Result<bool> Read() {
    if (passed_over_ > 0 && !std::exchange(skipped_, true)) {
      ARROW_ASSIGN_OR_RAISE(offset_, source_->Skip(passed_over_));
    }
    while (rest_ == nullptr || begin_ == rest_->num_rows()) {
      rest_ = nullptr;
      begin_ = 0;
      ARROW_ASSIGN_OR_RAISE(const bool given, source_->TryNext(&rest_));
      if (!given) return false;
      if (rest_ == nullptr) {
        ARROW_RETURN_NOT_OK(CheckDecided());
        if (offset_ >= passed_over_) return true;
        return data::DataError("source " + std::to_string(options_.rank) + " has " + std::to_string(offset_) +
                               " rows, but the checkpoint was taken behind row " + std::to_string(passed_over_) +
                               ". Go on with the source it was taken of.");
      }
      if (offset_ < passed_over_) {
        begin_ = std::min(rest_->num_rows(), passed_over_ - offset_);
        offset_ += begin_;
      }
    }
    return true;
  }

  // At the end: a decision for later rows was taken of another source.
  arrow::Status CheckDecided() const {
    if (decided_.empty() || decided_.front().offset <= Offset()) return arrow::Status::OK();
    return data::DataError("source " + std::to_string(options_.rank) + " has " + std::to_string(offset_) +
                           " rows, but was idle behind row " + std::to_string(decided_.front().offset) +
                           " when the decisions were taken that this run is told. Go on with the source of that run.");
  }

  static int64_t RowsUpTo(const data::Place& place, const data::Places& places) {
    int64_t low = 0;
    for (int64_t high = places.rows(); low < high;) {
      const int64_t middle = (low + high) / 2;
      if (places.at(middle) <= place) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  // All rows up to the cut were given: first that is said, then comes the barrier.
  data::Frame AtTheCut() {
    if (std::exchange(told_, true)) {
      cut_ = std::nullopt;
      told_ = false;
      held_ = last_cut_;  // For ever.
      return data::Frame::Barrier(checkpoint_);
    }
    last_ = std::max(last_, *cut_);
    return data::Frame::Frontier(last_);
  }

  // Sizes of all magnitudes, a single row among them.
  int64_t DrawnRows() {
    const uint64_t magnitude = uint64_t{1} << cuts_() % kCutBits;
    return 1 + static_cast<int64_t>(cuts_() % magnitude);
  }

  // The running maximum of event time. A null takes what came before, and so do rows without event time.
  arrow::Result<std::shared_ptr<arrow::Buffer>> Times(const arrow::RecordBatch& rows) {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                          arrow::AllocateBuffer(rows.num_rows() * static_cast<int64_t>(sizeof(int64_t))));
    auto* const out = buffer->mutable_data_as<int64_t>();
    if (options_.event_time < 0) {
      std::fill_n(out, rows.num_rows(), time_);
      return buffer;
    }
    std::shared_ptr<arrow::Array> times = rows.column(options_.event_time);
    if (times->type_id() == arrow::Type::TIMESTAMP) {  // Whatever its unit and zone, as nanoseconds.
      const auto& type = arrow::internal::checked_cast<const arrow::TimestampType&>(*times->type());
      ARROW_ASSIGN_OR_RAISE(times,
                            arrow::compute::Cast(*times, arrow::timestamp(arrow::TimeUnit::NANO, type.timezone())));
    }
    const auto* const values = times->data()->GetValues<int64_t>(1);
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      if (times->IsValid(row)) time_ = std::max(time_, values[row]);
      out[row] = time_;
    }
    return buffer;
  }

  const std::shared_ptr<connectors::Source> source_;
  const SourceInputOptions options_;
  std::atomic<int64_t>& rows_read_;
  mutable std::mutex mutex_;  // Of all below: whoever takes checkpoints asks beside the task.
  std::mt19937_64 cuts_;
  const int64_t passed_over_;  // Rows before this offset are not given,
  bool skipped_ = false;       // and the source was asked to pass over them.
  std::shared_ptr<arrow::RecordBatch> rest_;  // What the source gave last...
  int64_t begin_ = 0;                         // ...and its first row not yet given.
  int64_t offset_ = 0;
  int64_t time_;
  data::Place last_;  // Up to here all rows were given.
  bool ended_ = false;
  bool held_ = false;
  bool waits_ = false;  // The source had nothing when it was asked last.
  std::deque<IdleDecision> decided_;  // By an earlier run, for rows from here on.
  bool promised_ = false;             // What `last_` says is still to be told.
  std::optional<data::Place> cut_;  // Where the next barrier comes,
  int64_t checkpoint_ = 0;          // of this checkpoint,
  bool last_cut_ = false;           // behind which nothing comes,
  bool told_ = false;               // and whether the frontier before it was given.
};

class GateInput final : public TaskInput {
 public:
  explicit GateInput(std::unique_ptr<shuffle::InputGate> gate) : gate_(std::move(gate)) {}
  arrow::Result<std::optional<data::Frame>> Next() override { return gate_->Next(); }

 private:
  std::unique_ptr<shuffle::InputGate> gate_;
};

}  // namespace

std::unique_ptr<SourceInput> MakeSourceInput(std::shared_ptr<connectors::Source> source, SourceInputOptions options,
                                             std::atomic<int64_t>& rows_read, SourcePosition begin) {
  return std::make_unique<PartitionInput>(std::move(source), std::move(options), rows_read, begin);
}

std::unique_ptr<TaskInput> MakeGateInput(std::unique_ptr<shuffle::InputGate> gate) {
  return std::make_unique<GateInput>(std::move(gate));
}

}  // namespace sabot::engine
