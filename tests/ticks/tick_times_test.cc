#include "sabot/ticks/tick_times.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace sabot::ticks {
namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr int64_t kSecond = 1'000'000'000;

// By the calendar of the standard library.
int64_t At(int year, unsigned month, unsigned day, int64_t seconds = 0, int64_t nanoseconds = 0) {
  const sys_days days = year_month_day(std::chrono::year(year), std::chrono::month(month), std::chrono::day(day));
  return (int64_t{days.time_since_epoch().count()} * 86'400 + seconds) * kSecond + nanoseconds;
}

std::string WhyNot(const std::string& text, bool day_first = true) {
  const TickTime time = ParseTickTime(text, day_first);
  return time.ok() ? "read as " + std::to_string(time.nanoseconds) : time.wrong;
}

void Expect(const std::string& text, int64_t nanoseconds, bool day_first = true) {
  const TickTime time = ParseTickTime(text, day_first);
  EXPECT_TRUE(time.ok()) << text << " " << time.wrong;
  EXPECT_EQ(time.nanoseconds, nanoseconds) << text;
}

TEST(TickTimes, SaysWhyATextIsNone) {
  for (const std::string text : {"", " ", "x", "12", "20240808", "2024-08", "2024-08/08", "12345-01-01", "08/008/2024",
                                 "2024-008-08", "8 Aug 2024", "-2024-08-08", "2024--08"}) {
    EXPECT_EQ(WhyNot(text), "is no date: expected 2024-08-31 or 31/08/2024, with a time of day behind it") << text;
  }
  for (const std::string text :
       {"2024-08-08 9", "2024-08-08 09:3", "2024-08-08 09:30:", "2024-08-08 09:30:0", "2024-08-08 24:00:00",
        "2024-08-08 09:60:00", "2024-08-08 09:30:60", "2024-08-08 09:30:00.", "2024-08-08 09:30:00.0123456789",
        "2024-08-08x09:30", "2024-08-08 009:30", "2024-08-08 09:30:00 x", "2024-08-08 13:30 PM", "2024-08-08 0:30 AM",
        "2024-08-08T09:30:00Zulu"}) {
    EXPECT_EQ(WhyNot(text), "has no time of day: expected 09:30:00, with up to nine digits behind the seconds") << text;
  }
  EXPECT_EQ(WhyNot("2024-08-08T09:30:00+04:00"),
            "has a time zone. Write the venue's wall time without one, or UTC with Z");
  EXPECT_EQ(WhyNot("08/08/24 09:30"), "has a year of two digits. Write all four");
}

TEST(TickTimes, KnowsTheCalendar) {
  for (const std::string text : {"2023-02-29", "29/02/2100", "2024-04-31", "2024-00-01", "2024-13-01", "2024-01-00",
                                 "00/01/2024", "32/01/2024"}) {
    EXPECT_EQ(WhyNot(text), "is a day that the calendar has not") << text;
  }
  EXPECT_EQ(WhyNot("1677-12-31"), "has a year that nanoseconds cannot say: expected 1678 to 2261");
  EXPECT_EQ(WhyNot("2262-01-01"), "has a year that nanoseconds cannot say: expected 1678 to 2261");
  for (int year = 1678; year <= 2261; year += 1) {
    for (unsigned month = 1; month <= 12; ++month) {
      const auto last = std::chrono::year(year) / std::chrono::month(month) / std::chrono::last;
      for (const unsigned day : {1U, static_cast<unsigned>(last.day())}) {
        const std::string text = std::to_string(year) + "-" + std::to_string(month) + "-" + std::to_string(day);
        ASSERT_EQ(ParseTickTime(text, true).nanoseconds, At(year, month, day)) << text;
      }
    }
  }
}

TEST(TickTimes, NeverGuessesWhichIsTheMonth) {
  Expect("03/04/2024", At(2024, 4, 3), true);
  Expect("03/04/2024", At(2024, 3, 4), false);
  Expect("31/12/2024", At(2024, 12, 31), true);
  EXPECT_EQ(WhyNot("12/31/2024", true),
            "has a month above 12, read as day/month/year. Convert with day_first=False if it is month/day/year");
  EXPECT_EQ(WhyNot("31/12/2024", false),
            "has a month above 12, read as month/day/year. Convert with day_first=True if it is day/month/year");
  Expect("2024-03-04", At(2024, 3, 4), true);
  Expect("2024/03/04", At(2024, 3, 4), false);
}

TEST(TickTimes, ReadsTheUsualForms) {
  const int64_t morning = 9 * 3600 + 30 * 60;
  Expect("2024-08-31T09:30:00", At(2024, 8, 31, morning));
  Expect("2024-08-31 09:30", At(2024, 8, 31, morning));
  Expect("  2024-08-31   9:30:05.25 ", At(2024, 8, 31, morning + 5, 250'000'000));
  Expect("2024-08-31T09:30:05,123456789Z", At(2024, 8, 31, morning + 5, 123'456'789));
  Expect("2024-08-31T09:30:05.000000001+00:00", At(2024, 8, 31, morning + 5, 1));
  Expect("31/08/2024 09:30:05.999999", At(2024, 8, 31, morning + 5, 999'999'000));
  Expect("31.8.2024 9:30", At(2024, 8, 31, morning));
  Expect("31-08-2024 9:30:00 AM", At(2024, 8, 31, morning));
  Expect("8/31/2024 9:30:00 pm", At(2024, 8, 31, morning + 12 * 3600), false);
  Expect("31/08/2024 12:00 AM", At(2024, 8, 31));
  Expect("31/08/2024 12:00 PM", At(2024, 8, 31, 12 * 3600));
  Expect("31/08/2024", At(2024, 8, 31));
  Expect("1969-12-31 23:59:59.999999999", -1);
}

TEST(TickTimes, ReadsDateAndTimeApart) {
  EXPECT_EQ(ParseTickDate("31/08/2024", true).nanoseconds, At(2024, 8, 31));
  EXPECT_EQ(ParseTickDate("2024-08-31 00:00:00", true).nanoseconds, At(2024, 8, 31));
  EXPECT_STREQ(ParseTickDate("2024-08-31 09:30", true).wrong, "has a time of day, and another column has it, too");
  EXPECT_FALSE(ParseTickDate("2024-08-31 x", true).ok());
  EXPECT_FALSE(ParseTickDate("2024-08-31 00:00 x", true).ok());
  EXPECT_EQ(ParseTimeOfDay("09:30:00.5").nanoseconds, (9 * 3600 + 30 * 60) * kSecond + kSecond / 2);
  EXPECT_EQ(ParseTimeOfDay(" 11:59 pm").nanoseconds, (23 * 3600 + 59 * 60) * kSecond);
  EXPECT_FALSE(ParseTimeOfDay("09:30:00 2024-08-31").ok());
  EXPECT_FALSE(ParseTimeOfDay("").ok());
}

}  // namespace
}  // namespace sabot::ticks
