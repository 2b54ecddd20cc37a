// What all parts of a conversion share.
#pragma once

#include <arrow/status.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sabot/ticks/convert_ticks.h"
#include "sabot/ticks/ordered_ticks.h"
#include "sabot/ticks/sorting_folder_internal.h"

namespace sabot::ticks::internal {

// Any thread.
class Conversion {
 public:
  // `inputs`: all files that can be read, as PathOfInput writes them.
  Conversion(std::string folder, const ConvertTicksOptions& options, std::set<std::string> inputs,
             std::shared_ptr<SortingFolder> sorting)
      : folder_(std::move(folder)), options_(options), inputs_(std::move(inputs)), sorting_(std::move(sorting)) {}

  const ConvertTicksOptions& options() const { return options_; }
  const std::string& folder() const { return folder_; }
  const std::set<std::string>& inputs() const { return inputs_; }  // Before anything is read.
  std::string PathOf(const std::string& security) const { return folder_ + "/" + TickFileName(security); }

  // Ticks that will be the file at `path`, or a part of it.
  std::unique_ptr<OrderedTicks> MakeTicks(const std::string& path, OrderedTicksOptions how) const {
    how.sorting = sorting_;
    return std::make_unique<OrderedTicks>(path, std::move(how));
  }
  const std::shared_ptr<SortingFolder>& sorting() const { return sorting_; }

  // Whether ticks of `source` may take the place of what is there. Error (kData): that is none of ours, or was made
  // from something that is not among the inputs and would be lost.
  arrow::Status MayReplace(const std::string& path, const std::string& source) const;
  // Inputs that could not be read to their end are none: what was made from them is not replaced by what lacks them.
  void Lose(const std::vector<std::string>& inputs) {
    const std::scoped_lock lock(mutex_);
    for (const std::string& input : inputs) inputs_.erase(input);
  }

  arrow::Status Reject(const std::string& where, const std::string& reason, std::string row);
  void CountRows(int64_t rows) { rows_ += rows; }
  int64_t rows() const { return rows_; }
  int64_t rejected() const { return rejected_; }

 private:
  std::string folder_;
  const ConvertTicksOptions& options_;
  mutable std::mutex mutex_;
  std::set<std::string> inputs_;
  std::shared_ptr<SortingFolder> sorting_;
  std::atomic<int64_t> rows_ = 0;
  std::atomic<int64_t> rejected_ = 0;
};

// What a conversion's result depends on beside the source's content.
std::string OptionsText(const ConvertTicksOptions& options, const std::string& market);

// The info of the tick file at `path`, if it is one with this digest.
std::optional<TickFileInfo> UpToDate(const std::string& path, const std::string& digest);

}  // namespace sabot::ticks::internal
