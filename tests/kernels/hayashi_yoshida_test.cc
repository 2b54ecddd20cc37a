#include "sabot/kernels/hayashi_yoshida.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

constexpr int64_t kA = 0, kB = 1;

HayashiYoshidaOptions Pair(Window window = 0) {
  return {.symbol_a = Symbol{"A"}, .symbol_b = Symbol{"B"}, .window = window};
}

struct Row {
  int64_t leg = 0;
  int64_t timestamp = 0;
  double log_price = 0;
};

template <class K>
std::vector<std::optional<double>> Fed(const std::vector<Row>& rows, Window window = 0) {
  KernelProbe<K> kernel(Pair(window));
  std::vector<std::optional<double>> found;
  for (const auto& row : rows) {
    auto value = kernel.Update({.price = std::exp(row.log_price), .timestamp = row.timestamp, .leg = row.leg});
    if (value) value = std::round(*value * 1e9) / 1e9;  // exp and log round.
    found.push_back(value);
  }
  return found;
}

const auto kNone = std::optional<double>();

TEST(HayashiYoshida, MustBeToldItsPair) {
  EXPECT_EQ(Refusal<HayashiYoshidaCov>({}),
            "hayashi_yoshida_cov: option 'symbol_a' must be given. One symbol of the pair, a value of the key column.");
  EXPECT_EQ(Refusal<HayashiYoshidaCorr>({.symbol_a = Symbol{"A"}}),
            "hayashi_yoshida_corr: option 'symbol_b' must be given. The other one.");
  EXPECT_EQ(Refusal<HayashiYoshidaCov>({.symbol_a = Symbol{""}, .symbol_b = Symbol{""}}),
            "hayashi_yoshida_cov: options 'symbol_a' and 'symbol_b' are both ''. Give two symbols.");
  auto options = Pair();
  options.window = -1;
  EXPECT_EQ(Refusal<HayashiYoshidaCorr>(options),
            "hayashi_yoshida_corr: option 'window' must be in [0, 16777216], found -1.");
  EXPECT_EQ(Refusal<HayashiYoshidaCov>({.symbol_a = Symbol{""}, .symbol_b = Symbol{"B"}}), "");
}

// The example of its definition.
const std::vector<Row> kExample = {{kA, 0, 0}, {kB, 0, 0}, {kB, 2, 1}, {kA, 4, 2}, {kB, 6, 4}, {kA, 8, 5}, {kB, 8, 9}};

TEST(HayashiYoshida, IsAsWorkedInItsEntry) {
  EXPECT_EQ(Fed<HayashiYoshidaCov>(kExample), (std::vector<std::optional<double>>{kNone, kNone, kNone, 2, 8, 17, 32}));
}

// Of the example: A's returns are 2, 3 and B's 1, 3, 5.
TEST(HayashiYoshida, CorrelationDividesByTheSquaresSoFar) {
  const auto found = Fed<HayashiYoshidaCorr>(kExample);
  const auto rounded = [](double value) { return std::optional(std::round(value * 1e9) / 1e9); };
  EXPECT_EQ(found, (std::vector<std::optional<double>>{
                       kNone, kNone, kNone, rounded(2 / std::sqrt(4.0 * 1)), rounded(8 / std::sqrt(4.0 * 10)),
                       rounded(17 / std::sqrt(13.0 * 10)), rounded(32 / std::sqrt(13.0 * 35))}));
  EXPECT_GT(*found.back(), 1);  // It may.
}

// The terms of the example's rows are 0, 0, 0, 2, 6, 9, 15.
TEST(HayashiYoshida, AWindowHasTheTermsOfTheLastRows) {
  EXPECT_EQ(Fed<HayashiYoshidaCov>(kExample, 1),
            (std::vector<std::optional<double>>{kNone, kNone, kNone, 2, 6, 9, 15}));
  EXPECT_EQ(Fed<HayashiYoshidaCov>(kExample, 3),
            (std::vector<std::optional<double>>{kNone, kNone, kNone, 2, 8, 17, 30}));
  // Squares of one symbol alone: there is no correlation.
  EXPECT_EQ(Fed<HayashiYoshidaCorr>(kExample, 1), std::vector<std::optional<double>>(7));
  EXPECT_NEAR(*Fed<HayashiYoshidaCorr>(kExample, 2).back(), 24 / std::sqrt(9.0 * 25), 1e-9);
}

// (t - 2, t]: of the row at 6 the terms of 6 alone, of the last one those of both rows at 8.
TEST(HayashiYoshida, AWindowMayBeATime) {
  EXPECT_EQ(Fed<HayashiYoshidaCov>(kExample, Window::Time(2)),
            (std::vector<std::optional<double>>{kNone, kNone, kNone, 2, 6, 9, 24}));
  EXPECT_EQ(Fed<HayashiYoshidaCov>(kExample, Window::Time(3)),
            (std::vector<std::optional<double>>{kNone, kNone, kNone, 2, 8, 15, 30}));
  EXPECT_EQ(Fed<HayashiYoshidaCorr>(kExample, Window::Time(2)).front(), kNone);
  EXPECT_NEAR(*Fed<HayashiYoshidaCorr>(kExample, Window::Time(2)).back(), 24 / std::sqrt(9.0 * 25), 1e-9);
  auto options = Pair(5);
  options.max_rows = 10;
  EXPECT_EQ(Refusal<HayashiYoshidaCov>(options),
            "hayashi_yoshida_cov: option 'max_rows' bounds a window of time. The window is of 5 rows: leave max_rows "
            "out, or give window as a duration such as \"5s\".");
}

TEST(HayashiYoshida, IgnoresRowsThatAreLate) {
  auto rows = kExample;
  rows.insert(rows.begin() + 4,
              {{kA, 4, 9}, {kB, 3, 9}, {kA, 3, 9}});  // As new as its own; older than the other; both.
  rows.push_back({kA, 8, 1});
  EXPECT_EQ(Fed<HayashiYoshidaCov>(rows),
            (std::vector<std::optional<double>>{kNone, kNone, kNone, 2, kNone, kNone, kNone, 8, 17, 32, kNone}));
  EXPECT_EQ(Fed<HayashiYoshidaCov>({{kA, 5, 0}, {kB, 4, 0}, {kB, 5, 0}, {kB, 6, 1}, {kA, 6, 1}}),
            (std::vector<std::optional<double>>{kNone, kNone, kNone, kNone, 1}));
}

TEST(HayashiYoshida, APriceThatIsNoneIsMissing) {
  KernelProbe<HayashiYoshidaCov> kernel(Pair());
  const auto add = [&](int64_t leg, int64_t timestamp, double price) {
    return kernel.Update({.price = price, .timestamp = timestamp, .leg = leg});
  };
  add(kA, 0, 1), add(kB, 0, 1);
  EXPECT_EQ(add(kA, 9, 0), kNone);
  EXPECT_EQ(add(kA, 9, -1), kNone);
  EXPECT_EQ(add(kA, 1, 1), kNone);  // Not late: what was missing is not seen.
  EXPECT_EQ(add(kB, 1, 1), 0);
}

TEST(HayashiYoshida, HasNoCorrelationWithWhatDoesNotMove) {
  const std::vector<Row> rows = {{kA, 0, 0}, {kB, 0, 0}, {kA, 1, 1}, {kB, 2, 0}, {kA, 3, 2}};
  EXPECT_EQ(Fed<HayashiYoshidaCov>(rows), (std::vector<std::optional<double>>{kNone, kNone, kNone, 0, 0}));
  EXPECT_EQ(Fed<HayashiYoshidaCorr>(rows), std::vector<std::optional<double>>(5));
}

TEST(HayashiYoshida, TimesMayLieFarApart) {
  constexpr int64_t kFirst = INT64_MIN, kLast = INT64_MAX;
  EXPECT_EQ(Fed<HayashiYoshidaCov>({{kA, kFirst, 0}, {kB, kFirst, 0}, {kA, kLast, 1}, {kB, kLast, 2}}),
            (std::vector<std::optional<double>>{kNone, kNone, kNone, 2}));
}

}  // namespace
}  // namespace sabot::kernels
