#include "sabot/shuffle/gate.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>

#include <algorithm>
#include <span>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/data/gather.h"

namespace sabot::shuffle {
namespace {

// One channel's rows on their way through a merge.
struct Run {
  int channel = 0;
  std::vector<data::Place> places = {};
  int32_t begin = 0;  // Of its rows among those of all runs.
  std::size_t next = 0;

  bool Precedes(const Run& other) const {
    const data::Place& mine = places[next];
    const data::Place& theirs = other.places[other.next];
    return mine < theirs || (mine == theirs && channel < other.channel);
  }
};

// The order in which the rows of all runs leave, as numbers among the rows of all.
std::vector<int32_t> MergeRuns(std::vector<Run> runs, std::size_t rows) {
  std::vector<int32_t> order;
  order.reserve(rows);
  while (!runs.empty()) {
    std::size_t first = 0;  // The run whose head comes first, and the one after it.
    std::optional<std::size_t> second;
    for (std::size_t i = 1; i < runs.size(); ++i) {
      if (runs[i].Precedes(runs[first])) {
        second = std::exchange(first, i);
      } else if (!second || runs[i].Precedes(runs[*second])) {
        second = i;
      }
    }
    Run& run = runs[first];
    do {
      order.push_back(run.begin + static_cast<int32_t>(run.next++));
    } while (run.next < run.places.size() && (!second || run.Precedes(runs[*second])));
    if (run.next == run.places.size()) runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(first));
  }
  return order;
}

}  // namespace

Gate::Gate(int channels, std::shared_ptr<arrow::Schema> schema)
    : schema_(std::move(schema)), channels_(static_cast<std::size_t>(channels)) {}

arrow::Status Gate::Push(int channel, data::Batch batch) {
  if (batch.num_rows() == 0) return arrow::Status::OK();
  auto& into = channels_[static_cast<std::size_t>(channel)];
  const data::Place first = batch.places.at(0);
  if (into.began && first < into.last) {
    return data::DataError("input " + std::to_string(channel) + " of a merge goes back in place: " + first.ToString() +
                           " came after " + into.last.ToString() + ". Its operators must keep the order of rows.");
  }
  into.last = batch.places.at(batch.num_rows() - 1);
  into.began = true;
  into.batches.push_back(std::move(batch));
  FindBehind();
  return arrow::Status::OK();
}

void Gate::End(int channel) {
  channels_[static_cast<std::size_t>(channel)].ended = true;
  FindBehind();
}

void Gate::FindBehind() {
  std::optional<std::size_t> behind;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    const Channel& channel = channels_[i];
    if (channel.ended) continue;
    if (!behind) {
      behind = i;
      continue;
    }
    const Channel& other = channels_[*behind];
    if (channel.began != other.began ? !channel.began : channel.last < other.last) behind = i;
  }
  behind_ = static_cast<int>(behind.value_or(0));
}

// Channel `behind_` may bring rows of its last place again; those come before equal ones of later channels.
bool Gate::MayGo(const data::Place& place, int channel) const {
  const Channel& behind = channels_[static_cast<std::size_t>(behind_)];
  if (behind.ended) return true;  // Then all have.
  if (!behind.began) return false;
  return place < behind.last || (place == behind.last && channel <= behind_);
}

std::vector<Gate::Piece> Gate::TakePieces() {
  std::vector<Piece> pieces;
  for (int index = 0; index < static_cast<int>(channels_.size()); ++index) {
    auto& batches = channels_[static_cast<std::size_t>(index)].batches;
    while (!batches.empty()) {
      data::Batch& head = batches.front();
      int64_t begin = 0;  // The first row that must stay.
      for (int64_t step = head.num_rows(); step > 0;) {
        if (begin + step <= head.num_rows() && MayGo(head.places.at(begin + step - 1), index)) {
          begin += step;
        } else {
          step /= 2;
        }
      }
      if (begin == 0) break;
      const bool whole = begin == head.num_rows();
      pieces.push_back({.channel = index, .batch = whole ? std::move(head) : head.Slice(0, begin)});
      if (!whole) {
        head = head.Slice(begin, head.num_rows() - begin);
        break;
      }
      batches.pop_front();
    }
  }
  return pieces;
}

arrow::Result<data::Batch> Gate::Merge(std::vector<Piece> pieces) const {
  std::vector<Run> runs;
  int64_t rows = 0;
  for (const Piece& piece : pieces) {
    if (runs.empty() || runs.back().channel != piece.channel) {
      runs.push_back({.channel = piece.channel, .begin = static_cast<int32_t>(rows)});
    }
    for (int64_t row = 0; row < piece.batch.num_rows(); ++row) {
      runs.back().places.push_back(piece.batch.places.at(row));
    }
    rows += piece.batch.num_rows();
  }
  std::vector<data::Place> places;
  places.reserve(static_cast<std::size_t>(rows));
  for (const Run& run : runs) places.insert(places.end(), run.places.begin(), run.places.end());
  const std::vector<int32_t> order = MergeRuns(std::move(runs), static_cast<std::size_t>(rows));

  std::vector<data::Place> merged_places(order.size());
  std::transform(order.begin(), order.end(), merged_places.begin(),
                 [&](int32_t row) { return places[static_cast<std::size_t>(row)]; });
  arrow::ArrayVector columns;
  for (int column = 0; column < schema_->num_fields(); ++column) {
    arrow::ArrayVector parts;
    for (const Piece& piece : pieces) parts.push_back(piece.batch.rows->column(column));
    ARROW_ASSIGN_OR_RAISE(const auto whole, arrow::Concatenate(parts));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), data::Gather(*whole, order));
  }
  ARROW_ASSIGN_OR_RAISE(auto of_all, data::Places::Of(merged_places));
  return data::Batch{.rows = arrow::RecordBatch::Make(schema_, rows, std::move(columns)), .places = std::move(of_all)};
}

arrow::Result<std::optional<data::Batch>> Gate::Next() {
  if (ready_.empty()) {
    auto pieces = TakePieces();
    const bool one_channel = std::all_of(pieces.begin(), pieces.end(),
                                         [&](const Piece& piece) { return piece.channel == pieces[0].channel; });
    if (one_channel) {  // Nothing to merge, nothing to copy.
      for (auto& piece : pieces) ready_.push_back(std::move(piece.batch));
    } else {
      ARROW_ASSIGN_OR_RAISE(ready_.emplace_back(), Merge(std::move(pieces)));
    }
  }
  if (ready_.empty()) return std::nullopt;
  std::optional<data::Batch> next = std::move(ready_.front());
  ready_.pop_front();
  return next;
}

bool Gate::ended() const {
  return ready_.empty() && std::all_of(channels_.begin(), channels_.end(),
                                       [](const Channel& channel) { return channel.ended && channel.batches.empty(); });
}

int64_t Gate::rows_held() const {
  int64_t rows = 0;
  for (const auto& batch : ready_) rows += batch.num_rows();
  for (const auto& channel : channels_) {
    for (const auto& batch : channel.batches) rows += batch.num_rows();
  }
  return rows;
}

}  // namespace sabot::shuffle
