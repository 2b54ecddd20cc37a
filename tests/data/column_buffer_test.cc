#include "sabot/data/column_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

namespace sabot::data {
namespace {

TEST(AllocateColumn, NegativeIsAnError) { EXPECT_FALSE(AllocateColumn(-1).ok()); }

TEST(AllocateColumn, MoreThanThereIsIsOutOfMemory) {
  EXPECT_TRUE(AllocateColumn(int64_t{1} << 60).status().IsOutOfMemory());
  EXPECT_TRUE(AllocateColumn(std::numeric_limits<int64_t>::max()).status().IsOutOfMemory());
}

TEST(AllocateColumn, NothingIsABufferToo) {
  const auto buffer = AllocateColumn(0);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ((*buffer)->size(), 0);
}

TEST(AllocateColumn, IsWritableToItsLastByteOnBothSidesOfTheLimit) {
  for (const int64_t bytes : {int64_t{1}, int64_t{100'000}, kHugeBufferBytes - 1, kHugeBufferBytes,
                              kHugeBufferBytes + 1, 5 * kHugeBufferBytes + 12'345}) {
    const auto buffer = AllocateColumn(bytes);
    ASSERT_TRUE(buffer.ok()) << bytes;
    ASSERT_EQ((*buffer)->size(), bytes);
    EXPECT_GE((*buffer)->capacity(), bytes);
    ASSERT_TRUE((*buffer)->is_mutable());
    EXPECT_EQ((*buffer)->address() % 64, 0U);
    std::memset((*buffer)->mutable_data(), 0x5A, static_cast<std::size_t>(bytes));
    EXPECT_EQ((*buffer)->data()[bytes - 1], 0x5A);
  }
}

TEST(AllocateColumn, LargeOnesAreAlignedToHugePages) {
  const auto buffer = AllocateColumn(kHugeBufferBytes + 5);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ((*buffer)->address() % (2 << 20), 0U);
}

TEST(AllocateColumn, AFreedColumnServesTheNextOfItsSize) {
  auto first = AllocateColumn(2 * kHugeBufferBytes).ValueOrDie();
  auto second = AllocateColumn(2 * kHugeBufferBytes).ValueOrDie();
  const auto address = first->address();
  first.reset();
  first = AllocateColumn(2 * kHugeBufferBytes - 100).ValueOrDie();  // The same pages.
  EXPECT_EQ(first->address(), address);
  EXPECT_EQ(first->size(), 2 * kHugeBufferBytes - 100);
  EXPECT_NE(second->address(), address);
}

// A terabyte in all: only possible if each goes back before the next.
TEST(AllocateColumn, GivesItsMemoryBack) {
  for (int round = 0; round < 1024; ++round) ASSERT_TRUE(AllocateColumn(int64_t{1} << 30).ok());
}

TEST(AllocateColumn, BuffersDoNotOverlap) {
  std::vector<std::shared_ptr<arrow::Buffer>> buffers;
  for (int at = 0; at < 8; ++at) {
    buffers.push_back(AllocateColumn(kHugeBufferBytes + at * 4096).ValueOrDie());
    std::memset(buffers.back()->mutable_data(), at + 1, static_cast<std::size_t>(buffers.back()->size()));
  }
  for (int at = 0; at < 8; ++at) {
    EXPECT_EQ(buffers[static_cast<std::size_t>(at)]->data()[0], at + 1);
    EXPECT_EQ(buffers[static_cast<std::size_t>(at)]->data()[kHugeBufferBytes - 1], at + 1);
  }
}

}  // namespace
}  // namespace sabot::data
