// Where a conversion keeps what it sorts on the disk: one hidden folder, which no other process touches while this one
// lives, and which the next conversion removes if this one was killed.
#pragma once

#include <arrow/result.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace sabot::ticks::internal {

// Any thread. Removed with all that is in it at the end.
class SortingFolder {
 public:
  // ".<process>-<number>.sorting" in `parent`, with a file that this process holds locked.
  static arrow::Result<std::shared_ptr<SortingFolder>> Make(const std::string& parent);
  ~SortingFolder();
  SortingFolder(const SortingFolder&) = delete;
  SortingFolder& operator=(const SortingFolder&) = delete;

  const std::string& path() const { return path_; }
  // The path of a file or folder in it that nobody else has.
  std::string NewPath(const std::string& suffix) { return path_ + "/" + std::to_string(++names_) + suffix; }

 private:
  SortingFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;
  std::atomic<int64_t> names_ = 0;
};

// Removes the sorting folders in `parent` that no live process holds. What cannot be removed stays, without a word: it
// is hidden, and costs only room.
void RemoveLeftSortingFolders(const std::string& parent);

}  // namespace sabot::ticks::internal
