// Where a task's frames come from: a source, or the gate behind its channels.
#pragma once

#include <arrow/result.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "sabot/connectors/source.h"
#include "sabot/data/frame.h"
#include "sabot/shuffle/input_gate.h"

namespace sabot::engine {

class TaskInput {
 public:
  virtual ~TaskInput() = default;
  // The next frame, rows without a selection; nothing: the task is woken when there is one.
  virtual arrow::Result<std::optional<data::Frame>> Next() = 0;
};

// Larger batches of a source are cut, which bounds what a run holds and lets output buffers be used again.
inline constexpr int64_t kBatchRows = 131'072;

// What rows carry on their way: places as long as they cost nothing (no row was dropped yet), always, or with times.
enum class Carried { kNothing, kPlaces, kTimes };

struct SourceInputOptions {
  int32_t rank = 0;              // Of its source partition.
  int event_time = -1;           // The column, or -1.
  Carried carried = Carried::kNothing;
  int64_t batch_rows = kBatchRows;  // Rows of a frame at most; frames end where offsets are a multiple of it.
  std::optional<uint64_t> cut_seed = std::nullopt;  // Frames end at rows drawn from it, too.
};

// Where a source partition stands.
struct SourcePosition {
  int64_t offset = 0;  // Of the next row,
  int64_t time = std::numeric_limits<int64_t>::min();  // and the running maximum of event time of those before.
  data::Place last = data::kBeginPlace;  // Of the last row given.
  bool ended = false;
};

// Reads a source partition, cuts its batches, and gives each row its place.
class SourceInput : public TaskInput {
 public:
  // Where the source stands, which gives no more until Cut() says where to: any thread. The task must be woken then.
  virtual SourcePosition Hold() = 0;
  // Gives the rows up to a place at or behind the one where it was held, then the barrier, then the others. One that
  // has ended gives no barrier: its end stands for it.
  virtual void Cut(int64_t checkpoint, const data::Place& place) = 0;
  // At the barrier: on the task's thread.
  virtual SourcePosition position() const = 0;
};

// `begin`: rows before its offset are read and passed over. `rows_read` counts those given.
std::unique_ptr<SourceInput> MakeSourceInput(std::shared_ptr<connectors::Source> source, SourceInputOptions options,
                                             std::atomic<int64_t>& rows_read, SourcePosition begin = {});

std::unique_ptr<TaskInput> MakeGateInput(std::unique_ptr<shuffle::InputGate> gate);

}  // namespace sabot::engine
