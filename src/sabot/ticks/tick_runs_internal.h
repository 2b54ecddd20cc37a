// Sorted runs of ticks on the disk, and their merge.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sabot/ticks/tick_buffer.h"

namespace sabot::ticks::internal {

// Batches of one sorted run; null at the end.
using NextTicks = std::function<arrow::Result<std::shared_ptr<arrow::RecordBatch>>()>;

// A hidden folder beside a file to be; removed with all that is in it at the end.
class TickRuns {
 public:
  // "a/adnocgas.parquet" gets "a/.adnocgas.parquet.<process>-<number>.sorting".
  static arrow::Result<std::unique_ptr<TickRuns>> Make(const std::string& path);
  ~TickRuns();
  TickRuns(const TickRuns&) = delete;
  TickRuns& operator=(const TickRuns&) = delete;

  const std::string& folder() const { return folder_; }
  int64_t count() const { return count_; }
  // A run more; the ticks are sorted, and none is left in the buffer.
  arrow::Status Add(TickBuffer& ticks);
  // The runs in the order they were added, some thousand rows of each in memory.
  arrow::Result<std::vector<NextTicks>> Open() const;

 private:
  explicit TickRuns(std::string folder) : folder_(std::move(folder)) {}
  std::string FileOf(int64_t run) const { return folder_ + "/run-" + std::to_string(run) + ".arrow"; }

  std::string folder_;
  int64_t count_ = 0;
};

// All ticks in the order of their times; of equal ones those of an earlier run come first. `take` gets them in buffers
// of some ten thousand, and leaves them empty.
arrow::Status MergeTicks(std::vector<NextTicks> runs, const std::function<arrow::Status(TickBuffer&)>& take);

}  // namespace sabot::ticks::internal
