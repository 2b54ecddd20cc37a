#include "sabot/shuffle/local_channel.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/shuffle/row_bytes.h"
#include "tests/shuffle/channel_probe.h"

namespace sabot::shuffle {
namespace {

// Segments of 1,024 bytes; a row of 128 bytes, so that 8 rows fill one.
constexpr int32_t kPadding = 120;

std::shared_ptr<FloatingCredits> Credits(int32_t own, int32_t shared, int32_t channels = 1) {
  const SegmentSettings settings{.segment_bytes = 1024, .channel_segments = own, .shuffle_segments = shared};
  return SegmentPool::Make(settings).ValueOrDie()->Reserve(channels).ValueOrDie();
}

std::string ReceiveWord(Channel& channel) {
  const auto frame = channel.Receive().ValueOrDie();
  return frame ? Word(*frame) : "nothing";
}

// --- Wrong use. ---

TEST(LocalChannel, ARowThatCannotFitNamesPlaceBytesAndSetting) {
  const auto channel = MakeLocalChannel(Credits(2, 8));
  EXPECT_EQ(channel->SendRows(NumberedFrame(17, 3, 2040), 0).ValueOrDie(), 3);  // 2,048 bytes each: just so.
  const auto status = channel->SendRows(NumberedFrame(17, 3, 2041), 0).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_EQ(status.message(),
            "shuffle: the row at offset 17 of source 0 has about 2049 bytes, but a channel of its own holds 2048 (2 "
            "segments of 1024 bytes). Raise segment_bytes or channel_segments.");
}

// --- Edges. ---

TEST(LocalChannel, AFrameWithoutRowsIsItsFrontier) {
  const auto channel = MakeLocalChannel(Credits(1, 0));
  EXPECT_EQ(channel->SendRows(Frame::Rows(NumberedRows(0, 0), PlaceOf(5)), 0).ValueOrDie(), 0);
  EXPECT_EQ(ReceiveWord(*channel), "frontier 5");
  EXPECT_EQ(ReceiveWord(*channel), "nothing");
}

TEST(LocalChannel, FrontiersThatNothingFollowsBecomeOne) {
  const auto channel = MakeLocalChannel(Credits(1, 0));
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(channel->SendSignal(Frame::Frontier(PlaceOf(i))).ok());
  ASSERT_TRUE(channel->SendSignal(Frame::Barrier(7)).ok());
  ASSERT_TRUE(channel->SendSignal(Frame::Frontier(PlaceOf(1000))).ok());
  EXPECT_EQ(ReceiveWord(*channel), "frontier 999");
  EXPECT_EQ(ReceiveWord(*channel), "barrier 7");
  EXPECT_EQ(ReceiveWord(*channel), "frontier 1000");
  EXPECT_EQ(ReceiveWord(*channel), "nothing");
}

TEST(LocalChannel, SignalsNeedNoCredit) {
  const auto channel = MakeLocalChannel(Credits(1, 0));
  EXPECT_EQ(channel->SendRows(NumberedFrame(0, 8, kPadding), 0).ValueOrDie(), 8);
  EXPECT_EQ(channel->SendRows(NumberedFrame(8, 1, kPadding), 0).ValueOrDie(), 0);
  ASSERT_TRUE(channel->SendSignal(Frame::Barrier(1)).ok());
  ASSERT_TRUE(channel->SendSignal(Frame::End()).ok());
  EXPECT_EQ(ReceiveWord(*channel), "rows 0..7 (1)");
  EXPECT_EQ(ReceiveWord(*channel), "barrier 1");
  EXPECT_EQ(ReceiveWord(*channel), "end");
}

TEST(LocalChannel, ARowOfSeveralSegmentsWaitsForAllOfThem) {
  const auto channel = MakeLocalChannel(Credits(2, 0));
  const Wakes wakes(*channel);
  EXPECT_EQ(channel->SendRows(NumberedFrame(0, 8, kPadding), 0).ValueOrDie(), 8);
  EXPECT_EQ(channel->SendRows(NumberedFrame(8, 8, kPadding), 0).ValueOrDie(), 8);
  EXPECT_EQ(channel->SendRows(NumberedFrame(16, 1, 2000), 0).ValueOrDie(), 0);
  channel->Release(1);
  EXPECT_EQ(wakes.sender, 0);
  channel->Release(1);
  EXPECT_EQ(wakes.sender, 1);
  EXPECT_EQ(channel->SendRows(NumberedFrame(16, 1, 2000), 0).ValueOrDie(), 1);
}

// --- Values. ---

TEST(LocalChannel, SharesTheColumns) {
  const auto channel = MakeLocalChannel(Credits(2, 8));
  Frame sent = NumberedFrame(0, 100);
  sent.selection = SelectionOf({3, 50, 99});
  EXPECT_EQ(channel->SendRows(sent, 0).ValueOrDie(), 3);
  const auto received = channel->Receive().ValueOrDie();
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->batch.rows.get(), sent.batch.rows.get());
  EXPECT_EQ(NumbersOf(*received), (std::vector<int64_t>{3, 50, 99}));
  EXPECT_EQ(received->frontier, PlaceOf(99));
  EXPECT_EQ(received->place(1), PlaceOf(50));
}

TEST(LocalChannel, SendsWhatThereAreCreditsFor) {
  const auto channel = MakeLocalChannel(Credits(2, 1));
  const Wakes wakes(*channel);
  const Frame frame = NumberedFrame(0, 40, kPadding);
  EXPECT_EQ(channel->SendRows(frame, 0).ValueOrDie(), 24);  // Three segments of eight rows.
  EXPECT_EQ(channel->counters().credits_held, 3);
  EXPECT_EQ(channel->counters().bytes_queued, 24 * 128);
  EXPECT_EQ(channel->counters().credits_waited, 1);

  const auto piece = channel->Receive().ValueOrDie();
  EXPECT_EQ(Word(*piece), "rows 0..23 (3)");
  EXPECT_EQ(piece->frontier, PlaceOf(23));  // Its last row.
  EXPECT_EQ(wakes.sender, 0);
  channel->Release(1);
  EXPECT_EQ(wakes.sender, 0);  // Not for a piece of the sixteen rows that are left...
  channel->Release(2);
  EXPECT_EQ(wakes.sender, 1);  // ...where the channel's own segments can hold all of them.
  EXPECT_EQ(channel->counters().bytes_queued, 0);
  EXPECT_EQ(channel->SendRows(frame, 24).ValueOrDie(), 16);
  EXPECT_EQ(channel->Receive().ValueOrDie()->frontier, PlaceOf(39));
  EXPECT_EQ(channel->counters().rows_sent, 40);
}

TEST(LocalChannel, WithoutPlacesEarlierPiecesPromiseNothingNew) {
  const auto channel = MakeLocalChannel(Credits(1, 0));
  Frame frame = NumberedFrame(0, 9, kPadding);
  frame.batch.places = {};
  ASSERT_TRUE(channel->SendSignal(Frame::Frontier(PlaceOf(-5))).ok());
  EXPECT_EQ(channel->SendRows(frame, 0).ValueOrDie(), 8);
  EXPECT_EQ(ReceiveWord(*channel), "frontier -5");
  EXPECT_EQ(channel->Receive().ValueOrDie()->frontier, PlaceOf(-5));
  channel->Release(1);
  EXPECT_EQ(channel->SendRows(frame, 8).ValueOrDie(), 1);
  EXPECT_EQ(channel->Receive().ValueOrDie()->frontier, PlaceOf(8));
}

TEST(LocalChannel, TheReceiverIsWokenOnceAfterItFoundNothing) {
  const auto channel = MakeLocalChannel(Credits(2, 8));
  const Wakes wakes(*channel);
  EXPECT_EQ(ReceiveWord(*channel), "nothing");
  ASSERT_TRUE(channel->SendSignal(Frame::Frontier(PlaceOf(1))).ok());
  ASSERT_TRUE(channel->SendSignal(Frame::Barrier(1)).ok());
  EXPECT_EQ(wakes.receiver, 1);
  EXPECT_EQ(ReceiveWord(*channel), "frontier 1");
  EXPECT_EQ(ReceiveWord(*channel), "barrier 1");
  ASSERT_TRUE(channel->SendSignal(Frame::Frontier(PlaceOf(2))).ok());
  EXPECT_EQ(wakes.receiver, 1);  // It was not told that there is nothing.
}

TEST(LocalChannel, SharedSegmentsGoToWhoWasRefusedFirst) {
  const auto credits = Credits(1, 2, 3);
  const auto a = MakeLocalChannel(credits);
  const auto b = MakeLocalChannel(credits);
  const auto c = MakeLocalChannel(credits);
  const Wakes a_wakes(*a);
  const Wakes b_wakes(*b);
  const Wakes c_wakes(*c);
  EXPECT_EQ(a->SendRows(NumberedFrame(0, 24, kPadding), 0).ValueOrDie(), 24);  // Its own, and both that are shared.
  EXPECT_EQ(b->SendRows(NumberedFrame(0, 16, kPadding), 0).ValueOrDie(), 8);
  EXPECT_EQ(c->SendRows(NumberedFrame(0, 16, kPadding), 0).ValueOrDie(), 8);
  a->Release(1);
  EXPECT_EQ(b_wakes.sender, 1);
  EXPECT_EQ(c_wakes.sender, 0);
  EXPECT_EQ(b->SendRows(NumberedFrame(0, 16, kPadding), 8).ValueOrDie(), 8);
  a->Release(1);
  EXPECT_EQ(c_wakes.sender, 1);
  EXPECT_EQ(a_wakes.sender, 0);
}

TEST(LocalChannel, WhatItGotTooLateGoesToTheNext) {
  const auto credits = Credits(1, 1, 2);
  const auto a = MakeLocalChannel(credits);
  const auto b = MakeLocalChannel(credits);
  EXPECT_EQ(a->SendRows(NumberedFrame(0, 16, kPadding), 0).ValueOrDie(), 16);
  EXPECT_EQ(b->SendRows(NumberedFrame(0, 16, kPadding), 0).ValueOrDie(), 8);  // Waits for the shared one...
  b->Release(1);
  EXPECT_EQ(b->SendRows(NumberedFrame(0, 16, kPadding), 8).ValueOrDie(), 8);  // ...but sent by its own.
  a->Release(2);
  EXPECT_EQ(credits->left(), 1);
}

TEST(RowBytes, CountsWidths) {
  const auto numbers = ArrayOf<arrow::Int64Builder>(std::vector<int64_t>{1, 2, 3, 4});
  const auto words = ArrayOf<arrow::StringBuilder>(std::vector<std::string>{"", "ab", "abcd", "ab"});
  const auto flags = ArrayOf<arrow::BooleanBuilder>(std::vector<bool>{true, false, true, true});
  const auto row_bytes = [](const std::vector<std::shared_ptr<arrow::Array>>& columns) {
    arrow::FieldVector fields;
    for (const auto& column : columns) fields.push_back(arrow::field("c", column->type()));
    const int64_t rows = columns.empty() ? 4 : columns[0]->length();
    return RowBytes(*arrow::RecordBatch::Make(arrow::schema(fields), rows, columns));
  };
  EXPECT_EQ(row_bytes({}), 1);
  EXPECT_EQ(row_bytes({numbers, numbers}), 16);
  EXPECT_EQ(row_bytes({numbers, flags}), 9);
  EXPECT_EQ(row_bytes({words}), 6);                // An offset of 4, and 8 bytes in 4 rows.
  EXPECT_EQ(row_bytes({words->Slice(1, 2)}), 7);   // 6 bytes in 2 rows.
  EXPECT_EQ(row_bytes({words->Slice(4, 0)}), 1);
  EXPECT_EQ(row_bytes({arrow::MakeArrayOfNull(arrow::utf8(), 8).ValueOrDie()}), 5);  // An offset, and a bit.
  const auto indices = ArrayOf<arrow::Int32Builder>(std::vector<int32_t>{0, 1, 2, 3});
  EXPECT_EQ(row_bytes({arrow::DictionaryArray::FromArrays(indices, words).ValueOrDie()}), 4);
  EXPECT_EQ(row_bytes({arrow::StructArray::Make({numbers, words}, std::vector<std::string>{"a", "b"}).ValueOrDie()}),
            14);
}

// --- The law: what is received is what was sent, in order, and never more of it in between than there are credits. ---

class LocalChannelLaw : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, LocalChannelLaw, testing::Range<uint64_t>(0, 200));

TEST_P(LocalChannelLaw, ReceivedIsSent) {
  std::mt19937_64 random(GetParam());
  const auto own = static_cast<int32_t>(1 + random() % 3);
  const auto shared = static_cast<int32_t>(random() % 4);
  constexpr std::size_t kChannels = 3;
  const auto credits = Credits(own, shared, kChannels);
  struct Lane {
    std::shared_ptr<Channel> channel;
    std::unique_ptr<RandomSender> sender;
    bool sender_runs = true;
    bool receiver_runs = false;
    std::vector<int32_t> unreleased = {};
    std::vector<int64_t> received = {};
  };
  std::vector<Lane> lanes(kChannels);
  for (Lane& lane : lanes) {
    lane.channel = MakeLocalChannel(credits);
    lane.sender = std::make_unique<RandomSender>(*lane.channel, random(), 40, 60, 100);
    lane.channel->set_wake_sender([&lane] { lane.sender_runs = true; });
    lane.channel->set_wake_receiver([&lane] { lane.receiver_runs = true; });
  }

  // Only who was not told to wait, or was woken, is called: a lost wake-up is a standstill.
  for (;;) {
    std::vector<std::function<void()>> possible;
    for (Lane& lane : lanes) {
      if (lane.sender_runs && !lane.sender->done()) {
        possible.emplace_back([&lane] {
          lane.sender_runs = false;
          if (lane.sender->Step()) lane.sender_runs = true;
        });
      }
      if (lane.receiver_runs) {
        possible.emplace_back([&lane] {
          lane.receiver_runs = false;
          const auto frame = lane.channel->Receive().ValueOrDie();
          if (!frame) return;
          lane.receiver_runs = true;
          AddMarks(*frame, lane.received);
          if (frame->segments > 0) lane.unreleased.push_back(frame->segments);
        });
      }
      if (!lane.unreleased.empty()) {
        possible.emplace_back([&lane, &random] {
          const auto some = static_cast<int32_t>(1 + random() % static_cast<uint64_t>(lane.unreleased.front()));
          lane.unreleased.front() -= some;
          if (lane.unreleased.front() == 0) lane.unreleased.erase(lane.unreleased.begin());
          lane.channel->Release(some);
        });
      }
    }
    if (possible.empty()) break;
    possible[random() % possible.size()]();
    int64_t held = 0;
    for (const Lane& lane : lanes) {
      held += lane.channel->counters().credits_held;
      ASSERT_LE(lane.channel->counters().bytes_queued, lane.channel->counters().credits_held * 1024);
    }
    ASSERT_LE(held, own * static_cast<int32_t>(kChannels) + shared);
  }
  for (const Lane& lane : lanes) {
    EXPECT_TRUE(lane.sender->done()) << "a wake-up was lost";
    EXPECT_EQ(lane.received, lane.sender->sent());
    EXPECT_EQ(lane.channel->counters().credits_held, 0);
    EXPECT_EQ(lane.channel->counters().bytes_queued, 0);
  }
  EXPECT_EQ(credits->left(), shared);
}

// Lets a thread wait until it was woken since it last waited.
class Bell {
 public:
  void Ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_one();
  }
  void Await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
};

TEST(LocalChannel, TwoThreadsAChannelMissNoWake) {
  constexpr int kChannels = 2;
  static constexpr int64_t kRows = 20'000;
  const auto credits = Credits(1, 1, kChannels);
  std::vector<std::thread> threads;
  for (int i = 0; i < kChannels; ++i) {
    auto channel = MakeLocalChannel(credits);
    auto to_send = std::make_shared<Bell>();
    auto to_receive = std::make_shared<Bell>();
    channel->set_wake_sender([to_send] { to_send->Ring(); });
    channel->set_wake_receiver([to_receive] { to_receive->Ring(); });
    threads.emplace_back([channel, to_send] {
      const Frame frame = NumberedFrame(0, 20, kPadding);  // Three segments; there are one or two.
      for (int64_t sent = 0; sent < kRows; sent += 20) {
        for (int64_t begin = 0; begin < 20;) {
          const int64_t taken = channel->SendRows(frame, begin).ValueOrDie();
          begin += taken;
          if (begin < 20) to_send->Await();
        }
      }
      static_cast<void>(channel->SendSignal(Frame::End()));
    });
    threads.emplace_back([channel, to_receive] {
      int64_t rows = 0;
      for (;;) {
        const auto frame = channel->Receive().ValueOrDie();
        if (!frame) {
          to_receive->Await();
          continue;
        }
        if (frame->kind == FrameKind::kEnd) break;
        rows += frame->num_rows();
        channel->Release(frame->segments);
      }
      EXPECT_EQ(rows, kRows);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(credits->left(), 1);
}

}  // namespace
}  // namespace sabot::shuffle
