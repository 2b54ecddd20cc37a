#include "sabot/operators/own_library.h"

#include <arrow/util/io_util.h>
#include <dlfcn.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::operators {
namespace internal {

arrow::Result<OpenedLibrary> OpenedLibrary::Open(const LibraryKind& kind, const std::string& path) {
  const auto where = kind.loader + ": " + path + ": ";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return arrow::internal::IOErrorFromErrno(ENOENT, where, "no such file.");
  }
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return arrow::Status::IOError(where, error.message());
  void* const handle = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const why = dlerror();
    return arrow::Status::IOError(where, "it cannot be loaded: ", why == nullptr ? "for no known reason" : why,
                                  ". Build it by `", kind.command, "`.");
  }
  return OpenedLibrary(handle);
}

OpenedLibrary::OpenedLibrary(OpenedLibrary&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

OpenedLibrary::~OpenedLibrary() {
  if (handle_ != nullptr) dlclose(handle_);
}

arrow::Result<void*> OpenedLibrary::List(const LibraryKind& kind) const {
  void* const build = dlsym(handle_, kind.build_symbol.c_str());
  void* const list = dlsym(handle_, kind.list_symbol.c_str());
  if (build == nullptr || list == nullptr) {
    return data::OptionError("it holds no " + kind.what + ": it has no line " + kind.line + ".");
  }
  const std::string found = reinterpret_cast<const char* (*)()>(build)();
  if (found == kind.build) return list;
  return data::OptionError("it was built for another Sabot, or otherwise. Build it again, as by `" + kind.command +
                           "`.\n  it:   " + found + "\n  here: " + kind.build);
}

}  // namespace internal

bool IsIdentifier(std::string_view name) {
  const auto letter = [](char each) { return std::isalnum(static_cast<unsigned char>(each)) != 0 || each == '_'; };
  return !name.empty() && std::isalpha(static_cast<unsigned char>(name.front())) != 0 &&
         std::all_of(name.begin(), name.end(), letter);
}

}  // namespace sabot::operators
