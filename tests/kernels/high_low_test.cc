#include "sabot/kernels/high_low.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

using Values = std::vector<std::optional<double>>;

struct Bar {
  double high, low, close;
};

TEST(DonchianChannel, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<DonchianChannel>({.window = 0}),
            "donchian_channel: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<DonchianChannel>({.window = 3, .min_periods = 4}),
            "donchian_channel: option 'min_periods' must be at most the window of 3 rows, found 4.");
}

TEST(DonchianChannel, HoldsTheLastBars) {
  KernelProbe<DonchianChannel> channel({.window = 2});
  Values highs, lows, middles;
  for (const Bar& bar : std::vector<Bar>{{5, 1, 0}, {4, 3, 0}, {1, 2, 0}, {6, 2, 0}, {3, 3, 0}, {4, 3, 0}}) {
    const auto found = channel.Update({.high = bar.high, .low = bar.low});
    highs.push_back(Shown(found.high));
    lows.push_back(Shown(found.low));
    middles.push_back(Shown(found.mid));
  }
  // The third bar is none, its high is below its low: it leaves no trace.
  EXPECT_EQ(highs, (Values{std::nullopt, 5, std::nullopt, 6, 6, 4}));
  EXPECT_EQ(lows, (Values{std::nullopt, 1, std::nullopt, 2, 2, 3}));
  EXPECT_EQ(middles, (Values{std::nullopt, 3, std::nullopt, 4, 4, 3.5}));
}

TEST(DonchianChannel, HoldsTheBarsOfTheLastWhile) {
  KernelProbe<DonchianChannel> channel({.window = Window::Time(10)});
  Values highs, lows;
  for (const auto& bar : std::vector<DonchianChannel::Input>{{9, 8, 0}, {5, 1, 6}, {7, 6, 5}, {4, 3, 10}, {6, 5, 16}}) {
    const auto found = channel.Update(bar);
    highs.push_back(Shown(found.high));
    lows.push_back(Shown(found.low));
  }
  EXPECT_EQ(highs, (Values{9, 9, std::nullopt, 5, 6}));  // The third bar is late.
  EXPECT_EQ(lows, (Values{8, 1, std::nullopt, 1, 3}));
}

TEST(DonchianChannel, HasNoMiddleBeyondTheLargestNumber) {
  KernelProbe<DonchianChannel> channel({.window = 1});
  const auto found = channel.Update({.high = 1.7e308, .low = 1.6e308});
  EXPECT_EQ(found.high, 1.7e308);
  EXPECT_EQ(found.low, 1.6e308);
  EXPECT_EQ(Shown(found.mid), std::nullopt);
}

struct Oscillations {
  Values k, d;
};

Oscillations OscillationsOf(const StochasticOsc::Options& options, const std::vector<Bar>& bars) {
  KernelProbe<StochasticOsc> oscillator(options);
  Oscillations found;
  for (const Bar& bar : bars) {
    const auto outputs = oscillator.Update({.high = bar.high, .low = bar.low, .close = bar.close});
    found.k.push_back(Shown(outputs.k));
    found.d.push_back(Shown(outputs.d));
  }
  return found;
}

TEST(StochasticOsc, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<StochasticOsc>({.k_period = 0}),
            "stochastic_osc: option 'k_period' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<StochasticOsc>({.slowing = 0}),
            "stochastic_osc: option 'slowing' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<StochasticOsc>({.d_period = -3}),
            "stochastic_osc: option 'd_period' must be in [1, 16777216], found -3.");
}

// Highs, lows and closes whose places in two bars are 25, 50, 100, 0, 75.
const std::vector<Bar> kBars{{8, 0, 1}, {6, 2, 2}, {6, 2, 4}, {10, 4, 10}, {9, 2, 2}, {9, 5, 7.25}};

TEST(StochasticOsc, PlacesTheCloseBetweenLowAndHigh) {
  const auto found = OscillationsOf({.k_period = 2, .d_period = 2}, kBars);
  EXPECT_EQ(found.k, (Values{std::nullopt, 25, 50, 100, 0, 75}));
  EXPECT_EQ(found.d, (Values{std::nullopt, std::nullopt, 37.5, 75, 50, 37.5}));
}

TEST(StochasticOsc, GivesEachAverageAsSoonAsItIsThere) {
  const auto found = OscillationsOf({.k_period = 2, .slowing = 2, .d_period = 2}, kBars);
  EXPECT_EQ(found.k, (Values{std::nullopt, std::nullopt, 37.5, 75, 50, 37.5}));
  EXPECT_EQ(found.d, (Values{std::nullopt, std::nullopt, std::nullopt, 56.25, 62.5, 43.75}));
}

TEST(StochasticOsc, LeavesOutBarsWithoutARange) {
  const auto found = OscillationsOf({.k_period = 2, .d_period = 2},
                                    {{4, 0, 1}, {4, 0, 2}, {3, 3, 3}, {3, 3, 3}, {3, 3, 2}, {5, 3, 4}});
  EXPECT_EQ(found.k, (Values{std::nullopt, 50, 75, std::nullopt, std::nullopt, 50}));
  EXPECT_EQ(found.d, (Values{std::nullopt, std::nullopt, 62.5, std::nullopt, std::nullopt, 62.5}));
}

TEST(StochasticOsc, LeavesOutBarsThatAreNone) {
  const auto found = OscillationsOf({.k_period = 1, .d_period = 1}, {{4, 0, 1}, {0, 4, 2}, {4, 0, 5}});
  EXPECT_EQ(found.k, (Values{25, std::nullopt, 125}));  // A close may lie outside of its bar.
  EXPECT_EQ(found.d, found.k);
}

TEST(StochasticOsc, ForgetsWhatIsTooLarge) {
  const auto found = OscillationsOf(
      {.k_period = 1, .slowing = 2, .d_period = 2},
      {{4, 0, 1}, {4, 0, 1}, {4, 0, 3}, {1.7e308, -1.7e308, 0}, {4, 0, 1e307}, {4, 0, 1}, {4, 0, 1}, {4, 0, 1}});
  EXPECT_EQ(found.k, (Values{std::nullopt, 25, 50, std::nullopt, std::nullopt, 50, 25, 25}));
  EXPECT_EQ(found.d, (Values{std::nullopt, std::nullopt, 37.5, std::nullopt, std::nullopt, 50, 37.5, 25}));
}

}  // namespace
}  // namespace sabot::kernels
