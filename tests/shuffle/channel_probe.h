// What tests of channels share: rows that can be told apart, and a reading of frames.
#pragma once

#include <arrow/api.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sabot/data/frame.h"
#include "sabot/shuffle/channel.h"

namespace sabot::shuffle {

using data::Frame;
using data::FrameKind;
using data::Place;

template <class Builder, class Value>
std::shared_ptr<arrow::Array> ArrayOf(const std::vector<Value>& values) {
  Builder builder;
  for (const Value& value : values) static_cast<void>(builder.Append(value));
  return builder.Finish().ValueOrDie();
}

// Rows numbered from `first` on: the number, and a padding that makes each 8 + `padding` bytes long; places of source 0
// whose offset and time are the number.
inline data::Batch NumberedRows(int64_t first, int64_t rows, int32_t padding = 0) {
  std::vector<int64_t> numbers(static_cast<std::size_t>(rows));
  std::iota(numbers.begin(), numbers.end(), first);
  std::vector<std::shared_ptr<arrow::Array>> columns = {ArrayOf<arrow::Int64Builder>(numbers)};
  arrow::FieldVector fields = {arrow::field("number", arrow::int64())};
  if (padding > 0) {
    const auto type = arrow::fixed_size_binary(padding);
    const std::string bytes(static_cast<std::size_t>(rows * padding), 'p');
    columns.push_back(
        std::make_shared<arrow::FixedSizeBinaryArray>(type, rows, arrow::Buffer::FromString(std::string(bytes))));
    fields.push_back(arrow::field("padding", type));
  }
  const auto times = arrow::Buffer::FromVector(numbers);
  return {.rows = arrow::RecordBatch::Make(arrow::schema(fields), rows, columns),
          .places = data::Places::OfSource(0, first, rows, times)};
}

inline Place PlaceOf(int64_t number) { return {.time = number, .source = 0, .offset = number}; }

inline Frame NumberedFrame(int64_t first, int64_t rows, int32_t padding = 0) {
  return Frame::Rows(NumberedRows(first, rows, padding), PlaceOf(first + rows - 1));
}

inline data::Selection SelectionOf(const std::vector<int32_t>& rows) {
  return {arrow::Buffer::FromVector(rows), 0, static_cast<int64_t>(rows.size())};
}

// The numbers of a frame's rows.
inline std::vector<int64_t> NumbersOf(const Frame& frame) {
  const auto& column = static_cast<const arrow::Int64Array&>(*frame.batch.rows->column(0));
  std::vector<int64_t> numbers;
  for (int64_t row = 0; row < frame.num_rows(); ++row) {
    numbers.push_back(column.Value(frame.selection ? frame.selection->rows()[static_cast<std::size_t>(row)] : row));
  }
  return numbers;
}

// A frame in a word: "rows 3..7 (2)" with its segments, "frontier 4", "barrier 1", "end".
inline std::string Word(const Frame& frame) {
  switch (frame.kind) {
    case FrameKind::kRows: {
      const auto numbers = NumbersOf(frame);
      return "rows " + std::to_string(numbers.front()) + ".." + std::to_string(numbers.back()) + " (" +
             std::to_string(frame.segments) + ")";
    }
    case FrameKind::kFrontier:
      return "frontier " + std::to_string(frame.frontier.offset);
    case FrameKind::kBarrier:
      return "barrier " + std::to_string(frame.checkpoint);
    case FrameKind::kEnd:
      return "end";
  }
  return "?";
}

// Counts the wakes of both ends.
struct Wakes {
  explicit Wakes(Channel& channel) : Wakes(channel, channel) {}
  Wakes(Channel& sender_end, Channel& receiver_end) {
    sender_end.set_wake_sender([this] { ++sender; });
    receiver_end.set_wake_receiver([this] { ++receiver; });
  }
  Wakes(const Wakes&) = delete;
  Wakes& operator=(const Wakes&) = delete;
  int sender = 0;
  int receiver = 0;
};

// Sends frames made from a seed, one call after the other, and remembers them as the receiver should see them: the
// numbers of all rows in order, with a mark for each barrier, and one for the end.
class RandomSender {
 public:
  static constexpr int64_t kBarrierMark = -1;
  static constexpr int64_t kEndMark = -2;

  RandomSender(Channel& channel, uint64_t seed, int frames, int64_t rows_max, int32_t padding)
      : channel_(channel), random_(seed), frames_left_(frames), rows_max_(rows_max), padding_(padding) {}

  // One call to the channel; false where it must wait, or is done.
  bool Step() {
    if (done_) return false;
    if (begin_ < frame_.num_rows()) {
      const int64_t taken = channel_.SendRows(frame_, begin_).ValueOrDie();
      for (int64_t row = begin_; row < begin_ + taken; ++row) sent_.push_back(numbers_[static_cast<std::size_t>(row)]);
      begin_ += taken;
      return begin_ == frame_.num_rows();
    }
    if (frames_left_-- == 0) {
      done_ = true;
      sent_.push_back(kEndMark);
      return channel_.SendSignal(Frame::End()).ok();
    }
    switch (random_() % 8) {
      case 0:
        sent_.push_back(kBarrierMark);
        return channel_.SendSignal(Frame::Barrier(1)).ok();
      case 1:
        return channel_.SendSignal(Frame::Frontier(PlaceOf(next_ - 1))).ok();
      default:
        MakeRows();
        return true;
    }
  }
  bool done() const { return done_; }
  const std::vector<int64_t>& sent() const { return sent_; }

 private:
  void MakeRows() {
    const auto rows = static_cast<int64_t>(1 + random_() % static_cast<uint64_t>(rows_max_));
    frame_ = NumberedFrame(next_, rows, padding_);
    next_ += rows;
    begin_ = 0;
    if (random_() % 2 == 0) {
      std::vector<int32_t> chosen;
      for (int32_t row = 0; row < rows; ++row) {
        if (random_() % 3 != 0) chosen.push_back(row);
      }
      frame_.selection = SelectionOf(chosen);
    }
    numbers_ = NumbersOf(frame_);
  }

  Channel& channel_;
  std::mt19937_64 random_;
  int frames_left_;
  int64_t rows_max_;
  int32_t padding_;
  int64_t next_ = 0;
  bool done_ = false;
  Frame frame_ = Frame::Frontier({});
  int64_t begin_ = 0;
  std::vector<int64_t> numbers_;
  std::vector<int64_t> sent_;
};

// Adds what a frame brings to `received`, as RandomSender writes it down.
inline void AddMarks(const Frame& frame, std::vector<int64_t>& received) {
  if (frame.kind == FrameKind::kRows) {
    for (const int64_t number : NumbersOf(frame)) received.push_back(number);
  } else if (frame.kind != FrameKind::kFrontier) {
    received.push_back(frame.kind == FrameKind::kEnd ? RandomSender::kEndMark : RandomSender::kBarrierMark);
  }
}

}  // namespace sabot::shuffle
