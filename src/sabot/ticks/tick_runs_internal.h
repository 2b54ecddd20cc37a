// Sorted runs of ticks on the disk, and their merge.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sabot/ticks/sorting_folder_internal.h"
#include "sabot/ticks/tick_buffer.h"
#include "sabot/ticks/tick_sum_internal.h"

namespace sabot::ticks::internal {

// Files of sorted ticks, in an order: of ticks of the same time those of an earlier file come first. They lie in a
// folder of their own, which goes with what is in it at the end.
class TickRuns {
 public:
  static arrow::Result<std::unique_ptr<TickRuns>> Make(std::shared_ptr<SortingFolder> within);
  ~TickRuns();
  TickRuns(const TickRuns&) = delete;
  TickRuns& operator=(const TickRuns&) = delete;

  const std::string& folder() const { return folder_; }
  int64_t count() const { return static_cast<int64_t>(runs_.size()); }
  // A run more; the ticks are sorted, and none is left in the buffer.
  arrow::Status Add(TickBuffer& ticks);
  // A tick file is the next run.
  void AddFile(std::string path) {
    sums_.push_back(std::make_unique<TickSum>());
    runs_.push_back({.path = std::move(path), .sum = sums_.back().get()});
  }

  // All ticks in the order of their times, once. `take` gets them in buffers of some ten thousand, and leaves them
  // empty. No more than `at_once` files are open, some thousand rows of each in memory: where there are more, some are
  // merged into one, in passes, and what was merged within the folder is removed.
  arrow::Status Merge(int at_once, const std::function<arrow::Status(TickBuffer&)>& take);

  // After Merge: what the tick file holds that was the `at`th to be added.
  const TickSum& sum_of_file(std::size_t at) const { return *sums_[at]; }

 private:
  struct Run {
    std::string path;
    TickSum* sum = nullptr;  // Of a tick file, as it is read; null: Arrow IPC.
  };
  // Batches of one run; null at the end.
  using NextTicks = std::function<arrow::Result<std::shared_ptr<arrow::RecordBatch>>()>;
  struct Cursor;

  TickRuns(std::shared_ptr<SortingFolder> within, std::string folder)
      : within_(std::move(within)), folder_(std::move(folder)) {}
  std::string NewRun() { return folder_ + "/run-" + std::to_string(++made_) + ".arrow"; }
  static arrow::Result<NextTicks> Open(const Run& run);
  static arrow::Status MergeAll(std::span<const Run> runs, const std::function<arrow::Status(TickBuffer&)>& take);
  arrow::Result<Run> MergeIntoOne(std::span<const Run> runs);

  std::shared_ptr<SortingFolder> within_;
  std::string folder_;
  std::vector<Run> runs_;
  std::vector<std::unique_ptr<TickSum>> sums_;
  int64_t made_ = 0;
};

}  // namespace sabot::ticks::internal
