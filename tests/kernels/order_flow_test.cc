#include "sabot/kernels/order_flow.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "tests/kernels/kernel_probe.h"

namespace sabot::kernels {
namespace {

// Bid, ask and their sizes: what was added at the best quotes from each row to the next is 6, 2, -2, -3.
const std::vector<OrderFlowImbalance::Input> kQuotes = {{.bid = 10, .ask = 11, .bid_size = 5, .ask_size = 7},
                                                        {.bid = 10, .ask = 11, .bid_size = 8, .ask_size = 4},
                                                        {.bid = 10.5, .ask = 11, .bid_size = 2, .ask_size = 4},
                                                        {.bid = 10, .ask = 11, .bid_size = 9, .ask_size = 4},
                                                        {.bid = 10, .ask = 10.5, .bid_size = 9, .ask_size = 3}};
using Values = std::vector<std::optional<double>>;

Values OfiOf(const OrderFlowImbalance::Options& options) {
  KernelProbe<OrderFlowImbalance> ofi(options);
  Values values;
  for (const auto& quote : kQuotes) values.push_back(ofi.Update(quote));
  return values;
}

TEST(OrderFlowImbalance, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<OrderFlowImbalance>({.window = 0}), "ofi: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(Refusal<OrderFlowImbalance>({.window = 1, .min_periods = 2}),
            "ofi: option 'min_periods' must be at most the window of 1 rows, found 2.");
}

TEST(OrderFlowImbalance, FollowsTheDefinition) {
  // Bid +3 and ask -3; a better bid counts all of its size; a worse one loses the old; a better ask counts all of its
  // size.
  EXPECT_EQ(OfiOf({}), (Values{std::nullopt, 6, 2, -2, -3}));
}

TEST(OrderFlowImbalance, SumsTheLastChanges) {
  EXPECT_EQ(OfiOf({.window = 2}), (Values{std::nullopt, std::nullopt, 8, 0, -5}));
  EXPECT_EQ(OfiOf({.window = 2, .min_periods = 1}), (Values{std::nullopt, 6, 8, 0, -5}));
  EXPECT_EQ(OfiOf({.window = 4}), (Values{std::nullopt, std::nullopt, std::nullopt, std::nullopt, 3}));
}

TEST(OrderFlowImbalance, SkipsNegativeSizes) {
  KernelProbe<OrderFlowImbalance> ofi;
  ofi.Update(kQuotes[0]);
  EXPECT_EQ(ofi.Update({.bid = 10, .ask = 11, .bid_size = -1, .ask_size = 4}), std::nullopt);
  EXPECT_EQ(ofi.Update({.bid = 10, .ask = 11, .bid_size = 8, .ask_size = -1}), std::nullopt);
  EXPECT_EQ(ofi.Update(kQuotes[1]), 6.0);
}

TEST(OrderFlowImbalance, ComputesCrossedBooks) {
  KernelProbe<OrderFlowImbalance> ofi;
  ofi.Update({.bid = 12, .ask = 11, .bid_size = 5, .ask_size = 7});
  EXPECT_EQ(ofi.Update({.bid = 12, .ask = 11, .bid_size = 6, .ask_size = 7}), 1.0);
}

struct Row {
  double price = 0;
  double volume = 0;
  double side = 0;
};

struct Bucketing {
  std::vector<std::optional<double>> vpin;
  std::vector<std::optional<int64_t>> buckets;
};

Bucketing VpinOf(const Vpin::Options& options, const std::vector<Row>& rows) {
  KernelProbe<Vpin> probe(options);
  Bucketing found;
  for (const auto& row : rows) {
    const auto outputs = probe.Update({.price = row.price, .volume = row.volume, .side = row.side});
    found.vpin.push_back(Shown(outputs.vpin));
    found.buckets.push_back(outputs.buckets);
  }
  return found;
}

constexpr auto kSide = Vpin::Classify::kSide;
constexpr auto kBvc = Vpin::Classify::kBvc;

TEST(Vpin, RefusesWrongOptions) {
  EXPECT_EQ(Refusal<Vpin>({.bucket_volume = 0}), "vpin: option 'bucket_volume' must be > 0 and finite, found 0.");
  EXPECT_EQ(Refusal<Vpin>({.bucket_volume = INFINITY}),
            "vpin: option 'bucket_volume' must be > 0 and finite, found inf.");
  EXPECT_EQ(Refusal<Vpin>({.n_buckets = 0}), "vpin: option 'n_buckets' must be in [1, 16777216], found 0.");
  EXPECT_EQ(ParseOptions<Vpin::Options>("vpin", {{"classify", std::string("tick")}}).status().message(),
            "vpin: option 'classify' must be 'bvc' or 'side', found 'tick'.");
}

TEST(Vpin, ReadsPriceOrSide) {
  EXPECT_TRUE(Vpin::Needs({.classify = kBvc}, "price"));
  EXPECT_FALSE(Vpin::Needs({.classify = kBvc}, "side"));
  EXPECT_FALSE(Vpin::Needs({.classify = kSide}, "price"));
  EXPECT_TRUE(Vpin::Needs({.classify = kSide}, "side"));
  EXPECT_TRUE(Vpin::Needs({.classify = kSide}, "volume"));
}

TEST(Vpin, TakesOddRowsAsMissing) {
  EXPECT_FALSE(Vpin::Valid({.classify = kBvc}, {.price = 1, .volume = -1}));
  EXPECT_TRUE(Vpin::Valid({.classify = kBvc}, {.price = -1, .volume = 0}));
  EXPECT_FALSE(Vpin::Valid({.classify = kSide}, {.volume = 1, .side = 0}));
  EXPECT_FALSE(Vpin::Valid({.classify = kSide}, {.volume = 1, .side = 0.5}));
  EXPECT_FALSE(Vpin::Valid({.classify = kSide}, {.volume = -1, .side = 1}));
  EXPECT_TRUE(Vpin::Valid({.classify = kSide}, {.volume = 1, .side = -1}));
}

TEST(Vpin, FillsBucketsBySide) {
  // 6 bought, 4 sold | 4 sold, 6 bought | 10 sold | 10 sold | 5 sold: imbalances 2, 2, 10, 10.
  const auto found = VpinOf(
      {.bucket_volume = 10, .n_buckets = 2, .classify = kSide},
      {{.volume = 6, .side = 1}, {.volume = 8, .side = -1}, {.volume = 6, .side = 1}, {.volume = 25, .side = -1}});
  EXPECT_EQ(found.vpin, (Values{std::nullopt, std::nullopt, 0.2, 1.0}));
  EXPECT_EQ(found.buckets, (std::vector<std::optional<int64_t>>{0, 1, 2, 4}));
}

TEST(Vpin, SplitsVolumeByTheNormalProbabilityOfTheChange) {
  // Changes 1 (alone: all bought), 0 (half), -1 (all changes deviate by 1: Phi(-1)); a bucket a row.
  const auto found =
      VpinOf({.bucket_volume = 10, .n_buckets = 1}, {{.price = 100, .volume = 999},  // Sets the price only.
                                                     {.price = 101, .volume = 10},
                                                     {.price = 101, .volume = 10},
                                                     {.price = 100, .volume = 10}});
  EXPECT_EQ(found.buckets, (std::vector<std::optional<int64_t>>{0, 1, 2, 3}));
  EXPECT_EQ(found.vpin[0], std::nullopt);
  EXPECT_EQ(found.vpin[1], 1.0);
  EXPECT_EQ(found.vpin[2], 0.0);
  EXPECT_NEAR(found.vpin[3].value(), 1 - 2 * 0.15865525393145705, 1e-15);
}

TEST(Vpin, SplitsVolumeBySignWhileAllChangesAreEqual) {
  const auto up = VpinOf({.bucket_volume = 10, .n_buckets = 1},
                         {{.price = 100}, {.price = 100.5, .volume = 4}, {.price = 101, .volume = 6}});
  EXPECT_EQ(up.vpin[2], 1.0);
  const auto level = VpinOf({.bucket_volume = 10, .n_buckets = 1},
                            {{.price = 100}, {.price = 100, .volume = 4}, {.price = 100, .volume = 6}});
  EXPECT_EQ(level.vpin[2], 0.0);
  const auto down = VpinOf({.bucket_volume = 10, .n_buckets = 1}, {{.price = 100}, {.price = 99, .volume = 10}});
  EXPECT_EQ(down.vpin[1], 1.0);  // All sold.
}

TEST(Vpin, ARowWithoutVolumeMovesThePrice) {
  const auto found = VpinOf({.bucket_volume = 10, .n_buckets = 1},
                            {{.price = 100}, {.price = 110, .volume = 0}, {.price = 109, .volume = 10}});
  EXPECT_EQ(found.buckets[1], 0);
  const double z = -1 / std::sqrt(60.5);  // Changes 10 and -1: variance 60.5.
  EXPECT_NEAR(found.vpin[2].value(), std::abs(std::erfc(-z / std::sqrt(2.0)) - 1), 1e-15);
}

TEST(Vpin, ARowWithoutVolumeFillsNothing) {  // Even where rounding has left no room: 2^-54 + (1 - 2^-53) rounds to 1.
  const auto found =
      VpinOf({.bucket_volume = 1, .n_buckets = 1, .classify = kSide}, {{.volume = 0x1p-54, .side = 1},
                                                                       {.volume = 1 - 0x1p-53, .side = 1},
                                                                       {.volume = 0, .side = 1},
                                                                       {.volume = 0.5, .side = 1}});
  EXPECT_EQ(found.buckets, (std::vector<std::optional<int64_t>>{0, 0, 0, 1}));
}

TEST(Vpin, KeepsItsValueWhileABucketFills) {
  const auto found = VpinOf({.bucket_volume = 10, .n_buckets = 1, .classify = kSide},
                            {{.volume = 10, .side = 1}, {.volume = 9, .side = -1}, {.volume = 1, .side = 1}});
  EXPECT_EQ(found.vpin, (Values{1.0, 1.0, 0.8}));
}

// Whole units of volume, one by one: every V of them are a bucket.
TEST(Vpin, ABucketIsTheNextUnitsOfVolume) {
  constexpr int64_t kVolume = 10, kBuckets = 3;
  std::mt19937_64 random(1);
  KernelProbe<Vpin> vpin({.bucket_volume = kVolume, .n_buckets = kBuckets, .classify = kSide});
  std::vector<int> units, imbalances;
  for (int row = 0; row < 2000; ++row) {
    const auto volume = static_cast<int>(random() % (row % 50 == 0 ? 200 : 12));
    const int side = random() % 2 == 0 ? 1 : -1;
    for (int unit = 0; unit < volume; ++unit) {
      units.push_back(side);
      if (units.size() < kVolume) continue;
      int net = 0;
      for (const int one : units) net += one;
      imbalances.push_back(std::abs(net));
      units.clear();
    }
    const auto found = vpin.Update({.volume = static_cast<double>(volume), .side = static_cast<double>(side)});
    ASSERT_EQ(found.buckets, static_cast<int64_t>(imbalances.size())) << row;
    if (imbalances.size() < kBuckets) {
      ASSERT_EQ(Shown(found.vpin), std::nullopt);
    } else {
      int sum = 0;
      for (std::size_t last = 1; last <= kBuckets; ++last) sum += imbalances[imbalances.size() - last];
      ASSERT_EQ(found.vpin, static_cast<double>(sum) / (kBuckets * kVolume)) << row;
    }
  }
}

TEST(Vpin, CountsBucketsWithoutALoop) {
  const auto found = VpinOf({.bucket_volume = 10, .n_buckets = 2, .classify = kSide},
                            {{.volume = 3, .side = 1}, {.volume = 1e15, .side = -1}, {.volume = 7, .side = 1}});
  EXPECT_EQ(found.buckets, (std::vector<std::optional<int64_t>>{0, 100'000'000'000'000, 100'000'000'000'001}));
  EXPECT_EQ(found.vpin, (Values{std::nullopt, 1.0, (10 + 4) / 20.0}));  // The open bucket held 3 sold.
}

TEST(Vpin, TheCountIsNullWhereItNoLongerFits) {
  const auto found = VpinOf({.bucket_volume = 1, .n_buckets = 1, .classify = kSide},
                            {{.volume = 1e300, .side = 1}, {.volume = 2, .side = 1}});
  EXPECT_EQ(found.buckets, (std::vector<std::optional<int64_t>>{std::nullopt, std::nullopt}));
  EXPECT_EQ(found.vpin, (Values{1.0, 1.0}));
}

TEST(Vpin, GoesByTheSignOnceTheDeviationOverflowed) {
  const auto found =
      VpinOf({.bucket_volume = 2, .n_buckets = 1},
             {{.price = -1e308}, {.price = 1e308, .volume = 2}, {.price = 1, .volume = 1}, {.price = 2, .volume = 1}});
  EXPECT_EQ(found.vpin, (Values{std::nullopt, 1.0, 1.0, 0.0}));  // One sold, one bought.
}

TEST(Vpin, StaysWithinZeroAndOne) {
  std::mt19937_64 random(2);
  KernelProbe<Vpin> vpin({.bucket_volume = 0.3, .n_buckets = 3, .classify = kSide});
  for (int row = 0; row < 10'000; ++row) {
    const auto found =
        vpin.Update({.volume = static_cast<double>(random() % 100) / 70, .side = row % 1000 < 900 ? 1.0 : -1.0});
    if (!std::isfinite(found.vpin)) continue;
    ASSERT_GE(found.vpin, 0);
    ASSERT_LE(found.vpin, 1);
  }
}

TEST(SignedVolume, IsNullForOddRows) {
  KernelProbe<SignedVolume> signed_volume;
  EXPECT_EQ(signed_volume.Update({.side = 2, .volume = 5}), std::nullopt);
  EXPECT_EQ(signed_volume.Update({.side = 0.5, .volume = 5}), std::nullopt);
  EXPECT_EQ(signed_volume.Update({.side = 1, .volume = -5}), std::nullopt);
}

TEST(SignedVolume, FollowsTheDefinition) {
  KernelProbe<SignedVolume> signed_volume;
  EXPECT_EQ(signed_volume.Update({.side = 1, .volume = 5}), 5.0);
  EXPECT_EQ(signed_volume.Update({.side = -1, .volume = 5}), -5.0);
  EXPECT_EQ(signed_volume.Update({.side = 0, .volume = 5}), 0.0);
}

TEST(SignedVolume, IsNeverMinusZero) {
  KernelProbe<SignedVolume> signed_volume;
  for (const double side : {-1.0, -0.0, 0.0, 1.0}) {
    for (const double volume : {0.0, -0.0}) {
      EXPECT_FALSE(std::signbit(signed_volume.Update({.side = side, .volume = volume}).value())) << side;
    }
  }
  EXPECT_FALSE(std::signbit(signed_volume.Update({.side = -0.0, .volume = 5}).value()));
}

}  // namespace
}  // namespace sabot::kernels
