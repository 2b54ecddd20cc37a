// Checkpoints as Python sees them: what a run is told of them, and what it tells.
#pragma once

#include <nanobind/nanobind.h>

#include "sabot/engine/run_context.h"

namespace sabot::python {

// Nothing, where the run takes none.
nanobind::object CheckpointsToPython(const engine::CheckpointOptions& options,
                                     const engine::CheckpointSummary& summary);

}  // namespace sabot::python
