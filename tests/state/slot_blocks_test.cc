#include "sabot/state/slot_blocks.h"

#include <gtest/gtest.h>

namespace sabot::state {
namespace {

struct Scalars {
  double value = 7;
  int64_t count = -1;
};

SlotBlocks Make(int64_t ring_cells) {
  const Scalars initial;
  return {std::as_bytes(std::span(&initial, 1)), ring_cells};
}

TEST(BlockShift, HoldsFourThousandSlotsOrOneMegabyte) {
  EXPECT_EQ(BlockShift(8), 12);
  EXPECT_EQ(BlockShift(256), 12);
  EXPECT_EQ(BlockShift(257), 11);       // 4,096 of them would be more than 1 MB.
  EXPECT_EQ(BlockShift(1 << 20), 0);
  EXPECT_EQ(BlockShift(1 << 24), 0);    // Larger than a block: one of its own.
}

TEST(SlotBlocks, BeginsEachSlotWithTheInitialScalarsAndAnEmptyRing) {
  auto blocks = Make(3);
  EXPECT_EQ(blocks.stride(), 16 + 3 * 8);
  blocks.Reserve(10'000);
  ASSERT_GE(blocks.size(), 10'000);
  for (const int64_t slot : {0, 1, 4095, 4096, 9999}) {
    const auto& scalars = *reinterpret_cast<const Scalars*>(blocks.at(slot));
    EXPECT_EQ(scalars.value, 7);
    EXPECT_EQ(scalars.count, -1);
    const auto* ring = reinterpret_cast<const double*>(blocks.at(slot) + 16);
    for (int cell = 0; cell < 3; ++cell) EXPECT_EQ(ring[cell], 0);
  }
}

TEST(SlotBlocks, MovesNothingWhenItGrows) {
  auto blocks = Make(0);
  blocks.Reserve(1);
  auto* first = blocks.at(0);
  reinterpret_cast<Scalars*>(first)->value = 42;
  blocks.Reserve(100'000);
  EXPECT_EQ(blocks.at(0), first);
  EXPECT_EQ(reinterpret_cast<Scalars*>(blocks.at(0))->value, 42);
}

TEST(SlotBlocks, SlotsDoNotOverlap) {
  auto blocks = Make(5);
  blocks.Reserve(9000);
  for (int64_t slot = 0; slot < 9000; ++slot) reinterpret_cast<Scalars*>(blocks.at(slot))->count = slot;
  for (int64_t slot = 0; slot < 9000; ++slot) EXPECT_EQ(reinterpret_cast<Scalars*>(blocks.at(slot))->count, slot);
}

}  // namespace
}  // namespace sabot::state
