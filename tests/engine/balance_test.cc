// Which key groups move, worked out by hand, and what holds whatever the counts are.
#include "sabot/engine/balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>
#include <string>

#include "sabot/data/errors.h"

namespace sabot::engine {
namespace {

using data::KeyGroupTable;
using Moves = std::vector<std::pair<int32_t, int32_t>>;  // Group, copy.

KeyGroupTable Table(std::vector<int32_t> owners, int32_t copies) {
  return KeyGroupTable::Of(std::move(owners), copies, 0).ValueOrDie();
}

Moves Found(const std::vector<int64_t>& rows, const KeyGroupTable& table, const BalanceOptions& options = {}) {
  Moves moves;
  for (const auto& [group, task] : Balance(rows, table, options).ValueOrDie()) moves.emplace_back(group, task);
  return moves;
}

std::vector<int64_t> Loads(const std::vector<int64_t>& rows, const KeyGroupTable& table) {
  std::vector<int64_t> loads(static_cast<std::size_t>(table.tasks()));
  for (int32_t group = 0; group < table.groups(); ++group)
    loads[static_cast<std::size_t>(table.TaskOf(group))] += rows[static_cast<std::size_t>(group)];
  return loads;
}

int64_t Hottest(const std::vector<int64_t>& rows, const KeyGroupTable& table) {
  return std::ranges::max(Loads(rows, table));
}

void ExpectRefused(const std::vector<int64_t>& rows, const BalanceOptions& options, const std::string& part) {
  const auto status = Balance(rows, Table({0, 1}, 2), options).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << status;
  EXPECT_NE(status.message().find(part), std::string::npos) << status;
}

TEST(Balance, RefusesWhatMakesNoSense) {
  ExpectRefused({1, 2}, {.tolerance = 0.9}, "tolerance is 0.9");
  ExpectRefused({1, 2}, {.tolerance = std::numeric_limits<double>::quiet_NaN()}, "tolerance is nan");
  ExpectRefused({1, 2}, {.tolerance = std::numeric_limits<double>::infinity()}, "tolerance is inf");
  ExpectRefused({1, 2}, {.gain = -0.1}, "gain is -0.1");
  ExpectRefused({1, 2}, {.gain = 1}, "gain is 1");
  ExpectRefused({1, 2, 3}, {}, "3 counts of rows, expected one for each of 2");
  ExpectRefused({1, -2}, {}, "key group 1 has -2 rows");
}

TEST(Balance, MovesNothingWhereNothingCanMove) {
  EXPECT_EQ(Found({7, 8, 9}, Table({0, 0, 0}, 1)), Moves{});  // One copy.
  EXPECT_EQ(Found({100}, Table({0}, 1)), Moves{});            // One group.
  EXPECT_EQ(Found({0, 0, 0, 0}, Table({0, 0, 1, 1}, 2)), Moves{});
  EXPECT_EQ(Found({100, 0, 1, 1}, Table({0, 0, 1, 1}, 2)), Moves{});  // One hot group, alone already.
}

TEST(Balance, MovesNothingWithinTheTolerance) {
  // 120 and 80: the mean is 100.
  EXPECT_EQ(Found({60, 60, 40, 40}, Table({0, 0, 1, 1}, 2)), Moves{});
  // 121 and 79 are above; 20 would bring 101 and 99.
  EXPECT_EQ(Found({101, 20, 39, 40}, Table({0, 0, 1, 1}, 2)), (Moves{{1, 1}}));
}

TEST(Balance, MovesTheSmallestGroupThatIsEnough) {
  // 160 and 40, 120 may stay: 40 has to go, 60 would do as well.
  EXPECT_EQ(Found({60, 40, 35, 25, 40}, Table({0, 0, 0, 0, 1}, 2)), (Moves{{1, 1}}));
}

TEST(Balance, MovesTheLargestFirstWhereOneIsNotEnough) {
  // 200 and 0: of eight 25s four would make it even, and three bring 125; the limit is 120.
  EXPECT_EQ(Found({25, 25, 25, 25, 25, 25, 25, 25}, Table({0, 0, 0, 0, 0, 0, 0, 0}, 2)),
            (Moves{{0, 1}, {1, 1}, {2, 1}, {3, 1}}));
}

TEST(Balance, AHotGroupGetsACopyForItself) {
  // Group 0 has more than all others: its neighbours leave, one that has no rows need not. The coldest takes the first.
  EXPECT_EQ(Found({100, 5, 4, 0, 10, 12}, Table({0, 0, 0, 0, 1, 2}, 3), {.gain = 0}), (Moves{{1, 1}, {2, 2}}));
  // A copy without rows is the shorter way.
  EXPECT_EQ(Found({1'000, 5, 5, 5}, Table({0, 0, 0, 0}, 2), {.gain = 0}), (Moves{{0, 1}}));
}

TEST(Balance, MovesNothingForASmallGain) {
  // 100 + 5 beside 20: what moves takes 5 of 105 from the hottest.
  const std::vector<int64_t> rows = {100, 5, 20};
  EXPECT_EQ(Found(rows, Table({0, 0, 1}, 2)), Moves{});
  EXPECT_EQ(Found(rows, Table({0, 0, 1}, 2), {.gain = 0.04}), (Moves{{1, 1}}));
}

TEST(Balance, HoldsWhateverTheCountsAre) {
  std::mt19937_64 random(1);
  const auto below = [&](int64_t bound) { return std::uniform_int_distribution<int64_t>(0, bound - 1)(random); };
  int moved = 0;
  int fits = 0;
  for (int round = 0; round < 2'000; ++round) {
    const auto groups = static_cast<int32_t>(1 + below(80));
    const auto copies = static_cast<int32_t>(1 + below(std::min(groups, 9)));
    std::vector<int32_t> owners;
    std::vector<int64_t> rows;
    const int64_t magnitude = 1 + below(1'000);
    for (int32_t group = 0; group < groups; ++group) {
      owners.push_back(static_cast<int32_t>(below(copies)));
      rows.push_back(below(4) == 0 ? 0 : below(magnitude) * (below(10) == 0 ? 30 : 1));
    }
    const auto table = Table(owners, copies);
    const BalanceOptions options{.tolerance = 1 + static_cast<double>(below(10)) / 10};
    const auto moves = Balance(rows, table, options).ValueOrDie();
    const auto again = Balance(rows, table, options).ValueOrDie();
    ASSERT_TRUE(std::ranges::equal(moves, again, [](const auto& left, const auto& right) {
      return left.group == right.group && left.task == right.task;
    }));
    const auto then = table.With(moves).ValueOrDie();  // Each group moves once, to a copy that there is.
    const int64_t before = Hottest(rows, table);
    const int64_t after = Hottest(rows, then);
    for (const auto& [group, task] : moves) {
      ASSERT_NE(task, table.TaskOf(group));
      ASSERT_GT(rows[static_cast<std::size_t>(group)], 0);
    }
    ASSERT_EQ(std::reduce(rows.begin(), rows.end()), [&] {
      const auto loads = Loads(rows, then);
      return std::reduce(loads.begin(), loads.end());
    }());
    const double mean = static_cast<double>(std::reduce(rows.begin(), rows.end())) / copies;
    if (moves.empty()) continue;
    ++moved;
    ASSERT_LE(static_cast<double>(after), 0.9 * static_cast<double>(before));
    const auto hottest_group = static_cast<double>(std::ranges::max(rows));
    ASSERT_LE(static_cast<double>(after), std::max(options.tolerance * mean, mean + hottest_group)) << round;
    if (hottest_group > (options.tolerance - 1) * mean) continue;
    ++fits;  // Each group would find room in the coldest copy.
    ASSERT_LE(static_cast<double>(after), options.tolerance * mean) << round;
  }
  EXPECT_GT(moved, 500);
  EXPECT_GT(fits, 10);
}

}  // namespace
}  // namespace sabot::engine
