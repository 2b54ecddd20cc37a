// A random stream over random rows, the same for the same seed however it is run.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>

#include "sabot/engine/stream.h"
#include "tests/simulation/simulated_world.h"

namespace sabot::simulation {

// What may be wrong with an operator of a job.
enum class OperatorDefect {
  kNone,
  kForgetsMore,   // It gives up what it had no room for.
  kHidesMore,     // It keeps something for later without saying so: a barrier passes it.
  kFreezesLate,   // What it froze is its state at the time when that is read.
};

struct JobOptions {
  uint64_t seed = 0;
  // How the rows come; nothing of it may be seen in what a run gives. None: in one batch, at once, one copy of each
  // step.
  std::shared_ptr<Events> events = nullptr;
  OperatorDefect defect = OperatorDefect::kNone;
};

arrow::Result<engine::Stream> RandomJob(const JobOptions& options);

}  // namespace sabot::simulation
