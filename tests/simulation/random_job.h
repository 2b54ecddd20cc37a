// A random stream over random rows, the same for the same seed however it is run.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>

#include "sabot/engine/stream.h"
#include "tests/simulation/simulated_world.h"

namespace sabot::simulation {

struct JobOptions {
  uint64_t seed = 0;
  // How the rows come; nothing of it may be seen in what a run gives. None: in one batch, at once, one copy of each
  // step.
  std::shared_ptr<Events> events = nullptr;
  bool forgets_more = false;  // A defect: an operator gives up what it had no room for.
};

arrow::Result<engine::Stream> RandomJob(const JobOptions& options);

}  // namespace sabot::simulation
