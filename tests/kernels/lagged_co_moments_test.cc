#include "sabot/kernels/lagged_co_moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sabot/kernels/aggregates.h"
#include "tests/kernels/two_pass.h"
#include "tests/kernels/window_probe.h"

namespace sabot::kernels {
namespace {

// One symbol's, with what the engine does for it: its ring, which grows with a window of time.
class Lags {
 public:
  Lags(const Window& window, int64_t max_lag) : window_(window), max_lag_(max_lag) {
    ring_.resize(Cells(window.timed() ? 1 : window.rows));
  }

  LaggedCoMoments::LagCorrelation Push(double x, double y, int64_t timestamp = 0) {
    const auto fixed = static_cast<std::size_t>(LaggedCoMoments::FixedCells(max_lag_));
    if (window_.timed() && counters_.size == room_) {
      std::vector<double> longer(Cells(++room_));
      std::copy_n(ring_.begin(), fixed, longer.begin());
      LaggedCoMoments::Move(counters_, std::span(ring_).subspan(fixed), std::span(longer).subspan(fixed),
                            LaggedCoMoments::RowCells(window_, max_lag_));
      ring_ = longer;
    }
    LaggedCoMoments moments(counters_, ring_, window_, max_lag_);
    moments.Enter(x, y);
    if (entered_++ < max_lag_) return {};
    moments.Push(timestamp);
    return moments.Strongest();
  }
  int64_t size() const { return counters_.size; }

 private:
  std::size_t Cells(int64_t rows) const {
    return static_cast<std::size_t>(LaggedCoMoments::FixedCells(max_lag_) +
                                    rows * LaggedCoMoments::RowCells(window_, max_lag_));
  }

  Window window_;
  int64_t max_lag_;
  int64_t entered_ = 0;
  int64_t room_ = 1;
  LaggedCoMoments::Counters counters_;
  std::vector<double> ring_;
};

// The strongest lag by one two-stack a lag.
class StackALag {
 public:
  StackALag(int64_t window, int64_t max_lag) : max_lag_(max_lag) {
    for (int64_t lag = 0; lag <= 2 * max_lag; ++lag) stacks_.emplace_back(window);
  }

  LaggedCoMoments::LagCorrelation Push(double x, double y) {
    x_.push_back(x), y_.push_back(y);
    const auto now = static_cast<int64_t>(x_.size()) - 1;
    if (now < max_lag_) return {};
    LaggedCoMoments::LagCorrelation best;
    for (int64_t step = 0; step <= 2 * max_lag_; ++step) {
      const int64_t lag = step % 2 == 1 ? (step + 1) / 2 : -step / 2;
      const auto moments = stacks_[static_cast<std::size_t>(lag + max_lag_)].Push(
          {x_[static_cast<std::size_t>(now - std::max<int64_t>(lag, 0))],
           y_[static_cast<std::size_t>(now + std::min<int64_t>(lag, 0))]});
      const double found = Correlation(moments.c, moments.m2_x, moments.m2_y);
      if (std::isfinite(found) && (!best.defined || std::abs(found) > std::abs(best.correlation) + 1e-12))
        best = {lag, found, true};
    }
    return best;
  }

 private:
  int64_t max_lag_;
  std::vector<double> x_, y_;
  std::vector<WindowProbe<CoMoments>> stacks_;
};

std::vector<double> Changes(std::size_t rows, uint64_t seed) {
  const auto prices = TickPrices(rows + 1, seed);
  std::vector<double> changes(rows);
  for (std::size_t row = 0; row < rows; ++row) changes[row] = prices[row + 1] - prices[row];
  return changes;
}

TEST(LaggedCoMoments, HaveTheBitsOfOneTwoStackALag) {
  for (const int64_t max_lag : {0, 1, 2, 5}) {
    for (const int64_t window : {2, 3, 20}) {
      auto x = Changes(400, 1), y = Changes(400, 2);
      for (std::size_t row = 50; row < 400; row += 61) (row % 2 == 0 ? x : y)[row] = 1e12;
      Lags lags(window, max_lag);
      StackALag stacks(window, max_lag);
      for (std::size_t row = 0; row < x.size(); ++row) {
        const auto found = lags.Push(x[row], y[row]), want = stacks.Push(x[row], y[row]);
        ASSERT_EQ(found.defined, want.defined) << row;
        ASSERT_EQ(found.lag, want.lag) << row;
        ASSERT_EQ(found.correlation, want.correlation) << row;
      }
    }
  }
}

TEST(LaggedCoMoments, OfATimeAreThoseOfItsRows) {  // A row a nanosecond: so many rows are so long.
  for (const int64_t window : {2, 3, 20}) {
    const auto x = Changes(300, 3), y = Changes(300, 4);
    Lags rows(window, 3), time(Window::Time(window), 3);
    for (std::size_t row = 0; row < x.size(); ++row) {
      const auto want = rows.Push(x[row], y[row]), found = time.Push(x[row], y[row], static_cast<int64_t>(row));
      ASSERT_EQ(time.size(), rows.size());
      ASSERT_EQ(found.lag, want.lag) << row;
      ASSERT_EQ(found.correlation, want.correlation) << row;
    }
  }
}

TEST(LaggedCoMoments, ForgetAWindowThatHasPassed) {
  const auto x = Changes(40, 5), y = Changes(40, 6);
  Lags time(Window::Time(100), 2);
  for (std::size_t row = 0; row < x.size(); ++row) {
    const auto now = static_cast<int64_t>(row / 10 * 1000 + row % 10);  // Ten rows, then a long pause.
    const auto found = time.Push(x[row], y[row], now);
    if (row < 10) continue;
    ASSERT_EQ(time.size(), static_cast<int64_t>(row % 10 + 1));
    ASSERT_TRUE(row % 10 > 0 || !found.defined) << "one pair";
  }
}

TEST(LaggedCoMoments, ChooseTheFirstOfEqualLags) {
  // Two pairs correlate fully at every lag, whatever rounding says.
  const auto x = Changes(500, 7), y = Changes(500, 8);
  Lags lags(2, 4);
  int64_t defined = 0;
  for (std::size_t row = 0; row < x.size(); ++row) {
    const auto found = lags.Push(x[row], y[row]);
    if (row < 6 || x[row] == x[row - 1] || y[row] == y[row - 1]) continue;
    ++defined;
    ASSERT_EQ(found.lag, 0) << row;
    ASSERT_NEAR(std::abs(found.correlation), 1, 1e-12);
  }
  EXPECT_GT(defined, 200);
}

}  // namespace
}  // namespace sabot::kernels
