#include "sabot/kernels/rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>
#include <utility>
#include <vector>

#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

// One symbol's window, in a ring that grows as the engine's does: before it would need room for one more.
class Ranks {
 public:
  explicit Ranks(Window window) : window_(window), ring_(CellsFor(window.timed() ? 1 : window.rows)) {}

  std::vector<double> Push(int64_t timestamp, double value) {
    if (window_.timed() && counters_.size == room_) Lengthen();
    const auto sorted = RankWindow::Push(counters_, ring_, window_, timestamp, value);
    return {sorted.begin(), sorted.end()};
  }
  std::vector<double> EvictUntil(int64_t timestamp) {
    RankWindow::EvictUntil(counters_, ring_, window_, timestamp);
    return Sorted();
  }
  std::vector<double> Sorted() const {
    const auto sorted = RankWindow::Sorted(counters_, ring_, window_);
    return {sorted.begin(), sorted.end()};
  }

 private:
  std::size_t CellsFor(int64_t rows) const { return static_cast<std::size_t>(RankWindow::Cells(window_, rows)); }
  void Lengthen() {
    std::vector<double> longer(CellsFor(2 * room_));
    RankWindow::Move(counters_, ring_, longer);
    ring_ = std::move(longer);
    room_ *= 2;
  }

  Window window_;
  int64_t room_ = 1;  // Of a window of time.
  std::vector<double> ring_;
  RankWindow::Counters counters_;
};

// In order, -0.0 before 0.0.
std::vector<double> InOrder(std::vector<double> values) {
  std::sort(values.begin(), values.end(), [](double left, double right) {
    return left < right || (left == right && std::signbit(left) && !std::signbit(right));
  });
  return values;
}

// Equal, and zeros of the same sign.
testing::AssertionResult SameValues(const std::vector<double>& found, const std::vector<double>& want) {
  if (found.size() != want.size()) {
    return testing::AssertionFailure() << found.size() << " values, expected " << want.size();
  }
  for (std::size_t at = 0; at < found.size(); ++at) {
    if (found[at] != want[at] || std::signbit(found[at]) != std::signbit(want[at])) {
      return testing::AssertionFailure() << "value " << at << " is " << found[at] << ", expected " << want[at];
    }
  }
  return testing::AssertionSuccess();
}

// Ticks around 0 with ties and both zeros, outliers, and stretches that only rise or only fall.
std::vector<double> Series(std::size_t rows, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> values(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto tick = static_cast<double>(random() % 9) - 4;
    values[row] = tick == 0 && random() % 2 == 0 ? -0.0 : tick;
    if (row % 97 == 50) values[row] = row % 2 == 0 ? 1e12 : -1e12;
    if (row / 150 % 3 == 1) values[row] = static_cast<double>(row);
    if (row / 150 % 3 == 2) values[row] = -static_cast<double>(row);
  }
  return values;
}

class RanksOfRows : public testing::TestWithParam<int64_t> {};

INSTANTIATE_TEST_SUITE_P(Windows, RanksOfRows, testing::Values(1, 2, 3, 20, 100), testing::PrintToStringParamName());

TEST_P(RanksOfRows, AreTheLastValuesInOrder) {
  const auto values = Series(1500, 1);
  Ranks ranks(GetParam());
  for (std::size_t row = 0; row < values.size(); ++row) {
    const auto last = WindowAt(values, row, GetParam());
    ASSERT_TRUE(SameValues(ranks.Push(0, values[row]), InOrder({last.begin(), last.end()}))) << row;
  }
}

// Times with ties, crowds of hundreds of rows and pauses in which a part of them leaves, or all.
std::vector<int64_t> CrowdedTimes(std::size_t rows, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int64_t> times(rows);
  int64_t now = -500;
  for (std::size_t row = 0; row < rows; ++row) {
    now += static_cast<int64_t>(random() % 3);
    if (random() % 20 == 0) now += static_cast<int64_t>(random() % 60);
    if (random() % 300 == 0) now += 1000;
    if (row / 400 % 2 == 1 && row % 400 != 0) now = times[row - 1] + (random() % 10 == 0 ? 1 : 0);
    times[row] = now;
  }
  return times;
}

TEST(RanksOfTime, AreTheValuesOfTheLastWhileInOrder) {
  const auto values = Series(3000, 2);
  const auto times = CrowdedTimes(values.size(), 3);
  for (const int64_t ns : {1, 2, 10, 100, 2000}) {
    Ranks ranks(Window::Time(ns));
    std::size_t first = 0;
    for (std::size_t row = 0; row < values.size(); ++row) {
      while (times[first] <= times[row] - ns) ++first;
      const std::vector<double> last(values.begin() + static_cast<std::ptrdiff_t>(first),
                                     values.begin() + static_cast<std::ptrdiff_t>(row) + 1);
      ASSERT_TRUE(SameValues(ranks.Push(times[row], values[row]), InOrder(last))) << ns << " ns, row " << row;
    }
  }
}

TEST(RanksOfTime, LetGoWithoutANewValue) {
  Ranks ranks(Window::Time(10));
  EXPECT_TRUE(ranks.EvictUntil(0).empty());
  for (const auto& [time, value] : std::vector<std::pair<int64_t, double>>{{0, 3}, {0, 1}, {5, 2}}) {
    ranks.Push(time, value);
  }
  EXPECT_EQ(ranks.EvictUntil(9), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(ranks.EvictUntil(10), (std::vector<double>{2}));
  EXPECT_TRUE(ranks.EvictUntil(15).empty());
  EXPECT_EQ(ranks.Push(15, 7), (std::vector<double>{7}));
}

TEST(RanksOfTime, HoldAllTimesThatThereAre) {
  Ranks ranks(Window::Time(INT64_MAX));
  ranks.Push(INT64_MIN, 1);
  EXPECT_EQ(ranks.Push(-2, 2), (std::vector<double>{1, 2}));
  EXPECT_EQ(ranks.Push(-1, 3), (std::vector<double>{2, 3}));
  EXPECT_EQ(ranks.Push(INT64_MAX, 4), (std::vector<double>{4}));
}

TEST(RankWindow, CountsTheCellsOfItsRing) {
  EXPECT_EQ(RankWindow::Cells(20, 20), 40);
  EXPECT_EQ(RankWindow::Cells(Window::Time(5), 20), 60);
}

TEST(Quantile, LiesBetweenTheTwoNearest) {
  const std::vector<double> sorted{1, 2, 4, 8, 16};
  EXPECT_EQ(Quantile(sorted, 0.25), 2.0);
  EXPECT_EQ(Quantile(sorted, 0.125), 1.5);
  EXPECT_EQ(Quantile(sorted, 0.9375), 14.0);
  EXPECT_EQ(Quantile({sorted.data(), 1}, 0.3), 1.0);
}

TEST(TailMean, CutsTheValueAtTheBoundary) {
  const std::vector<double> sorted{1, 2, 4, 8};
  EXPECT_EQ(TailMean(sorted, 0.5), 1.5);
  EXPECT_EQ(TailMean(sorted, 0.125), 1.0);  // Half of the first value is in the tail.
  EXPECT_EQ(TailMean(sorted, 0.625), 2.0);  // (1 + 2 + 4 / 2) / 2.5
}

TEST(TailMean, NeverReachesBeyondTheLastValue) {
  const double most = std::nextafter(1.0, 0.0);
  for (std::size_t size = 1; size < 5000; ++size) {
    const std::vector<double> sorted(size, 1.0);
    ASSERT_LT(static_cast<double>(size) * most, static_cast<double>(size));
    ASSERT_EQ(Quantile(sorted, most), 1.0);
    ASSERT_NEAR(TailMean(sorted, most), 1.0, 1e-12);
  }
}

TEST(Median, IsTheMiddleOrTheMeanOfTheMiddleTwo) {
  const std::vector<double> sorted{1, 2, 4, 8};
  EXPECT_EQ(Median({sorted.data(), 1}), 1.0);
  EXPECT_EQ(Median({sorted.data(), 2}), 1.5);
  EXPECT_EQ(Median({sorted.data(), 3}), 2.0);
  EXPECT_EQ(Median(sorted), 3.0);
}

TEST(MedianDistance, IsThatOfTheDistancesInOrder) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<double> sorted(1 + random() % 12);
    const uint64_t spread = uint64_t{1} << random() % 12;
    const bool skewed = random() % 2 == 0;
    for (double& value : sorted) {
      value = 0.1 * static_cast<double>(random() % spread);
      if (skewed) value = value * value;
    }
    std::sort(sorted.begin(), sorted.end());
    const double middle = Median(sorted);
    std::vector<double> distances;
    for (const double value : sorted) distances.push_back(std::abs(value - middle));
    std::sort(distances.begin(), distances.end());
    ASSERT_EQ(MedianDistance(sorted, middle), Median(distances)) << testing::PrintToString(sorted);
  }
}

}  // namespace
}  // namespace sabot::kernels
