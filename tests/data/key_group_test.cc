#include "sabot/data/key_group.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::data {
namespace {

void ExpectOptionError(const arrow::Status& status, const std::string& message) {
  EXPECT_EQ(KindOf(status), ErrorKind::kOption);
  EXPECT_EQ(status.message(), message);
}

TEST(KeyGroupTable, RefusesSizesOutOfRange) {
  ExpectOptionError(KeyGroupTable::Make(0, 1).status(), "key groups: there must be 1 to 32768, found 0.");
  ExpectOptionError(KeyGroupTable::Make(32'769, 1).status(), "key groups: there must be 1 to 32768, found 32769.");
  ExpectOptionError(KeyGroupTable::Make(4, 5).status(),
                    "key groups: 4 groups cannot be shared by 5 tasks; each owns at least one group. Lower the "
                    "parallelism, or start a new job with more key groups.");
  EXPECT_EQ(KindOf(KeyGroupTable::Make(4, 0).status()), ErrorKind::kOption);
  EXPECT_EQ(KindOf(KeyGroupTable::Make(256, 3)->Rescaled(257).status()), ErrorKind::kOption);
}

TEST(KeyGroupTable, RefusesTasksAndGroupsThatDoNotExist) {
  ExpectOptionError(KeyGroupTable::Of({0, 2}, 2, 0).status(),
                    "key groups: group 1 is given to task 2, the tasks are 0 to 1.");
  EXPECT_EQ(KindOf(KeyGroupTable::Of({0, -1}, 2, 0).status()), ErrorKind::kOption);
  ExpectOptionError(KeyGroupTable::Of({0, 1}, 2, -1).status(), "key groups: a table's version must be >= 0, found -1.");
  const KeyGroupTable table = KeyGroupTable::Make(4, 2).ValueOrDie();
  using Moves = std::vector<KeyGroupTable::Move>;
  ExpectOptionError(table.With(Moves{{4, 0}}).status(), "key groups: group 4 cannot move, the groups are 0 to 3.");
  ExpectOptionError(table.With(Moves{{3, 2}}).status(),
                    "key groups: group 3 is given to task 2, the tasks are 0 to 1.");
  ExpectOptionError(table.With(Moves{{3, 0}, {3, 1}}).status(),
                    "key groups: group 3 moves twice. Name each group once.");
}

TEST(KeyGroupTable, SharesGroupsEvenlyInOrder) {
  const KeyGroupTable table = KeyGroupTable::Make(8, 3).ValueOrDie();
  const std::vector<uint16_t> tasks(table.task_of_group().begin(), table.task_of_group().end());
  EXPECT_EQ(tasks, (std::vector<uint16_t>{0, 0, 0, 1, 1, 1, 2, 2}));
  EXPECT_EQ(table.version(), 0);
  EXPECT_EQ(KeyGroupTable::Make(32'768, 32'768)->TaskOf(32'767), 32'767);
  EXPECT_EQ(KeyGroupTable::Make(1, 1)->TaskOf(0), 0);
}

TEST(KeyGroupTable, AChangeIsANewVersion) {
  const KeyGroupTable table = KeyGroupTable::Make(4, 2).ValueOrDie();
  const KeyGroupTable moved = table.With(std::vector<KeyGroupTable::Move>{{0, 1}, {3, 0}}).ValueOrDie();
  EXPECT_EQ(moved, KeyGroupTable::Of({1, 0, 1, 0}, 2, 1).ValueOrDie());
  EXPECT_EQ(table, KeyGroupTable::Of({0, 0, 1, 1}, 2, 0).ValueOrDie());
  EXPECT_EQ(moved.Rescaled(4).ValueOrDie(), KeyGroupTable::Of({0, 1, 2, 3}, 4, 2).ValueOrDie());
}

TEST(KeyGroups, IsTheRemainder) {
  std::mt19937 random(1);
  for (const int32_t groups : {1, 2, 3, 5, 7, 64, 100, 255, 256, 257, 1'000, 32'767, 32'768}) {
    const KeyGroups of(groups);
    EXPECT_EQ(of.size(), groups);
    std::vector<uint32_t> hashes = {0, 1, 0xFFFFFFFF, 0xFFFFFFFE, 0x80000000, static_cast<uint32_t>(groups)};
    for (int at = 0; at < 10'000; ++at) hashes.push_back(static_cast<uint32_t>(random()));
    std::vector<uint16_t> found(hashes.size());
    of.Of(hashes, found.data());
    for (std::size_t at = 0; at < hashes.size(); ++at) {
      ASSERT_EQ(of.Of(hashes[at]), hashes[at] % static_cast<uint32_t>(groups));
      ASSERT_EQ(found[at], hashes[at] % static_cast<uint32_t>(groups));
    }
  }
}

}  // namespace
}  // namespace sabot::data
