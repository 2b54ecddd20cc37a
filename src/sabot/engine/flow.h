// A plan on its way: batches are pulled from its end, and whoever is asked pulls from its inputs. One thread pulls;
// kernels and operators without state use the executor's others, sources that wait have a thread of their own. Memory
// is that of a few batches a step.
#pragma once

#include <arrow/result.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/connectors/source.h"
#include "sabot/data/batch.h"
#include "sabot/engine/plan.h"
#include "sabot/engine/run_context.h"

namespace sabot::engine {

class Flow {
 public:
  virtual ~Flow() = default;
  // The next batch; nothing: the end. Batches have at most kBatchRows rows where operators do not multiply them.
  virtual arrow::Result<std::optional<data::Batch>> Next() = 0;
};

// Larger batches of a source are cut, which bounds what a run holds and lets output buffers be used again.
inline constexpr int64_t kBatchRows = 131'072;

// What a run is asked about while it goes on. May be read by any thread.
struct FlowCounters {
  std::atomic<int64_t> rows_read = 0;  // In batches.
  std::vector<std::shared_ptr<connectors::Source>> sources = {};  // Fixed once the flow is made.

  std::map<std::string, std::shared_ptr<arrow::Table>> reports = {};  // Of operators, when the flow has ended.

  // How much of all sources has been read, 0 to 1, where that is known of each.
  std::optional<double> done() const;
  // Those in batches, and those that the sources rejected.
  int64_t all_rows_read() const;
};

struct RunningFlow {
  std::unique_ptr<Flow> flow;
  std::shared_ptr<FlowCounters> counters;
};
// Opens the sources and binds the operators. The context must outlive the flow.
arrow::Result<RunningFlow> MakeFlow(const Plan& plan, const RunContext& context);

}  // namespace sabot::engine
