// A stream on its way: its tasks, the channels between them, and who steps them. The thread that asks for results takes
// part in the work; between its calls nothing runs but the threads of sources and sinks that read ahead and write
// behind.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <any>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sabot/connectors/sink.h"
#include "sabot/connectors/source.h"
#include "sabot/engine/checkpointing.h"
#include "sabot/engine/idle.h"
#include "sabot/engine/operator_chain.h"
#include "sabot/engine/own_folder.h"
#include "sabot/engine/plan.h"
#include "sabot/engine/planner.h"
#include "sabot/engine/restoring.h"
#include "sabot/engine/run_context.h"
#include "sabot/engine/task_input.h"
#include "sabot/engine/task_output.h"
#include "sabot/engine/task_scheduler.h"
#include "sabot/engine/world.h"
#include "sabot/metrics/metric.h"
#include "sabot/shuffle/channel.h"
#include "sabot/shuffle/hash_partitioner.h"
#include "sabot/shuffle/spill.h"

namespace sabot::engine {

class Job {
 public:
  // Opens the sources and binds the operators. Sinks, if there are any, take the rows and outlive the job (one a sink
  // partition, by `sink_key`); else Next gives them.
  static arrow::Result<std::unique_ptr<Job>> Make(PlanPtr plan, RunContext context,
                                                  std::vector<connectors::Sink*> sinks = {},
                                                  std::vector<std::string> sink_key = {});
  ~Job();

  // The next rows; nothing: the end, or handed_over(). Of a job without sinks.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next();
  // To the end, or until it is handed_over(). Of a job with sinks.
  arrow::Status RunToEnd();
  // Its last state was kept, with all its rows given, and another job is to go on from there.
  bool handed_over() const { return handed_over_; }

  RunProgress progress() const;
  int64_t rows_given() const { return rows_read_; }  // By sources, without those that they rejected.
  int64_t rows_rejected_by_sources() const;
  // That HASH edges sent so far, by key group: all edges into chains that share a table (ExecutionGraph::DividedWith).
  std::vector<int64_t> KeyGroupRows(int division) const;
  const std::map<std::string, std::shared_ptr<arrow::Table>>& reports() const { return reports_; }
  const graph::ExecutionGraph& graph() const { return planned_.graph; }
  const RunContext& context() const { return context_; }
  // What each task and channel did so far, and, once the job has ended, the hottest keys of hash edges. On the thread
  // that runs the job.
  std::vector<metrics::Metric> metrics() const;

 private:
  using Sinks = std::vector<connectors::Sink*>;
  using SchemaPtr = std::shared_ptr<arrow::Schema>;

  Job(PlanPtr plan, RunContext context, PlannedJob planned);
  arrow::Status Build(const Sinks& sinks);
  arrow::Status MakeChannels();
  arrow::Result<std::shared_ptr<shuffle::SpillEdge>> MakeSpill(std::size_t edge);
  std::optional<shuffle::GateSegments> RoomOf(bool in_turn, int channels, int gates) const;
  int64_t FrameRows(int chain) const;
  arrow::Result<std::unique_ptr<Task>> MakeTask(int chain, int copy, const Sinks& sinks);
  arrow::Result<std::unique_ptr<TaskInput>> MakeInput(int chain, int copy, const SchemaPtr& schema);
  arrow::Result<std::unique_ptr<operators::Operator>> MakeOperator(const Plan& step, const std::string& id, int copy,
                                                                   bool alone);
  arrow::Result<operators::StateStore> OpenState(const std::string& id, int copy);
  int64_t StateStores() const;
  Restoring::Division DivisionOf(int chain, int copy) const;
  arrow::Result<data::KeyGroupTable> TableOf(const graph::ShuffleEdge& edge, int receivers) const;
  arrow::Result<std::unique_ptr<shuffle::Partitioner>> MakePartitioner(const graph::ShuffleEdge& edge, int receivers,
                                                                       const SchemaPtr& schema) const;
  const graph::ShuffleEdge* DividingEdge(int chain) const;
  arrow::Result<std::unique_ptr<TaskOutput>> MakeOutput(int chain, int copy, const SchemaPtr& schema,
                                                        const Sinks& sinks);
  std::function<void()> Waker(int chain, int copy);
  std::string TaskName(int chain, int copy) const;
  arrow::Status Tell();  // Of interrupts, progress and checkpoints, on the caller's thread.
  arrow::Status Checkpoint();
  arrow::Status MakeIdle();
  int64_t rows_written() const;

  PlanPtr plan_;
  RunContext context_;
  PlannedJob planned_;
  Restoring restored_;
  std::mutex reports_mutex_;
  std::map<std::string, std::shared_ptr<arrow::Table>> reports_;
  std::vector<std::shared_ptr<connectors::Source>> sources_;
  std::atomic<int64_t> rows_read_ = 0;
  std::deque<std::atomic<int64_t>> sink_rows_;  // Given to each sink, or to who asks for them.
  std::vector<int> first_task_;  // Of each chain.
  std::map<const Plan*, std::shared_ptr<std::any>> shared_;  // By copies of a step.
  std::shared_ptr<ResultQueue> results_;
  std::unique_ptr<Checkpointing> checkpointing_;  // If anybody wants checkpoints.
  std::unique_ptr<IdleSources> idle_;  // If there may be any.
  std::shared_ptr<env::Storage> spill_storage_;
  std::string spill_folder_;
  std::shared_ptr<const OwnFolder> state_folder_;  // If any state lies on a disk. It goes when the operators have gone.
  struct JobChannel {
    ChannelEnds ends;
    std::unique_ptr<std::atomic<int64_t>> frontier_time;  // Of what was sent.
  };
  std::map<std::tuple<int, int, int>, JobChannel> channels_;  // By edge, sender's copy, receiver's copy.
  struct HashEdge {  // A sender's end of one.
    std::string from;
    std::string to;
    int to_chain;
    const shuffle::HashPartitioner* partitioner;
  };
  std::vector<HashEdge> hash_edges_;
  bool last_ = false;  // The checkpoint under way is the last.
  bool handed_over_ = false;
  std::chrono::steady_clock::time_point told_;
  std::unique_ptr<TaskScheduler> scheduler_;  // Ends first.
};

}  // namespace sabot::engine
