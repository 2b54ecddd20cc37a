// Jobs that write files and checkpoints on a simulated disk, and are cut off at any moment: by a process that dies, a
// power failure at any operation of the disk, torn files, a disk that is full.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "sabot/env/storage.h"
#include "tests/simulation/law.h"

namespace sabot::simulation {

struct RecoveryOptions {
  OperatorDefect defect = OperatorDefect::kNone;
  // Another world than the simulated one.
  std::function<std::shared_ptr<SimulatedWorld>(const std::shared_ptr<Events>&, const WorldOptions&)> make_world =
      nullptr;
  // Another storage for checkpoints than the disk itself.
  std::function<std::shared_ptr<env::Storage>(const std::shared_ptr<env::SimulatedStorage>&)> checkpoints_on = nullptr;
  bool moves = false;  // Key groups do, between any two copies at any time.
  bool keeps_one = false;  // Checkpoint; else one to four.
};

struct Recoveries {
  int crashes = 0;
  int restored = 0;
  int failed_checkpoints = 0;  // Of runs that ended well.
  int begun_anew = 0;  // Because the only manifest was torn.
  int64_t moved = 0;   // Key groups.
};

// Runs a job until it has ended well, however often it is cut off: each time at another parallelism, from where its
// newest checkpoint is. Gives what is in its files then.
RowsResult RunRecovering(uint64_t seed, const RecoveryOptions& options = {}, Recoveries* told = nullptr);

}  // namespace sabot::simulation
