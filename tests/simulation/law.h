// The law that simulations are held against: whatever the seed, a job gives the rows of the same job run plainly (one
// task, one batch), bit for bit and in the same order.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "sabot/engine/run_context.h"
#include "tests/simulation/random_job.h"

namespace sabot::simulation {

using RowsResult = arrow::Result<std::shared_ptr<arrow::RecordBatch>>;

using Adjust = std::function<void(engine::RunContext&)>;  // What else a run is given.

RowsResult RunPlainly(uint64_t seed, const Adjust& adjust = nullptr);

struct SimulationOptions {
  WorldOptions world = {};
  bool spills = false;  // Edges within the process may, or always do, go to disk.
  // Another world than the simulated one, and what the run may be told.
  std::function<std::shared_ptr<SimulatedWorld>(const std::shared_ptr<Events>&)> make_world = nullptr;
  std::shared_ptr<env::Interrupt> interrupt = std::make_shared<env::NoInterrupt>();
  bool moves = false;  // Key groups move, by hand and by a policy, between any two copies at any time.
  int64_t* moved = nullptr;  // Out: how many did.
  OperatorDefect defect = OperatorDefect::kNone;
  Adjust adjust = nullptr;  // Each run, of which a job that crashes has several.
  std::optional<uint64_t> job_seed = std::nullopt;  // The job is that of another seed.
};
// How a job is run: everything that may vary does, as the seed and events drawn from it say.
engine::RunContext RandomContext(uint64_t seed, const std::shared_ptr<Events>& events,
                                 const SimulationOptions& options);
// Asks, beside what it asks of `inner`, for random moves of key groups. `moved` (out, if there is one): is added to.
std::shared_ptr<env::Interrupt> MoveNowAndThen(std::shared_ptr<env::Interrupt> inner, std::shared_ptr<Events> events,
                                               std::shared_ptr<engine::KeyGroupMoves> moves, int64_t* moved);
RowsResult RunSimulated(uint64_t seed, const SimulationOptions& options = {});

// The same with checkpoints, and crashes: each at any moment, after each of which the job goes on from its newest
// checkpoint at another parallelism. `crashes` (out): how many there were; `restored`: how many went on from a
// checkpoint.
struct Crashes {
  int crashes = 0;
  int restored = 0;
};
RowsResult RunCrashing(uint64_t seed, Crashes* told = nullptr, const SimulationOptions& options = {});

// Whether both gave the same rows; else what differs.
::testing::AssertionResult SameRows(uint64_t seed, const RowsResult& expected, const RowsResult& found);

// The seeds of a test: a share of `all`, or of as many as SABOT_SIMULATION_SEEDS says, or the one of
// SABOT_SIMULATION_SEED.
std::vector<uint64_t> Seeds(uint64_t all, double share = 1);

}  // namespace sabot::simulation
