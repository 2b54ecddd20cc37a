// Partitions that are declared idle at any time, and what was decided then.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sabot/engine/idle.h"
#include "sabot/engine/job_state.h"
#include "tests/simulation/law.h"

namespace sabot::simulation {

// Any partition that waits, at any time between where it is and where the one is that is furthest.
class AnyIdle final : public engine::IdlePolicy {
 public:
  explicit AnyIdle(uint64_t seed) : events_(seed) {}
  bool Due() override { return events_.OneIn(8); }
  std::vector<std::optional<int64_t>> Decide(std::span<const engine::PartitionProgress> partitions) override {
    int64_t furthest = std::numeric_limits<int64_t>::min();
    for (const auto& partition : partitions) furthest = std::max(furthest, partition.time);
    std::vector<std::optional<int64_t>> decided(partitions.size());
    for (std::size_t i = 0; i < partitions.size(); ++i) {
      if (furthest == std::numeric_limits<int64_t>::min() || !partitions[i].waits || !events_.OneIn(2)) continue;
      // A row in a few milliseconds.
      const int64_t back = events_.OneIn(2) ? 0 : static_cast<int64_t>(events_.Below(1'000'000'000));
      decided[i] = std::max(partitions[i].time, furthest - back);
    }
    return decided;
  }

 private:
  Events events_;
};

// A log that may lose some of what it is given, and tells a run that goes on no more than it needs.
class LossyLog final : public checkpoint::Decisions {
 public:
  LossyLog(uint64_t seed, bool loses) : events_(seed), loses_(loses) {}
  std::vector<checkpoint::Decision> taken() const override {
    auto taken = taken_;
    if (restored_ != nullptr) {
      std::erase_if(taken, [&](const auto& one) { return !checkpoint::IsNeeded(one, restored_->sources); });
    }
    return taken;
  }
  void set_restored(std::shared_ptr<const engine::JobState> state) { restored_ = std::move(state); }
  arrow::Status Append(const std::vector<checkpoint::Decision>& decisions) override {
    if (loses_ && events_.OneIn(4)) return arrow::Status::OK();
    taken_.insert(taken_.end(), decisions.begin(), decisions.end());
    return arrow::Status::OK();
  }

 private:
  Events events_;
  bool loses_;
  std::vector<checkpoint::Decision> taken_;
  std::shared_ptr<const engine::JobState> restored_;
};

// One job: runs it simulated, with crashes if asked, and plainly with what was decided.
struct IdleJob {
  explicit IdleJob(uint64_t job_seed, bool loses = false)
      : seed(job_seed), log(std::make_shared<LossyLog>(job_seed, loses)) {}

  RowsResult Run(SimulationOptions options = {}) {
    options.adjust = Declaring();
    return RunSimulated(seed, options);
  }
  RowsResult Crash(Crashes* told = nullptr, SimulationOptions options = {}) {
    options.adjust = Declaring();
    return RunCrashing(seed, told, options);
  }
  RowsResult Plainly() const {
    log->set_restored(nullptr);
    return RunPlainly(seed, [this](engine::RunContext& context) {
      context.decisions = std::make_shared<checkpoint::DecisionsInMemory>(log->taken());
    });
  }

  const uint64_t seed;
  const std::shared_ptr<LossyLog> log;

 private:
  Adjust Declaring() {
    return [this](engine::RunContext& context) {
      context.idle = std::make_shared<AnyIdle>(seed * 17 + static_cast<uint64_t>(runs_++));
      log->set_restored(context.restore);
      context.decisions = log;
    };
  }

  int runs_ = 0;
};

}  // namespace sabot::simulation
