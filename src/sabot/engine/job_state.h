// What a job remembers at one place of its sources: with these and the rows behind that place it goes on as if nothing
// had happened. Nothing that was under way is in it, because every source was cut at the same place, and every task had
// taken all before and nothing behind it.
#pragma once

#include <arrow/status.h>
#include <arrow/table.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sabot/data/place.h"

namespace sabot::engine {

// Of one copy of an operator.
struct OperatorState {
  std::string op;  // Its id in the job graph.
  int copy = 0;
  std::vector<std::shared_ptr<arrow::Table>> tables = {};  // As operators::Operator::Snapshot gives them.
};

// Of one source partition.
struct SourceState {
  std::string op;
  int partition = 0;
  int64_t offset = 0;  // Of the next row,
  int64_t time = 0;  // and the running maximum of event time of those before.
};

// Of one sink, or of who iterates the job.
struct SinkState {
  int partition = 0;
  int64_t rows = 0;  // That were given to it.
};

struct JobState {
  int64_t number = 0;
  data::Place cut = data::kBeginPlace;
  std::vector<SourceState> sources = {};
  std::vector<OperatorState> operators = {};
  std::vector<SinkState> sinks = {};
  std::vector<std::string> ended = {};  // Operators all of whose copies had given their end.
};

// Who wants a job's states, and keeps them. All calls are made by the thread that runs the job.
class Checkpoints {
 public:
  virtual ~Checkpoints() = default;
  // Asked between steps while none is under way: whether to take one now.
  virtual bool Due() = 0;
  // An error stops the job.
  virtual arrow::Status Keep(JobState state) = 0;
};

}  // namespace sabot::engine
