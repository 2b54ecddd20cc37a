// Where files are written, and what was written is read again: a disk, an object store, or a simulated one that is full
// on demand. A file appears under its name when it is complete, or not at all.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
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
  // With its parents, all of them durable when it returns; one that is there is fine.
  virtual arrow::Status CreateFolder(const std::string& path) = 0;
  // The names in a folder, in no order; none where the folder is missing.
  virtual arrow::Result<std::vector<std::string>> List(const std::string& folder) = 0;
  // A committed file. On a disk what is opened stays readable when it is removed or replaced.
  virtual arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& path) = 0;
  virtual arrow::Status Remove(const std::string& path) = 0;  // A file; one that is missing is fine.
  // One without files; one that is missing is fine. Error: something is in it (ENOTEMPTY).
  virtual arrow::Status RemoveFolder(const std::string& path) = 0;
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

// A disk in memory that is full (ENOSPC) once `bytes_max` bytes are held, pending ones included, and whose power fails
// when it is told to. Any thread.
class SimulatedStorage final : public Storage {
 public:
  explicit SimulatedStorage(int64_t bytes_max) : disk_(std::make_shared<Disk>()) { disk_->bytes_left = bytes_max; }

  arrow::Result<std::unique_ptr<PendingFile>> Create(const std::string& path) override;
  arrow::Status CreateFolder(const std::string&) override { return arrow::Status::OK(); }
  arrow::Result<std::vector<std::string>> List(const std::string& folder) override;
  arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& path) override;
  arrow::Status Remove(const std::string& path) override;
  arrow::Status RemoveFolder(const std::string& path) override;  // Folders are there while they have files.

  // The committed files: bytes by path.
  std::map<std::string, std::string> files() const;
  // A committed file as something else left it: torn, or of somebody else.
  void Put(const std::string& path, std::string bytes);

  // The power fails at the first write, commit or removal after `operations` more of them, which then has no effect:
  // that call and all later ones are errors (EIO) until Restart(). A disk that tears promised more than it held: a
  // commit at which the power fails leaves half of the file under its name.
  void FailAfter(int64_t operations, bool tears = false);
  // The power is back. Files that were pending are gone: to write or commit them stays an error.
  void Restart();
  int64_t operations() const;  // Writes, commits and removals so far.

  struct Disk {
    std::mutex mutex;
    int64_t bytes_left = 0;
    std::map<std::string, std::string> files;
    int64_t operations = 0;
    std::optional<int64_t> operations_max;  // The power fails at the next one.
    bool tears = false;
    bool failed = false;
    int64_t starts = 0;

    // Whether the power is there for one more write, commit or removal.
    bool Begin();
  };

 private:
  std::shared_ptr<Disk> disk_;
};

std::shared_ptr<SimulatedStorage> MakeSimulatedStorage(int64_t bytes_max);

}  // namespace sabot::env
