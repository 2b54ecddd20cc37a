#include "sabot/shuffle/input_gate.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/data/same_columns.h"

namespace sabot::shuffle {

InputGate::InputGate(std::vector<std::shared_ptr<Channel>> channels, std::shared_ptr<arrow::Schema> schema,
                     GateOrder order, MergeOptions options)
    : schema_(std::move(schema)), order_(order), options_(options) {
  for (auto& channel : channels) inputs_.push_back({.channel = std::move(channel)});
}

arrow::Result<std::optional<data::Frame>> InputGate::Next() {
  if (out_.empty() && !ended_) {
    do {
      read_again_ = false;
      for (std::size_t at = 0; at < inputs_.size(); ++at) ARROW_RETURN_NOT_OK(Read(at));
    } while (read_again_);
    ARROW_RETURN_NOT_OK(by_place() ? GiveMerged() : GiveArrived());
    if (out_.empty()) GiveSignals();
  }
  std::optional<data::Frame> next;
  if (!out_.empty()) {
    next = std::move(out_.front());
    out_.pop_front();
    ended_ = next->kind == data::FrameKind::kEnd;
  }
  if (out_.empty()) Release();
  return next;
}

void InputGate::Release() {
  for (Input& input : inputs_) {
    if (input.releases > 0) input.channel->Release(std::exchange(input.releases, 0));
  }
}

// Takes what a channel has, up to a barrier.
arrow::Status InputGate::Read(std::size_t number) {
  Input& input = inputs_[number];
  while (!input.ended && input.barrier == 0) {
    if (!by_place() && !input.held.empty()) break;  // By arrival a frame's frontier counts once its rows went.
    ARROW_ASSIGN_OR_RAISE(auto frame, input.channel->Receive());
    if (!frame) break;
    ARROW_RETURN_NOT_OK(Take(number, std::move(*frame)));
  }
  return arrow::Status::OK();
}

arrow::Status InputGate::Take(std::size_t number, data::Frame frame) {
  Input& input = inputs_[number];
  switch (frame.kind) {
    case data::FrameKind::kEnd:
      input.ended = true;
      input.frontier = data::kEndPlace;
      return arrow::Status::OK();
    case data::FrameKind::kBarrier:
      if (frame.checkpoint < barrier_ || frame.checkpoint <= barrier_given_) return arrow::Status::OK();  // Too late.
      if (frame.checkpoint > barrier_) {
        for (Input& other : inputs_) read_again_ |= std::exchange(other.barrier, 0) != 0;
      }
      barrier_ = input.barrier = frame.checkpoint;
      return arrow::Status::OK();
    case data::FrameKind::kFrontier:
      input.frontier = std::max(input.frontier, frame.frontier);
      return arrow::Status::OK();
    case data::FrameKind::kRows:
      break;
  }
  const int64_t rows = frame.num_rows();
  if (rows == 0) {
    input.releases += frame.segments;
    input.frontier = std::max(input.frontier, frame.frontier);
    return arrow::Status::OK();
  }
  ARROW_RETURN_NOT_OK(CheckRows(number, frame));
  data::Place frontier = std::max(input.frontier, frame.frontier);
  if (by_place()) {
    if (frame.batch.places.rows() > 0) frontier = std::max(frontier, frame.place(rows - 1));
    input.frontier = frontier;  // By arrival once the rows went: nobody waits for them to go.
  }
  input.held.push_back({.rows = {.channel = static_cast<int>(number),
                                 .batch = std::move(frame.batch),
                                 .selection = std::move(frame.selection)},
                        .frontier = frontier,
                        .segments = frame.segments});
  return arrow::Status::OK();
}

arrow::Status InputGate::CheckRows(std::size_t number, const data::Frame& frame) const {
  const std::string name = "input " + std::to_string(number) + " of a gate";
  const auto& schema = frame.batch.rows->schema();
  if (!data::SameColumns(*schema, *schema_)) {
    return data::SchemaError(name + " brings columns (" + schema->ToString() + "), expected (" + schema_->ToString() +
                             "). All inputs of a task must have the same columns.");
  }
  if (!by_place()) return arrow::Status::OK();
  if (frame.batch.places.rows() != frame.batch.num_rows()) {
    if (inputs_.size() == 1 && frame.batch.places.rows() == 0) return arrow::Status::OK();
    return data::DataError(name + " has " + std::to_string(frame.batch.num_rows()) + " rows and " +
                           std::to_string(frame.batch.places.rows()) +
                           " places. Rows that are merged by place must carry theirs.");
  }
  const data::Place first = frame.place(0);
  const data::Place& frontier = inputs_[number].frontier;
  if (!(first < frontier)) return arrow::Status::OK();
  return data::DataError(name + " goes back in place: a row at " + first.ToString() + " (time " +
                         std::to_string(first.time) + ") came after its frontier, " + frontier.ToString() + " (time " +
                         std::to_string(frontier.time) + "). Operators before it must keep the order of rows.");
}

int InputGate::behind() const {
  const auto least = std::min_element(inputs_.begin(), inputs_.end(),
                                      [](const Input& a, const Input& b) { return a.frontier < b.frontier; });
  return static_cast<int>(least - inputs_.begin());
}

// Hands out all rows up to the least frontier.
arrow::Status InputGate::GiveMerged() {
  if (inputs_.size() < 2) return GiveArrived();
  const data::Place least = frontier(behind());
  std::vector<Piece> pieces;
  for (Input& input : inputs_) {
    while (!input.held.empty()) {
      Held& head = input.held.front();
      const int64_t rows = head.rows.num_rows();
      const int64_t going = head.rows.place(rows - 1) <= least ? rows : head.rows.RowsUpTo(least);
      if (going == rows) {
        pieces.push_back(std::move(head.rows));
        input.releases += head.segments;
        input.held.pop_front();
        continue;
      }
      if (going > 0) {
        pieces.push_back(head.rows.Slice(0, going));
        head.rows = head.rows.Slice(going, rows - going);
      }
      break;
    }
  }
  if (pieces.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto batches, Merge(std::move(pieces), schema_, options_));
  Give(std::move(batches), least);
  return arrow::Status::OK();
}

// Hands out a frame of the next channel that has one.
arrow::Status InputGate::GiveArrived() {
  for (std::size_t tried = 0; tried < inputs_.size(); ++tried) {
    Input& input = inputs_[turn_];
    turn_ = (turn_ + 1) % inputs_.size();
    if (input.held.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(auto batch, input.held.front().rows.Dense());
    input.releases += input.held.front().segments;
    input.frontier = std::max(input.frontier, input.held.front().frontier);
    const data::Place upto = by_place() ? input.held.front().frontier : frontier(behind());
    input.held.pop_front();
    Give({std::move(batch)}, upto);
    return arrow::Status::OK();
  }
  return arrow::Status::OK();
}

void InputGate::Give(std::vector<data::Batch> batches, const data::Place& frontier) {
  for (data::Batch& batch : batches) {
    if (batch.num_rows() <= options_.rows_max) {
      out_.push_back(data::Frame::Rows(std::move(batch), given_));
      continue;
    }
    for (int64_t begin = 0; begin < batch.num_rows(); begin += options_.rows_max) {
      out_.push_back(data::Frame::Rows(batch.Slice(begin, options_.rows_max), given_));
    }
  }
  for (data::Frame& frame : out_) {
    if (by_place() && frame.batch.places.rows() > 0) given_ = std::max(given_, frame.place(frame.num_rows() - 1));
    if (&frame == &out_.back() && frontier != data::kEndPlace) given_ = std::max(given_, frontier);
    frame.frontier = given_;
  }
}

// What has no rows: a frontier that moved on alone, then a barrier that all brought, or the end.
void InputGate::GiveSignals() {
  if (std::all_of(inputs_.begin(), inputs_.end(), [](const Input& input) { return input.ended; })) {
    out_.push_back(data::Frame::End());
    return;
  }
  if (const data::Place least = frontier(behind()); given_ < least && least != data::kEndPlace) {
    given_ = least;
    out_.push_back(data::Frame::Frontier(least));
  }
  if (barrier_ > barrier_given_ && std::all_of(inputs_.begin(), inputs_.end(),
                                               [](const Input& input) { return input.ended || input.barrier != 0; })) {
    for (Input& input : inputs_) input.barrier = 0;
    barrier_given_ = barrier_;
    out_.push_back(data::Frame::Barrier(barrier_));
  }
}

int64_t InputGate::rows_held() const {
  int64_t rows = 0;
  for (const data::Frame& frame : out_) rows += frame.num_rows();
  for (const Input& input : inputs_) {
    for (const Held& held : input.held) rows += held.rows.num_rows();
  }
  return rows;
}

}  // namespace sabot::shuffle
