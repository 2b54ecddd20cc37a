#include "sabot/backtest/price_grid.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace sabot::backtest {
namespace {

TEST(PriceGrid, RoundsEitherWay) {
  const PriceGrid grid(0.01);
  EXPECT_EQ(grid.Down(99.154612), 9915);
  EXPECT_EQ(grid.Up(99.154612), 9916);
  EXPECT_EQ(grid.Down(-0.005), -1);
}

// Whatever a price of the grid is in binary, it is its own step, and the step's price is the same double.
TEST(PriceGrid, APriceOnTheGridIsItsOwn) {
  for (const double ticks : {100.0, 20.0, 4.0, 1000.0}) {
    const PriceGrid grid(1 / ticks);
    for (int64_t step = 1; step < 20'000; ++step) {
      const double price = static_cast<double>(step) / ticks;
      ASSERT_EQ(grid.Down(price), step) << price;
      ASSERT_EQ(grid.Up(price), step) << price;
      ASSERT_EQ(grid.Price(static_cast<double>(step)), price);
    }
  }
}

TEST(PriceGrid, MayHaveStepsLargerThanOneOrOfNoWholePart) {
  EXPECT_EQ(PriceGrid(5).Price(3), 15);
  EXPECT_EQ(PriceGrid(5).Down(19), 3);
  EXPECT_EQ(PriceGrid(0.3).Price(10), 3);
  EXPECT_EQ(PriceGrid(2.5).Up(9), 4);
}

}  // namespace
}  // namespace sabot::backtest
