#include "sabot/kernels/window.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/kernels/rolling.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

using Limits = std::numeric_limits<int64_t>;

TEST(CompleteWindow, MinPeriodsIsTheWindowUnlessGiven) {
  RollingOptions<20> options;
  ASSERT_TRUE(CompleteWindow("sma", options).ok());
  EXPECT_EQ(options.min_periods, 20);
  EXPECT_EQ(options.max_rows, std::nullopt);
  options.min_periods = 5;
  ASSERT_TRUE(CompleteWindow("sma", options).ok());
  EXPECT_EQ(options.min_periods, 5);
}

TEST(CompleteWindow, OfADurationOneRowIsEnough) {
  RollingOptions<20> options{.window = Window::Time(5)};
  ASSERT_TRUE(CompleteWindow("sma", options).ok());
  EXPECT_EQ(options.min_periods, 1);
  EXPECT_EQ(options.max_rows, 65'536);
}

TEST(CompleteWindow, RefusesMoreMinPeriodsThanRows) {
  RollingOptions<20> options{.min_periods = 21};
  const auto status = CompleteWindow("sma", options);
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_EQ(status.message(), "sma: option 'min_periods' must be at most the window of 20 rows, found 21.");
  RollingOptions<20> timed{.window = Window::Time(5), .min_periods = 4, .max_rows = 3};
  EXPECT_EQ(CompleteWindow("sma", timed).message(),
            "sma: option 'min_periods' must be at most max_rows, 3 rows, found 4.");
}

TEST(CompleteWindow, RefusesToBoundTheRowsOfAWindowOfRows) {
  RollingOptions<20> options{.max_rows = 100};
  EXPECT_EQ(CompleteWindow("sma", options).message(),
            "sma: option 'max_rows' bounds a window of time. The window is of 20 rows: leave max_rows out, or give "
            "window as a duration such as \"5s\".");
}

TEST(HasLeft, IsTrueFromTheLengthOfTheWindowOn) {
  EXPECT_FALSE(HasLeft(100, 5, 104));
  EXPECT_TRUE(HasLeft(100, 5, 105));
  EXPECT_FALSE(HasLeft(100, 1, 100));
  EXPECT_TRUE(HasLeft(Limits::min(), Limits::max(), Limits::max()));  // The difference does not fit an int64.
  EXPECT_FALSE(HasLeft(Limits::max() - 3, 4, Limits::max()));
}

// A window of time in a ring that is made longer as the engine does, by a row each time.
template <class Aggregate>
class TimedStack {
 public:
  explicit TimedStack(int64_t ns) : window_(Window::Time(ns)) {}

  auto Push(int64_t timestamp, double value) {
    using Stack = TwoStack<Aggregate>;
    if (counters_.size == room_) {
      std::vector<double> longer(static_cast<std::size_t>(Stack::Cells(window_, ++room_)));
      Stack::Move(counters_, ring_, longer);
      ring_ = std::move(longer);
    }
    return Stack::Push(counters_, ring_, window_, timestamp, value);
  }
  int64_t size() const { return counters_.size; }
  double anchor() const { return counters_.anchor.at; }

 private:
  Window window_;
  int64_t room_ = 0;
  std::vector<double> ring_;
  typename TwoStack<Aggregate>::Counters counters_;
};

// Times that stand still, step and leap, so that a row may evict none, some or all.
std::vector<int64_t> Times(std::size_t rows, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int64_t> times;
  for (int64_t now = -500; times.size() < rows; now += std::array{0, 0, 1, 3, 40}[random() % 5]) times.push_back(now);
  return times;
}

TEST(TimedTwoStack, HoldsTheRowsThatHaveNotLeft) {
  for (const int64_t ns : {1, 2, 10, 60, 1'000'000}) {
    const auto times = Times(600, static_cast<uint64_t>(ns));
    auto prices = TickPrices(times.size(), 1);
    prices[200] = 1e12;
    TimedStack<PowerSums> stack(ns);
    WorstError error;
    for (std::size_t row = 0; row < times.size(); ++row) {
      std::vector<double> last;
      for (std::size_t at = 0; at <= row; ++at) {
        if (times[row] - times[at] < ns) last.push_back(prices[at]);
      }
      const auto sums = stack.Push(times[row], prices[row]);
      ASSERT_EQ(stack.size(), static_cast<int64_t>(last.size())) << row;
      const auto n = static_cast<double>(last.size());
      error.See(stack.anchor() + sums.sum / n, MeanOf(last), LargestOf(last));
      error.See(std::sqrt(sums.SquaredDeviations(n) / n), StdOf(last, 0), LargestOf(last));
    }
    EXPECT_LE(error.worst(), 1) << ns;
  }
}

TEST(TimedTwoStack, EqualValuesHaveNoVariance) {
  const auto times = Times(300, 9);
  TimedStack<PowerSums> stack(25);
  for (const int64_t time : times) {
    const auto sums = stack.Push(time, 0.1);
    ASSERT_EQ(sums.SquaredDeviations(static_cast<double>(stack.size())), 0.0);
  }
}

// Each time the ring is longer its content begins at the front: the sums do not see it.
TEST(TimedTwoStack, TheLengthOfTheRingChangesNoBit) {
  const auto times = Times(400, 3);
  const auto prices = TickPrices(times.size(), 4);
  const Window window = Window::Time(50);
  std::vector<double> ring(static_cast<std::size_t>(TwoStack<PowerSums>::Cells(window, 400)));
  TwoStack<PowerSums>::Counters counters;
  TimedStack<PowerSums> growing(window.ns);
  for (std::size_t row = 0; row < times.size(); ++row) {
    const auto long_ring = TwoStack<PowerSums>::Push(counters, ring, window, times[row], prices[row]);
    const auto grown = growing.Push(times[row], prices[row]);
    ASSERT_EQ(long_ring.sum, grown.sum) << row;
    ASSERT_EQ(long_ring.squares, grown.squares) << row;
  }
}

}  // namespace
}  // namespace sabot::kernels
