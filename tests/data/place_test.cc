#include "sabot/data/place.h"

#include <gtest/gtest.h>

#include "sabot/data/errors.h"

namespace sabot::data {
namespace {

TEST(Place, ComparesTimeThenSourceThenOffset) {
  EXPECT_LT((Place{.time = 1, .source = 9, .offset = 9}), (Place{.time = 2, .source = 0, .offset = 0}));
  EXPECT_LT((Place{.time = 1, .source = 1, .offset = 9}), (Place{.time = 1, .source = 2, .offset = 0}));
  EXPECT_LT((Place{.time = 1, .source = 1, .offset = 1}), (Place{.time = 1, .source = 1, .offset = 2}));
  EXPECT_LT((Place{.time = INT64_MAX, .source = INT32_MAX, .offset = 5}), kEndPlace);
}

TEST(Place, WhatIsMadeOfARowComesBehindItAndBeforeTheNext) {
  const Place row{.time = 1, .source = 1, .offset = 1};
  const Place made{.time = 1, .source = 1, .offset = 1, .path = int64_t{3} << 32};
  const Place twice{.time = 1, .source = 1, .offset = 1, .path = (int64_t{3} << 32) + 2};
  EXPECT_LT(row, made);
  EXPECT_LT(made, twice);
  EXPECT_LT(twice, (Place{.time = 1, .source = 1, .offset = 2}));
  EXPECT_LT((Place{.time = INT64_MAX, .source = INT32_MAX, .offset = INT64_MAX, .path = 5}), kEndPlace);
  EXPECT_LT(kBeginPlace, (Place{.time = INT64_MIN, .source = INT32_MIN, .offset = INT64_MIN}));
  EXPECT_EQ(made.ToString(), "offset 1 of source 1, row 3 made of it");
  EXPECT_EQ(twice.ToString(), "offset 1 of source 1, row 3.2 made of it");
}

TEST(Places, OfRowsMadeOfRowsEndAtTheSecondOperatorAndAtWhatAPathCounts) {
  const Place row{.time = 7, .source = 2, .offset = 9};
  EXPECT_EQ(KindOf(Places::MadeOf(row, INT32_MAX, 1).status()), ErrorKind::kData);
  EXPECT_EQ(Places::MadeOf(row, INT32_MAX - 1, 1)->at(0).path, int64_t{INT32_MAX} << 32);
  const Place made = Places::MadeOf(row, 0, 1)->at(0);
  EXPECT_EQ(KindOf(Places::MadeOf(made, UINT32_MAX, 1).status()), ErrorKind::kData);
  const Place twice = Places::MadeOf(made, UINT32_MAX - 1, 1)->at(0);
  EXPECT_EQ(twice.path, (int64_t{1} << 32) + UINT32_MAX);
  const auto third = Places::MadeOf(twice, 0, 1).status();
  EXPECT_EQ(KindOf(third), ErrorKind::kData);
  EXPECT_NE(third.message().find("offset 9 of source 2"), std::string::npos) << third;
}

TEST(Places, OfRowsMadeOfARowCountUpBehindIt) {
  const Place row{.time = 7, .source = 2, .offset = 9};
  const auto places = *Places::MadeOf(row, 4, 3);
  ASSERT_EQ(places.rows(), 3);
  EXPECT_EQ(places.at(1), (Place{.time = 7, .source = 2, .offset = 9, .path = int64_t{6} << 32}));
  EXPECT_EQ(places.Slice(1, 2).at(1).path, int64_t{7} << 32);
  EXPECT_EQ(places.Take(std::vector<int32_t>{0, 2})->at(1).path, int64_t{7} << 32);
  const auto twice = *Places::MadeOf(places.at(0), 0, 2);
  EXPECT_LT(places.at(0), twice.at(0));
  EXPECT_LT(twice.at(1), places.at(1));
  EXPECT_EQ(Places::Of(std::vector<Place>{row, twice.at(0)})->at(1), twice.at(0));
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
