// What is outside of a job's tasks: how its channels are made, where they spill, who does the disk's work. The real
// one is in this process; a simulated one sends frames over a network that delays and breaks, and decides everything
// through tasks of its own and the executor's Choose.
#pragma once

#include <arrow/result.h>

#include <memory>
#include <string>
#include <vector>

#include "sabot/connectors/sink.h"
#include "sabot/engine/task_scheduler.h"
#include "sabot/env/background.h"
#include "sabot/env/storage.h"
#include "sabot/graph/execution_graph.h"
#include "sabot/shuffle/channel.h"
#include "sabot/shuffle/segment_pool.h"

namespace sabot::engine {

// A channel as its two ends see it: one object, where both are here.
struct ChannelEnds {
  std::shared_ptr<shuffle::Channel> sender;
  std::shared_ptr<shuffle::Channel> receiver;
};

class World {
 public:
  virtual ~World() = default;
  // Nothing but tasks wakes a task: when none can run and some have not ended, that is an error.
  virtual bool ends_here() const { return false; }
  // Before the job's own tasks are added: may add tasks of its own. The scheduler outlives them.
  virtual void Begin(TaskScheduler& /*scheduler*/) {}
  // The channels of an edge, in the order of edge.channels; `credits`: of the gate that each leads to.
  virtual arrow::Result<std::vector<ChannelEnds>> Connect(
      const graph::ShuffleEdge& edge, const std::shared_ptr<arrow::Schema>& schema,
      const std::vector<std::shared_ptr<shuffle::FloatingCredits>>& credits);
  // Of spilled rows, and who reads and writes them. Both outlive the job's channels.
  virtual arrow::Result<env::StoragePath> Storage(const std::string& folder);
  virtual env::Background& background();
  // Who writes checkpoints, beside.
  virtual env::Background& writer();
  // A sink that keeps no task waiting.
  virtual arrow::Result<std::unique_ptr<connectors::Sink>> Behind(std::unique_ptr<connectors::Sink> sink);
  // The job's tasks and channels are gone. What background() had to do for them is done, and their scheduler is not
  // woken any more; another job may begin.
  virtual void End() { background_ = nullptr; }

 private:
  std::unique_ptr<env::Background> background_;  // Made when they are asked for.
  std::unique_ptr<env::Background> writer_;
};

}  // namespace sabot::engine
