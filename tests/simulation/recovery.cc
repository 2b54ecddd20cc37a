#include "tests/simulation/recovery.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/table.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::simulation {
namespace {

constexpr int kCrashes = 4;
constexpr int64_t kChecksMax = 200'000;  // Of a job of some hundred rows.

// Asks for checkpoints at any time, and dies at one.
class AskAndDie final : public env::Interrupt {
 public:
  AskAndDie(std::shared_ptr<Events> events, std::shared_ptr<engine::CheckpointRequests> requests,
            std::optional<std::size_t> checks)
      : events_(std::move(events)), requests_(std::move(requests)), left_(checks) {}
  arrow::Status Check() override {
    if (left_ && (*left_)-- == 0) return arrow::Status::Cancelled("dies");
    if (++checks_ == kChecksMax) return arrow::Status::UnknownError("The job does not come to its end.");
    if (events_->OneIn(12)) requests_->checkpoint = true;
    return arrow::Status::OK();
  }

 private:
  std::shared_ptr<Events> events_;
  std::shared_ptr<engine::CheckpointRequests> requests_;
  std::optional<std::size_t> left_;
  int64_t checks_ = 0;
};

RowsResult RowsOf(const env::SimulatedStorage& disk, const std::shared_ptr<arrow::Schema>& schema) {
  std::vector<std::shared_ptr<arrow::Table>> tables;
  for (const auto& [path, bytes] : disk.files()) {  // In the order of their names.
    if (!path.starts_with("out")) continue;
    const auto input = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes));
    ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(input));
    ARROW_ASSIGN_OR_RAISE(tables.emplace_back(), reader->ToTable());
  }
  if (tables.empty()) return arrow::Status::Invalid("The job left no file for rows of ", schema->ToString());
  ARROW_ASSIGN_OR_RAISE(const auto table, arrow::ConcatenateTables(tables));
  return table->CombineChunksToBatch();
}

}  // namespace

RowsResult RunRecovering(uint64_t seed, const RecoveryOptions& options, Recoveries* told) {
  const auto fate = std::make_shared<Events>(seed * 17);
  const auto disk = env::MakeSimulatedStorage(int64_t{1} << 30);
  WorldOptions world{.disk = disk};
  world.network = fate->OneIn(4);
  const int64_t rows_per_file = fate->OneIn(3) ? 0 : static_cast<int64_t>(1 + fate->Below(120));
  std::shared_ptr<arrow::Schema> schema;
  bool torn = false;  // Something may be.
  for (int crash = 0;; ++crash) {
    const auto now = std::make_shared<Events>(seed + static_cast<uint64_t>(crash) * 1'000'003);
    ARROW_ASSIGN_OR_RAISE(const auto stream, RandomJob({.seed = seed, .events = now, .defect = options.defect}));
    schema = stream.schema();
    if (options.checkpoints_on != nullptr) world.checkpoints_on = options.checkpoints_on(disk);
    SimulationOptions simulation{.world = world, .moves = options.moves};
    if (options.make_world != nullptr) {
      simulation.make_world = [&](const auto& events) { return options.make_world(events, world); };
    }
    auto context = RandomContext(seed + static_cast<uint64_t>(crash), now, simulation);
    context.shuffle.key_groups = 16;  // A job's for ever.
    context.checkpoint.folder = "checkpoints";
    context.checkpoint.interval_ms = 1'000'000;  // Never by itself: the same for each run of a seed.
    context.checkpoint.keep = options.keeps_one ? 1 : static_cast<int>(1 + fate->Below(4));
    context.checkpoint.resume = true;
    context.checkpoint.requests = std::make_shared<engine::CheckpointRequests>();
    std::optional<std::size_t> dies;
    if (crash < kCrashes) {
      if (fate->OneIn(2)) {
        const bool tears = fate->OneIn(2);
        torn = torn || tears;
        disk->FailAfter(static_cast<int64_t>(fate->Below(120)), tears);
      } else {
        dies = fate->Below(600);
      }
    }
    context.interrupt = std::make_shared<AskAndDie>(now, context.checkpoint.requests, dies);
    if (options.moves) {
      context.interrupt =
          MoveNowAndThen(context.interrupt, now, context.moves, told == nullptr ? nullptr : &told->moved);
    }
    const auto ran = stream.ToIpc("out", {.rows_per_file = rows_per_file, .storage = disk}, context);
    context.world = nullptr;
    disk->Restart();
    if (told != nullptr && ran.ok()) {
      if (!ran->checkpoints.restored.empty()) ++told->restored;
      told->failed_checkpoints += static_cast<int>(ran->checkpoints.failed);
    }
    if (ran.ok()) break;
    if (torn && data::KindOf(ran.status()) == data::ErrorKind::kData) {
      // The only manifest is torn: that is said, and whoever runs the job begins anew.
      for (const auto& [path, bytes] : disk->files()) {
        if (path.starts_with("checkpoints/")) ARROW_RETURN_NOT_OK(disk->Remove(path));
      }
      if (told != nullptr) ++told->begun_anew;
      continue;
    }
    if (!ran.status().IsCancelled() && !ran.status().IsIOError()) return ran.status();
    if (told != nullptr) ++told->crashes;
  }
  return RowsOf(*disk, schema);
}

}  // namespace sabot::simulation
