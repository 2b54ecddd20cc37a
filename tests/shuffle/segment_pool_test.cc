#include "sabot/shuffle/segment_pool.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::shuffle {
namespace {

// Notes what it is granted; gives back what it has no use for.
class Waiter final : public CreditWaiter {
 public:
  Waiter(std::string name, std::vector<std::string>& log, int32_t unused = 0)
      : name_(std::move(name)), log_(log), unused_(unused) {}
  int32_t Granted(int32_t segments) override {
    log_.push_back(name_ + std::to_string(segments));
    return std::min(unused_, segments);
  }

 private:
  std::string name_;
  std::vector<std::string>& log_;
  int32_t unused_;
};

using Log = std::vector<std::string>;

std::shared_ptr<SegmentPool> Pool(int32_t channel, int32_t shuffle, int32_t pool) {
  return SegmentPool::Make({.channel_segments = channel, .shuffle_segments = shuffle, .pool_segments = pool})
      .ValueOrDie();
}

// --- Wrong use. ---

TEST(SegmentPool, ASettingOutOfItsRangeIsNamed) {
  const auto status = SegmentPool::Make({.segment_bytes = 12}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_EQ(status.message(), "shuffle: segment_bytes is 12; it must be from 1024 to 67108864.");
  EXPECT_NE(SegmentPool::Make({.channel_segments = 0}).status().message().find("channel_segments is 0"),
            std::string::npos);
  EXPECT_NE(SegmentPool::Make({.shuffle_segments = -1}).status().message().find("shuffle_segments is -1"),
            std::string::npos);
  EXPECT_NE(SegmentPool::Make({.pool_segments = 0}).status().message().find("pool_segments is 0"), std::string::npos);
}

TEST(SegmentPool, AnExhaustedPoolNamesTheSetting) {
  const auto pool = Pool(2, 8, 30);
  const auto first = pool->Reserve(5).ValueOrDie();
  EXPECT_EQ(pool->segments_left(), 12);
  const auto status = pool->Reserve(3).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_EQ(status.message(),
            "shuffle: a gate of 3 channels needs 14 segments (2 a channel and 8 shared), but this worker has 12 of 30 "
            "left. Raise pool_segments by at least 2, or lower channel_segments, shuffle_segments or the parallelism.");
  EXPECT_EQ(pool->segments_left(), 12);
}

// --- Edges. ---

TEST(SegmentPool, SegmentsComeBackWithTheGate) {
  const auto pool = Pool(2, 8, 12);
  auto gate = pool->Reserve(2).ValueOrDie();
  EXPECT_EQ(pool->segments_left(), 0);
  EXPECT_FALSE(pool->Reserve(1).ok());
  gate.reset();
  EXPECT_EQ(pool->segments_left(), 12);
}

TEST(FloatingCredits, WhoDiedInTheQueueIsPassedOver) {
  Log log;
  const auto gate = Pool(1, 1, 10)->Reserve(3).ValueOrDie();
  auto dead = std::make_shared<Waiter>("a", log);
  const auto forgotten = std::make_shared<Waiter>("b", log);
  const auto alive = std::make_shared<Waiter>("c", log);
  EXPECT_EQ(gate->Take(1, dead), 1);
  for (const auto& waiter : {dead, forgotten, alive}) EXPECT_EQ(gate->Take(1, waiter), 0);
  dead.reset();
  gate->Forget(forgotten.get());
  gate->Give(1);
  EXPECT_EQ(log, Log{"c1"});
}

TEST(FloatingCredits, WhatOneHasNoUseForGoesToTheNext) {
  Log log;
  const auto gate = Pool(1, 4, 10)->Reserve(3).ValueOrDie();
  const auto a = std::make_shared<Waiter>("a", log, 3);
  const auto b = std::make_shared<Waiter>("b", log);
  EXPECT_EQ(gate->Take(4, a), 4);
  EXPECT_EQ(gate->Take(4, a), 0);
  EXPECT_EQ(gate->Take(2, b), 0);
  gate->Give(4);
  EXPECT_EQ(log, (Log{"a4", "b2"}));
  EXPECT_EQ(gate->left(), 1);
}

// --- Values. ---

TEST(FloatingCredits, FirstComeFirstServed) {
  Log log;
  const auto gate = Pool(1, 5, 10)->Reserve(3).ValueOrDie();
  const auto a = std::make_shared<Waiter>("a", log);
  const auto b = std::make_shared<Waiter>("b", log);
  const auto c = std::make_shared<Waiter>("c", log);
  EXPECT_EQ(gate->Take(4, a), 4);
  EXPECT_EQ(gate->Take(3, b), 1);  // Two are missing.
  EXPECT_EQ(gate->Take(1, c), 0);
  gate->Give(1);
  gate->Give(1);
  gate->Give(1);
  EXPECT_EQ(log, (Log{"b1", "c1", "b1"}));  // Who got some stands behind who got none.
  gate->Give(2);
  EXPECT_EQ(log.size(), 3u);
  EXPECT_EQ(gate->left(), 2);
}

TEST(FloatingCredits, AskingAgainKeepsThePlaceInTheQueue) {
  Log log;
  const auto gate = Pool(1, 1, 10)->Reserve(3).ValueOrDie();
  const auto a = std::make_shared<Waiter>("a", log);
  const auto b = std::make_shared<Waiter>("b", log);
  EXPECT_EQ(gate->Take(1, a), 1);
  EXPECT_EQ(gate->Take(5, a), 0);
  EXPECT_EQ(gate->Take(1, b), 0);
  EXPECT_EQ(gate->Take(1, a), 0);
  gate->Give(1);
  gate->Give(1);
  gate->Give(1);
  EXPECT_EQ(log, (Log{"a1", "b1"}));
  EXPECT_EQ(gate->left(), 1);
}

}  // namespace
}  // namespace sabot::shuffle
