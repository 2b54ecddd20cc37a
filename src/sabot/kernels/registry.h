// Every kernel of Sabot: a list of types by family. A new kernel is one name here; its Python function and class, its
// help, its reference entry, its benchmark and the laws it is tested against follow from this row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sabot/kernels/kernel.h"

namespace sabot::kernels {

template <class... K>
struct KernelList {};

// The types are only named here: who needs one whole includes kernels/<family>.h.
struct OnlineStatistics {
  static constexpr std::string_view kName = "online_statistics";
  using Kernels = KernelList<struct LogReturns, struct Welford, struct Ewma, struct RollingZscore>;
};
struct Microstructure {
  static constexpr std::string_view kName = "microstructure";
  using Kernels = KernelList<struct Midprice, struct QuotedSpread, struct L1Imbalance>;
};
struct OrderFlow {
  static constexpr std::string_view kName = "order_flow";
  using Kernels = KernelList<struct OrderFlowImbalance, struct Vpin, struct SignedVolume>;
};
struct Volatility {
  static constexpr std::string_view kName = "volatility";
  using Kernels = KernelList<struct RealizedVar>;
};
struct Liquidity {
  static constexpr std::string_view kName = "liquidity";
  using Kernels = KernelList<struct KyleLambda>;
};
struct Fx {
  static constexpr std::string_view kName = "fx";
  using Kernels = KernelList<struct TriangularArbitrage>;
};
struct Execution {
  static constexpr std::string_view kName = "execution";
  using Kernels = KernelList<struct Vwap>;
};
struct Risk {
  static constexpr std::string_view kName = "risk";
  using Kernels = KernelList<struct Cusum>;
};
struct Momentum {
  static constexpr std::string_view kName = "momentum";
  using Kernels = KernelList<struct Ema, struct Sma, struct Macd, struct Rsi, struct BollingerBands>;
};
struct Features {
  static constexpr std::string_view kName = "features";
  using Kernels = KernelList<struct Lag, struct Diff, struct RollingStd>;
};

using Families = KernelList<OnlineStatistics, Microstructure, OrderFlow, Volatility, Liquidity, Fx, Execution, Risk,
                            Momentum, Features>;

struct InputInfo {
  std::string role;
  std::string column;
  std::string type;  // "float64" or "int64 ns".
  bool optional = false;  // Needed under some options only.
  std::string doc;
};

struct OutputInfo {
  std::string name;
  std::string type;  // "float64", "int64", "utf8".
  std::string doc;
};

// All that is known of a kernel without its type.
struct KernelInfo {
  std::string_view family;
  KernelDoc doc;
  bool stateful = false;
  std::vector<InputInfo> inputs;
  std::vector<OutputInfo> outputs;
  std::vector<OptionInfo> options;
};

const std::vector<KernelInfo>& Registry();

// By name ("ewma") or class name ("EWMAKernel"). Error (kOption): unknown; nearest names are shown.
arrow::Result<const KernelInfo*> FindKernel(std::string_view name);

}  // namespace sabot::kernels
