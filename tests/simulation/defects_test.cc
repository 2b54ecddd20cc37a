// The law bites: each of these defects, put into a job's channels or operators, is caught by it within some seeds.
#include <arrow/buffer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "tests/simulation/idle.h"
#include "tests/simulation/law.h"

namespace sabot::simulation {
namespace {

constexpr uint64_t kSeeds = 300;

enum class Defect {
  kNone,
  kDropsCredits,     // One in some does not come back.
  kSwapsFrames,      // Two that follow one another come the other way round.
  kIgnoresTies,      // Rows of the same time are merged as if they had the same place.
  kLosesWakeUps,     // One in some.
  kLosesFrontiers,   // Of a channel without rows.
  kRunsAhead,        // A frontier promises what is still to come.
  kDoublesRows,      // A frame is given twice.
};

// A good channel with a defect.
class DefectiveChannel final : public shuffle::Channel {
 public:
  DefectiveChannel(std::shared_ptr<shuffle::Channel> good, Defect defect, std::shared_ptr<Events> events)
      : good_(std::move(good)), defect_(defect), events_(std::move(events)) {
    good_->set_wake_sender([this] { Woken(wake_sender_); });
    good_->set_wake_receiver([this] { Woken(wake_receiver_); });
  }

  arrow::Result<int64_t> SendRows(const data::Frame& rows, int64_t begin) override {
    return good_->SendRows(rows, begin);
  }
  arrow::Status SendSignal(const data::Frame& signal) override {
    if (defect_ == Defect::kLosesFrontiers && signal.kind == data::FrameKind::kFrontier) return arrow::Status::OK();
    return good_->SendSignal(signal);
  }
  arrow::Result<std::optional<data::Frame>> Receive() override {
    if (!back_) {
      ARROW_ASSIGN_OR_RAISE(back_, good_->Receive());
      if (back_ && back_->kind == data::FrameKind::kRows && events_->OneIn(4)) Spoil();
    }
    if (waiting_) return std::exchange(waiting_, std::nullopt);
    return std::exchange(back_, std::nullopt);
  }
  void Release(int32_t segments) override {
    if (defect_ == Defect::kDropsCredits && events_->OneIn(4)) --segments;
    if (segments > 0) good_->Release(segments);
  }

 private:
  void Woken(const std::function<void()>& wake) {
    if (defect_ != Defect::kLosesWakeUps || !events_->OneIn(8)) wake();
  }
  // `back_` is a frame of rows that may be given now.
  void Spoil() {
    if (defect_ == Defect::kSwapsFrames) {
      auto next = good_->Receive();
      if (next.ok() && *next) waiting_ = std::move(*next);
    } else if (defect_ == Defect::kIgnoresTies) {
      auto columns = back_->batch.places.columns();
      columns.sources = nullptr;
      columns.source = 0;
      columns.offset = 0;
      columns.offsets = *arrow::AllocateBuffer(columns.rows * static_cast<int64_t>(sizeof(int64_t)));
      std::fill_n(columns.offsets->mutable_data_as<int64_t>(), columns.rows, 0);
      back_->batch.places = data::Places(columns);
    } else if (defect_ == Defect::kRunsAhead) {
      back_->frontier.offset += 3;
      back_->frontier.time += 3'000'000;
    } else if (defect_ == Defect::kDoublesRows) {
      waiting_ = back_;
      waiting_->segments = 0;
    }
  }

  std::shared_ptr<shuffle::Channel> good_;
  Defect defect_;
  std::shared_ptr<Events> events_;
  std::optional<data::Frame> waiting_;  // Goes first.
  std::optional<data::Frame> back_;
};

class DefectiveWorld final : public SimulatedWorld {
 public:
  DefectiveWorld(const std::shared_ptr<Events>& events, Defect defect) : SimulatedWorld(events), defect_(defect) {}
  arrow::Result<std::vector<engine::ChannelEnds>> Connect(
      const graph::ShuffleEdge& edge, const std::shared_ptr<arrow::Schema>& schema,
      const std::vector<std::shared_ptr<shuffle::FloatingCredits>>& credits) override {
    ARROW_ASSIGN_OR_RAISE(auto ends, World::Connect(edge, schema, credits));
    for (auto& [sender, receiver] : ends) {
      sender = std::make_shared<DefectiveChannel>(sender, defect_, events_);
      receiver = sender;
    }
    return ends;
  }

 private:
  Defect defect_;
};

int Caught(const SimulationOptions& options) {
  int caught = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    if (!SameRows(seed, RunPlainly(seed), RunSimulated(seed, options))) ++caught;
  }
  return caught;
}

int Caught(Defect defect) {
  return Caught(
      {.make_world = [defect](const auto& events) { return std::make_shared<DefectiveWorld>(events, defect); }});
}

TEST(Defects, WithoutOneNothingIsCaught) { EXPECT_EQ(Caught(Defect::kNone), 0); }
TEST(Defects, ADroppedCredit) { EXPECT_GT(Caught(Defect::kDropsCredits), 0); }
TEST(Defects, SwappedFrames) { EXPECT_GT(Caught(Defect::kSwapsFrames), 0); }
TEST(Defects, AMergeThatIgnoresTies) { EXPECT_GT(Caught(Defect::kIgnoresTies), 0); }
TEST(Defects, ALostWakeUp) { EXPECT_GT(Caught(Defect::kLosesWakeUps), 0); }
TEST(Defects, ALostFrontier) { EXPECT_GT(Caught(Defect::kLosesFrontiers), 0); }
TEST(Defects, AFrontierThatRunsAhead) { EXPECT_GT(Caught(Defect::kRunsAhead), 0); }
TEST(Defects, RowsGivenTwice) { EXPECT_GT(Caught(Defect::kDoublesRows), 0); }
TEST(Defects, AnOperatorThatForgetsMore) {
  EXPECT_GT(Caught(SimulationOptions{.defect = OperatorDefect::kForgetsMore}), 0);
}

TEST(Defects, ADecisionThatIsNotLogged) {
  const auto caught = [](bool loses) {
    int caught = 0;
    for (uint64_t seed = 1; seed <= kSeeds / 3; ++seed) {
      IdleJob job(seed, loses);
      const auto found = job.Crash();
      if (!SameRows(seed, job.Plainly(), found)) ++caught;
    }
    return caught;
  };
  EXPECT_EQ(caught(/*loses=*/false), 0);
  EXPECT_GT(caught(/*loses=*/true), 0);
}

}  // namespace
}  // namespace sabot::simulation
