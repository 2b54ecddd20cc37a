// Where a task's frames come from: a source, or the gate behind its channels.
#pragma once

#include <arrow/result.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

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

// That a partition without rows was waited for no more: it promised to give nothing at or before `time`, and its rows
// from `offset` on, whatever their event time, have places behind it.
struct IdleDecision {
  int64_t offset = 0;
  int64_t time = 0;  // Less than the greatest int64.
};

// Behind all rows of that time, of whatever source: what such a partition promised.
constexpr data::Place BehindAllOf(int64_t time) {
  data::Place place = data::kEndPlace;
  place.time = time;
  return place;
}

struct SourceInputOptions {
  int32_t rank = 0;              // Of its source partition.
  int event_time = -1;           // The column, or -1.
  Carried carried = Carried::kNothing;
  int64_t batch_rows = kBatchRows;  // Rows of a frame at most; frames end where offsets are a multiple of it.
  std::optional<uint64_t> cut_seed = std::nullopt;  // Frames end at rows drawn from it, too.
  std::vector<IdleDecision> decided = {};  // By an earlier run, in any order: they hold again, at the same offsets.
};

// Where a source partition stands.
struct SourcePosition {
  int64_t offset = 0;  // Of the next row,
  // and the running maximum of event time of those before, or what an idle partition promised, if that is more.
  int64_t time = std::numeric_limits<int64_t>::min();
  data::Place last = data::kBeginPlace;  // Up to here all rows were given: of the last one, or of a later promise.
  bool ended = false;
  bool waits = false;  // It gave all rows that were there, and may be declared idle.
};

// Reads a source partition, cuts its batches, and gives each row its place.
class SourceInput : public TaskInput {
 public:
  // Where the source stands, which gives no more until Cut() says where to: any thread. The task must be woken then.
  virtual SourcePosition Hold() = 0;
  // Gives the rows up to a place at or behind the one where it was held, then the barrier, then the others. One that
  // has ended gives no barrier: its end stands for it. `last`: nothing comes behind the barrier.
  virtual void Cut(int64_t checkpoint, const data::Place& place, bool last = false) = 0;
  // Any thread; at the barrier on the task's.
  virtual SourcePosition position() const = 0;

  // A partition that waits gives no more, so that its position can be made durable with the decision; false, and
  // nothing changed: it has rows or has ended, a checkpoint holds it, earlier decisions for later rows are still to
  // come, or its rows have no times. By the thread that calls Hold and Cut, and so the next one.
  virtual bool HoldIdle() = 0;
  // Lets it go on, and promises that no row at or before `time` comes: rows from here on have greater times. The
  // decision is durable by now. The task must be woken then. A time that is not behind what was promised does nothing.
  virtual void DeclareIdle(int64_t time) = 0;
};

// `begin`: rows before its offset are passed over, read where the source cannot skip them. `rows_read` counts those
// given.
std::unique_ptr<SourceInput> MakeSourceInput(std::shared_ptr<connectors::Source> source, SourceInputOptions options,
                                             std::atomic<int64_t>& rows_read, SourcePosition begin = {});

std::unique_ptr<TaskInput> MakeGateInput(std::unique_ptr<shuffle::InputGate> gate);

}  // namespace sabot::engine
