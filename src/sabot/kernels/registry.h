// Every kernel of Sabot, by family. A new kernel is one name in its family's list; its Python function and class, its
// help, its reference entry, its benchmark and the laws it is tested against follow from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sabot/kernels/kernel.h"

namespace sabot::kernels {

// In the order in which users see them. Only named here: their kernels stand at the end of kernels/<family>.h, so that
// a new one recompiles its own family alone.
using Families =
    KernelList<struct OnlineStatistics,  // A series as it comes: returns, running moments, exponential averages.
               struct Microstructure,  // One quote at a time: price, width, balance.
               struct OrderFlow,  // Who pushes: pressure at the best quotes, toxicity of volume.
               struct Volatility,  // How much a price moves.
               struct Liquidity,  // What trading costs.
               struct Fx,  // Prices of currencies, compared with one another and with rates of interest.
               struct Crypto,  // Perpetuals and futures of crypto assets: funding, basis, open interest.
               struct Execution,  // What was paid.
               struct Risk,  // Losses and change.
               struct Momentum,  // Trends as charts show them: moving averages, oscillators, bands.
               struct Features,  // Building blocks for models: earlier values, changes, rolling moments.
               struct Safety,  // Guards: what must not be traded on, sent or repeated.
               struct CrossAsset>;  // Two assets at once: covariances, lead and lag, spreads, hedge ratios.

struct InputInfo {
  std::string role;
  std::string column;
  std::string type;  // "float64" or "int64 ns".
  bool optional = false;  // Needed under some options only.
  std::string doc;
};

struct OutputInfo {
  std::string name;
  std::string type;  // "float64", "int64", "bool", "utf8".
  std::string doc;
};

// All that is known of a kernel without its type.
struct KernelInfo {
  std::string_view family;
  KernelDoc doc;
  bool stateful = false;
  bool pair = false;  // It reads two symbols, which its options name.
  // What a row with a missing input gets: "null", and leaves no trace; "positional", it counts as a row; "fails
  // closed", flags that are never null and say not safe.
  std::string_view missing;
  std::vector<InputInfo> inputs;
  std::vector<OutputInfo> outputs;
  std::vector<OptionInfo> options;
};

const std::vector<KernelInfo>& Registry();  // Those of Sabot.

// Those of libraries that were loaded (operators/kernel_library.h), in the order in which they were added. Any thread.
std::vector<const KernelInfo*> LoadedKernels();
// Error (kOption): a name that exists; none is added then.
arrow::Status AddKernels(std::vector<KernelInfo> kernels);

std::vector<std::string> KernelNames();  // Of all.

// By name ("ewma") or class name ("EWMAKernel"). Error (kOption): unknown; nearest names are shown.
arrow::Result<const KernelInfo*> FindKernel(std::string_view name);

}  // namespace sabot::kernels
