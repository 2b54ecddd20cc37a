// What a job remembers at one place of its sources: with these and the rows behind that place it goes on as if nothing
// had happened. Nothing that was under way is in it, because every source was cut at the same place, and every task had
// taken all before and nothing behind it.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/table.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/checkpoint/manifest.h"
#include "sabot/data/place.h"
#include "sabot/engine/own_folder.h"
#include "sabot/operators/operator.h"
#include "sabot/state/key_store.h"

namespace sabot::engine {

// Of one copy of an operator.
struct OperatorState {
  std::string uid;  // Its id in the job graph.
  int copy = 0;
  std::vector<std::shared_ptr<arrow::Table>> tables = {};  // As operators::Operator::Snapshot gives them,
  std::shared_ptr<state::KeyStore> files = nullptr;  // or what FreezeFiles left, opened for reading.

  bool empty() const { return tables.empty() && files == nullptr; }
};

struct JobState {
  int64_t number = 0;
  data::Place cut = data::kBeginPlace;
  std::vector<checkpoint::SourceState> sources = {};
  std::vector<OperatorState> operators = {};
  std::vector<checkpoint::SinkState> sinks = {};  // Of who iterates the job, too.
  std::vector<std::string> ended = {};  // Operators all of whose copies had given their end.
};

// The files that an operator's copy left at a barrier.
struct FrozenFiles {
  std::shared_ptr<const OwnFolder> folder;  // They go with it.
  std::string store;  // Those to keep have the same name and bytes whenever the same store leaves them.
  std::vector<state::KeyStore::File> files;
};

// The same as it was taken: what operators remember is still to be read.
struct TakenState {
  JobState state;  // Its operators are without tables,
  std::vector<operators::FrozenState> frozen = {};  // which are these, one by one,
  std::map<std::size_t, FrozenFiles> files = {};  // or, of that number, these.

  // Of tables: a consumer that wants files reads them itself.
  arrow::Result<JobState> Read() &&;
};

// Who wants a job's states, and keeps them. All calls are made by the thread that runs the job.
class Checkpoints {
 public:
  virtual ~Checkpoints() = default;
  // Asked between steps while none is under way: the number of the one to take now, if there is one to take.
  virtual std::optional<int64_t> Due() = 0;
  // Of that one: whether the job gives nothing behind it, and stops there for another to go on.
  virtual bool Last() { return false; }
  // Whether nothing comes behind it, and the job waits until Check() says how it ended.
  virtual bool Stops() { return false; }
  // Whether operators that have files of their state may leave these, instead of tables.
  virtual bool wants_files() const { return false; }
  // None was taken: all sources have ended.
  virtual void GiveUp(int64_t /*number*/) {}
  // Whether a state that was kept is still being read.
  virtual bool reading() const { return false; }
  // An error stops the job.
  virtual arrow::Status Keep(TakenState state) = 0;
  // Asked between steps: an error stops the job.
  virtual arrow::Status Check() { return arrow::Status::OK(); }
};

}  // namespace sabot::engine
