#include "sabot/env/storage.h"

#include <arrow/io/memory.h>
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

  arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& path) override {
    auto file = file_system_->OpenInputFile(path);
    if (!file.ok()) return ExplainEndpoint(endpoint_, file.status());
    return file;
  }

  arrow::Status Remove(const std::string& path) override {
    const auto info = file_system_->GetFileInfo(path);
    if (!info.ok()) return ExplainEndpoint(endpoint_, info.status());
    if (info->type() == arrow::fs::FileType::NotFound) return arrow::Status::OK();
    return ExplainEndpoint(endpoint_, file_system_->DeleteFile(path));
  }

  // A name that Arrow left so that an empty folder is still there.
  arrow::Status RemoveFolder(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const auto names, List(path));
    if (!names.empty()) return internal::FolderNotEmpty(path);
    const auto info = file_system_->GetFileInfo(path);
    if (!info.ok()) return ExplainEndpoint(endpoint_, info.status());
    if (info->type() == arrow::fs::FileType::NotFound) return arrow::Status::OK();
    return ExplainEndpoint(endpoint_, file_system_->DeleteDir(path));
  }

 private:
  std::shared_ptr<arrow::fs::FileSystem> file_system_;
  std::string endpoint_;
};

arrow::Status NoPower(const std::string& path) {
  return arrow::internal::IOErrorFromErrno(EIO, "'", path, "' cannot be reached: ", std::strerror(EIO), ".");
}

class SimulatedFile final : public PendingFile {
 public:
  SimulatedFile(std::shared_ptr<SimulatedStorage::Disk> disk, std::string path, int64_t start)
      : disk_(std::move(disk)),
        start_(start),
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
    if (disk_->starts != start_) return NoPower(path_);
    const bool fails = !disk_->Begin();
    if (fails && !std::exchange(disk_->tears, false)) return NoPower(path_);
    if (fails) {
      disk_->bytes_left += static_cast<int64_t>(bytes_.size() - bytes_.size() / 2);
      bytes_.resize(bytes_.size() / 2);
    }
    std::string& file = disk_->files[path_];
    disk_->bytes_left += static_cast<int64_t>(file.size());  // What it replaces.
    file = std::move(bytes_);
    committed_ = true;
    return fails ? NoPower(path_) : arrow::Status::OK();
  }

 private:
  arrow::Status Append(const void* data, int64_t bytes) {
    const std::lock_guard lock(disk_->mutex);
    if (disk_->starts != start_ || !disk_->Begin()) return NoPower(path_);
    if (bytes > disk_->bytes_left) {
      return arrow::internal::IOErrorFromErrno(ENOSPC, "'", path_, "' cannot be written: ", std::strerror(ENOSPC));
    }
    disk_->bytes_left -= bytes;
    bytes_.append(static_cast<const char*>(data), static_cast<std::size_t>(bytes));
    return arrow::Status::OK();
  }

  std::shared_ptr<SimulatedStorage::Disk> disk_;
  int64_t start_;
  std::string path_;
  std::string bytes_;
  bool committed_ = false;
  std::shared_ptr<arrow::io::OutputStream> stream_;
};

}  // namespace

namespace internal {

arrow::Status FolderNotEmpty(const std::string& path) {
  return arrow::internal::IOErrorFromErrno(ENOTEMPTY, "'", path, "' cannot be removed: ", std::strerror(ENOTEMPTY),
                                           ".");
}

}  // namespace internal

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
  const std::lock_guard lock(disk_->mutex);
  if (disk_->failed) return NoPower(path);
  return std::make_unique<SimulatedFile>(disk_, path, disk_->starts);
}

arrow::Result<std::vector<std::string>> SimulatedStorage::List(const std::string& folder) {
  const std::string prefix = folder + "/";
  std::vector<std::string> names;
  const std::lock_guard lock(disk_->mutex);
  if (disk_->failed) return NoPower(folder);
  for (const auto& [path, bytes] : disk_->files) {
    if (!path.starts_with(prefix)) continue;
    std::string name = path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size());
    if (names.empty() || names.back() != name) names.push_back(std::move(name));  // Files of a folder stand together.
  }
  return names;
}

arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> SimulatedStorage::OpenInput(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  if (disk_->failed) return NoPower(path);
  const auto file = disk_->files.find(path);
  if (file == disk_->files.end()) {
    return arrow::internal::IOErrorFromErrno(ENOENT, "'", path, "' cannot be read: ", std::strerror(ENOENT), ".");
  }
  return arrow::io::BufferReader::FromString(file->second);
}

arrow::Status SimulatedStorage::Remove(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  if (!disk_->Begin()) return NoPower(path);
  const auto file = disk_->files.find(path);
  if (file == disk_->files.end()) return arrow::Status::OK();
  disk_->bytes_left += static_cast<int64_t>(file->second.size());
  disk_->files.erase(file);
  return arrow::Status::OK();
}

arrow::Status SimulatedStorage::RemoveFolder(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  if (!disk_->Begin()) return NoPower(path);
  const auto file = disk_->files.lower_bound(path + "/");
  const bool has_files = file != disk_->files.end() && file->first.starts_with(path + "/");
  return has_files ? internal::FolderNotEmpty(path) : arrow::Status::OK();
}

std::map<std::string, std::string> SimulatedStorage::files() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->files;
}

void SimulatedStorage::Put(const std::string& path, std::string bytes) {
  const std::lock_guard lock(disk_->mutex);
  std::string& file = disk_->files[path];
  disk_->bytes_left += static_cast<int64_t>(file.size()) - static_cast<int64_t>(bytes.size());
  file = std::move(bytes);
}

void SimulatedStorage::FailAfter(int64_t operations, bool tears) {
  const std::lock_guard lock(disk_->mutex);
  disk_->operations_max = disk_->operations + operations;
  disk_->tears = tears;
}

void SimulatedStorage::Restart() {
  const std::lock_guard lock(disk_->mutex);
  disk_->operations_max.reset();
  disk_->tears = false;
  disk_->failed = false;
  ++disk_->starts;
}

int64_t SimulatedStorage::operations() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->operations;
}

bool SimulatedStorage::Disk::Begin() {
  if (failed) return false;
  failed = operations_max && operations >= *operations_max;
  if (!failed) ++operations;
  return !failed;
}

}  // namespace sabot::env
