// Where files are written: a disk, an object store, or a simulated one that is full on demand. A file appears under its
// name when it is complete, or not at all.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sabot::env {

// A file being written. One thread at a time. Destroyed before Commit it leaves nothing.
class PendingFile {
 public:
  virtual ~PendingFile() = default;
  // Not buffered: write in large pieces. Closing it commits nothing.
  virtual const std::shared_ptr<arrow::io::OutputStream>& stream() = 0;
  // The bytes and the name are durable when it returns. Called once; the stream is of no use afterwards.
  virtual arrow::Status Commit() = 0;
};

class Storage {
 public:
  virtual ~Storage() = default;
  // Errors are the system's (IOError, errno kept), with the path in the message.
  virtual arrow::Result<std::unique_ptr<PendingFile>> Create(const std::string& path) = 0;
  virtual arrow::Status CreateFolder(const std::string& path) = 0;  // With its parents; one that is there is fine.
  // The names in a folder, in no order; none where the folder is missing.
  virtual arrow::Result<std::vector<std::string>> List(const std::string& folder) = 0;
};

// The one of a path: the disk, or what a URI (s3://bucket/key, file:///path) names. `path` is what Create takes.
//
// On the disk a file is written beside its place as <name>.<process>-<number>.partial, flushed, and renamed. What is no
// regular file (a pipe, a device, /dev/stdout, /dev/fd/3) is written as it is. A pipe whose reader has gone is an
// IOError with EPIPE, never a signal; one whose reader is slow, or not there yet, is waited for as long as
// InterruptScope allows. Settings of s3: see file_system.h.
struct StoragePath {
  std::shared_ptr<Storage> storage;
  std::string path;
};
arrow::Result<StoragePath> StorageOf(const std::string& path_or_uri);

// A disk in memory that is full (ENOSPC) once `bytes_max` bytes are held, pending ones included. Any thread.
class SimulatedStorage final : public Storage {
 public:
  explicit SimulatedStorage(int64_t bytes_max) : disk_(std::make_shared<Disk>()) { disk_->bytes_left = bytes_max; }

  arrow::Result<std::unique_ptr<PendingFile>> Create(const std::string& path) override;
  arrow::Status CreateFolder(const std::string&) override { return arrow::Status::OK(); }
  arrow::Result<std::vector<std::string>> List(const std::string& folder) override;

  // The committed files: bytes by path.
  std::map<std::string, std::string> files() const;

  struct Disk {
    std::mutex mutex;
    int64_t bytes_left = 0;
    std::map<std::string, std::string> files;
  };

 private:
  std::shared_ptr<Disk> disk_;
};

std::shared_ptr<SimulatedStorage> MakeSimulatedStorage(int64_t bytes_max);

}  // namespace sabot::env
