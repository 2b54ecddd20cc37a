// One task: a state machine that the scheduler steps. It never blocks, and reads no clock, file or socket; who has
// something for it wakes it.
#pragma once

#include <arrow/result.h>

#include <string_view>

namespace sabot::engine {

enum class Turn {
  kMore,     // There is more to do now.
  kNoInput,  // It has nothing to do: it will be woken when it has.
  kNoRoom,   // It has no room for what it has to give: it will be woken when there is.
  kEnded,    // It has done all it ever will.
};

class Task {
 public:
  virtual ~Task() = default;
  virtual std::string_view name() const = 0;  // "kernel_2"
  // Does one thing. One thread at a time, not always the same. An error ends the run.
  virtual arrow::Result<Turn> Step() = 0;
  // Whether it stands for the world outside: a run has ended when all others have.
  virtual bool outside() const { return false; }
  // Whether only the thread that runs the job may step it: it calls Python.
  virtual bool on_caller() const { return false; }
};

}  // namespace sabot::engine
