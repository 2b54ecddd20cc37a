#include "sabot/engine/own_folder.h"

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <system_error>

namespace sabot::engine {
namespace {

arrow::Status Error(const std::string& path, const std::error_code& error) {
  return arrow::Status::IOError("state folder '", path, "': ", error.message(),
                                ". Name a folder on a local disk that can be written.");
}

}  // namespace

// A process of the same number may have died here, or live in another container: what is there is never taken over.
arrow::Result<std::shared_ptr<const OwnFolder>> OwnFolder::Make(const std::string& parent) {
  static std::atomic<int64_t> folders = 0;  // Of this process.
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (error) return Error(parent, error);
  for (;;) {
    std::string path = parent + "/" + std::to_string(::getpid()) + "-" + std::to_string(folders++);
    const bool made = std::filesystem::create_directory(path, error);
    if (error) return Error(path, error);
    if (made) return std::make_shared<const OwnFolder>(std::move(path));
  }
}

OwnFolder::~OwnFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

}  // namespace sabot::engine
