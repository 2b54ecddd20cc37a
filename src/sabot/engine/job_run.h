// A run of a stream: one job, or, where key groups move from copy to copy, one after another. Each stops at a barrier,
// and the next one goes on from its state with other tables; sinks, the log of rejects and all counts stay.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sabot/engine/job.h"
#include "sabot/engine/rejects_once.h"
#include "sabot/graph/execution_graph.h"
#include "sabot/metrics/metric.h"

namespace sabot::engine {

class JobRun {
 public:
  // As Job::Make. Errors (kOption) of the context's balance, too.
  static arrow::Result<std::unique_ptr<JobRun>> Make(PlanPtr plan, RunContext context,
                                                     std::vector<connectors::Sink*> sinks = {},
                                                     std::vector<std::string> sink_key = {});
  ~JobRun();

  // As those of Job.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next();
  arrow::Status RunToEnd();

  const Job& job() const { return *job_; }  // Until the next call of the two above.
  // Of all its jobs together.
  RunProgress progress() const;
  std::map<std::string, std::shared_ptr<arrow::Table>> reports() const;
  std::vector<metrics::Metric> metrics() const;
  int64_t key_groups_moved() const;

 private:
  class Moving;
  using Tables = graph::KeyGroupTables;

  JobRun(PlanPtr plan, RunContext context, std::vector<connectors::Sink*> sinks, std::vector<std::string> sink_key);
  bool may_move() const { return context_.balance || context_.moves != nullptr; }
  arrow::Status Begin();
  arrow::Status GoOn();  // After a job that was handed over.
  void Leave();          // The job: nobody has anything to do with it any more.
  bool MoveWanted(bool at_checkpoint);
  arrow::Result<std::optional<Tables>> Balanced();
  std::map<std::string, int64_t> Moves(const Tables& next) const;  // How many key groups, by operator.

  const PlanPtr plan_;
  RunContext context_;
  const std::vector<connectors::Sink*> sinks_;
  const std::vector<std::string> sink_key_;
  std::string fixed_;  // Why nothing moves; empty: it may.
  std::map<std::pair<std::string, int>, RejectsOnce> rejects_;  // By source partition.
  std::optional<Tables> next_;                                  // That the next job has.
  std::optional<JobState> state_;                               // From which it goes on.

  int64_t check_rows_ = 0;    // Between two looks at the balance,
  int64_t next_check_ = 0;    // of which the next one is behind so many rows of this job.
  std::map<int, std::vector<int64_t>> rows_seen_;  // By key group at the last look, of those that share a table.

  // Of the jobs before this one.
  int64_t rows_read_ = 0;
  int64_t rows_rejected_ = 0;  // By sources, which meet them again.
  int64_t rows_written_ = 0;
  double done_ = 0;
  std::map<std::string, std::shared_ptr<arrow::Table>> reports_;
  std::vector<metrics::Metric> metrics_;
  std::map<std::string, int64_t> moved_;  // Key groups, by operator.
  std::unique_ptr<Job> job_;
};

}  // namespace sabot::engine
