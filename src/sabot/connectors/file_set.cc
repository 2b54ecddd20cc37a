#include "sabot/connectors/file_set.h"

#include <arrow/buffer.h>
#include <arrow/util/io_util.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <tuple>
#include <utility>

#include "sabot/connectors/glob_internal.h"
#include "sabot/data/errors.h"
#include "sabot/env/file_system.h"
#include "sabot/env/interrupt.h"

namespace sabot::connectors {
namespace {

using arrow::fs::FileInfo;
using arrow::fs::FileType;

constexpr const char* kMayNotBeRead = "it may not be read: permission denied. Ask its owner, or name another file.";

std::string_view BaseName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string Folder(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

// Expands one of the names given.
class Expansion {
 public:
  Expansion(const std::string& named, const FileSetOptions& options, std::vector<InputFile>& files)
      : named_(named), options_(options), files_(files) {}

  arrow::Status Run() {
    // In a URI '?' begins the options, and Arrow would read * and [ as part of the key, which is what we want.
    auto place = env::FileSystemOf(named_);
    if (place.status().IsInvalid()) return data::OptionError(options_.connector + ": " + place.status().message());
    if (!place.ok()) return Explain(place.status());
    place_ = std::move(place).ValueUnsafe();
    while (!place_.endpoint.empty() && place_.path.ends_with('/')) place_.path.pop_back();  // Keys have no folders.
    ARROW_ASSIGN_OR_RAISE(const FileInfo info, InfoOf(place_.path));
    switch (info.type()) {
      case FileType::NotFound:
        return internal::IsGlob(place_.path) ? AddMatches() : Missing();
      case FileType::Directory:
        return AddFolder();
      default:  // A file, a pipe or a device.
        return Add(info), arrow::Status::OK();
    }
  }

 private:
  std::string Where() const { return options_.connector + " '" + env::PublicName(named_) + "': "; }

  arrow::Status Explain(const arrow::Status& status) const {
    return env::ExplainEndpoint(place_.endpoint, status).WithMessage(Where(), status.message());
  }

  arrow::Status NotThere(const std::string& message) const {
    return arrow::internal::IOErrorFromErrno(ENOENT, Where(), message);
  }

  // A path that leads through a file has no info; the system's word for it is kept.
  arrow::Result<FileInfo> InfoOf(const std::string& path) const {
    auto info = place_.file_system->GetFileInfo(path);
    if (info.ok()) return info;
    return env::ExplainEndpoint(place_.endpoint, info.status()).WithMessage(Where(), Text(info.status()));
  }

  std::string Text(const arrow::Status& status) const {
    const auto explained = env::ExplainEndpoint(place_.endpoint, status);
    const int error = arrow::internal::ErrnoFromStatus(status);
    if (error == EACCES) return kMayNotBeRead;
    return explained.message();
  }

  arrow::Result<std::vector<FileInfo>> ListBelow(const std::string& folder, bool all) const {
    arrow::fs::FileSelector selector;
    selector.base_dir = folder.empty() && place_.endpoint.empty() ? "." : folder;
    selector.recursive = all;
    auto infos = place_.file_system->GetFileInfo(selector);
    if (!infos.ok()) return infos.status().WithMessage(Where(), Text(infos.status()));
    return std::move(infos).ValueUnsafe();
  }

  void Add(const FileInfo& info) {
    std::string path = info.path();
    if (path.starts_with("./") && !named_.starts_with("./")) path = path.substr(2);
    files_.push_back({.name = place_.endpoint.empty() ? path : "s3://" + path,
                      .path = path,
                      .file_system = place_.file_system,
                      .endpoint = place_.endpoint,
                      .bytes = std::max<int64_t>(info.size(), 0),
                      .is_pipe = info.type() == FileType::Unknown});
  }

  bool Wanted(std::string_view name) const {
    const auto ends = [&](const std::string& suffix) { return name.ends_with(suffix); };
    return options_.suffixes.empty() || std::any_of(options_.suffixes.begin(), options_.suffixes.end(), ends);
  }

  // The path of what was listed, below the folder that was listed.
  static std::string_view Below(std::string_view folder, std::string_view path) {
    if (folder.empty()) folder = ".";
    if (path.starts_with(folder)) path.remove_prefix(folder.size());
    while (path.starts_with('/')) path.remove_prefix(1);
    return path;
  }

  arrow::Status AddFolder() {
    std::string folder = place_.path;
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    ARROW_ASSIGN_OR_RAISE(const auto infos, ListBelow(folder, /*all=*/true));
    const std::size_t before = files_.size();
    for (const FileInfo& info : infos) {
      const auto names = internal::SplitPath(Below(folder, info.path()));
      if (info.type() != FileType::File || std::any_of(names.begin(), names.end(), internal::IsSkipped)) continue;
      if (Wanted(names.back())) Add(info);
    }
    if (files_.size() > before) return arrow::Status::OK();
    std::string suffixes;
    for (const std::string& suffix : options_.suffixes) suffixes += (suffixes.empty() ? "" : ", ") + suffix;
    return NotThere("the folder holds no file" + (suffixes.empty() ? "" : " that ends in " + suffixes) +
                    ". Name the files themselves, or another folder.");
  }

  arrow::Status AddMatches() {
    const internal::Glob glob = internal::ParseGlob(place_.path);
    if (!glob.folder.empty()) {
      ARROW_ASSIGN_OR_RAISE(const FileInfo info, InfoOf(glob.folder));
      if (info.type() != FileType::Directory) {
        return NotThere("no file matches, because '" + glob.folder + "' is no folder. Name one that is there.");
      }
    }
    const std::size_t before = files_.size();
    ARROW_RETURN_NOT_OK(AddMatchesBelow(glob, glob.folder, 0));
    if (files_.size() > before) return arrow::Status::OK();
    return NotThere("no file matches. In '" + (glob.folder.empty() ? "." : glob.folder) +
                    "', * stands for any part of a name and ** for any folders.");
  }

  // Goes no deeper than the pattern does, unless it has a "**".
  arrow::Status AddMatchesBelow(const internal::Glob& glob, const std::string& folder, std::size_t depth) {
    ARROW_ASSIGN_OR_RAISE(const auto infos, ListBelow(folder, glob.any_depth()));
    for (const FileInfo& info : infos) {
      if (info.type() == FileType::Directory && !glob.any_depth()) {
        const auto names = internal::SplitPath(Below(glob.folder, info.path()));
        const internal::Glob prefix = {
            .folder = glob.folder,
            .parts = {glob.parts.begin(), glob.parts.begin() + static_cast<std::ptrdiff_t>(depth) + 1}};
        if (depth + 1 < glob.parts.size() && prefix.Matches(Below(glob.folder, info.path()))) {
          ARROW_RETURN_NOT_OK(AddMatchesBelow(glob, info.path(), depth + 1));
        }
      } else if (info.type() == FileType::File && glob.Matches(Below(glob.folder, info.path()))) {
        Add(info);
      }
    }
    return arrow::Status::OK();
  }

  arrow::Status Missing() const {
    std::vector<std::string> names;
    const std::string folder = Folder(place_.path);
    arrow::fs::FileSelector selector;
    selector.base_dir = folder.empty() ? "." : folder;
    selector.allow_not_found = true;
    if (const auto infos = place_.file_system->GetFileInfo(selector); infos.ok()) {
      for (const FileInfo& info : *infos) names.push_back(info.base_name());
    }
    std::sort(names.begin(), names.end());
    const auto parent = place_.file_system->GetFileInfo(selector.base_dir);
    if (parent.ok() && parent->type() == FileType::File) {
      return arrow::internal::IOErrorFromErrno(ENOTDIR, Where(), "'", folder, "' is a file, not a folder.");
    }
    if (place_.endpoint.empty() && parent.ok() && parent->type() == FileType::NotFound) {
      return NotThere("no such file: its folder '" + folder + "' does not exist.");
    }
    return NotThere("no such file." + data::NearestNames(BaseName(place_.path), names));
  }

  const std::string& named_;
  const FileSetOptions& options_;
  std::vector<InputFile>& files_;
  env::FileSystemPath place_;
};

// Arrow's own stream asks for a size, which a pipe does not have, and would wait for its writer for ever.
class PipeStream final : public arrow::io::InputStream {
 public:
  explicit PipeStream(int descriptor) : descriptor_(descriptor) {}
  ~PipeStream() override { static_cast<void>(PipeStream::Close()); }

  arrow::Status Close() override {
    if (descriptor_ >= 0) close(std::exchange(descriptor_, -1));
    return arrow::Status::OK();
  }
  bool closed() const override { return descriptor_ < 0; }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Result<int64_t> Read(int64_t bytes, void* out) override {
    int64_t count = 0;
    while (count < bytes) {
      ARROW_RETURN_NOT_OK(AwaitReady());
      const ssize_t more = read(descriptor_, static_cast<char*>(out) + count, static_cast<std::size_t>(bytes - count));
      if (more < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (more < 0) return arrow::internal::IOErrorFromErrno(errno, "it cannot be read: ", std::strerror(errno));
      if (more == 0) break;
      count += more;
    }
    position_ += count;
    return count;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(bytes));
    ARROW_ASSIGN_OR_RAISE(const int64_t count, Read(bytes, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(count));
    return buffer;
  }

 private:
  arrow::Status AwaitReady() const {
    pollfd ready = {.fd = descriptor_, .events = POLLIN, .revents = 0};
    while (poll(&ready, 1, env::kInterruptEveryMs) <= 0) ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
    return arrow::Status::OK();
  }

  int descriptor_;  // Without O_NONBLOCK opening it would wait, too.
  int64_t position_ = 0;
};

// Whose fault it is that a file cannot be opened, where the system's words do not say it.
arrow::Status Explain(const arrow::Status& status) {
  return arrow::internal::ErrnoFromStatus(status) == EACCES ? status.WithMessage(kMayNotBeRead) : status;
}

}  // namespace

arrow::Result<std::vector<InputFile>> ExpandFiles(const std::vector<std::string>& named,
                                                  const FileSetOptions& options) {
  if (named.empty()) return data::OptionError(options.connector + ": no file is named. Name at least one.");
  std::vector<InputFile> files;
  for (const std::string& name : named) ARROW_RETURN_NOT_OK(Expansion(name, options, files).Run());
  const auto key = [](const InputFile& file) { return std::tie(file.name, file.endpoint); };
  std::sort(files.begin(), files.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto same = [&](const auto& a, const auto& b) { return key(a) == key(b); };
  files.erase(std::unique(files.begin(), files.end(), same), files.end());
  return files;
}

arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const InputFile& file) {
  if (file.is_pipe) {
    return arrow::internal::IOErrorFromErrno(
        ESPIPE, "it is a pipe or a device, but has to be read in any order. Write it to a file first.");
  }
  auto opened = file.file_system->OpenInputFile(file.path);
  if (!opened.ok()) return Explain(opened.status());
  return opened;
}

arrow::Result<std::shared_ptr<arrow::io::InputStream>> OpenInputStream(const InputFile& file) {
  if (file.is_pipe) {
    const int descriptor = open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor >= 0) return std::make_shared<PipeStream>(descriptor);
    return arrow::internal::IOErrorFromErrno(errno, "it cannot be opened: ", std::strerror(errno));
  }
  auto opened = file.file_system->OpenInputStream(file.path);
  if (!opened.ok()) return Explain(opened.status());
  return opened;
}

}  // namespace sabot::connectors
