// Ticks as they come, into a tick file in the order of their times. Ticks of the same time stay in the order they came.
#pragma once

#include <arrow/result.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "sabot/ticks/tick_buffer.h"
#include "sabot/ticks/tick_file.h"

namespace sabot::ticks {

namespace internal {
class SortingFolder;
class TickRuns;
}  // namespace internal

struct OrderedTicksOptions {
  bool with_side = false;
  // A bid or ask that repeats the one before it, in the order of times, is left out.
  bool drop_unchanged_quotes = false;
  int64_t run_rows = 262'144;  // Held in memory, at most, beside a batch that is added.
  int merged_most = 64;  // Runs at once; more are merged in passes. No number changes a byte.
  // Where runs lie; null: in a folder beside the file, made where it is needed.
  std::shared_ptr<internal::SortingFolder> sorting = nullptr;
};

// Memory is bounded whatever the number of ticks: in order they are written as they come; once the time goes back
// behind what was written they are sorted in runs on the disk, in a hidden folder, and merged at the end. One thread.
// Destroyed before Close it leaves nothing.
class OrderedTicks {
 public:
  OrderedTicks(std::string path, OrderedTicksOptions options);
  ~OrderedTicks();
  OrderedTicks(const OrderedTicks&) = delete;
  OrderedTicks& operator=(const OrderedTicks&) = delete;

  // A file of which the rows are a stream of its own begins: they are not counted as reordered behind those before.
  void BeginStream() { latest_ = std::numeric_limits<int64_t>::min(); }
  void Add(const Tick& tick) {
    reordered_ += tick.timestamp < latest_ ? 1 : 0;
    latest_ = std::max(latest_, tick.timestamp);
    held_.Append(tick);
  }
  void Add(const TickBuffer& ticks) {
    for (std::size_t row = 0; row < ticks.timestamps().size(); ++row) Add(ticks[row]);
  }
  // Makes room where too many are held. Called after every few thousand rows. Errors: those of the disk, and Cancelled
  // (see env::InterruptScope).
  arrow::Status MakeRoom() { return held_.rows() < options_.run_rows ? arrow::Status::OK() : WriteHeld(); }

  int64_t held_rows() const { return held_.rows(); }
  // Brings what is held to the disk, for whoever fills many files at once.
  arrow::Status Spill();

  // The file is complete and has its name when it returns; `rows` and `reordered` of the info are filled in.
  arrow::Result<TickFileInfo> Close(TickFileInfo info) { return CloseAs(path_, std::move(info)); }
  // The same with another name, on the same disk.
  arrow::Result<TickFileInfo> CloseAs(const std::string& path, TickFileInfo info);

  bool with_side() const { return options_.with_side; }

 private:
  arrow::Status WriteHeld();
  arrow::Status MakeFolder();
  arrow::Status WriteInOrder();
  arrow::Status Write(TickFileWriter& writer, TickBuffer& ticks);

  std::string path_;
  OrderedTicksOptions options_;
  TickBuffer held_;
  int64_t latest_ = std::numeric_limits<int64_t>::min();  // Of the stream.
  int64_t reordered_ = 0;
  int64_t rows_written_ = 0;

  std::unique_ptr<internal::TickRuns> runs_;  // Where something lies on the disk.
  std::unique_ptr<TickFileWriter> in_order_;  // What came in order so far, in the folder of the runs.
  int64_t last_in_order_ = std::numeric_limits<int64_t>::min();
  Tick last_bid_;  // Written; for unchanged quotes.
  Tick last_ask_;
};

}  // namespace sabot::ticks
