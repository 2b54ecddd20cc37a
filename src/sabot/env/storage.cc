#include "sabot/env/storage.h"

#include <arrow/util/io_util.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sabot/env/file_system.h"
#include "sabot/env/storage_internal.h"

namespace sabot::env {
namespace {

// What an object store gets: visible when Arrow closes the stream, never where Abort came first.
class PendingObject final : public PendingFile {
 public:
  PendingObject(std::string endpoint, std::shared_ptr<arrow::io::OutputStream> object)
      : endpoint_(std::move(endpoint)),
        object_(std::move(object)),
        stream_(std::make_shared<internal::UncommittedStream>([this](const void* data, int64_t bytes) {
          return ExplainEndpoint(endpoint_, object_->Write(data, bytes));
        })) {}

  ~PendingObject() override {
    if (object_ != nullptr) static_cast<void>(object_->Abort());  // Its own destructor would finish the upload.
  }

  const std::shared_ptr<arrow::io::OutputStream>& stream() override { return stream_; }

  arrow::Status Commit() override {
    ARROW_RETURN_NOT_OK(ExplainEndpoint(endpoint_, object_->Close()));
    object_.reset();
    return arrow::Status::OK();
  }

 private:
  std::string endpoint_;
  std::shared_ptr<arrow::io::OutputStream> object_;  // Null once committed.
  std::shared_ptr<arrow::io::OutputStream> stream_;
};

class ObjectStorage final : public Storage {
 public:
  explicit ObjectStorage(const FileSystemPath& place) : file_system_(place.file_system), endpoint_(place.endpoint) {}

  arrow::Result<std::unique_ptr<PendingFile>> Create(const std::string& path) override {
    auto object = file_system_->OpenOutputStream(path, nullptr);
    if (!object.ok()) return ExplainEndpoint(endpoint_, object.status());
    return std::make_unique<PendingObject>(endpoint_, std::move(object).ValueUnsafe());
  }

  arrow::Status CreateFolder(const std::string&) override { return arrow::Status::OK(); }  // Names need none.

  arrow::Result<std::vector<std::string>> List(const std::string& folder) override {
    arrow::fs::FileSelector selector;
    selector.base_dir = folder;
    selector.allow_not_found = true;
    const auto infos = file_system_->GetFileInfo(selector);
    if (!infos.ok()) return ExplainEndpoint(endpoint_, infos.status());
    std::vector<std::string> names;
    for (const auto& info : *infos) names.push_back(info.base_name());
    return names;
  }

 private:
  std::shared_ptr<arrow::fs::FileSystem> file_system_;
  std::string endpoint_;
};

class SimulatedFile final : public PendingFile {
 public:
  SimulatedFile(std::shared_ptr<SimulatedStorage::Disk> disk, std::string path)
      : disk_(std::move(disk)),
        path_(std::move(path)),
        stream_(std::make_shared<internal::UncommittedStream>(
            [this](const void* data, int64_t bytes) { return Append(data, bytes); })) {}

  ~SimulatedFile() override {
    if (committed_) return;
    const std::lock_guard lock(disk_->mutex);
    disk_->bytes_left += static_cast<int64_t>(bytes_.size());
  }

  const std::shared_ptr<arrow::io::OutputStream>& stream() override { return stream_; }

  arrow::Status Commit() override {
    const std::lock_guard lock(disk_->mutex);
    std::string& file = disk_->files[path_];
    disk_->bytes_left += static_cast<int64_t>(file.size());  // What it replaces.
    file = std::move(bytes_);
    committed_ = true;
    return arrow::Status::OK();
  }

 private:
  arrow::Status Append(const void* data, int64_t bytes) {
    const std::lock_guard lock(disk_->mutex);
    if (bytes > disk_->bytes_left) {
      return arrow::internal::IOErrorFromErrno(ENOSPC, "'", path_, "' cannot be written: ", std::strerror(ENOSPC));
    }
    disk_->bytes_left -= bytes;
    bytes_.append(static_cast<const char*>(data), static_cast<std::size_t>(bytes));
    return arrow::Status::OK();
  }

  std::shared_ptr<SimulatedStorage::Disk> disk_;
  std::string path_;
  std::string bytes_;
  bool committed_ = false;
  std::shared_ptr<arrow::io::OutputStream> stream_;
};

}  // namespace

arrow::Result<StoragePath> StorageOf(const std::string& path_or_uri) {
  ARROW_RETURN_NOT_OK(CheckPath(path_or_uri));
  if (SchemeOf(path_or_uri).empty()) return StoragePath{.storage = internal::MakeLocalStorage(), .path = path_or_uri};
  ARROW_ASSIGN_OR_RAISE(auto place, FileSystemOf(path_or_uri));
  auto storage = place.endpoint.empty() ? internal::MakeLocalStorage() : std::make_shared<ObjectStorage>(place);
  return StoragePath{.storage = std::move(storage), .path = std::move(place.path)};
}

std::shared_ptr<SimulatedStorage> MakeSimulatedStorage(int64_t bytes_max) {
  return std::make_shared<SimulatedStorage>(bytes_max);
}

arrow::Result<std::unique_ptr<PendingFile>> SimulatedStorage::Create(const std::string& path) {
  return std::make_unique<SimulatedFile>(disk_, path);
}

arrow::Result<std::vector<std::string>> SimulatedStorage::List(const std::string& folder) {
  const std::string prefix = folder + "/";
  std::vector<std::string> names;
  const std::lock_guard lock(disk_->mutex);
  for (const auto& [path, bytes] : disk_->files) {
    if (path.starts_with(prefix))
      names.push_back(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
  }
  return names;
}

std::map<std::string, std::string> SimulatedStorage::files() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->files;
}

}  // namespace sabot::env
