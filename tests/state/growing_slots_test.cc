#include "sabot/state/growing_slots.h"

#include <gtest/gtest.h>

#include <vector>

namespace sabot::state {
namespace {

void Fill(GrowingSlots& slots, int64_t slot, int64_t bytes, int value) {
  for (std::byte& each : slots.Replace(slot, bytes)) each = static_cast<std::byte>(value);
}
std::vector<int> ValuesOf(const GrowingSlots::Slot& slot) {
  std::vector<int> values;
  for (const std::byte each : slot.contents()) values.push_back(static_cast<int>(each));
  return values;
}

TEST(GrowingSlots, AKeyNeverSeenHasNoBlock) {
  GrowingSlots slots;
  slots.Reserve(3);
  EXPECT_EQ(slots.size(), 3);
  EXPECT_EQ(slots.at(2).block, nullptr);
  EXPECT_TRUE(slots.Own(2).empty());
  slots.Reserve(1);
  EXPECT_EQ(slots.size(), 3);
}

TEST(GrowingSlots, ABlockBeginsAsZeros) {
  GrowingSlots slots;
  slots.Reserve(1);
  Fill(slots, 0, 3, 7);
  slots.Replace(0, 2);
  EXPECT_EQ(ValuesOf(slots.at(0)), (std::vector<int>{0, 0}));
  slots.Clear(0);
  EXPECT_EQ(slots.at(0).block, nullptr);
}

TEST(GrowingSlots, WhatIsFrozenDoesNotSeeChanges) {
  GrowingSlots slots;
  slots.Reserve(2);
  Fill(slots, 0, 2, 1);
  Fill(slots, 1, 2, 2);
  const auto first = slots.Freeze();
  slots.Own(0)[0] = std::byte{9};
  const std::byte* const copied = slots.at(0).block.get();
  slots.Own(0)[1] = std::byte{8};
  EXPECT_EQ(slots.at(0).block.get(), copied);  // Once, not at every change.
  const auto second = slots.Freeze();
  slots.Own(0)[0] = std::byte{5};
  slots.Replace(1, 4);
  EXPECT_EQ(ValuesOf(first[0]), (std::vector<int>{1, 1}));
  EXPECT_EQ(ValuesOf(first[1]), (std::vector<int>{2, 2}));
  EXPECT_EQ(ValuesOf(second[0]), (std::vector<int>{9, 8}));
  EXPECT_EQ(ValuesOf(second[1]), (std::vector<int>{2, 2}));
  EXPECT_EQ(ValuesOf(slots.at(0)), (std::vector<int>{5, 8}));
  EXPECT_EQ(first[1].block.get(), second[1].block.get());
}

TEST(GrowingSlots, KeepsSomeAsTheFirstOnes) {
  GrowingSlots slots;
  slots.Reserve(4);
  for (int slot = 0; slot < 4; ++slot) Fill(slots, slot, slot + 1, slot);
  slots.Keep(std::vector<int32_t>{1, 3});
  EXPECT_EQ(ValuesOf(slots.at(0)), (std::vector<int>{1, 1}));
  EXPECT_EQ(ValuesOf(slots.at(1)), (std::vector<int>{3, 3, 3, 3}));
  EXPECT_EQ(slots.at(2).block, nullptr);
  EXPECT_EQ(slots.size(), 4);
}

}  // namespace
}  // namespace sabot::state
