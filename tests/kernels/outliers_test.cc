#include "sabot/kernels/outliers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "tests/kernels/kernel_probe.h"
#include "tests/kernels/two_pass.h"

namespace sabot::kernels {
namespace {

struct Answers {
  std::vector<std::optional<bool>> flags;
  std::vector<std::optional<double>> scores;
};

Answers AnswersOf(const OutlierFlagMad::Options& options, const std::vector<std::pair<int64_t, double>>& rows) {
  KernelProbe<OutlierFlagMad> probe(options);
  Answers answers;
  for (const auto& [timestamp, x] : rows) {
    const auto outputs = probe.Update({.x = x, .timestamp = timestamp});
    answers.flags.push_back(outputs.flag);
    answers.scores.push_back(Shown(outputs.score));
  }
  return answers;
}

Answers AnswersOf(const OutlierFlagMad::Options& options, const std::vector<double>& series) {
  std::vector<std::pair<int64_t, double>> rows;
  for (const double x : series) rows.emplace_back(0, x);
  return AnswersOf(options, rows);
}

using Flags = std::vector<std::optional<bool>>;
using Scores = std::vector<std::optional<double>>;

TEST(OutlierFlagMad, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<OutlierFlagMad>({.window = 0}),
            "outlier_flag_mad: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<OutlierFlagMad>({.window = 3, .min_periods = 4}),
            "outlier_flag_mad: option 'min_periods' must be at most the window of 3 rows, found 4.");
  EXPECT_EQ(Refusal<OutlierFlagMad>({.k = -1}), "outlier_flag_mad: option 'k' must be >= 0 and finite, found -1.");
  EXPECT_EQ(Refusal<OutlierFlagMad>({.min_scale = -0.1}),
            "outlier_flag_mad: option 'min_scale' must be >= 0 and finite, found -0.1.");
}

TEST(OutlierFlagMad, ComparesWithTheRowsBefore) {
  // Of 1, 2, 4: m = 2, deviations 1, 0, 2, scale 1.4826. Of 2, 4, 9: m = 4, deviations 2, 0, 5, twice that.
  const auto answers = AnswersOf({.window = 3}, {1, 2, 4, 9, 9});
  EXPECT_EQ(answers.flags, (Flags{std::nullopt, std::nullopt, std::nullopt, true, false}));
  EXPECT_EQ(answers.scores, (Scores{std::nullopt, std::nullopt, std::nullopt, 7 / 1.4826, 5 / (1.4826 * 2)}));
}

TEST(OutlierFlagMad, OfAnEvenNumberTakesTheMeanOfTheMiddleTwo) {
  // Of 1, 2, 4, 8: m = 3, deviations 1, 1, 2, 5, their median 1.5.
  const auto answers = AnswersOf({.window = 4}, {8, 1, 4, 2, 0});
  EXPECT_EQ(answers.scores.back(), 3 / (1.4826 * 1.5));
}

TEST(OutlierFlagMad, IsStrict) {
  // Of 0, 1: m = 0.5, scale 1.4826 / 2; k such that k * scale is exactly 1.
  const double k = 1 / (1.4826 * 0.5);
  ASSERT_EQ(k * (1.4826 * 0.5), 1.0);
  EXPECT_EQ(AnswersOf({.window = 2, .k = k}, {0, 1, 1.5}).flags.back(), false);
  EXPECT_EQ(AnswersOf({.window = 2, .k = k}, {0, 1, std::nextafter(1.5, 2.0)}).flags.back(), true);
  EXPECT_EQ(AnswersOf({.window = 2, .k = k}, {0, 1, -0.5}).flags.back(), false);
}

TEST(OutlierFlagMad, WithoutAScaleFlagsEveryOtherValue) {
  const auto answers = AnswersOf({.window = 3}, {5, 5, 5, 5, 5.01});
  EXPECT_EQ(answers.flags, (Flags{std::nullopt, std::nullopt, std::nullopt, false, true}));
  EXPECT_EQ(answers.scores, (Scores(5, std::nullopt)));
  const auto with_tick = AnswersOf({.window = 3, .min_scale = 0.25}, {5, 5, 5, 5, 5.5});
  EXPECT_EQ(with_tick.flags, (Flags{std::nullopt, std::nullopt, std::nullopt, false, false}));
  EXPECT_EQ(with_tick.scores, (Scores{std::nullopt, std::nullopt, std::nullopt, 0, 2}));
}

TEST(OutlierFlagMad, StartsWithMinPeriods) {
  const auto answers = AnswersOf({.window = 3, .min_periods = 1, .min_scale = 1}, {5, 6, 9, 4, 4});
  EXPECT_EQ(answers.flags, (Flags{std::nullopt, false, true, false, false}));
  EXPECT_EQ(answers.scores, (Scores{std::nullopt, 1, 3.5, 2 / 1.4826, 2 / (1.4826 * 2)}));
}

TEST(OutlierFlagMad, IsNullBeyondTheLargestNumber) {
  const auto answers = AnswersOf({.window = 1}, {1.7e308, -1.7e308, 1, 1});
  EXPECT_EQ(answers.flags, (Flags{std::nullopt, std::nullopt, true, false}));
}

TEST(OutlierFlagMad, ComparesWithTheRowsOfTheLastWhile) {
  // At 10 the row at 0 has left, at 12 that at 2. Those at one time are compared with one another.
  const auto answers = AnswersOf({.window = Window::Time(10), .min_scale = 1},
                                 std::vector<std::pair<int64_t, double>>{{0, 5}, {2, 9}, {2, 9}, {10, 1}, {30, 7}});
  EXPECT_EQ(answers.flags, (Flags{std::nullopt, true, false, true, std::nullopt}));
  EXPECT_EQ(answers.scores, (Scores{std::nullopt, 4, 2 / (1.4826 * 2), 8, std::nullopt}));
}

TEST(OutlierFlagMad, LeavesOutLateRows) {
  const auto answers =
      AnswersOf({.window = Window::Time(10), .min_periods = 2, .min_scale = 1},
                std::vector<std::pair<int64_t, double>>{{5, 1}, {7, 1}, {6, 99}, {7, 99}, {7, 99}, {7, 1}});
  EXPECT_EQ(answers.flags, (Flags{std::nullopt, std::nullopt, std::nullopt, true, true, false}));
}

TEST(OutlierFlagMad, AgreesWithSortingEachWindow) {
  auto prices = TickPrices(3000, 1);
  for (std::size_t row = 0; row < prices.size(); row += 131) prices[row] = -1e12;
  KernelProbe<OutlierFlagMad> outlier({.k = 2});
  int flagged = 0;
  for (std::size_t row = 0; row < prices.size(); ++row) {
    const auto found = outlier.Update({.x = prices[row]});
    if (row < 100) continue;
    const auto median = [](std::vector<double> values) {
      std::sort(values.begin(), values.end());
      return 0.5 * (values[49] + values[50]);
    };
    const auto last = WindowAt(prices, row - 1, 100);
    std::vector<double> values(last.begin(), last.end());
    const double middle = median(values), distance = std::abs(prices[row] - middle);
    for (double& value : values) value = std::abs(value - middle);
    const double scale = 1.4826 * median(values);
    ASSERT_EQ(found.flag, distance > 2 * scale) << row;
    ASSERT_EQ(found.score, distance / scale) << row;
    flagged += *found.flag;
  }
  EXPECT_GT(flagged, 50);
}

}  // namespace
}  // namespace sabot::kernels
