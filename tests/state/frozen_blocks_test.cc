// The law of a frozen state: whatever is changed while it is read, it reads as the blocks were when they were frozen.
#include "sabot/state/frozen_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "sabot/state/slot_blocks.h"

namespace sabot::state {
namespace {

using Slots = std::vector<int32_t>;
using Bytes = std::vector<std::byte>;

std::unique_ptr<SlotBlocks> Make(int64_t ring_cells, int64_t slots) {
  const int64_t initial = 0;
  auto blocks = std::make_unique<SlotBlocks>(std::as_bytes(std::span(&initial, 1)), ring_cells);
  blocks->Reserve(slots);
  return blocks;
}

// All of a slot's cells, so that a torn one is seen.
void Fill(SlotBlocks& blocks, int32_t slot, int64_t value) {
  for (int64_t cell = 0; cell < blocks.stride() / 8; ++cell) {
    std::memcpy(blocks.at(slot) + cell * 8, &value, sizeof value);
  }
}

void Change(SlotBlocks& blocks, const Slots& slots, int64_t value) {
  blocks.Keep(slots);
  for (const int32_t slot : slots) Fill(blocks, slot, value);
}

Bytes AllOf(const SlotBlocks& blocks) {
  Bytes bytes;
  for (int64_t slot = 0; slot < blocks.size(); ++slot) {
    bytes.insert(bytes.end(), blocks.at(slot), blocks.at(slot) + blocks.stride());
  }
  return bytes;
}

// Appends the next chunk; false at the end.
bool ReadOn(FrozenBlocks& frozen, Bytes& to) {
  Bytes chunk(static_cast<std::size_t>(frozen.chunk_slots() * frozen.stride()));
  const int64_t slots = frozen.Read(chunk.data());
  to.insert(to.end(), chunk.begin(), chunk.begin() + slots * frozen.stride());
  return slots > 0;
}

Bytes ReadAll(FrozenBlocks& frozen) {
  Bytes bytes;
  while (ReadOn(frozen, bytes)) {}
  return bytes;
}

TEST(FrozenBlocks, NothingIsReadOfNoSlots) {
  const auto blocks = Make(0, 0);
  EXPECT_TRUE(ReadAll(*blocks->Freeze()).empty());
}

TEST(FrozenBlocks, ChunksHaveSixtyFourKilobytesOrOneSlot) {
  EXPECT_EQ(Make(0, 1)->Freeze()->chunk_slots(), 4096);       // 8 bytes a slot: a block of them.
  EXPECT_EQ(Make(127, 1)->Freeze()->chunk_slots(), 64);       // 1 KB.
  EXPECT_EQ(Make(128, 1)->Freeze()->chunk_slots(), 32);       // A little more.
  EXPECT_EQ(Make(1 << 20, 1)->Freeze()->chunk_slots(), 1);
}

TEST(FrozenBlocks, ASlotThatIsNotKeptBeforeItsChangeIsReadAsChanged) {
  const auto blocks = Make(0, 100);
  const auto before = AllOf(*blocks);
  const auto frozen = blocks->Freeze();
  Fill(*blocks, 7, 1);
  EXPECT_NE(ReadAll(*frozen), before);  // So the tests below can fail.
}

TEST(FrozenBlocks, NothingIsKeptWhereNothingIsFrozenOrAllWasRead) {
  const auto blocks = Make(0, 100);
  EXPECT_FALSE(blocks->frozen());
  auto frozen = blocks->Freeze();
  EXPECT_TRUE(blocks->frozen());
  EXPECT_TRUE(frozen->Keep(Slots{1}));
  ReadAll(*frozen);
  EXPECT_FALSE(frozen->Keep(Slots{1}));
  blocks->Keep(Slots{1});
  EXPECT_FALSE(blocks->frozen());
}

TEST(FrozenBlocks, AReaderThatIsDroppedHalfWayIsForgotten) {
  const auto blocks = Make(127, 1000);
  auto frozen = blocks->Freeze();
  Bytes part;
  ASSERT_TRUE(ReadOn(*frozen, part));
  Change(*blocks, {0, 1, 999}, 5);
  EXPECT_TRUE(blocks->frozen());
  frozen = nullptr;
  Change(*blocks, {2}, 5);
  EXPECT_FALSE(blocks->frozen());
}

TEST(FrozenBlocks, OutlivesTheBlocks) {
  auto blocks = Make(127, 1000);
  for (int32_t slot = 0; slot < 1000; ++slot) Fill(*blocks, slot, slot);
  const auto before = AllOf(*blocks);
  const auto frozen = blocks->Freeze();
  Change(*blocks, {3, 500}, -1);
  blocks = nullptr;
  EXPECT_EQ(ReadAll(*frozen), before);
}

TEST(FrozenBlocks, SlotsAddedLaterAreNotInIt) {
  const auto blocks = Make(3, 10);  // In the same block as those that are.
  const auto before = AllOf(*blocks);
  const auto frozen = blocks->Freeze();
  blocks->Reserve(20'000);
  Change(*blocks, {5, 64, 19'999}, 1);
  EXPECT_EQ(ReadAll(*frozen), before);
}

// Reads of up to three frozen states between random changes, which may name a slot twice.
TEST(FrozenBlocks, ReadsTheMomentWhateverChangesInBetween) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const int64_t rings[] = {0, 2, 60, 1000, 10'000};  // Chunks of a block, of a part of one, of a slot.
    const int64_t ring = rings[random() % 5];
    int64_t slots = 1 + static_cast<int64_t>(random() % (ring > 100 ? 30 : 20'000));
    const auto blocks = Make(ring, slots);
    struct Moment {
      std::shared_ptr<FrozenBlocks> frozen;
      Bytes expected;
      Bytes found;
    };
    std::vector<Moment> moments;
    for (int step = 0; step < 40; ++step) {
      if (moments.size() < 3 && random() % 4 == 0) moments.push_back({blocks->Freeze(), AllOf(*blocks), {}});
      if (random() % 8 == 0) blocks->Reserve(slots += static_cast<int64_t>(random() % 100));
      Slots changed(random() % 300);
      for (int32_t& slot : changed) slot = static_cast<int32_t>(random() % static_cast<uint64_t>(slots));
      Change(*blocks, changed, static_cast<int64_t>(random()));
      if (!moments.empty()) {
        auto& moment = moments[random() % moments.size()];
        ReadOn(*moment.frozen, moment.found);
      }
    }
    for (auto& moment : moments) {
      while (ReadOn(*moment.frozen, moment.found)) {}
      ASSERT_TRUE(moment.found == moment.expected) << "seed " << seed;
    }
  }
}

TEST(FrozenBlocks, AnotherThreadReadsTheMoment) {
  constexpr int32_t kSlots = 20'000;
  const auto blocks = Make(15, kSlots);
  std::mt19937_64 random(1);
  for (int64_t round = 1; round <= 20; ++round) {
    const auto before = AllOf(*blocks);
    auto frozen = blocks->Freeze();
    std::atomic<bool> read = false;
    Bytes found;
    std::thread reader([&, frozen = std::move(frozen)]() mutable {
      if (round % 4 == 0) {
        ReadOn(*frozen, found);
      } else {
        found = ReadAll(*frozen);
      }
      frozen = nullptr;  // While the writer goes on.
      read = true;
    });
    while (!read) {
      Slots changed(200);
      for (int32_t& slot : changed) slot = static_cast<int32_t>(random() % kSlots);
      Change(*blocks, changed, round);
    }
    reader.join();
    ASSERT_FALSE(found.empty());
    ASSERT_TRUE(std::equal(found.begin(), found.end(), before.begin())) << round;
    if (round % 4 != 0) {
      ASSERT_EQ(found.size(), before.size());
    }
  }
}

}  // namespace
}  // namespace sabot::state
