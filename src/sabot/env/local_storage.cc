// The disk: a temporary name, a flush, a rename.
#include <arrow/io/file.h>
#include <arrow/util/io_util.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "sabot/env/interrupt.h"
#include "sabot/env/storage_internal.h"

namespace sabot::env::internal {
namespace {

constexpr std::size_t kNameBytesMax = 200;  // Of a temporary name, before its suffix; file systems allow 255.
constexpr int64_t kWriteBytesMax = int64_t{1} << 30;
constexpr mode_t kMode = 0666;

arrow::Status Failed(int error, const std::string& path, std::string_view what) {
  std::string_view advice;
  if (error == ENOENT) advice = ". Make its folder first";
  if (error == EISDIR) advice = ". Name a file in it";
  if (error == ENOSPC || error == EDQUOT) advice = ". Make room, or name another disk";
  return arrow::internal::IOErrorFromErrno(error, "'", path, "' ", what, ": ", std::strerror(error), advice, ".");
}

arrow::Status FailedToRead(int error, const std::string& path) {
  return arrow::internal::IOErrorFromErrno(error, "'", path, "' cannot be read: ", std::strerror(error), ".");
}

// While it lives, a write to a pipe without a reader is EPIPE for this thread, not a signal for the process.
class PipeSignalsOff {
 public:
  PipeSignalsOff() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~PipeSignalsOff() {
    const int error = errno;
    constexpr timespec kNoWait{};
    if (!was_pending_) {  // Ours is taken away before the old mask would deliver it.
      while (sigtimedwait(&pipe_, nullptr, &kNoWait) == -1 && errno == EINTR) continue;
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }
  PipeSignalsOff(const PipeSignalsOff&) = delete;
  PipeSignalsOff& operator=(const PipeSignalsOff&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

// An open file; -1 once closed.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() { static_cast<void>(Close()); }
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  int get() const { return descriptor_; }
  // 0, or errno.
  int Close() {
    const int descriptor = std::exchange(descriptor_, -1);
    return descriptor < 0 || close(descriptor) == 0 || errno == EINTR ? 0 : errno;
  }
  int Sync() const {
    return fsync(descriptor_) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS ? 0 : errno;
  }
  int WriteAll(const char* data, int64_t bytes) const {
    while (bytes > 0) {
      const ssize_t written = write(descriptor_, data, static_cast<std::size_t>(std::min(bytes, kWriteBytesMax)));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno;
      data += written;
      bytes -= written;
    }
    return 0;
  }

 private:
  int descriptor_;
};

// So that a new name in `folder`, which messages call `path`, outlives a power cut.
arrow::Status SyncFolder(const std::string& folder, const std::string& path) {
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) return Failed(errno, path, "has a folder that cannot be opened");
  const int error = opened.Sync();
  return error == 0 ? arrow::Status::OK() : Failed(error, path, "has a name that did not reach the disk");
}

// Opened for writing. A pipe without a reader yet is waited for.
arrow::Result<Descriptor> OpenDirect(const std::string& path) {
  for (;;) {
    Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (file.get() >= 0) {
      const int flags = fcntl(file.get(), F_GETFL);
      if (flags < 0 || fcntl(file.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) {
        return Failed(errno, path, "cannot be opened");
      }
      return file;
    }
    struct stat found{};
    const int error = errno;
    const bool waits = error == ENXIO && stat(path.c_str(), &found) == 0 && S_ISFIFO(found.st_mode);
    if (!waits && error != EINTR) return Failed(error, path, "cannot be opened");
    ARROW_RETURN_NOT_OK(InterruptScope::Check());
    static_cast<void>(poll(nullptr, 0, kInterruptEveryMs));
  }
}

// A pipe or a device, or a regular file that somebody else opened (/dev/stdout): bytes go where it leads, at once.
class DirectFile final : public PendingFile {
 public:
  DirectFile(std::string path, Descriptor file)
      : path_(std::move(path)),
        file_(std::move(file)),
        stream_(std::make_shared<UncommittedStream>(
            [this](const void* data, int64_t bytes) { return Write(static_cast<const char*>(data), bytes); })) {
    struct stat found{};
    may_wait_ = fstat(file_.get(), &found) != 0 || !S_ISREG(found.st_mode);
  }

  const std::shared_ptr<arrow::io::OutputStream>& stream() override { return stream_; }

  arrow::Status Commit() override {
    if (const int error = file_.Sync(); error != 0) return Failed(error, path_, "did not take its bytes");
    const int error = file_.Close();
    return error == 0 ? arrow::Status::OK() : Failed(error, path_, "cannot be closed");
  }

 private:
  // A reader may take its time, or never go on. What poll calls ready takes so many bytes without waiting.
  arrow::Status Write(const char* data, int64_t bytes) {
    const PipeSignalsOff off;
    while (bytes > 0) {
      if (may_wait_) ARROW_RETURN_NOT_OK(AwaitReady());
      const int64_t count = may_wait_ ? std::min<int64_t>(bytes, PIPE_BUF) : bytes;
      if (const int error = file_.WriteAll(data, count); error != 0) return Failed(error, path_, "cannot be written");
      data += count;
      bytes -= count;
    }
    return arrow::Status::OK();
  }

  arrow::Status AwaitReady() const {
    pollfd ready = {.fd = file_.get(), .events = POLLOUT, .revents = 0};
    while (poll(&ready, 1, kInterruptEveryMs) <= 0) ARROW_RETURN_NOT_OK(InterruptScope::Check());
    return arrow::Status::OK();
  }

  std::string path_;
  Descriptor file_;
  bool may_wait_ = true;
  std::shared_ptr<arrow::io::OutputStream> stream_;
};

class RenamedFile final : public PendingFile {
 public:
  RenamedFile(std::string path, std::string target, std::string partial, Descriptor file)
      : path_(std::move(path)),
        target_(std::move(target)),
        partial_(std::move(partial)),
        file_(std::move(file)),
        stream_(std::make_shared<UncommittedStream>([this](const void* data, int64_t bytes) {
          const int error = file_.WriteAll(static_cast<const char*>(data), bytes);
          return error == 0 ? arrow::Status::OK() : Failed(error, path_, "cannot be written");
        })) {}

  ~RenamedFile() override {
    if (!partial_.empty()) static_cast<void>(unlink(partial_.c_str()));
  }

  const std::shared_ptr<arrow::io::OutputStream>& stream() override { return stream_; }

  arrow::Status Commit() override {
    if (const int error = file_.Sync(); error != 0) return Failed(error, path_, "did not reach the disk");
    if (const int error = file_.Close(); error != 0) return Failed(error, path_, "cannot be closed");
    if (std::rename(partial_.c_str(), target_.c_str()) != 0) return Failed(errno, path_, "cannot be put in its place");
    partial_.clear();
    const std::size_t slash = target_.rfind('/');
    return SyncFolder(slash == std::string::npos ? "." : target_.substr(0, slash + 1), path_);
  }

 private:
  std::string path_;     // As the user named it,
  std::string target_;   // and with links followed.
  std::string partial_;  // Empty once renamed.
  Descriptor file_;
  std::shared_ptr<arrow::io::OutputStream> stream_;
};

// The descriptor that a name such as /dev/stdout stands for. Opening the name anew would begin at the file's start, and
// fail for a socket.
std::optional<int> InheritedDescriptor(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    const std::string_view digits = path.substr(folder.size());
    int descriptor = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), descriptor);
    if (error == std::errc() && end == digits.data() + digits.size() && descriptor >= 0) return descriptor;
  }
  return std::nullopt;
}

class LocalStorage final : public Storage {
 public:
  arrow::Result<std::unique_ptr<PendingFile>> Create(const std::string& path) override {
    struct stat found{};
    if (const auto inherited = InheritedDescriptor(path)) {
      Descriptor file(fcntl(*inherited, F_DUPFD_CLOEXEC, 0));
      if (file.get() < 0) return Failed(errno, path, "cannot be opened");
      return std::make_unique<DirectFile>(path, std::move(file));
    }
    const bool exists = stat(path.c_str(), &found) == 0;
    if (!exists && errno != ENOENT) return Failed(errno, path, "cannot be created");
    if (!exists) return CreateBeside(path, path, kMode);
    if (S_ISDIR(found.st_mode)) return Failed(EISDIR, path, "cannot be created");
    if (!S_ISREG(found.st_mode)) {
      ARROW_ASSIGN_OR_RAISE(Descriptor file, OpenDirect(path));
      return std::make_unique<DirectFile>(path, std::move(file));
    }
    // Renaming would replace what its owner protects, and a link instead of what it leads to.
    if (access(path.c_str(), W_OK) != 0) return Failed(errno, path, "cannot be replaced");
    char* const resolved = realpath(path.c_str(), nullptr);
    const std::string target = resolved != nullptr ? resolved : path;
    std::free(resolved);
    return CreateBeside(path, target, found.st_mode & 07777);
  }

  arrow::Status CreateFolder(const std::string& path) override {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return arrow::Status::OK();
    std::vector<std::filesystem::path> names_in;  // What gets a new name in it.
    auto folder = std::filesystem::absolute(path, error).lexically_normal();
    if (!folder.has_filename()) folder = folder.parent_path();  // "a/" is "a".
    while (folder.has_relative_path() && !std::filesystem::exists(folder, error)) {
      folder = folder.parent_path();
      names_in.push_back(folder);
    }
    std::filesystem::create_directories(path, error);
    if (!error && !std::filesystem::is_directory(path, error)) error = std::make_error_code(std::errc::not_a_directory);
    if (error) return Failed(error.value(), path, "cannot be made a folder");
    for (const auto& changed : names_in) ARROW_RETURN_NOT_OK(SyncFolder(changed.string(), path));
    return arrow::Status::OK();
  }

  arrow::Result<std::vector<std::string>> List(const std::string& folder) override {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator entry(folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error && error.value() != ENOENT) return Failed(error.value(), folder, "cannot be listed");
    return names;
  }

  arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& path) override {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return FailedToRead(errno, path);
    struct stat found{};
    if (fstat(descriptor, &found) == 0 && S_ISDIR(found.st_mode)) {
      close(descriptor);
      return FailedToRead(EISDIR, path);
    }
    return arrow::io::ReadableFile::Open(descriptor);
  }

  arrow::Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return arrow::Status::OK();
    return arrow::internal::IOErrorFromErrno(errno, "'", path, "' cannot be removed: ", std::strerror(errno), ".");
  }

  arrow::Status RemoveFolder(const std::string& path) override {
    if (rmdir(path.c_str()) == 0 || errno == ENOENT) return arrow::Status::OK();
    if (errno == EEXIST || errno == ENOTEMPTY) return FolderNotEmpty(path);
    return arrow::internal::IOErrorFromErrno(errno, "'", path, "' cannot be removed: ", std::strerror(errno), ".");
  }

 private:
  static arrow::Result<std::unique_ptr<PendingFile>> CreateBeside(const std::string& path, const std::string& target,
                                                                  mode_t mode) {
    static std::atomic<int64_t> files_made = 0;
    const std::size_t name = target.rfind('/') + 1;  // 0 where there is no folder.
    for (;;) {
      std::string partial = target.substr(0, name) + target.substr(name, kNameBytesMax) + "." +
                            std::to_string(getpid()) + "-" + std::to_string(++files_made) + ".partial";
      Descriptor file(open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
      if (file.get() >= 0) return std::make_unique<RenamedFile>(path, target, std::move(partial), std::move(file));
      if (errno != EEXIST) return Failed(errno, path, "cannot be created");  // Else: left by a process of this number.
    }
  }
};

}  // namespace

std::shared_ptr<Storage> MakeLocalStorage() { return std::make_shared<LocalStorage>(); }

}  // namespace sabot::env::internal
