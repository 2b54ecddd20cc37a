#include "sabot/operators/kernel_library.h"

#include <arrow/util/io_util.h>
#include <dlfcn.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "sabot/data/errors.h"
#include "sabot/operators/expression_functions.h"
#include "sabot/operators/own_kernels.h"

namespace sabot::operators {
namespace {

struct Libraries {
  std::mutex mutex;
  std::map<void*, std::vector<const kernels::KernelInfo*>> loaded;  // By what dlopen returned.
  std::map<std::string_view, KernelMaker> makers;  // By the kernel's name, which lies in its library.
};

Libraries& AllLibraries() {
  static Libraries libraries;
  return libraries;
}

bool IsName(std::string_view name) {
  const auto letter = [](char each) { return std::isalnum(static_cast<unsigned char>(each)) != 0 || each == '_'; };
  return !name.empty() && std::isalpha(static_cast<unsigned char>(name.front())) != 0 &&
         std::all_of(name.begin(), name.end(), letter);
}

arrow::Status CheckName(std::string_view name, std::span<const std::string> taken) {
  if (!IsName(name)) {
    return data::OptionError("a kernel is called '" + std::string(name) +
                             "'. A name begins with a letter, and has letters, digits and '_' alone.");
  }
  if (FindFunction(name) == nullptr && std::find(taken.begin(), taken.end(), name) == taken.end()) {
    return arrow::Status::OK();
  }
  return data::OptionError("a kernel is called '" + std::string(name) +
                           "', which is a function already. Choose another name.");
}

template <class Function>
Function* Find(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

// The kernels of a library that was built as this program was.
arrow::Result<std::vector<OwnKernel>> KernelsOf(void* library) {
  const auto build = Find<const char*()>(library, "sabot_kernels_build");
  const auto list = Find<void(std::vector<OwnKernel>*)>(library, "sabot_kernels_list");
  if (build == nullptr || list == nullptr) {
    return data::OptionError("it holds no kernels: it has no line SABOT_KERNELS(family, Kernel, ...).");
  }
  const std::string found = build(), expected = internal::KernelBuild();
  if (found != expected) {
    return data::OptionError(
        "it was built for another Sabot, or otherwise. Build it again, as by `sabot build-kernel`.\n"
        "  it:   " +
        found + "\n  here: " + expected);
  }
  std::vector<OwnKernel> kernels;
  list(&kernels);
  return kernels;
}

arrow::Result<std::vector<const kernels::KernelInfo*>> Add(std::vector<OwnKernel> kernels,
                                                           std::span<const std::string> taken, Libraries& libraries) {
  std::vector<kernels::KernelInfo> infos;
  for (auto& kernel : kernels) {
    ARROW_RETURN_NOT_OK(CheckName(kernel.info.doc.name, taken));
    ARROW_RETURN_NOT_OK(CheckName(kernel.info.doc.class_name, taken));
    infos.push_back(std::move(kernel.info));
  }
  std::vector<std::string_view> names;
  for (const auto& info : infos) names.push_back(info.doc.name);
  // First the makers: whoever finds a kernel by its name finds its maker.
  for (std::size_t i = 0; i < names.size(); ++i) libraries.makers.try_emplace(names[i], kernels[i].make);
  if (auto added = kernels::AddKernels(std::move(infos)); !added.ok()) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto maker = libraries.makers.find(names[i]);
      if (maker != libraries.makers.end() && maker->second == kernels[i].make) libraries.makers.erase(maker);
    }
    return added;
  }
  std::vector<const kernels::KernelInfo*> found;
  for (const auto name : names) {
    ARROW_ASSIGN_OR_RAISE(const auto* const info, kernels::FindKernel(name));
    found.push_back(info);
  }
  return found;
}

}  // namespace

arrow::Result<std::vector<const kernels::KernelInfo*>> LoadKernels(const std::string& path,
                                                                   std::span<const std::string> taken) {
  const auto where = "load_kernels: " + path + ": ";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return arrow::internal::IOErrorFromErrno(ENOENT, where, "no such file.");
  }
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return arrow::Status::IOError(where, error.message());
  auto& libraries = AllLibraries();
  const std::scoped_lock lock(libraries.mutex);
  void* const library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const why = dlerror();
    return arrow::Status::IOError(where, "it cannot be loaded: ", why == nullptr ? "for no known reason" : why,
                                  ". Build it by `sabot build-kernel`.");
  }
  if (const auto known = libraries.loaded.find(library); known != libraries.loaded.end()) {
    dlclose(library);  // It stays: it was opened before.
    return known->second;
  }
  auto added = [&]() -> arrow::Result<std::vector<const kernels::KernelInfo*>> {
    ARROW_ASSIGN_OR_RAISE(auto kernels, KernelsOf(library));
    return Add(std::move(kernels), taken, libraries);
  }();
  if (!added.ok()) {
    // What it made is gone, but for the text of the error, which is a copy.
    const auto status = added.status().WithMessage(where, added.status().message());
    dlclose(library);
    return status;
  }
  libraries.loaded.emplace(library, *added);
  return added;
}

namespace internal {

KernelMaker MakerOfLoaded(const kernels::KernelInfo& info) {
  auto& libraries = AllLibraries();
  const std::scoped_lock lock(libraries.mutex);
  const auto maker = libraries.makers.find(info.doc.name);
  return maker == libraries.makers.end() ? nullptr : maker->second;
}

}  // namespace internal
}  // namespace sabot::operators
