// A source partition that is waited for no more, and gives its rows with places behind what it promised.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/engine/task_input.h"

namespace sabot::engine {
namespace {

constexpr int64_t kGreatest = std::numeric_limits<int64_t>::max();

// Gives the batches that the test has put there, and its end when the test says so.
class FedSource final : public connectors::Source {
 public:
  std::shared_ptr<arrow::Schema> schema() const override {
    return arrow::schema({arrow::field("timestamp", arrow::int64())});
  }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>*) override { return arrow::Status::NotImplemented(""); }
  arrow::Result<bool> TryNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    if (batches_.empty()) return ends_;
    *batch = std::move(batches_.front());
    batches_.pop_front();
    return true;
  }
  void Feed(const std::vector<int64_t>& times) {
    arrow::Int64Builder builder;
    for (const int64_t time : times) EXPECT_TRUE((time < 0 ? builder.AppendNull() : builder.Append(time)).ok());
    batches_.push_back(
        arrow::RecordBatch::Make(schema(), static_cast<int64_t>(times.size()), {builder.Finish().ValueOrDie()}));
  }
  void End() { ends_ = true; }

 private:
  std::deque<std::shared_ptr<arrow::RecordBatch>> batches_;
  bool ends_ = false;
};

struct Fed {
  explicit Fed(SourceInputOptions options = {}, SourcePosition begin = {}) {
    if (options.rank == 0) options.rank = 2;
    if (options.carried == Carried::kNothing) options.carried = Carried::kTimes;
    if (options.event_time == -1) options.event_time = 0;
    if (options.event_time == -2) options.event_time = -1;
    input = MakeSourceInput(source, std::move(options), rows_read, begin);
  }
  // All frames that there are now: "rows 5 7" by the times of their places, "frontier 9", "barrier 1", "end".
  std::vector<std::string> Frames() {
    std::vector<std::string> frames;
    while (frames.empty() || frames.back() != "end") {
      const auto frame = input->Next().ValueOrDie();
      if (!frame) break;
      std::string text = "end";
      if (frame->kind == data::FrameKind::kRows) {
        text = "rows";
        for (int64_t row = 0; row < frame->num_rows(); ++row) text += " " + std::to_string(frame->place(row).time);
        EXPECT_EQ(frame->frontier.time, frame->place(frame->num_rows() - 1).time);
      } else if (frame->kind == data::FrameKind::kFrontier) {
        text = "frontier " + std::to_string(frame->frontier.time);
        text += frame->frontier == BehindAllOf(frame->frontier.time) ? "" : " " + frame->frontier.ToString();
      } else if (frame->kind == data::FrameKind::kBarrier) {
        text = "barrier " + std::to_string(frame->checkpoint);
      }
      frames.push_back(std::move(text));
    }
    return frames;
  }
  void Declare(int64_t time) {
    EXPECT_TRUE(input->HoldIdle());
    EXPECT_FALSE(input->Next().ValueOrDie());  // It gives nothing until the decision is durable.
    input->DeclareIdle(time);
  }

  std::shared_ptr<FedSource> source = std::make_shared<FedSource>();
  std::atomic<int64_t> rows_read = 0;
  std::unique_ptr<SourceInput> input;
};

using Frames = std::vector<std::string>;

// --- Where nothing can be declared. ---

TEST(IdleInput, OneThatWasNotAskedForRowsIsNotHeld) {
  Fed fed;
  EXPECT_FALSE(fed.input->HoldIdle());
  fed.source->Feed({5});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 5"}));
}

TEST(IdleInput, OneWithRowsIsNotHeld) {
  Fed fed({.batch_rows = 1});
  fed.source->Feed({5, 6});
  EXPECT_TRUE(fed.input->Next().ValueOrDie());
  EXPECT_FALSE(fed.input->HoldIdle());
  EXPECT_EQ(fed.Frames(), (Frames{"rows 6"}));
}

TEST(IdleInput, OneThatHasEndedIsNotHeld) {
  Fed fed;
  fed.source->End();
  EXPECT_EQ(fed.Frames(), (Frames{"end"}));
  EXPECT_FALSE(fed.input->HoldIdle());
}

TEST(IdleInput, OneThatACheckpointHoldsIsNotHeld) {
  Fed fed;
  EXPECT_EQ(fed.Frames(), Frames());
  fed.input->Hold();
  EXPECT_FALSE(fed.input->HoldIdle());
}

TEST(IdleInput, OneWhoseRowsHaveNoTimesIsNotHeld) {
  Fed fed({.carried = Carried::kPlaces});
  EXPECT_EQ(fed.Frames(), Frames());
  EXPECT_FALSE(fed.input->HoldIdle());
}

TEST(IdleInput, OneThatIsStillToldOfEarlierDecisionsIsNotHeld) {
  Fed fed({.decided = {{.offset = 1, .time = 7}}});
  EXPECT_EQ(fed.Frames(), Frames());
  EXPECT_FALSE(fed.input->HoldIdle());
  fed.source->Feed({5});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 5", "frontier 7"}));
  EXPECT_TRUE(fed.input->HoldIdle());
}

TEST(IdleInput, ASourceThatEndsBeforeADecisionIsAnother) {
  Fed fed({.decided = {{.offset = 3, .time = 7}}});
  fed.source->Feed({5, 6});
  EXPECT_TRUE(fed.input->Next().ok());
  fed.source->End();
  const auto status = fed.input->Next().status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_EQ(status.message(),
            "source 2 has 2 rows, but was idle behind row 3 when the decisions were taken that this run is told. Go on "
            "with the source of that run.");
}

// --- What a decision does. ---

TEST(IdleInput, RowsComeBehindWhatWasPromised) {
  Fed fed;
  fed.source->Feed({5});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 5"}));
  fed.Declare(9);
  EXPECT_EQ(fed.input->position().offset, 1);
  EXPECT_EQ(fed.input->position().time, 10);
  EXPECT_EQ(fed.input->position().last, BehindAllOf(9));
  EXPECT_EQ(fed.Frames(), (Frames{"frontier 9"}));
  fed.source->Feed({7, 9, -1, 11, 3});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 10 10 10 11 11"}));
}

TEST(IdleInput, WhatWasPromisedBeforeIsNotPromisedAgain) {
  Fed fed;
  fed.source->Feed({5});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 5"}));
  fed.Declare(4);
  EXPECT_EQ(fed.Frames(), Frames());
  EXPECT_EQ(fed.input->position().time, 5);
  fed.Declare(5);
  fed.Declare(5);
  EXPECT_EQ(fed.Frames(), (Frames{"frontier 5"}));
  fed.Declare(3);
  EXPECT_EQ(fed.Frames(), Frames());
  fed.Declare(6);
  fed.Declare(8);
  EXPECT_EQ(fed.Frames(), (Frames{"frontier 8"}));
  EXPECT_EQ(fed.input->position().time, 9);
}

TEST(IdleInput, TheGreatestTimeIsLeftToRows) {
  Fed fed;
  EXPECT_EQ(fed.Frames(), Frames());
  fed.Declare(kGreatest);
  EXPECT_EQ(fed.Frames(), (Frames{"frontier " + std::to_string(kGreatest - 1)}));
  fed.source->Feed({5});
  EXPECT_EQ(fed.Frames(), (Frames{"rows " + std::to_string(kGreatest)}));
}

TEST(IdleInput, RowsWithoutEventTimeComeBehindToo) {
  Fed fed({.event_time = -2});
  fed.source->Feed({100, 100});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 0 0"}));
  fed.Declare(-5);
  fed.source->Feed({100});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 0"}));
  fed.Declare(7);
  fed.source->Feed({100, 100});
  EXPECT_EQ(fed.Frames(), (Frames{"frontier 7", "rows 8 8"}));
}

TEST(IdleInput, AnIdlePartitionMayEnd) {
  Fed fed;
  EXPECT_EQ(fed.Frames(), Frames());
  fed.Declare(9);
  fed.source->End();
  EXPECT_EQ(fed.Frames(), (Frames{"frontier 9", "end"}));
}

// --- Beside a checkpoint. ---

TEST(IdleInput, APromiseReachesTheCut) {
  Fed fed;
  fed.source->Feed({5});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 5"}));
  fed.input->Hold();
  fed.input->Cut(1, {.time = 8, .source = 0, .offset = 3, .path = 0});
  EXPECT_EQ(fed.Frames(), Frames());  // Rows before the cut may come.
  fed.Declare(7);
  EXPECT_EQ(fed.Frames(), (Frames{"frontier 7"}));
  fed.Declare(8);
  EXPECT_EQ(fed.Frames(), (Frames{"frontier 8", "frontier 8", "barrier 1"}));
  EXPECT_EQ(fed.input->position().offset, 1);
  EXPECT_EQ(fed.input->position().time, 9);
  fed.source->Feed({6});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 9"}));
}

TEST(IdleInput, TheCutIsNotBeforeAPromise) {
  Fed fed;
  fed.source->Feed({5});
  EXPECT_EQ(fed.Frames(), (Frames{"rows 5"}));
  fed.Declare(8);
  const auto position = fed.input->Hold();  // Before the promise has left.
  EXPECT_EQ(position.last, BehindAllOf(8));
  EXPECT_EQ(position.time, 9);
  fed.input->Cut(1, position.last);
  EXPECT_EQ(fed.Frames(), (Frames{"frontier 8", "frontier 8", "barrier 1"}));
}

TEST(IdleInput, RowsUpToACutAreThoseOfThePlacesTheyHaveNow) {
  Fed fed;
  EXPECT_EQ(fed.Frames(), Frames());
  fed.Declare(8);
  fed.input->Hold();
  fed.input->Cut(1, {.time = 9, .source = 2, .offset = 1, .path = data::kEndPlace.path});
  fed.source->Feed({3, 4, 5, 12});
  const auto frames = fed.Frames();
  ASSERT_EQ(frames.size(), 5U);
  EXPECT_TRUE(frames[2].starts_with("frontier 9 offset 1 of source 2")) << frames[2];
  EXPECT_EQ(frames, (Frames{"frontier 8", "rows 9 9", frames[2], "barrier 1", "rows 9 12"}));
}

// --- The same again. ---

// Rows with an idle time behind some, as it was decided, and then from every position of it, in batches of any size.
TEST(IdleInput, TheSameDecisionsGiveTheSamePlaces) {
  const std::vector<int64_t> times = {5, 3, 7, -1, 9, 2, 20, 21, 4};
  const std::vector<IdleDecision> decided = {{.offset = 0, .time = 1},
                                             {.offset = 2, .time = 6},
                                             {.offset = 5, .time = 11},
                                             {.offset = 5, .time = 13},
                                             {.offset = 9, .time = 30}};
  const std::vector<int64_t> expected = {5, 5, 7, 7, 9, 14, 20, 21, 21};

  std::vector<SourcePosition> positions;  // Before each row.
  {
    Fed fed;
    EXPECT_EQ(fed.Frames(), Frames());
    for (int64_t row = 0; row <= 9; ++row) {
      for (const auto& one : decided) {
        if (one.offset != row) continue;
        positions.push_back(fed.input->position());  // A checkpoint before the decision, at its offset.
        fed.Declare(one.time);
        EXPECT_EQ(fed.Frames(), (Frames{"frontier " + std::to_string(one.time)}));
      }
      positions.push_back(fed.input->position());
      if (row == 9) break;
      fed.source->Feed({times[static_cast<std::size_t>(row)]});
      EXPECT_EQ(fed.Frames(), (Frames{"rows " + std::to_string(expected[static_cast<std::size_t>(row)])}));
    }
  }
  for (const SourcePosition& position : positions) {
    for (int64_t batch = 1; batch <= 9; ++batch) {
      for (const int64_t batch_rows : {int64_t{2}, int64_t{100}}) {
        SCOPED_TRACE(std::to_string(position.offset) + " in " + std::to_string(batch));
        auto shuffled = decided;
        std::swap(shuffled.front(), shuffled.back());
        Fed fed({.batch_rows = batch_rows, .decided = shuffled}, position);
        for (int64_t begin = 0; begin < 9; begin += batch) {
          fed.source->Feed({times.begin() + begin, times.begin() + std::min<int64_t>(9, begin + batch)});
        }
        fed.source->End();
        data::Place last = position.last;
        std::vector<int64_t> found;
        while (const auto frame = fed.input->Next().ValueOrDie()) {
          if (frame->kind == data::FrameKind::kEnd) break;
          for (int64_t row = 0; row < frame->num_rows(); ++row) {
            EXPECT_LT(last, frame->place(row));
            last = frame->place(row);
            found.push_back(last.time);
          }
          EXPECT_LE(last, frame->frontier);
          last = frame->frontier;
        }
        EXPECT_EQ(last, BehindAllOf(30));
        EXPECT_EQ(found, (std::vector<int64_t>(expected.begin() + position.offset, expected.end())));
      }
    }
  }
}

}  // namespace
}  // namespace sabot::engine
