#include "sabot/kernels/adjacent_terms.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/two_pass.h"
#include "tests/kernels/window_probe.h"

namespace sabot::kernels {
namespace {

double ProductsOf(std::span<const double> values) {
  double sum = 0;
  for (std::size_t at = 1; at < values.size(); ++at) sum += values[at] * values[at - 1];
  return sum;
}

double MediansOf(std::span<const double> values) {
  double sum = 0;
  for (std::size_t at = 2; at < values.size(); ++at) {
    std::vector three(values.begin() + static_cast<std::ptrdiff_t>(at) - 2,
                      values.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    std::sort(three.begin(), three.end());
    sum += three[1] * three[1];
  }
  return sum;
}

TEST(MedianOf, IsTheMiddleOne) {
  for (const auto& [a, b, c] : std::vector<std::tuple<double, double, double>>{
           {1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}, {2, 2, 1}, {2, 2, 3}, {1, 2, 2}}) {
    EXPECT_EQ(MedianOf(a, b, c), 2);
  }
}

TEST(AdjacentTerms, DoNotDependOnWhereTheyAreMerged) {
  const std::vector<double> values = {3, 1, 4, 1, 5, 9, 2, 6};
  for (std::size_t size = 1; size <= values.size(); ++size) {
    const auto some = std::vector(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(size));
    for (std::size_t first = 0; first <= size; ++first) {
      EXPECT_EQ(MergedInTwo<AdjacentProducts>(some, first).sum, ProductsOf(some)) << first << " of " << size;
      EXPECT_EQ(MergedInTwo<SquaredMedians>(some, first).sum, MediansOf(some)) << first << " of " << size;
    }
  }
}

TEST(AdjacentTerms, JoinWhatIsInsideTheWindowOnly) {
  const auto sizes = SignedSizes(200, 3);  // Whole numbers: sums are exact.
  for (const int64_t window : {1, 2, 3, 4, 5, 20}) {
    WindowProbe<AdjacentProducts> products(window);
    WindowProbe<SquaredMedians> medians(window);
    for (std::size_t row = 0; row < sizes.size(); ++row) {
      const auto last = WindowAt(sizes, row, window);
      ASSERT_EQ(products.Push(sizes[row]).sum, ProductsOf(last)) << row;
      ASSERT_EQ(medians.Push(sizes[row]).sum, MediansOf(last)) << row;
    }
  }
}

TEST(AdjacentTerms, ForgetAnOverflow) {
  WindowProbe<AdjacentProducts> products(3);
  WindowProbe<SquaredMedians> medians(4);
  for (const double value : {1.0, 1e200, 1e200}) products.Push(value), medians.Push(value);
  EXPECT_EQ(products.Push(1).sum, std::numeric_limits<double>::infinity());
  EXPECT_EQ(medians.Push(1).sum, std::numeric_limits<double>::infinity());
  for (const double value : {1.0, 1.0}) products.Push(value), medians.Push(value);
  EXPECT_EQ(products.Push(2).sum, 3);
  EXPECT_EQ(medians.Push(2).sum, 2);
}

}  // namespace
}  // namespace sabot::kernels
