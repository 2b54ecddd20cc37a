#include "sabot/backtest/session.h"

#include <gtest/gtest.h>

#include "sabot/backtest/session_clock.h"
#include "sabot/backtest/tick.h"

namespace sabot::backtest {
namespace {

constexpr int64_t kMinuteNs = 60'000'000'000;

int64_t At(int64_t date, int64_t hours, int64_t minutes) { return date * kDayNs + (hours * 60 + minutes) * kMinuteNs; }

TEST(Session, NamesTheMarketsThatThereAre) {
  const auto unknown = FindMarket("adz");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.status().message().find("'adz'"), std::string::npos);
  EXPECT_NE(unknown.status().message().find("'adx'"), std::string::npos);
}

TEST(Session, ReadsTimesOfTheDay) {
  EXPECT_EQ(ParseTimeOfDay("10:05").ValueOrDie(), 605 * kMinuteNs);
  EXPECT_EQ(ParseTimeOfDay("10:05:30").ValueOrDie(), 605 * kMinuteNs + kMinuteNs / 2);
  EXPECT_EQ(ParseTimeOfDay("24:00").ValueOrDie(), kDayNs);
  for (const auto* wrong :
       {"", "9:00", "10:60", "10-05", "24:01", "10:05:", "-1:00", "ab:cd", "10:05:61", "10:05.30"}) {
    EXPECT_FALSE(ParseTimeOfDay(wrong).ok()) << wrong;
  }
}

TEST(Session, WritesItsHours) {
  EXPECT_EQ(HoursText(FindMarket("continuous").ValueOrDie()), "");
  EXPECT_EQ(HoursText(FindMarket("adx").ValueOrDie()), "10:05-14:45");
  EXPECT_EQ(HoursText({.continuous = {{0, 605 * kMinuteNs}, {720 * kMinuteNs + kMinuteNs / 2, kDayNs}}}),
            "00:00-10:05, 12:00:30-24:00");
}

TEST(Session, RefusesIntervalsThatOverlap) {
  EXPECT_FALSE(CheckMarket({.name = "x", .continuous = {{0, 10}, {9, 20}}}).ok());
  EXPECT_FALSE(CheckMarket({.name = "x", .continuous = {{10, 10}}}).ok());
  EXPECT_FALSE(CheckMarket({.name = "x", .continuous = {{0, kDayNs + 1}}}).ok());
  EXPECT_FALSE(CheckMarket({.name = "x", .flatten = 10}).ok());
  EXPECT_TRUE(CheckMarket({.name = "x", .continuous = {{0, 10}, {10, 20}}, .flatten = 15}).ok());
  const Interval day{.begin = 600 * kMinuteNs, .end = 840 * kMinuteNs};
  EXPECT_TRUE(CheckMarket({.name = "x", .continuous = {day}, .flatten = day.end + 1}).ok());
  EXPECT_TRUE(CheckMarket({.name = "x", .continuous = {day}, .flatten = day.begin + 1}).ok());
  EXPECT_FALSE(CheckMarket({.name = "x", .continuous = {day}, .flatten = day.begin}).ok());
  EXPECT_EQ(CheckMarket({.name = "x", .continuous = {day}, .flatten = 540 * kMinuteNs}).message(),
            "market 'x': flatten is 09:00; expected a time after the first continuous interval begins, 10:00: from "
            "flatten on the strategy is done for the date.");
}

TEST(SessionClock, IsClosedAtTheStartAndOpenAtTheEnd) {
  SessionClock clock(FindMarket("adx").ValueOrDie());
  const auto open_at = [&](int64_t hours, int64_t minutes) {
    if (clock.Changes(At(3, hours, minutes))) clock.Advance(At(3, hours, minutes));
    return clock.open();
  };
  EXPECT_FALSE(open_at(9, 30));
  EXPECT_FALSE(open_at(10, 4));
  EXPECT_TRUE(open_at(10, 5));
  EXPECT_TRUE(open_at(14, 44));
  EXPECT_FALSE(open_at(14, 45));
  EXPECT_FALSE(clock.flatten_due());
  EXPECT_FALSE(open_at(14, 55));
  EXPECT_TRUE(clock.flatten_due());
}

TEST(SessionClock, TellsWhatLiesBetweenTwoTicks) {
  SessionClock clock({.name = "two", .continuous = {{At(0, 9, 0), At(0, 12, 0)}, {At(0, 13, 0), At(0, 16, 0)}}});
  EXPECT_FALSE(clock.Advance(At(3, 10, 0)).date);
  const auto lunch_without_ticks = clock.Advance(At(3, 13, 30));
  EXPECT_TRUE(lunch_without_ticks.session_end);
  EXPECT_FALSE(lunch_without_ticks.date);
  const auto night_without_ticks = clock.Advance(At(4, 9, 30));
  EXPECT_TRUE(night_without_ticks.session_end);
  EXPECT_TRUE(night_without_ticks.date);
  EXPECT_TRUE(clock.open());
}

TEST(SessionClock, DatesBeforeTheEpochAreWhole) {
  EXPECT_EQ(DateOf(-1), -1);
  EXPECT_EQ(DateOf(-kDayNs), -1);
  EXPECT_EQ(DateOf(-kDayNs - 1), -2);
  EXPECT_EQ(DateOf(kDayNs), 1);
}

}  // namespace
}  // namespace sabot::backtest
