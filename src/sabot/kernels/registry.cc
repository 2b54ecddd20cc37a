#include "sabot/kernels/registry.h"

#include "sabot/data/errors.h"
#include "sabot/kernels/execution.h"
#include "sabot/kernels/features.h"
#include "sabot/kernels/fx.h"
#include "sabot/kernels/liquidity.h"
#include "sabot/kernels/microstructure.h"
#include "sabot/kernels/momentum.h"
#include "sabot/kernels/online_statistics.h"
#include "sabot/kernels/order_flow.h"
#include "sabot/kernels/outputs.h"
#include "sabot/kernels/risk.h"
#include "sabot/kernels/volatility.h"

namespace sabot::kernels {
namespace {

template <class K>
InputInfo DescribeInput(const auto& input) {
  using Member = std::remove_cvref_t<decltype(typename K::Input{}.*input.member)>;
  const typename K::Options defaults;
  auto completed = CompleteOptions<K>(defaults);
  return {std::string(input.role), std::string(input.column), std::is_same_v<Member, double> ? "float64" : "int64 ns",
          completed.ok() && !NeedsInput<K>(*completed, input.role), std::string(input.doc)};
}

template <class Family, class K>
KernelInfo Describe() {
  KernelInfo info{
      .family = Family::kName, .doc = K::kDoc, .stateful = kStateful<K>, .inputs = {}, .outputs = {}, .options = {}};
  std::apply([&](const auto&... input) { (info.inputs.push_back(DescribeInput<K>(input)), ...); }, K::kInputs);
  const auto describe_outputs = [&]<std::size_t... I>(std::index_sequence<I...>) {
    (info.outputs.push_back({std::string(std::get<I>(K::kOutputs).name),
                             std::string(StoredAs<OutputMember<K, I>>::kName),
                             std::string(std::get<I>(K::kOutputs).doc)}),
     ...);
  };
  describe_outputs(std::make_index_sequence<kOutputCount<K>>());
  info.options = DescribeOptions<typename K::Options>();
  return info;
}

template <class Family, class... K>
void AddFamily(std::vector<KernelInfo>& infos, KernelList<K...>) {
  (infos.push_back(Describe<Family, K>()), ...);
}

template <class... Family>
std::vector<KernelInfo> DescribeAll(KernelList<Family...>) {
  std::vector<KernelInfo> infos;
  (AddFamily<Family>(infos, typename Family::Kernels{}), ...);
  return infos;
}

}  // namespace

const std::vector<KernelInfo>& Registry() {
  static const std::vector<KernelInfo> infos = DescribeAll(Families{});
  return infos;
}

arrow::Result<const KernelInfo*> FindKernel(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& info : Registry()) {
    if (info.doc.name == name || info.doc.class_name == name) return &info;
    names.emplace_back(info.doc.name);
  }
  return data::OptionError("unknown kernel '" + std::string(name) + "'." + data::NearestNames(name, names));
}

}  // namespace sabot::kernels
