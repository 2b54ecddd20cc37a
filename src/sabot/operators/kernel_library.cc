#include "sabot/operators/kernel_library.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "sabot/data/errors.h"
#include "sabot/operators/expression_functions.h"
#include "sabot/operators/own_kernels.h"
#include "sabot/operators/own_library.h"

namespace sabot::operators {
namespace {

using Loaded = std::vector<const kernels::KernelInfo*>;

OwnLibraries<OwnKernel, Loaded>& Libraries() {
  static OwnLibraries<OwnKernel, Loaded> libraries({.what = "kernels",
                                                    .line = "SABOT_KERNELS(family, Kernel, ...)",
                                                    .loader = "load_kernels",
                                                    .command = "sabot build-kernel",
                                                    .build_symbol = "sabot_kernels_build",
                                                    .list_symbol = "sabot_kernels_list",
                                                    .build = internal::KernelBuild()});
  return libraries;
}

struct KernelMakers {
  std::mutex mutex;
  std::map<std::string_view, KernelMaker> makers;  // By the kernel's name, which lies in its library.
};

KernelMakers& Makers() {
  static KernelMakers makers;
  return makers;
}

arrow::Status CheckName(std::string_view name, std::span<const std::string> taken) {
  if (!IsIdentifier(name)) {
    return data::OptionError("a kernel is called '" + std::string(name) +
                             "'. A name begins with a letter, and has letters, digits and '_' alone.");
  }
  if (FindFunction(name) == nullptr && std::find(taken.begin(), taken.end(), name) == taken.end()) {
    return arrow::Status::OK();
  }
  return data::OptionError("a kernel is called '" + std::string(name) +
                           "', which is a function already. Choose another name.");
}

arrow::Result<Loaded> Add(std::vector<OwnKernel> kernels, std::span<const std::string> taken) {
  std::vector<kernels::KernelInfo> infos;
  for (auto& kernel : kernels) {
    ARROW_RETURN_NOT_OK(CheckName(kernel.info.doc.name, taken));
    ARROW_RETURN_NOT_OK(CheckName(kernel.info.doc.class_name, taken));
    infos.push_back(std::move(kernel.info));
  }
  std::vector<std::string_view> names;
  for (const auto& info : infos) names.push_back(info.doc.name);
  auto& [mutex, makers] = Makers();
  {  // First the makers: whoever finds a kernel by its name finds its maker.
    const std::scoped_lock lock(mutex);
    for (std::size_t i = 0; i < names.size(); ++i) makers.try_emplace(names[i], kernels[i].make);
  }
  if (auto added = kernels::AddKernels(std::move(infos)); !added.ok()) {
    const std::scoped_lock lock(mutex);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto maker = makers.find(names[i]);
      if (maker != makers.end() && maker->second == kernels[i].make) makers.erase(maker);
    }
    return added;
  }
  Loaded found;
  for (const auto name : names) {
    ARROW_ASSIGN_OR_RAISE(const auto* const info, kernels::FindKernel(name));
    found.push_back(info);
  }
  return found;
}

}  // namespace

arrow::Result<Loaded> LoadKernels(const std::string& path, std::span<const std::string> taken) {
  return Libraries().Load(path, [&](std::vector<OwnKernel> kernels) { return Add(std::move(kernels), taken); });
}

namespace internal {

KernelMaker MakerOfLoaded(const kernels::KernelInfo& info) {
  auto& [mutex, makers] = Makers();
  const std::scoped_lock lock(mutex);
  const auto maker = makers.find(info.doc.name);
  return maker == makers.end() ? nullptr : maker->second;
}

}  // namespace internal
}  // namespace sabot::operators
