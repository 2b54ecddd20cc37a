#include "sabot/ticks/ordered_ticks.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_runs_internal.h"

namespace sabot::ticks {
namespace {

constexpr const char* kInOrder = "/in-order.parquet";

bool SameQuote(const Tick& left, const Tick& right) { return left.price == right.price && left.volume == right.volume; }

}  // namespace

OrderedTicks::OrderedTicks(std::string path, OrderedTicksOptions options)
    : path_(std::move(path)), options_(std::move(options)) {}

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
  if (runs_ != nullptr) return arrow::Status::OK();
  if (options_.sorting == nullptr) {
    const std::string parent = std::filesystem::path(path_).parent_path().string();
    ARROW_ASSIGN_OR_RAISE(options_.sorting, internal::SortingFolder::Make(parent));
  }
  return internal::TickRuns::Make(options_.sorting).Value(&runs_);
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
  if (in_order_ != nullptr) {  // The first run.
    ARROW_RETURN_NOT_OK(std::exchange(in_order_, nullptr)->Close({}));
    runs_->AddFile(runs_->folder() + kInOrder);
  }
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

arrow::Result<TickFileInfo> OrderedTicks::CloseAs(const std::string& path, TickFileInfo info) {
  info.reordered = reordered_;
  if (runs_ != nullptr) ARROW_RETURN_NOT_OK(WriteHeld());
  if (in_order_ != nullptr) {
    info.rows = rows_written_;
    ARROW_RETURN_NOT_OK(in_order_->Close(info));
    in_order_.reset();
    const std::string written = runs_->folder() + kInOrder;
    if (std::rename(written.c_str(), path.c_str()) == 0) return info;
    return arrow::Status::IOError("'", path, "' cannot be put in its place: ", std::strerror(errno), ".");
  }
  ARROW_ASSIGN_OR_RAISE(const auto writer, OpenTickFileWriter(path, options_.with_side));
  if (runs_ != nullptr) {
    rows_written_ = 0;
    const auto take = [&](TickBuffer& ticks) { return Write(*writer, ticks); };
    ARROW_RETURN_NOT_OK(runs_->Merge(options_.merged_most, take));
  } else {
    held_.Sort();
    ARROW_RETURN_NOT_OK(Write(*writer, held_));
  }
  info.rows = rows_written_;
  ARROW_RETURN_NOT_OK(writer->Close(info));
  return info;
}

}  // namespace sabot::ticks
