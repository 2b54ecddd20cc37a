// Jobs that die and go on: the rows in their files are those of a run that nothing disturbed. Defects in what
// checkpoints rest on are caught by that.
#include "tests/simulation/recovery.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sabot::simulation {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSeeds = 50;
constexpr uint64_t kDefectSeeds = 20;
#else
constexpr uint64_t kSeeds = 1'000;
constexpr uint64_t kDefectSeeds = 100;
#endif

TEST(Recovery, FilesHoldTheRowsOfARunThatNothingDisturbed) {
  Recoveries told;
  for (const uint64_t seed : Seeds(kSeeds)) {
    ASSERT_TRUE(SameRows(seed, RunPlainly(seed), RunRecovering(seed, {}, &told)));
  }
  EXPECT_GT(told.crashes, 0);
  EXPECT_GT(told.restored, 0);
}

TEST(Recovery, AndSoTheyDoWhereKeyGroupsMove) {
  Recoveries told;
  for (const uint64_t seed : Seeds(kSeeds, 0.3)) {
    ASSERT_TRUE(SameRows(seed, RunPlainly(seed), RunRecovering(seed, {.moves = true}, &told)));
  }
  EXPECT_GT(told.restored, 0);
  EXPECT_GT(told.moved, 0);
}

// Checkpoints fail there, and the job goes on; so the next run begins further back.
TEST(Recovery, ADiskThatIsFullForCheckpointsChangesNoRow) {
  Recoveries told;
  for (const uint64_t seed : Seeds(kSeeds, 0.2)) {
    const auto small = env::MakeSimulatedStorage(static_cast<int64_t>(seed % 7) * 4'000);
    const RecoveryOptions options{.checkpoints_on = [small](const auto&) { return small; }};
    ASSERT_TRUE(SameRows(seed, RunPlainly(seed), RunRecovering(seed, options, &told)));
  }
  EXPECT_GT(told.failed_checkpoints, 0);
}

// --- defects ---

int Caught(const RecoveryOptions& options) {
  int caught = 0;
  for (uint64_t seed = 1; seed <= kDefectSeeds; ++seed) {
    if (!SameRows(seed, RunPlainly(seed), RunRecovering(seed, options))) ++caught;
  }
  return caught;
}

// Gives a barrier before the rows that stand before it.
class Overtaking final : public shuffle::Channel {
 public:
  explicit Overtaking(std::shared_ptr<shuffle::Channel> good) : good_(std::move(good)) {
    good_->set_wake_sender([this] { wake_sender_(); });
    good_->set_wake_receiver([this] { wake_receiver_(); });
  }
  arrow::Result<int64_t> SendRows(const data::Frame& rows, int64_t begin) override {
    return good_->SendRows(rows, begin);
  }
  arrow::Status SendSignal(const data::Frame& signal) override { return good_->SendSignal(signal); }
  arrow::Result<std::optional<data::Frame>> Receive() override {
    if (waiting_) return std::exchange(waiting_, std::nullopt);
    ARROW_ASSIGN_OR_RAISE(auto frame, good_->Receive());
    if (!frame || frame->kind != data::FrameKind::kRows) return frame;
    ARROW_ASSIGN_OR_RAISE(auto next, good_->Receive());
    if (next && next->kind == data::FrameKind::kFrontier) {
      frame->frontier = next->frontier;
      ARROW_ASSIGN_OR_RAISE(next, good_->Receive());
    }
    if (next && next->kind == data::FrameKind::kBarrier) std::swap(frame, next);
    waiting_ = std::move(next);
    return frame;
  }
  void Release(int32_t segments) override { good_->Release(segments); }

 private:
  std::shared_ptr<shuffle::Channel> good_;
  std::optional<data::Frame> waiting_;
};

class OvertakingWorld final : public SimulatedWorld {
 public:
  using SimulatedWorld::SimulatedWorld;
  arrow::Result<std::vector<engine::ChannelEnds>> Connect(
      const graph::ShuffleEdge& edge, const std::shared_ptr<arrow::Schema>& schema,
      const std::vector<std::shared_ptr<shuffle::FloatingCredits>>& credits) override {
    ARROW_ASSIGN_OR_RAISE(auto ends, World::Connect(edge, schema, credits));
    for (auto& [sender, receiver] : ends) sender = receiver = std::make_shared<Overtaking>(sender);
    return ends;
  }
};

// Says that a state file is durable while only its cache has it: the disk does when two more were begun.
class HastyStorage final : public env::Storage {
 public:
  explicit HastyStorage(std::shared_ptr<env::SimulatedStorage> disk) : disk_(std::move(disk)) {}

  arrow::Result<std::unique_ptr<env::PendingFile>> Create(const std::string& path) override {
    if (late_.size() > 1) ARROW_RETURN_NOT_OK(WriteLate());
    if (!path.ends_with(".arrow")) return disk_->Create(path);
    late_.push_back(path);
    return cache_->Create(path);
  }
  arrow::Status CreateFolder(const std::string& path) override { return disk_->CreateFolder(path); }
  arrow::Result<std::vector<std::string>> List(const std::string& folder) override { return disk_->List(folder); }
  arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const std::string& path) override {
    auto cached = cache_->OpenInput(path);
    return cached.ok() ? cached : disk_->OpenInput(path);
  }
  arrow::Status Remove(const std::string& path) override { return disk_->Remove(path); }
  arrow::Status RemoveFolder(const std::string& path) override { return disk_->RemoveFolder(path); }

 private:
  arrow::Status WriteLate() {
    const auto cached = cache_->files();
    for (const std::string& path : std::exchange(late_, {})) {
      const auto found = cached.find(path);
      if (found == cached.end()) continue;
      ARROW_ASSIGN_OR_RAISE(const auto file, disk_->Create(path));
      ARROW_RETURN_NOT_OK(file->stream()->Write(found->second.data(), static_cast<int64_t>(found->second.size())));
      ARROW_RETURN_NOT_OK(file->Commit());
    }
    return arrow::Status::OK();
  }

  std::shared_ptr<env::SimulatedStorage> disk_;
  std::shared_ptr<env::SimulatedStorage> cache_ = env::MakeSimulatedStorage(int64_t{1} << 30);
  std::vector<std::string> late_;
};

TEST(RecoveryDefects, WithoutOneNothingIsCaught) { EXPECT_EQ(Caught({}), 0); }
TEST(RecoveryDefects, ABarrierThatOvertakes) {
  EXPECT_GT(
      Caught({.make_world = [](const auto& events,
                               const auto& options) { return std::make_shared<OvertakingWorld>(events, options); }}),
      0);
}
TEST(RecoveryDefects, AManifestBeforeItsFiles) {
  EXPECT_GT(Caught({.checkpoints_on = [](const auto& disk) { return std::make_shared<HastyStorage>(disk); },
                    .keeps_one = true}),
            0);
}
TEST(RecoveryDefects, ASnapshotWithMorePending) { EXPECT_GT(Caught({.defect = OperatorDefect::kHidesMore}), 0); }
TEST(RecoveryDefects, AStateThatIsNotCopied) { EXPECT_GT(Caught({.defect = OperatorDefect::kFreezesLate}), 0); }

}  // namespace
}  // namespace sabot::simulation
