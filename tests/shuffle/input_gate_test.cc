// The gate over channels that are deques: the same rows in the same order whoever is faster, barriers, credits.
#include "sabot/shuffle/input_gate.h"

#include <gtest/gtest.h>

#include <deque>

#include "sabot/data/errors.h"
#include "tests/shuffle/placed_rows.h"

namespace sabot::shuffle {
namespace {

using data::Frame;
using data::FrameKind;
using data::Place;

// What was put in comes out; every frame of rows holds as many credits as it has rows.
class FakeChannel final : public Channel {
 public:
  arrow::Result<int64_t> SendRows(const Frame& rows, int64_t begin) override {
    frames_.push_back(rows);
    return rows.num_rows() - begin;
  }
  arrow::Status SendSignal(const Frame& signal) override {
    frames_.push_back(signal);
    return arrow::Status::OK();
  }
  arrow::Result<std::optional<Frame>> Receive() override {
    if (frames_.empty()) return std::nullopt;
    std::optional<Frame> frame = std::move(frames_.front());
    frames_.pop_front();
    frame->segments = frame->kind == FrameKind::kRows ? static_cast<int32_t>(frame->num_rows()) + 1 : 0;
    held_ += frame->segments;
    return frame;
  }
  void Release(int32_t segments) override { held_ -= segments; }

  int64_t held() const { return held_; }         // Credits of frames received and not released.
  std::size_t queued() const { return frames_.size(); }

 private:
  std::deque<Frame> frames_;
  int64_t held_ = 0;
};

const auto kSchema = arrow::schema({arrow::field("value", arrow::int64())});

// Rows of source 0 at the given times; the offset is the time, too.
Frame Rows(const std::vector<int64_t>& times, std::optional<int64_t> frontier = {}) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(times).ok());
  std::vector<Place> places;
  for (const int64_t time : times) places.push_back({.time = time, .offset = time});
  const int64_t upto = frontier.value_or(times.empty() ? 0 : times.back());
  return Frame::Rows(
      {.rows = arrow::RecordBatch::Make(kSchema, static_cast<int64_t>(times.size()), {*builder.Finish()}),
       .places = *data::Places::Of(places)},
      {.time = upto, .offset = upto});
}

Frame Frontier(int64_t time) { return Frame::Frontier({.time = time, .offset = time}); }

// A gate and its channels.
struct Inputs {
  explicit Inputs(int count, GateOrder order = GateOrder::kPlace, MergeOptions options = {},
                  std::shared_ptr<arrow::Schema> schema = kSchema) {
    std::vector<std::shared_ptr<Channel>> all;
    for (int at = 0; at < count; ++at) all.push_back(channels.emplace_back(std::make_shared<FakeChannel>()));
    gate.emplace(std::move(all), std::move(schema), order, options);
  }
  FakeChannel& operator[](std::size_t channel) { return *channels[channel]; }
  void Send(std::size_t channel, const Frame& frame) {
    EXPECT_TRUE(frame.kind == FrameKind::kRows ? channels[channel]->SendRows(frame, 0).ok()
                                               : channels[channel]->SendSignal(frame).ok());
  }
  // All that the gate has, as text: rows "[1 2]<=2", frontiers "<=3", barriers "#1", the end "end".
  std::string Drain() {
    std::string text;
    for (;;) {
      const auto next = gate->Next();
      if (!next.ok()) return next.status().ToString();
      if (!*next) return text;
      const Frame& frame = **next;
      EXPECT_EQ(frame.segments, 0);
      EXPECT_FALSE(frame.selection);
      if (!text.empty()) text += " ";
      if (frame.kind == FrameKind::kRows) {
        text += "[";
        for (int64_t row = 0; row < frame.num_rows(); ++row) {
          text += (row > 0 ? " " : "") + std::to_string(frame.batch.rows->column_data(0)->GetValues<int64_t>(1)[row]);
        }
        text += "]";
      }
      if (frame.kind == FrameKind::kBarrier) text += "#" + std::to_string(frame.checkpoint);
      if (frame.kind == FrameKind::kEnd) text += "end";
      if (frame.kind == FrameKind::kRows || frame.kind == FrameKind::kFrontier) {
        text += frame.frontier == data::kBeginPlace ? "<=?" : "<=" + std::to_string(frame.frontier.time);
      }
    }
  }

  std::vector<std::shared_ptr<FakeChannel>> channels;
  std::optional<InputGate> gate;
};

TEST(InputGate, RowsBehindTheFrontierAreAnErrorThatNamesBoth) {
  for (const int channels : {1, 2}) {
    Inputs in(channels);
    in.Send(0, Rows({3}, 7));
    in.Send(0, Rows({6}));
    const auto status = in.gate->Next().status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
    EXPECT_NE(status.message().find("input 0 of a gate goes back in place: a row at offset 6 of source 0 (time 6) came "
                                    "after its frontier, offset 7 of source 0 (time 7)"),
              std::string::npos)
        << status;
  }
}

TEST(InputGate, OtherColumnsAreAnError) {
  Inputs in(2, GateOrder::kArrival);
  Frame frame = Rows({1});
  frame.batch.rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("other", arrow::int64())}), 1,
                                              {frame.batch.rows->column(0)});
  in.Send(1, frame);
  const auto status = in.gate->Next().status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_NE(status.message().find("input 1 of a gate brings columns (other: int64), expected (value: int64)"),
            std::string::npos)
      << status;
}

TEST(InputGate, RowsWithoutPlacesAreAnErrorWhereTheyAreMerged) {
  Frame frame = Rows({1, 2});
  frame.batch.places = {};
  frame.frontier = data::kBeginPlace;
  Inputs merged(2);
  merged.Send(0, frame);
  EXPECT_EQ(data::KindOf(merged.gate->Next().status()), data::ErrorKind::kData);
  Inputs alone(1);
  alone.Send(0, frame);
  EXPECT_EQ(alone.Drain(), "[1 2]<=?");
  Inputs arriving(2, GateOrder::kArrival);
  arriving.Send(0, frame);
  EXPECT_EQ(arriving.Drain(), "[1 2]<=?");
}

TEST(InputGate, EqualPlacesOnTwoChannelsAreAnErrorWhereThatIsChecked) {
  for (const bool fails : {false, true}) {
    Inputs in(2, GateOrder::kPlace, {.equal_places_fail = fails});
    in.Send(0, Rows({1, 2}));
    in.Send(1, Rows({2, 3}));
    const std::string got = in.Drain();
    EXPECT_EQ(got == "[1 2 2]<=2", !fails) << got;
    EXPECT_EQ(got.find("inputs 0 and 1") != std::string::npos, fails) << got;
  }
}

TEST(InputGate, WithoutChannelsItEnds) {
  Inputs in(0);
  EXPECT_EQ(in.Drain(), "end");
  EXPECT_TRUE(in.gate->ended());
}

TEST(InputGate, EndsOnceAllHaveEnded) {
  Inputs in(2);
  EXPECT_EQ(in.Drain(), "");
  in.Send(1, Frame::End());
  EXPECT_EQ(in.Drain(), "");
  EXPECT_EQ(in.gate->frontier(1), data::kEndPlace);
  in.Send(0, Rows({1}));
  in.Send(0, Frame::End());
  EXPECT_EQ(in.Drain(), "[1]<=1 end");
  EXPECT_EQ(in.Drain(), "");
}

TEST(InputGate, OneChannelPassesItsFrames) {
  Inputs in(1);
  Frame frame = Rows({1, 2, 3, 4}, 9);
  in.Send(0, frame);
  in.Send(0, Frontier(12));
  in.Send(0, Frame::Barrier(1));
  const auto first = *in.gate->Next();
  EXPECT_EQ(first->batch.rows, frame.batch.rows);
  EXPECT_EQ(first->frontier.time, 9);
  EXPECT_EQ(in.Drain(), "<=12 #1");
  frame = Rows({20, 21, 22, 23}, 30);
  frame.selection = Select({0, 3});
  in.Send(0, frame);
  in.Send(0, Frame::End());
  EXPECT_EQ(in.Drain(), "[20 23]<=30 end");
}

TEST(InputGate, GivesRowsUpToTheLeastFrontier) {
  Inputs in(3);
  in.Send(0, Rows({1, 4, 9}));
  in.Send(1, Rows({2, 5}));
  EXPECT_EQ(in.Drain(), "");
  EXPECT_EQ(in.gate->behind(), 2);
  EXPECT_EQ(in.gate->rows_held(), 5);
  in.Send(2, Frontier(4));
  EXPECT_EQ(in.Drain(), "[1 2 4]<=4");
  EXPECT_EQ(in.gate->rows_held(), 2);
  in.Send(2, Frontier(20));
  EXPECT_EQ(in.Drain(), "[5]<=5");
  EXPECT_EQ(in.gate->behind(), 1);
  in.Send(1, Frontier(7));
  EXPECT_EQ(in.Drain(), "<=7");
  in.Send(1, Frontier(6));  // Goes back: says nothing new.
  EXPECT_EQ(in.Drain(), "");
  EXPECT_EQ(in.gate->frontier(1).time, 7);
  in.Send(1, Frame::End());
  EXPECT_EQ(in.Drain(), "[9]<=9");
}

TEST(InputGate, BatchesHaveABoundAndTheirFrontiersAreWhatWasGiven) {
  for (const int channels : {1, 2}) {
    Inputs in(channels, GateOrder::kPlace, {.rows_max = 2});
    in.Send(0, Rows({1, 3, 5}, 9));
    if (channels == 2) in.Send(1, Frontier(9));
    EXPECT_EQ(in.Drain(), "[1 3]<=3 [5]<=9");
  }
  Inputs arriving(1, GateOrder::kArrival, {.rows_max = 2});
  arriving.Send(0, Rows({5, 1, 3}, 4));
  EXPECT_EQ(arriving.Drain(), "[5 1]<=? [3]<=4");
}

TEST(InputGate, CreditsGoBackWithTheLastRowOfAFrame) {
  Inputs in(2);
  in.Send(0, Rows({1, 4, 9}));
  in.Send(0, Rows({}));  // Its credits go at once, nothing waits for it.
  EXPECT_EQ(in.Drain(), "");
  EXPECT_EQ(in[0].held(), 4);
  in.Send(1, Rows({2, 5}));
  EXPECT_EQ(in.Drain(), "[1 2 4 5]<=5");
  EXPECT_EQ(in[0].held(), 4);
  EXPECT_EQ(in[1].held(), 0);  // The one behind is empty, so its sender goes on.
  in.Send(1, Frame::End());
  EXPECT_EQ(in.Drain(), "[9]<=9");
  EXPECT_EQ(in[0].held(), 0);
}

TEST(InputGate, CreditsOfRowsThatWaitToBeTakenAreHeld) {
  Inputs in(2, GateOrder::kPlace, {.rows_max = 2});
  in.Send(0, Rows({1, 3}));
  in.Send(1, Rows({2, 4}, 3));
  ASSERT_TRUE(in.gate->Next()->has_value());
  EXPECT_EQ(in[0].held(), 3);
  EXPECT_EQ(in.Drain(), "[3]<=3");
  EXPECT_EQ(in[0].held(), 0);
}

TEST(InputGate, ByArrivalRowsComeInTurnWithTheLeastFrontier) {
  Inputs in(2, GateOrder::kArrival);
  in.Send(0, Rows({5}));
  in.Send(0, Rows({7}));
  in.Send(1, Rows({1}));
  EXPECT_EQ(in.Drain(), "[5]<=? [1]<=1 [7]<=1");
  in.Send(1, Frontier(6));
  EXPECT_EQ(in.Drain(), "<=6");
  in.Send(0, Frame::End());
  in.Send(1, Rows({2}));  // Nobody's order is checked here.
  in.Send(1, Frame::End());
  EXPECT_EQ(in.Drain(), "[2]<=6 end");
  EXPECT_EQ(in[0].held() + in[1].held(), 0);
}

TEST(InputGate, ABarrierComesWhenAllBroughtIt) {
  for (const GateOrder order : {GateOrder::kPlace, GateOrder::kArrival}) {
    Inputs in(3, order);
    in.Send(2, Frame::End());
    in.Send(0, Rows({1}));
    in.Send(0, Frontier(5));
    in.Send(0, Frame::Barrier(1));
    in.Send(0, Rows({6}));
    in.Send(1, Rows({2}));
    const std::string first = in.Drain();
    EXPECT_EQ(first, order == GateOrder::kPlace ? "[1 2]<=2" : "[1]<=? [2]<=2");
    EXPECT_TRUE(in.gate->waits_at_barrier(0));
    EXPECT_EQ(in[0].queued(), 1U);  // What is behind it stays in the channel.
    in.Send(1, Rows({4}));
    in.Send(1, Frontier(5));
    in.Send(1, Frame::Barrier(1));
    in.Send(1, Rows({7}));
    EXPECT_EQ(in.Drain(), order == GateOrder::kPlace ? "[4]<=5 #1 [6]<=6" : "[4]<=4 <=5 #1 [6]<=5 [7]<=6");
    EXPECT_FALSE(in.gate->waits_at_barrier(0));
  }
}

// Sources that are cut at different places: what was sent before the barrier and may not go yet belongs to it.
TEST(InputGate, RowsBeyondTheLeastFrontierStayAtABarrier) {
  Inputs in(2);
  in.Send(0, Rows({1, 8}));
  in.Send(0, Frame::Barrier(1));
  in.Send(1, Rows({3}));
  in.Send(1, Frame::Barrier(1));
  EXPECT_EQ((*in.gate->Next())->num_rows(), 2);
  const auto barrier = *in.gate->Next();
  EXPECT_EQ(barrier->kind, FrameKind::kBarrier);
  EXPECT_EQ(in.gate->rows_held(), 1);
  in.Send(1, Frame::End());
  in.Send(0, Frame::End());
  EXPECT_EQ(in.Drain(), "[8]<=8 end");
}

TEST(InputGate, ANewerBarrierGivesUpAnOlderOneAndALateOneIsDropped) {
  Inputs in(3);
  in.Send(0, Frame::Barrier(1));
  in.Send(0, Rows({1}, 9));
  in.Send(0, Frame::Barrier(2));
  in.Send(0, Rows({10}));
  EXPECT_EQ(in.Drain(), "");
  in.Send(2, Frame::Barrier(2));  // Channel 0 is read on, in the same call.
  in.Send(2, Frontier(9));
  in.Send(1, Frame::Barrier(1));  // Late.
  in.Send(1, Frontier(9));
  EXPECT_EQ(in.Drain(), "");
  EXPECT_TRUE(in.gate->waits_at_barrier(0));
  EXPECT_FALSE(in.gate->waits_at_barrier(1));
  in.Send(1, Frame::Barrier(2));
  EXPECT_EQ(in.Drain(), "#2 [1]<=9");
  in.Send(1, Frame::Barrier(2));  // Again.
  in.Send(1, Frontier(12));
  in.Send(2, Frontier(12));
  EXPECT_EQ(in.Drain(), "[10]<=10");
}

TEST(InputGate, AChannelThatEndsHasNoBarrierToBring) {
  Inputs in(2);
  in.Send(0, Frontier(3));
  in.Send(0, Frame::Barrier(1));
  EXPECT_EQ(in.Drain(), "");
  in.Send(1, Rows({2}));
  in.Send(1, Frame::End());
  EXPECT_EQ(in.Drain(), "[2]<=3 #1");
  in.Send(0, Frame::End());
  EXPECT_EQ(in.Drain(), "end");
}

// Rows of one channel, cut into frames with frontiers and barriers between.
std::vector<Frame> Cut(const PlacedRows& rows, const std::vector<int32_t>& mine, int64_t cut,
                       const std::vector<int32_t>& barriers, Random& random) {
  std::vector<Frame> frames;
  std::size_t next_barrier = 0;
  const auto barrier = [&](int32_t upto) {  // A checkpoint behind the row numbered `upto`.
    frames.push_back(Frame::Frontier(rows.places[static_cast<std::size_t>(upto)]));
    frames.push_back(Frame::Barrier(static_cast<int64_t>(++next_barrier)));
  };
  for (std::size_t begin = 0; begin < mine.size();) {
    while (next_barrier < barriers.size() && barriers[next_barrier] < mine[begin]) barrier(barriers[next_barrier]);
    std::size_t end = begin;
    const int32_t stop = next_barrier < barriers.size() ? barriers[next_barrier] : INT32_MAX;
    for (int64_t left = 1 + random.Below(cut); left > 0 && end < mine.size() && mine[end] <= stop; --left) ++end;
    // As far as it may promise: the row before the channel's next.
    const int32_t last = mine[end - 1];
    const int32_t most = std::min(end < mine.size() ? mine[end] - 1 : static_cast<int32_t>(rows.size() - 1), stop);
    const auto promise = static_cast<std::size_t>(last + random.Below(most - last + 1));
    std::vector<int32_t> picked(mine.begin() + static_cast<std::ptrdiff_t>(begin),
                                mine.begin() + static_cast<std::ptrdiff_t>(end));
    if (random.OneIn(3)) {  // Some rows of a batch that has others.
      std::vector<int32_t> all, numbers;
      for (int32_t row = picked.front(), at = 0; row <= picked.back(); ++row) {
        const bool is_mine = std::binary_search(picked.begin(), picked.end(), row);
        if (!is_mine && random.OneIn(2)) continue;
        if (is_mine) numbers.push_back(at);
        all.push_back(row);
        ++at;
      }
      frames.push_back(Frame::Rows(rows.Pick(all, random), Select(numbers), rows.places[promise]));
    } else {
      frames.push_back(Frame::Rows(rows.Pick(picked, random), rows.places[promise]));
    }
    if (random.OneIn(4)) frames.push_back(Frame::Frontier(rows.places[static_cast<std::size_t>(most)]));
    begin = end;
  }
  while (next_barrier < barriers.size()) barrier(barriers[next_barrier]);
  frames.push_back(Frame::End());
  return frames;
}

TEST(InputGate, EqualsASortWhateverTheCutsAndWhoeverIsFaster) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const int64_t count = random.OneIn(20) ? 0 : 1 + random.Below(400);
    const PlacedRows rows = RandomRows(count, 1 + random.Below(4), random);
    const int64_t channels = 1 + random.Below(6);
    std::vector<std::vector<int32_t>> parts(static_cast<std::size_t>(channels));
    for (int32_t row = 0; row < count; ++row) parts[static_cast<std::size_t>(random.Below(channels))].push_back(row);
    if (channels > 1 && random.OneIn(3)) {  // One has nothing.
      auto& to = parts.front();
      to.insert(to.end(), parts.back().begin(), parts.back().end());
      parts.back().clear();
      std::sort(to.begin(), to.end());
    }
    std::vector<int32_t> barriers;
    for (int64_t left = count > 0 ? random.Below(4) : 0; left > 0; --left)
      barriers.push_back(static_cast<int32_t>(random.Below(count)));
    std::sort(barriers.begin(), barriers.end());
    std::vector<std::deque<Frame>> waiting;
    for (const auto& part : parts) {
      const auto frames = Cut(rows, part, 1 + random.Below(60), barriers, random);
      waiting.emplace_back(frames.begin(), frames.end());
    }

    const GateOrder order = random.OneIn(4) ? GateOrder::kArrival : GateOrder::kPlace;
    const int64_t rows_max = random.OneIn(3) ? 1 + random.Below(50) : kMergedRowsMax;
    Inputs in(static_cast<int>(channels), order, {.rows_max = rows_max, .equal_places_fail = true}, rows.Schema());
    std::vector<data::Batch> out;
    std::size_t barriers_seen = 0;
    int64_t rows_seen = 0;
    Place frontier = data::kBeginPlace;
    const std::string what = "seed " + std::to_string(seed);
    while (!in.gate->ended()) {
      const auto next = in.gate->Next();
      ASSERT_TRUE(next.ok()) << what << next.status();
      if (!*next) {
        std::vector<std::size_t> left;
        for (std::size_t at = 0; at < waiting.size(); ++at) {
          if (!waiting[at].empty()) left.push_back(at);
        }
        ASSERT_FALSE(left.empty()) << what << ": nobody has anything to send and the gate does not end";
        const std::size_t channel = left[static_cast<std::size_t>(random.Below(static_cast<int64_t>(left.size())))];
        in.Send(channel, waiting[channel].front());
        waiting[channel].pop_front();
        continue;
      }
      const Frame& frame = **next;
      if (frame.kind == FrameKind::kRows) {
        ASSERT_LE(frame.num_rows(), rows_max);
        ASSERT_GT(frame.num_rows(), 0);
        rows_seen += frame.num_rows();
        for (int64_t row = 0; row < frame.num_rows(); ++row) ASSERT_LT(frontier, frame.place(row)) << what;
        out.push_back(frame.batch);
      }
      if (frame.kind == FrameKind::kBarrier) {
        ASSERT_EQ(rows_seen, barriers[barriers_seen++] + 1) << what;
        ASSERT_EQ(frame.checkpoint, static_cast<int64_t>(barriers_seen)) << what;
        ASSERT_EQ(in.gate->rows_held(), 0) << what;
        continue;
      }
      ASSERT_FALSE(frame.frontier < frontier) << what;
      if (frame.kind == FrameKind::kFrontier) {
        ASSERT_LT(frontier, frame.frontier) << what;
      }
      frontier = frame.frontier;
    }
    EXPECT_EQ(barriers_seen, barriers.size()) << what;
    for (const auto& channel : in.channels) EXPECT_EQ(channel->held(), 0) << what;
    EXPECT_EQ(in.gate->rows_held(), 0);
    std::vector<int32_t> expected(static_cast<std::size_t>(count));
    std::iota(expected.begin(), expected.end(), 0);
    if (order == GateOrder::kArrival) {  // The same rows in some order.
      std::vector<int32_t> got;
      for (const auto& batch : out) {
        for (int64_t row = 0; row < batch.num_rows(); ++row) {
          got.push_back(static_cast<int32_t>(batch.rows->column_data(0)->GetValues<int64_t>(1)[row]));
        }
      }
      std::vector<int32_t> sorted = got;
      std::sort(sorted.begin(), sorted.end());
      ASSERT_EQ(sorted, expected) << what;
      expected = got;
    }
    rows.ExpectAre(out, expected, what);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sabot::shuffle
