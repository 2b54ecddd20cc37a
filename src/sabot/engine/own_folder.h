// A folder on a local disk that is somebody's own and goes with them, with all that is in it.
#pragma once

#include <arrow/result.h>

#include <memory>
#include <string>
#include <utility>

namespace sabot::engine {

class OwnFolder {
 public:
  // A new one below `parent`, which is made where it is missing: <process>-<number>, of which no other process has the
  // same. Error: the system's, with the path.
  static arrow::Result<std::shared_ptr<const OwnFolder>> Make(const std::string& parent);
  // One that somebody makes.
  explicit OwnFolder(std::string path) : path_(std::move(path)) {}
  ~OwnFolder();
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sabot::engine
