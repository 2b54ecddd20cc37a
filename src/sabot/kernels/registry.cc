#include "sabot/kernels/registry.h"

#include <algorithm>
#include <deque>
#include <mutex>

#include "sabot/data/errors.h"
#include "sabot/kernels/cross_asset.h"
#include "sabot/kernels/crypto.h"
#include "sabot/kernels/describe.h"
#include "sabot/kernels/execution.h"
#include "sabot/kernels/features.h"
#include "sabot/kernels/fx.h"
#include "sabot/kernels/liquidity.h"
#include "sabot/kernels/microstructure.h"
#include "sabot/kernels/momentum.h"
#include "sabot/kernels/online_statistics.h"
#include "sabot/kernels/order_flow.h"
#include "sabot/kernels/risk.h"
#include "sabot/kernels/safety.h"
#include "sabot/kernels/volatility.h"

namespace sabot::kernels {
namespace {

template <class Family, class... K>
void AddFamily(std::vector<KernelInfo>& infos, KernelList<K...>) {
  (infos.push_back(Describe<K>(Family::kName)), ...);
}

template <class... Family>
std::vector<KernelInfo> DescribeAll(KernelList<Family...>) {
  std::vector<KernelInfo> infos;
  (AddFamily<Family>(infos, typename Family::Kernels{}), ...);
  return infos;
}

// What was loaded. Entries stay where they are, and until the process ends.
struct Loaded {
  std::mutex mutex;
  std::deque<KernelInfo> infos;
};

Loaded& LoadedRegistry() {
  static Loaded loaded;
  return loaded;
}

bool IsCalled(const KernelInfo& info, std::string_view name) {
  return info.doc.name == name || info.doc.class_name == name;
}

}  // namespace

const std::vector<KernelInfo>& Registry() {
  static const std::vector<KernelInfo> infos = DescribeAll(Families{});
  return infos;
}

std::vector<const KernelInfo*> LoadedKernels() {
  auto& loaded = LoadedRegistry();
  const std::scoped_lock lock(loaded.mutex);
  std::vector<const KernelInfo*> infos;
  for (const auto& info : loaded.infos) infos.push_back(&info);
  return infos;
}

arrow::Status AddKernels(std::vector<KernelInfo> kernels) {
  auto& loaded = LoadedRegistry();
  const std::scoped_lock lock(loaded.mutex);
  for (const auto& added : kernels) {
    for (const auto name : {added.doc.name, added.doc.class_name}) {
      const auto taken = [&](const auto& infos) {
        return std::any_of(infos.begin(), infos.end(), [&](const auto& info) { return IsCalled(info, name); });
      };
      const auto uses =
          std::count_if(kernels.begin(), kernels.end(), [&](const auto& each) { return IsCalled(each, name); });
      if (uses == 1 && added.doc.name != added.doc.class_name && !taken(Registry()) && !taken(loaded.infos)) continue;
      return data::OptionError("there is a kernel called '" + std::string(name) + "' already. Choose another name.");
    }
  }
  for (auto& added : kernels) loaded.infos.push_back(std::move(added));
  return arrow::Status::OK();
}

std::vector<std::string> KernelNames() {
  std::vector<std::string> names;
  for (const auto& info : Registry()) names.emplace_back(info.doc.name);
  for (const auto* const info : LoadedKernels()) names.emplace_back(info->doc.name);
  return names;
}

arrow::Result<const KernelInfo*> FindKernel(std::string_view name) {
  for (const auto& info : Registry()) {
    if (IsCalled(info, name)) return &info;
  }
  for (const auto* const info : LoadedKernels()) {
    if (IsCalled(*info, name)) return info;
  }
  return data::OptionError("unknown kernel '" + std::string(name) + "'." + data::NearestNames(name, KernelNames()));
}

}  // namespace sabot::kernels
