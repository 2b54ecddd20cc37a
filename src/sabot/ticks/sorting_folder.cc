#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "sabot/env/storage.h"
#include "sabot/ticks/sorting_folder_internal.h"

namespace sabot::ticks::internal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSuffix = ".sorting";
constexpr const char* kLock = "/lock";

// A locked file of that path, or -1: somebody else holds it, or has just removed it.
int LockedFile(const std::string& path, int flags) {
  const int file = open(path.c_str(), flags | O_RDWR | O_CLOEXEC, 0666);
  if (file < 0) return -1;
  struct stat found = {};
  const bool locked = flock(file, LOCK_EX | LOCK_NB) == 0;
  if (locked && fstat(file, &found) == 0 && found.st_nlink > 0) return file;
  const int why = locked ? ENOENT : errno;
  close(file);
  errno = why;
  return -1;
}

}  // namespace

arrow::Result<std::shared_ptr<SortingFolder>> SortingFolder::Make(const std::string& parent) {
  static std::atomic<int64_t> made = 0;
  // Until it is locked, another process may take it for one that was left, and remove it: then the next number.
  constexpr int kTriesMax = 100;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const std::string name = "." + std::to_string(getpid()) + "-" + std::to_string(++made) + kSuffix;
    ARROW_ASSIGN_OR_RAISE(const auto place, env::StorageOf((fs::path(parent) / name).string()));
    ARROW_RETURN_NOT_OK(place.storage->CreateFolder(place.path));
    const int lock = LockedFile(place.path + kLock, O_CREAT);
    if (lock >= 0) return std::shared_ptr<SortingFolder>(new SortingFolder(place.path, lock));
    if (errno != EWOULDBLOCK && errno != ENOENT) {
      return arrow::Status::IOError("'", place.path, "' cannot be locked: ", std::generic_category().message(errno),
                                    ". Convert into a folder of a disk that knows locks.");
    }
  }
  return arrow::Status::IOError("'", parent, "': no folder for sorting could be made there: others remove it.");
}

SortingFolder::~SortingFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
  close(lock_);  // Only then: nobody else has seen it unlocked.
}

void RemoveLeftSortingFolders(const std::string& parent) {
  std::error_code error;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') && name.ends_with(kSuffix)) folders.push_back(entry.path());
  }
  for (const fs::path& folder : folders) {
    const int lock = LockedFile(folder.string() + kLock, 0);
    if (lock < 0) {
      fs::remove(folder, error);  // Works where it is empty: its maker was killed before it had locked it.
      continue;
    }
    fs::remove_all(folder, error);
    close(lock);
  }
}

}  // namespace sabot::ticks::internal
