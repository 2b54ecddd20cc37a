#include "sabot/kernels/safety.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

constexpr int64_t kFirst = std::numeric_limits<int64_t>::min(), kLast = std::numeric_limits<int64_t>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kMs = 1'000'000;

TEST(Safety, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<StaleQuoteDetector>({.max_age_ns = -1}),
            "stale_quote_detector: option 'max_age_ns' must be >= 0, found -1.");
  EXPECT_EQ(Refusal<PriceBandGuard>({.pct = -0.1}),
            "price_band_guard: option 'pct' must be >= 0 and finite, found -0.1.");
  EXPECT_EQ(Refusal<PriceBandGuard>({.pct = kInfinity}),
            "price_band_guard: option 'pct' must be >= 0 and finite, found inf.");
  EXPECT_EQ(Refusal<FatFingerGuard>({.notional_max = NAN}),
            "fat_finger_guard: option 'notional_max' must be >= 0, found nan.");
  EXPECT_EQ(Refusal<FatFingerGuard>({.size_max = -1}), "fat_finger_guard: option 'size_max' must be >= 0, found -1.");
  EXPECT_EQ(Refusal<FatFingerGuard>({.size_max = kInfinity}), "");
  EXPECT_EQ(Refusal<CircuitBreaker>({.halt_ns = -1}), "circuit_breaker: option 'halt_ns' must be >= 0, found -1.");
  EXPECT_EQ(Refusal<ThrottleCheck>({.rate_per_s = 0}),
            "throttle_check: option 'rate_per_s' must be in (0, 2e+09], found 0.");
  EXPECT_EQ(Refusal<ThrottleCheck>({.rate_per_s = 2.1e9}),
            "throttle_check: option 'rate_per_s' must be in (0, 2e+09], found 2.1e+09.");
  EXPECT_EQ(Refusal<ThrottleCheck>({.burst = 0}), "throttle_check: option 'burst' must be >= 1, found 0.");
}

void ExpectQuote(const StaleQuoteDetector::Outputs& found, std::optional<int64_t> age, bool stale) {
  EXPECT_EQ(found.age_ns, age);
  EXPECT_EQ(found.stale, stale);
}

TEST(StaleQuoteDetector, WhatIsUnknownIsStale) {
  KernelProbe<StaleQuoteDetector> detector({.max_age_ns = 10});
  ExpectQuote(detector.Update({.timestamp = std::nullopt, .last_update = 5}), std::nullopt, true);
  ExpectQuote(detector.Update({.timestamp = 5, .last_update = std::nullopt}), std::nullopt, true);
  ExpectQuote(detector.Update({.timestamp = kLast, .last_update = -1}), std::nullopt, true);  // 2^63.
  ExpectQuote(detector.Update({.timestamp = kFirst, .last_update = 1}), std::nullopt, true);
}

TEST(StaleQuoteDetector, ComparesTheAge) {
  KernelProbe<StaleQuoteDetector> detector({.max_age_ns = 10});
  ExpectQuote(detector.Update({.timestamp = 110, .last_update = 100}), 10, false);
  ExpectQuote(detector.Update({.timestamp = 111, .last_update = 100}), 11, true);
  ExpectQuote(detector.Update({.timestamp = 100, .last_update = 500}), -400, false);
  ExpectQuote(detector.Update({.timestamp = kLast, .last_update = 0}), kLast, true);
  ExpectQuote(detector.Update({.timestamp = kFirst, .last_update = 0}), kFirst, false);
}

TEST(PriceBandGuard, RefusesWhatIsMissing) {
  KernelProbe<PriceBandGuard> guard;
  EXPECT_FALSE(guard.Update({.order_price = NAN, .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = 100, .ref_price = NAN}));
  EXPECT_FALSE(guard.Update({.order_price = 0, .ref_price = 0}));
  EXPECT_FALSE(guard.Update({.order_price = -100, .ref_price = -100}));
}

TEST(PriceBandGuard, EndsOfTheBandAreInside) {
  KernelProbe<PriceBandGuard> guard({.pct = 0.25});
  EXPECT_TRUE(guard.Update({.order_price = 75, .ref_price = 100}));
  EXPECT_TRUE(guard.Update({.order_price = 125, .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = std::nextafter(75.0, 0), .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = std::nextafter(125.0, 200), .ref_price = 100}));
  // As the formula is written: 1 - 0.1 and 1 + 0.1 are rounded before they scale the reference.
  KernelProbe<PriceBandGuard> tenth({.pct = 0.1});
  EXPECT_TRUE(tenth.Update({.order_price = 3 * (1 + 0.1), .ref_price = 3}));
  EXPECT_FALSE(tenth.Update({.order_price = std::nextafter(3 * (1 + 0.1), 4), .ref_price = 3}));
  EXPECT_TRUE(KernelProbe<PriceBandGuard>({.pct = 0}).Update({.order_price = 7, .ref_price = 7}));
  EXPECT_TRUE(KernelProbe<PriceBandGuard>({.pct = 2}).Update({.order_price = -7, .ref_price = 7}));
}

TEST(FatFingerGuard, RefusesWhatIsMissing) {
  KernelProbe<FatFingerGuard> guard;
  EXPECT_TRUE(guard.Update({.order_price = 100, .order_size = 1, .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = NAN, .order_size = 1, .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = 100, .order_size = NAN, .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = 100, .order_size = 1, .ref_price = NAN}));
  EXPECT_FALSE(guard.Update({.order_price = 100, .order_size = 0, .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = 100, .order_size = -0.0, .ref_price = 100}));
}

TEST(FatFingerGuard, LimitsPriceSizeAndNotional) {
  KernelProbe<FatFingerGuard> guard({.pct = 0.5, .notional_max = 1000, .size_max = 8});
  EXPECT_TRUE(guard.Update({.order_price = 125, .order_size = 8, .ref_price = 100}));
  EXPECT_TRUE(guard.Update({.order_price = 125, .order_size = -8, .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = 126, .order_size = 8, .ref_price = 100}));    // 1008
  EXPECT_FALSE(guard.Update({.order_price = 100, .order_size = 8.5, .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = 151, .order_size = 1, .ref_price = 100}));
  EXPECT_FALSE(guard.Update({.order_price = 49, .order_size = 1, .ref_price = 100}));
  KernelProbe<FatFingerGuard> of_price({.notional_max = kInfinity});
  EXPECT_TRUE(of_price.Update({.order_price = 1e200, .order_size = 1e200, .ref_price = 1e200}));
}

void ExpectHalt(const CircuitBreaker::Outputs& found, bool triggered, bool halted) {
  EXPECT_EQ(found.triggered, triggered);
  EXPECT_EQ(found.halted, halted);
}

TEST(CircuitBreaker, WhatIsMissingCannotTriggerButReportsAHalt) {
  KernelProbe<CircuitBreaker> breaker({.pct = 0.1, .halt_ns = 10});
  ExpectHalt(breaker.Update({.timestamp = std::nullopt, .price = 200, .ref_price = 100}), false, false);  // No clock.
  ExpectHalt(breaker.Update({.timestamp = 0, .price = NAN, .ref_price = 100}), false, false);
  ExpectHalt(breaker.Update({.timestamp = 0, .price = 200, .ref_price = NAN}), false, false);
  ExpectHalt(breaker.Update({.timestamp = 0, .price = 200, .ref_price = 0}), false, false);
  ExpectHalt(breaker.Update({.timestamp = 0, .price = 200, .ref_price = -100}), false, false);
  ExpectHalt(breaker.Update({.timestamp = std::nullopt, .price = 200, .ref_price = 100}), true, true);  // At clock 0.
  ExpectHalt(breaker.Update({.timestamp = 9, .price = NAN, .ref_price = NAN}), false, true);
  ExpectHalt(breaker.Update({.timestamp = std::nullopt, .price = NAN, .ref_price = NAN}), false, true);
  ExpectHalt(breaker.Update({.timestamp = 10, .price = NAN, .ref_price = NAN}), false, false);
  ExpectHalt(CircuitBreaker::WithoutKey({}), false, true);
}

TEST(CircuitBreaker, HaltsForAWhile) {
  KernelProbe<CircuitBreaker> breaker({.pct = 0.25, .halt_ns = 10});
  ExpectHalt(breaker.Update({.timestamp = 0, .price = 125, .ref_price = 100}), false, false);  // Not above.
  ExpectHalt(breaker.Update({.timestamp = 1, .price = 74, .ref_price = 100}), true, true);
  ExpectHalt(breaker.Update({.timestamp = 5, .price = 10, .ref_price = 100}), false, true);  // Not evaluated.
  ExpectHalt(breaker.Update({.timestamp = 10, .price = 100, .ref_price = 100}), false, true);
  ExpectHalt(breaker.Update({.timestamp = 11, .price = 100, .ref_price = 100}), false, false);
  ExpectHalt(breaker.Update({.timestamp = 3, .price = 126, .ref_price = 100}), true, true);  // Late: at clock 11.
  ExpectHalt(breaker.Update({.timestamp = 20, .price = 100, .ref_price = 100}), false, true);
  ExpectHalt(breaker.Update({.timestamp = 21, .price = 126, .ref_price = 100}), true, true);
}

TEST(CircuitBreaker, AHaltOfNoLengthHaltsItsOwnRow) {
  KernelProbe<CircuitBreaker> breaker({.pct = 0, .halt_ns = 0});
  ExpectHalt(breaker.Update({.timestamp = 1, .price = 101, .ref_price = 100}), true, true);
  ExpectHalt(breaker.Update({.timestamp = 1, .price = 100, .ref_price = 100}), false, false);
  ExpectHalt(breaker.Update({.timestamp = 1, .price = 99, .ref_price = 100}), true, true);
}

TEST(CircuitBreaker, TimesMayLieAnywhereInInt64) {
  KernelProbe<CircuitBreaker> breaker({.pct = 0.25, .halt_ns = kLast});
  ExpectHalt(breaker.Update({.timestamp = kFirst, .price = 200, .ref_price = 100}), true, true);
  ExpectHalt(breaker.Update({.timestamp = -2, .price = 100, .ref_price = 100}), false, true);
  ExpectHalt(breaker.Update({.timestamp = -1, .price = 100, .ref_price = 100}), false, false);  // 2^63 - 1 later.
  ExpectHalt(breaker.Update({.timestamp = kLast - 1, .price = 200, .ref_price = 100}), true, true);
  ExpectHalt(breaker.Update({.timestamp = kLast, .price = 200, .ref_price = 100}), false, true);
  ExpectHalt(breaker.Update({.timestamp = kFirst, .price = 200, .ref_price = 100}), false, true);
}

std::vector<bool> Passes(const ThrottleCheck::Options& options, const std::vector<std::optional<int64_t>>& times) {
  KernelProbe<ThrottleCheck> throttle(options);
  std::vector<bool> passes;
  for (const auto& time : times) passes.push_back(throttle.Update({.timestamp = time}));
  return passes;
}

TEST(ThrottleCheck, RefusesWhatHasNoTime) {
  EXPECT_EQ(Passes({.rate_per_s = 100, .burst = 1}, {std::nullopt, 0, std::nullopt, 0, 10 * kMs}),
            (std::vector{false, true, false, false, true}));
  EXPECT_FALSE(ThrottleCheck::WithoutKey({}));
}

TEST(ThrottleCheck, AsWorkedInItsEntry) {
  EXPECT_EQ(Passes({.rate_per_s = 100, .burst = 2}, {10 * kMs, 20 * kMs, 20 * kMs, 21 * kMs, 35 * kMs, 30 * kMs}),
            (std::vector{true, true, true, false, true, false}));
}

TEST(ThrottleCheck, StartsFullAndFillsAgain) {
  EXPECT_EQ(
      Passes({.rate_per_s = 1000, .burst = 3}, {0, 0, 0, 0, kMs - 1, kMs, kMs, 99 * kMs, 99 * kMs, 99 * kMs, 99 * kMs}),
      (std::vector{true, true, true, false, false, true, false, true, true, true, false}));
}

TEST(ThrottleCheck, RoundsItsIntervalHalfUp) {
  EXPECT_EQ(ThrottleCheck::Prepare({.rate_per_s = 2e9}).interval_ns, 1);  // 0.5
  EXPECT_EQ(ThrottleCheck::Prepare({.rate_per_s = 4e8}).interval_ns, 3);  // 2.5
  EXPECT_EQ(ThrottleCheck::Prepare({.rate_per_s = 3}).interval_ns, 333'333'333);
  EXPECT_EQ(ThrottleCheck::Prepare({.rate_per_s = 1e-9}).interval_ns, 1'000'000'000'000'000'000);
  EXPECT_EQ(ThrottleCheck::Prepare({.rate_per_s = 5e-324}).interval_ns, kLast);
  EXPECT_EQ(ThrottleCheck::Prepare({.rate_per_s = 100, .burst = 3}).tolerance_ns, 20 * kMs);
}

TEST(ThrottleCheck, TimesMayLieAnywhereInInt64) {
  EXPECT_EQ(Passes({.rate_per_s = 1000, .burst = 1}, {kFirst, kFirst + kMs - 1, kFirst + kMs, kLast, kLast, kFirst, 0}),
            (std::vector{true, false, true, true, false, false, false}));
  EXPECT_EQ(Passes({.rate_per_s = 5e-324, .burst = 1}, {kFirst, -2, -1}), (std::vector{true, false, true}));
}

TEST(ThrottleCheck, ABurstIsCutToWhatInt64Holds) {
  // Of rows that are due every 2^61 ns three fit.
  EXPECT_EQ(Passes({.rate_per_s = 1e9 / 0x1p61, .burst = 10}, {0, 0, 0, 0, 0}),
            (std::vector{true, true, true, false, false}));
  EXPECT_EQ(Passes({.rate_per_s = 1e9, .burst = kLast}, {5, 5, 5}), (std::vector{true, true, true}));
}

}  // namespace
}  // namespace sabot::kernels
