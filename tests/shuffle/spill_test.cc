#include "sabot/shuffle/spill.h"

#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "sabot/shuffle/local_channel.h"
#include "tests/connectors/temporary_folder.h"
#include "tests/shuffle/channel_probe.h"

namespace sabot::shuffle {
namespace {

constexpr int32_t kPadding = 120;  // Rows of 128 bytes.
const auto kFirst = [](std::size_t) { return std::size_t{0}; };

std::shared_ptr<Channel> OneCredit() {
  const SegmentSettings settings{.segment_bytes = 1024, .channel_segments = 1, .shuffle_segments = 0};
  return MakeLocalChannel(SegmentPool::Make(settings).ValueOrDie()->Reserve(1).ValueOrDie());
}

// One channel that spills to a disk in memory; batches of 4,096 bytes, 32 rows.
struct Spilling {
  explicit Spilling(SpillWhen when, int64_t disk_bytes = 1 << 20, int64_t edge_bytes_max = 1 << 20)
      : disk(env::MakeSimulatedStorage(disk_bytes)) {
    const SpillSettings settings{
        .when = when, .folder = "spill/job/3/sum", .edge_bytes_max = edge_bytes_max, .batch_bytes = 4096};
    edge = std::make_shared<SpillEdge>(settings, *disk, background);
    channel = MakeSpillingChannel(OneCredit(), edge, "7");
  }
  void RunJobs() {
    while (background.RunOne(kFirst)) continue;
  }
  // Takes all there is, and what comes then.
  std::vector<int64_t> TakeAll() {
    std::vector<int64_t> numbers;
    for (;;) {
      RunJobs();
      const auto frame = channel->Receive().ValueOrDie();
      if (!frame) return numbers;
      AddMarks(*frame, numbers);
      last_frontier = frame->kind == FrameKind::kRows ? frame->frontier : last_frontier;
      channel->Release(frame->segments);
    }
  }

  std::shared_ptr<env::SimulatedStorage> disk;
  env::SimulatedBackground background;
  std::shared_ptr<SpillEdge> edge;
  std::shared_ptr<Channel> channel;
  Place last_frontier;
};

std::vector<int64_t> Range(int64_t count) {
  std::vector<int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// --- Wrong use. ---

TEST(Spill, AFileThatCannotBeReadBackIsAnErrorOfBothEnds) {
  Spilling spilling(SpillWhen::kOverflow);
  const Wakes wakes(*spilling.channel);
  EXPECT_EQ(spilling.channel->SendRows(NumberedFrame(0, 72, kPadding), 0).ValueOrDie(), 72);
  spilling.RunJobs();
  ASSERT_TRUE(spilling.disk->files().empty());  // The last batch may still grow, the one before it is on its way.
  EXPECT_EQ(spilling.channel->SendRows(NumberedFrame(72, 28, kPadding), 0).ValueOrDie(), 0);
  spilling.RunJobs();
  ASSERT_EQ(spilling.disk->files().size(), 1u);
  ASSERT_TRUE(spilling.disk->Remove(spilling.disk->files().begin()->first).ok());
  arrow::Status status;
  while (status.ok()) {
    const auto frame = spilling.channel->Receive();
    status = frame.status();
    if (status.ok() && *frame) spilling.channel->Release((**frame).segments);
    spilling.RunJobs();
  }
  EXPECT_TRUE(status.IsIOError()) << status;
  EXPECT_EQ(spilling.channel->SendSignal(Frame::End()), status);
  EXPECT_GT(wakes.receiver, 0);
}

TEST(Spill, ADiskThatCannotBeWrittenIsAnError) {
  const connectors::TemporaryFolder folder;
  connectors::WriteBytes(folder / "file", "x");
  const auto disk = env::StorageOf(folder / "x").ValueOrDie().storage;
  env::SimulatedBackground background;
  const auto edge = std::make_shared<SpillEdge>(
      SpillSettings{.when = SpillWhen::kAlways, .folder = folder / "file/sum", .batch_bytes = 4096}, *disk, background);
  const auto channel = MakeSpillingChannel(OneCredit(), edge, "7");
  EXPECT_EQ(channel->SendRows(NumberedFrame(0, 4, kPadding), 0).ValueOrDie(), 4);
  while (background.RunOne(kFirst)) continue;
  EXPECT_TRUE(channel->SendSignal(Frame::End()).IsIOError());
}

// --- Edges. ---

TEST(Spill, AFullDiskMakesTheSenderWait) {
  for (const bool edge_is_full : {false, true}) {
    Spilling spilling(SpillWhen::kOverflow, edge_is_full ? 1 << 20 : 100, edge_is_full ? 100 : 1 << 20);
    const Wakes wakes(*spilling.channel);
    const Frame frame = NumberedFrame(0, 200, kPadding);
    int64_t sent = 0;
    for (int i = 0; i < 20; ++i) {
      sent += spilling.channel->SendRows(frame, sent).ValueOrDie();
      spilling.RunJobs();
    }
    EXPECT_LE(sent, 8 + 2 * 32);  // One credit, two batches in memory.
    EXPECT_EQ(wakes.sender, 0);
    EXPECT_TRUE(spilling.disk->files().empty());
    auto received = spilling.TakeAll();
    EXPECT_EQ(wakes.sender, 1);
    while (sent < 200) {
      sent += spilling.channel->SendRows(frame, sent).ValueOrDie();
      const auto more = spilling.TakeAll();
      received.insert(received.end(), more.begin(), more.end());
    }
    EXPECT_EQ(received, Range(200));
  }
}

TEST(Spill, FilesGoWithTheChannel) {
  Spilling spilling(SpillWhen::kOverflow);
  const Frame frame = NumberedFrame(0, 500, kPadding);
  for (int64_t sent = 0; sent < 500; spilling.RunJobs()) sent += spilling.channel->SendRows(frame, sent).ValueOrDie();
  EXPECT_GT(spilling.disk->files().size(), 5u);
  EXPECT_GT(spilling.edge->bytes(), 0);
  spilling.channel.reset();
  spilling.RunJobs();
  EXPECT_TRUE(spilling.disk->files().empty());
  EXPECT_EQ(spilling.edge->bytes(), 0);
}

TEST(Spill, TheSenderDoesNoWorkOfTheDisk) {
  Spilling spilling(SpillWhen::kAlways);
  EXPECT_EQ(spilling.channel->SendRows(NumberedFrame(0, 40, kPadding), 0).ValueOrDie(), 40);
  EXPECT_TRUE(spilling.disk->files().empty());
  EXPECT_EQ(spilling.background.pending(), 1u);  // At most one a channel.
}

// --- Values. ---

TEST(Spill, TheSenderRunsAheadOfAReceiverThatSleeps) {
  Spilling spilling(SpillWhen::kOverflow);
  const Frame frame = NumberedFrame(0, 1000, kPadding);
  for (int64_t sent = 0; sent < 1000; spilling.RunJobs()) sent += spilling.channel->SendRows(frame, sent).ValueOrDie();
  ASSERT_TRUE(spilling.channel->SendSignal(Frame::Barrier(1)).ok());
  ASSERT_TRUE(spilling.channel->SendSignal(Frame::End()).ok());
  spilling.RunJobs();

  const auto files = spilling.disk->files();
  ASSERT_FALSE(files.empty());
  const auto file = std::make_shared<arrow::io::BufferReader>(
      std::make_shared<arrow::Buffer>(files.at("spill/job/3/sum/7-0.arrow")));  // Any Arrow tool opens it.
  const auto reader = arrow::ipc::RecordBatchFileReader::Open(file).ValueOrDie();
  EXPECT_EQ(reader->schema()->field_names(), (std::vector<std::string>{"number", "padding", "place time",
                                                                       "place source", "place offset", "place path"}));
  EXPECT_GT(spilling.channel->counters().bytes_spilled, 100'000);

  auto expected = Range(1000);
  expected.insert(expected.end(), {RandomSender::kBarrierMark, RandomSender::kEndMark});
  EXPECT_EQ(spilling.TakeAll(), expected);
  EXPECT_EQ(spilling.last_frontier, PlaceOf(999));
  EXPECT_TRUE(spilling.disk->files().empty());
  EXPECT_EQ(spilling.edge->bytes(), 0);
}

TEST(Spill, WhatTheChannelTakesIsNotWritten) {
  Spilling spilling(SpillWhen::kOverflow);
  for (int64_t first = 0; first < 100; first += 5) {
    EXPECT_EQ(spilling.channel->SendRows(NumberedFrame(first, 5, kPadding), 0).ValueOrDie(), 5);
    EXPECT_EQ(spilling.TakeAll().size(), 5u);
  }
  EXPECT_EQ(spilling.channel->counters().bytes_spilled, 0);
}

class SpillLaw : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, SpillLaw, testing::Range<uint64_t>(0, 200));

TEST_P(SpillLaw, ReceivedIsSentWhateverTheDiskDoes) {
  std::mt19937_64 random(GetParam());
  const auto when = random() % 3 == 0 ? SpillWhen::kAlways : SpillWhen::kOverflow;
  const auto disk_bytes = static_cast<int64_t>(random() % 3 == 0 ? 10'000 : 1 << 20);
  const auto edge_bytes = static_cast<int64_t>(random() % 3 == 0 ? 20'000 : 1 << 20);
  Spilling spilling(when, disk_bytes, edge_bytes);
  RandomSender sender(*spilling.channel, random(), 60, 60, 120);
  bool sender_runs = true;
  bool receiver_runs = false;
  spilling.channel->set_wake_sender([&] { sender_runs = true; });
  spilling.channel->set_wake_receiver([&] { receiver_runs = true; });
  std::vector<int64_t> received;
  std::vector<int32_t> unreleased;
  const auto laziness = 1 + random() % 30;  // Of the receiver.
  for (;;) {
    std::vector<std::function<void()>> possible;
    if (spilling.background.pending() > 0) {
      possible.emplace_back([&] { spilling.background.RunOne([&](std::size_t count) { return random() % count; }); });
    }
    if (sender_runs && !sender.done()) {
      possible.emplace_back([&] {
        sender_runs = false;
        if (sender.Step()) sender_runs = true;
      });
    }
    if (receiver_runs && (possible.empty() || random() % laziness == 0)) {
      possible.emplace_back([&] {
        receiver_runs = false;
        const auto frame = spilling.channel->Receive().ValueOrDie();
        if (!frame) return;
        receiver_runs = true;
        AddMarks(*frame, received);
        if (frame->segments > 0) unreleased.push_back(frame->segments);
      });
    }
    if (!unreleased.empty() && (possible.empty() || random() % laziness == 0)) {
      possible.emplace_back([&] {
        spilling.channel->Release(unreleased.front());
        unreleased.erase(unreleased.begin());
      });
    }
    if (possible.empty()) break;
    possible[random() % possible.size()]();
    ASSERT_LE(spilling.edge->bytes(), edge_bytes);
    ASSERT_LE(spilling.background.pending(), 1u);
  }
  EXPECT_TRUE(sender.done()) << "a wake-up was lost";
  EXPECT_EQ(received, sender.sent());
  EXPECT_TRUE(spilling.disk->files().empty());
  EXPECT_EQ(spilling.edge->bytes(), 0);
}

// Threads, a disk: what the sanitizers look at.
TEST(Spill, ThreadsAndADisk) {
  const connectors::TemporaryFolder folder;
  const auto disk = env::StorageOf(folder / "x").ValueOrDie().storage;
  const auto background = env::MakeBackground();
  const auto edge = std::make_shared<SpillEdge>(
      SpillSettings{.when = SpillWhen::kOverflow, .folder = folder / "job/3/sum", .batch_bytes = 16 * 1024}, *disk,
      *background);
  constexpr int64_t kRows = 4000;
  std::mutex mutex;
  std::condition_variable changed;
  bool sender_rung = false;
  bool receiver_rung = false;
  std::vector<int64_t> received;
  {
    const auto channel = MakeSpillingChannel(OneCredit(), edge, "7");
    const auto ring = [&](bool& bell) {
      const std::lock_guard lock(mutex);
      bell = true;
      changed.notify_all();
    };
    const auto await = [&](bool& bell) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return bell; });
      bell = false;
    };
    channel->set_wake_sender([&] { ring(sender_rung); });
    channel->set_wake_receiver([&] { ring(receiver_rung); });
    std::thread sender([&] {
      for (int64_t first = 0; first < kRows; first += 50) {
        const Frame frame = NumberedFrame(first, 50, kPadding);
        for (int64_t begin = 0; begin < 50;) {
          begin += channel->SendRows(frame, begin).ValueOrDie();
          if (begin < 50) await(sender_rung);
        }
      }
      EXPECT_TRUE(channel->SendSignal(Frame::End()).ok());
    });
    for (bool ended = false; !ended;) {
      const auto frame = channel->Receive().ValueOrDie();
      if (!frame) {
        await(receiver_rung);
        continue;
      }
      ended = frame->kind == FrameKind::kEnd;
      if (!ended) AddMarks(*frame, received);
      channel->Release(frame->segments);
    }
    sender.join();
  }
  EXPECT_EQ(received, Range(kRows));
}

}  // namespace
}  // namespace sabot::shuffle
