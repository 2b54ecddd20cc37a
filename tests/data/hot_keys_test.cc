#include "sabot/data/hot_keys.h"

#include <arrow/builder.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sabot::data {
namespace {

using Keys = std::vector<int64_t>;

std::shared_ptr<arrow::RecordBatch> BatchOf(const Keys& keys) {
  arrow::Int64Builder builder;
  ARROW_CHECK_OK(builder.AppendValues(keys));
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("key", arrow::int64())}),
                                  static_cast<int64_t>(keys.size()), {builder.Finish().ValueOrDie()});
}

void Add(HotKeys& hot, const Keys& keys) {
  const auto batch = BatchOf(keys);
  KeyHasher hasher = KeyHasher::Make(*batch->schema(), {"key"}).ValueOrDie();
  std::vector<uint32_t> hashes(keys.size());
  ASSERT_TRUE(hasher.Hash(*batch, hashes).ok());
  ASSERT_TRUE(hot.Add(hasher, *batch, hashes).ok());
}

TEST(HotKeys, NothingSeenNamesNothing) {
  HotKeys hot;
  EXPECT_TRUE(hot.Hottest().empty());
  Add(hot, {});
  EXPECT_TRUE(hot.Hottest().empty());
  Add(hot, {1});
  EXPECT_TRUE(hot.Hottest(0).empty());
  EXPECT_TRUE(hot.Hottest(-1).empty());
}

TEST(HotKeys, LooksAtOneBatchOfSome) {
  HotKeys hot(4, 3);
  std::vector<bool> due;
  for (int batch = 0; batch < 7; ++batch) due.push_back(hot.Due());
  EXPECT_EQ(due, (std::vector<bool>{true, false, false, true, false, false, true}));
}

TEST(HotKeys, CountsExactlyWhileKeysFit) {
  HotKeys hot(3, 1);
  Add(hot, {7, 8, 7, 9});
  Add(hot, {7, 9, 9, 9});
  const std::vector<HotKey> hottest = hot.Hottest();
  ASSERT_EQ(hottest.size(), 3U);
  EXPECT_EQ(hottest[0].key, "9");
  EXPECT_EQ(hottest[0].rows_at_least, 4);
  EXPECT_EQ(hottest[0].rows_at_most, 4);
  EXPECT_EQ(hottest[0].share_at_least, 0.5);
  EXPECT_EQ(hottest[1].key, "7");
  EXPECT_EQ(hottest[2].key, "8");
  EXPECT_EQ(hot.rows_counted(), 8);
  EXPECT_EQ(hot.Hottest(1).size(), 1U);
}

// Worked by hand: of {7: 3, 8: 2, 9: 1} the third one's row is taken from all, and so on.
TEST(HotKeys, ForgetsTheColdest) {
  HotKeys hot(2, 1);
  Add(hot, {7, 7, 7, 8, 8, 9});
  Add(hot, {9, 9, 7});  // {7: 3, 8: 1, 9: 2} less one row each.
  const std::vector<HotKey> hottest = hot.Hottest();
  ASSERT_EQ(hottest.size(), 2U);
  EXPECT_EQ(hottest[0].key, "7");
  EXPECT_EQ(hottest[0].rows_at_least, 2);
  EXPECT_EQ(hottest[0].rows_at_most, 4);  // As many it has.
  EXPECT_EQ(hottest[1].key, "9");
  EXPECT_EQ(hottest[1].rows_at_least, 1);
  EXPECT_EQ(hottest[1].rows_at_most, 3);
}

TEST(HotKeys, BoundsHoldAndNoHotKeyIsMissed) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    std::mt19937_64 random(seed);
    HotKeys hot(16, 1);
    HotKeys again(16, 1);
    std::map<std::string, int64_t> rows;
    for (int batch = 0; batch < 30; ++batch) {
      Keys keys;
      for (int row = 0; row < 1'000; ++row) {
        const uint64_t draw = random() % 100;  // Key 1 has 30 %, key 2 has 10 %, the others next to nothing.
        keys.push_back(draw < 30 ? 1 : draw < 40 ? 2 : static_cast<int64_t>(random() % 5'000 + 3));
        ++rows[std::to_string(keys.back())];
      }
      Add(hot, keys);
      Add(again, keys);
    }
    const std::vector<HotKey> hottest = hot.Hottest(16);
    ASSERT_GE(hottest.size(), 2U);
    EXPECT_EQ(hottest[0].key, "1");
    EXPECT_EQ(hottest[1].key, "2");
    EXPECT_LE(hottest[0].rows_at_most - hottest[0].rows_at_least, 30'000 / 17);
    for (const HotKey& key : hottest) {
      EXPECT_LE(key.rows_at_least, rows[key.key]);
      EXPECT_GE(key.rows_at_most, rows[key.key]);
    }
    const std::vector<HotKey> same = again.Hottest(16);
    ASSERT_EQ(same.size(), hottest.size());
    for (std::size_t at = 0; at < same.size(); ++at) EXPECT_EQ(same[at].key, hottest[at].key);
  }
}

}  // namespace
}  // namespace sabot::data
