#include "sabot/data/place.h"

#include <gtest/gtest.h>

namespace sabot::data {
namespace {

TEST(Place, ComparesTimeThenSourceThenOffset) {
  EXPECT_LT((Place{.time = 1, .source = 9, .offset = 9}), (Place{.time = 2, .source = 0, .offset = 0}));
  EXPECT_LT((Place{.time = 1, .source = 1, .offset = 9}), (Place{.time = 1, .source = 2, .offset = 0}));
  EXPECT_LT((Place{.time = 1, .source = 1, .offset = 1}), (Place{.time = 1, .source = 1, .offset = 2}));
  EXPECT_LT((Place{.time = INT64_MAX, .source = INT32_MAX, .offset = 5}), kEndPlace);
}

TEST(Places, WhereNobodyAskedThereAreNone) {
  EXPECT_EQ(Places().rows(), 0);
  EXPECT_EQ(Places().Slice(3, 5).rows(), 0);
  EXPECT_EQ(Places().Take(std::vector<int32_t>{1, 2})->rows(), 0);
}

TEST(Places, OfASourceCountUpAndAreSliced) {
  const int64_t times[] = {10, 10, 12, 13};
  const auto places = Places::OfSource(3, 100, 4, arrow::Buffer::Wrap(times, 4)).Slice(1, 3);
  ASSERT_EQ(places.rows(), 3);
  EXPECT_EQ(places.at(0), (Place{.time = 10, .source = 3, .offset = 101}));
  EXPECT_EQ(places.Slice(1, 2).at(1), (Place{.time = 13, .source = 3, .offset = 103}));
  EXPECT_EQ(places.at(0).ToString(), "offset 101 of source 3");
}

TEST(Places, AreTaken) {
  const std::vector<Place> rows = {{.time = 1, .source = 0, .offset = 7},
                                   {.time = 2, .source = 1, .offset = 3},
                                   {.time = 2, .source = 1, .offset = 4}};
  const auto mixed = *Places::Of(rows);
  const std::vector<int32_t> kept = {0, 2};
  EXPECT_EQ(mixed.Take(kept)->at(1), rows[2]);
  EXPECT_EQ(mixed.Slice(1, 2).Take(std::vector<int32_t>{1})->at(0), rows[2]);
  EXPECT_EQ(Places::OfSource(0, 50, 3).Take(kept)->at(1), (Place{.time = 0, .source = 0, .offset = 52}));
}

}  // namespace
}  // namespace sabot::data
