#include "sabot/ticks/ordered_ticks.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_runs_internal.h"

namespace sabot::ticks {
namespace {

constexpr const char* kInOrder = "/in-order.parquet";

bool SameQuote(const Tick& left, const Tick& right) { return left.price == right.price && left.volume == right.volume; }

}  // namespace

OrderedTicks::OrderedTicks(std::string path, OrderedTicksOptions options) : path_(std::move(path)), options_(options) {}

OrderedTicks::~OrderedTicks() { in_order_.reset(); }  // Before its folder.

arrow::Status OrderedTicks::WriteHeld() {
  if (held_.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
  held_.Sort();
  const bool in_order = (runs_ == nullptr || runs_->count() == 0) && held_.timestamps().front() >= last_in_order_;
  if (!in_order || options_.drop_unchanged_quotes) return Spill();
  return WriteInOrder();
}

arrow::Status OrderedTicks::MakeFolder() {
  return runs_ == nullptr ? internal::TickRuns::Make(path_).Value(&runs_) : arrow::Status::OK();
}

arrow::Status OrderedTicks::WriteInOrder() {
  ARROW_RETURN_NOT_OK(MakeFolder());
  if (in_order_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(in_order_, OpenTickFileWriter(runs_->folder() + kInOrder, options_.with_side));
  }
  last_in_order_ = held_.timestamps().back();
  return Write(*in_order_, held_);
}

arrow::Status OrderedTicks::Spill() {
  if (held_.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(MakeFolder());
  held_.Sort();
  return runs_->Add(held_);
}

arrow::Status OrderedTicks::Write(TickFileWriter& writer, TickBuffer& ticks) {
  if (options_.drop_unchanged_quotes) {
    TickBuffer changed;
    for (std::size_t row = 0; row < ticks.timestamps().size(); ++row) {
      const Tick tick = ticks[row];
      Tick* const last = tick.type == TickType::kBid ? &last_bid_ : tick.type == TickType::kAsk ? &last_ask_ : nullptr;
      if (last != nullptr && SameQuote(*last, tick)) continue;
      if (last != nullptr) *last = tick;
      changed.Append(tick);
    }
    std::swap(ticks, changed);
  }
  rows_written_ += ticks.rows();
  const auto batch = ticks.Take(options_.with_side);
  return batch->num_rows() > 0 ? writer.Write(batch) : arrow::Status::OK();
}

arrow::Status OrderedTicks::Merge(TickFileWriter& writer) {
  ARROW_ASSIGN_OR_RAISE(auto runs, runs_->Open());
  if (in_order_ != nullptr) {
    ARROW_RETURN_NOT_OK(std::exchange(in_order_, nullptr)->Close({}));
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<TickReader> reader, OpenTickFile(runs_->folder() + kInOrder));
    runs.insert(runs.begin(), [reader]() { return reader->Next(); });
  }
  rows_written_ = 0;
  return internal::MergeTicks(std::move(runs), [&](TickBuffer& ticks) { return Write(writer, ticks); });
}

arrow::Result<TickFileInfo> OrderedTicks::Close(TickFileInfo info) {
  info.reordered = reordered_;
  if (runs_ != nullptr) ARROW_RETURN_NOT_OK(WriteHeld());
  const bool merges = runs_ != nullptr && runs_->count() > 0;
  if (in_order_ != nullptr && !merges) {
    info.rows = rows_written_;
    ARROW_RETURN_NOT_OK(in_order_->Close(info));
    in_order_.reset();
    const std::string written = runs_->folder() + kInOrder;
    if (std::rename(written.c_str(), path_.c_str()) == 0) return info;
    return arrow::Status::IOError("'", path_, "' cannot be put in its place: ", std::strerror(errno), ".");
  }
  ARROW_ASSIGN_OR_RAISE(const auto writer, OpenTickFileWriter(path_, options_.with_side));
  if (merges) {
    ARROW_RETURN_NOT_OK(Merge(*writer));
  } else {
    held_.Sort();
    ARROW_RETURN_NOT_OK(Write(*writer, held_));
  }
  info.rows = rows_written_;
  ARROW_RETURN_NOT_OK(writer->Close(info));
  return info;
}

}  // namespace sabot::ticks
