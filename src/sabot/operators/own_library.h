// Shared libraries of a user's own, of one kind: opened while a program runs, checked to be built as the program is,
// and never closed once they added something, for what they hold is in use until the program's end.
#pragma once

#include <arrow/result.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace sabot::operators {

// What a library may hold.
struct LibraryKind {
  std::string what;          // "kernels"
  std::string line;          // "SABOT_KERNELS(family, Kernel, ...)": what makes a library one of this kind.
  std::string loader;        // "load_kernels": how messages begin.
  std::string command;       // "sabot build-kernel"
  std::string build_symbol;  // const char*(): how it was built,
  std::string list_symbol;   // void(std::vector<Item>*): and what it holds.
  std::string build;         // How this program was built.
};

namespace internal {

// A library that is opened, and closed again unless it is kept.
class OpenedLibrary {
 public:
  static arrow::Result<OpenedLibrary> Open(const LibraryKind& kind, const std::string& path);
  OpenedLibrary(OpenedLibrary&& other) noexcept;
  OpenedLibrary& operator=(OpenedLibrary&&) = delete;
  ~OpenedLibrary();

  void* handle() const { return handle_; }  // The same for a file however often it is opened.
  void Keep() { handle_ = nullptr; }
  // Of a library of this kind and build. Errors (kOption).
  arrow::Result<void*> List(const LibraryKind& kind) const;

 private:
  explicit OpenedLibrary(void* handle) : handle_(handle) {}
  void* handle_;
};

}  // namespace internal

// The libraries of a kind; `Item`: what they list; `Added`: what became of that. Any thread.
template <class Item, class Added>
class OwnLibraries {
 public:
  explicit OwnLibraries(LibraryKind kind) : kind_(std::move(kind)) {}

  // Gives what a library holds to `add`, once: loaded again, it has what it added then.
  // Errors: (IOError) no such file, or it cannot be loaded; (kOption) it is of another kind or build; those of `add`.
  template <class Add>
  arrow::Result<Added> Load(const std::string& path, Add&& add) {
    const std::scoped_lock lock(mutex_);
    ARROW_ASSIGN_OR_RAISE(auto library, internal::OpenedLibrary::Open(kind_, path));
    if (const auto known = loaded_.find(library.handle()); known != loaded_.end()) return known->second;
    auto added = [&]() -> arrow::Result<Added> {
      ARROW_ASSIGN_OR_RAISE(void* const list, library.List(kind_));
      std::vector<Item> items;
      reinterpret_cast<void (*)(std::vector<Item>*)>(list)(&items);
      return add(std::move(items));
    }();
    // What it made is gone before it is closed, but for the text of the error, which is a copy.
    if (!added.ok()) return added.status().WithMessage(kind_.loader, ": ", path, ": ", added.status().message());
    loaded_.emplace(library.handle(), *added);
    library.Keep();
    return added;
  }

 private:
  LibraryKind kind_;
  std::mutex mutex_;
  std::map<void*, Added> loaded_;  // By what dlopen returned.
};

// A letter, then letters, digits and `_`: a name in every language.
bool IsIdentifier(std::string_view name);

}  // namespace sabot::operators
