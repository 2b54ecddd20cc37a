#include "sabot/ticks/tick_times.h"

#include <array>
#include <cstddef>

namespace sabot::ticks {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

constexpr const char* kNoDate = "is no date: expected 2024-08-31 or 31/08/2024, with a time of day behind it";
constexpr const char* kNoTime = "has no time of day: expected 09:30:00, with up to nine digits behind the seconds";
constexpr const char* kZone = "has a time zone. Write the venue's wall time without one, or UTC with Z";
constexpr const char* kNoSuchDay = "is a day that the calendar has not";
constexpr const char* kNoSuchYear = "has a year that nanoseconds cannot say: expected 1678 to 2261";
constexpr const char* kMonthIs13 =
    "has a month above 12, read as day/month/year. Convert with day_first=False if it is "
    "month/day/year";
constexpr const char* kDayIs13 =
    "has a month above 12, read as month/day/year. Convert with day_first=True if it is "
    "day/month/year";
constexpr const char* kTwoDigitYear = "has a year of two digits. Write all four";
constexpr const char* kTimeBehindDate = "has a time of day, and another column has it, too";

TickTime Wrong(const char* why) { return {.nanoseconds = 0, .wrong = why}; }

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

// Reads a text from its beginning.
class Text {
 public:
  explicit Text(std::string_view rest) : rest_(rest) {
    SkipBlanks();
    while (!rest_.empty() && IsBlank(rest_.back())) rest_.remove_suffix(1);
  }

  bool at_end() const { return rest_.empty(); }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool Take(char letter) {
    if (front() != letter) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // In any case.
  bool TakeWord(std::string_view lower_case) {
    if (rest_.size() < lower_case.size()) return false;
    for (std::size_t at = 0; at < lower_case.size(); ++at) {
      if ((rest_[at] | 0x20) != lower_case[at]) return false;
    }
    rest_.remove_prefix(lower_case.size());
    return true;
  }
  // The number of digits, at most `digits_max`; 0 where there is none.
  int TakeNumber(int digits_max, int64_t* number) {
    int digits = 0;
    *number = 0;
    while (digits < digits_max && IsDigit(front())) {
      *number = *number * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
      ++digits;
    }
    return IsDigit(front()) ? 0 : digits;  // More of them are another number.
  }
  bool SkipBlanks() {
    const std::size_t before = rest_.size();
    while (!rest_.empty() && IsBlank(rest_.front())) rest_.remove_prefix(1);
    return rest_.size() < before;
  }

 private:
  static bool IsBlank(char letter) { return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n'; }

  std::string_view rest_;
};

constexpr bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

// Since 1970, in the Gregorian calendar, of years above 0.
constexpr int64_t DaysBefore(int64_t year) {
  const int64_t before = year - 1;
  return before * 365 + before / 4 - before / 100 + before / 400 - 719'162;
}
static_assert(DaysBefore(1970) == 0 && DaysBefore(2000) == 10'957);

TickTime DayOf(int64_t year, int64_t month, int64_t day) {
  constexpr std::array<int, 13> kBeforeMonth = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
  if (year < 1678 || year > 2261) return Wrong(kNoSuchYear);
  if (month < 1 || month > 12) return Wrong(kNoSuchDay);
  const auto at = static_cast<std::size_t>(month);
  const int64_t leap = IsLeap(year) ? 1 : 0;
  const int64_t in_month = kBeforeMonth[at] - kBeforeMonth[at - 1] + (month == 2 ? leap : 0);
  if (day < 1 || day > in_month) return Wrong(kNoSuchDay);
  const int64_t of_year = kBeforeMonth[at - 1] + (month > 2 ? leap : 0) + day - 1;
  return {.nanoseconds = (DaysBefore(year) + of_year) * kDay};
}

TickTime TakeDate(Text& text, bool day_first) {
  std::array<int64_t, 3> numbers{};
  std::array<int, 3> digits{};
  digits[0] = text.TakeNumber(4, &numbers[0]);
  const char separator = text.front();
  if (digits[0] == 0 || (separator != '-' && separator != '/' && separator != '.')) return Wrong(kNoDate);
  for (const std::size_t part : {1U, 2U}) {
    if (!text.Take(separator)) return Wrong(kNoDate);
    digits[part] = text.TakeNumber(4, &numbers[part]);
    if (digits[part] == 0) return Wrong(kNoDate);
  }
  if (digits[0] == 4 && digits[1] <= 2 && digits[2] <= 2) return DayOf(numbers[0], numbers[1], numbers[2]);
  if (digits[0] > 2 || digits[1] > 2) return Wrong(kNoDate);
  if (digits[2] <= 2) return Wrong(kTwoDigitYear);
  if (digits[2] != 4) return Wrong(kNoDate);
  const int64_t month = numbers[day_first ? 1 : 0];
  if (month > 12) return Wrong(day_first ? kMonthIs13 : kDayIs13);
  return DayOf(numbers[2], month, numbers[day_first ? 0 : 1]);
}

TickTime TakeTimeOfDay(Text& text) {
  constexpr std::array<int64_t, 10> kUnit = {kSecond, 100'000'000, 10'000'000, 1'000'000, 100'000,
                                             10'000,  1'000,       100,        10,        1};
  int64_t hours = 0;
  int64_t minutes = 0;
  int64_t seconds = 0;
  int64_t fraction = 0;
  if (text.TakeNumber(2, &hours) == 0 || !text.Take(':') || text.TakeNumber(2, &minutes) != 2) return Wrong(kNoTime);
  if (text.Take(':')) {
    if (text.TakeNumber(2, &seconds) != 2) return Wrong(kNoTime);
    if (text.Take('.') || text.Take(',')) {
      const int digits = text.TakeNumber(9, &fraction);
      if (digits == 0) return Wrong(kNoTime);
      fraction *= kUnit[static_cast<std::size_t>(digits)];
    }
  }
  text.SkipBlanks();
  const bool before_noon = text.TakeWord("am");
  const bool after_noon = !before_noon && text.TakeWord("pm");
  if (before_noon || after_noon) {
    if (hours < 1 || hours > 12) return Wrong(kNoTime);
    hours = hours % 12 + (after_noon ? 12 : 0);
  }
  if (hours > 23 || minutes > 59 || seconds > 59) return Wrong(kNoTime);
  return {.nanoseconds = ((hours * 60 + minutes) * 60 + seconds) * kSecond + fraction};
}

// What may stand behind a time of day: nothing, or that it is UTC.
TickTime TakeZone(Text& text, TickTime time) {
  if (text.at_end()) return time;
  if (text.TakeWord("z") && text.at_end()) return time;
  for (const std::string_view zero : {"+00:00", "-00:00", "+0000", "+00"}) {
    Text copy = text;
    bool same = true;
    for (const char letter : zero) same = same && copy.Take(letter);
    if (same && copy.at_end()) return time;
  }
  return Wrong(text.front() == '+' || text.front() == '-' ? kZone : kNoTime);
}

}  // namespace

TickTime ParseTickTime(std::string_view written, bool day_first) {
  Text text(written);
  const TickTime day = TakeDate(text, day_first);
  if (!day.ok() || text.at_end()) return day;
  if (!text.SkipBlanks() && !text.Take('T') && !text.Take('t')) return Wrong(kNoTime);
  TickTime time = TakeTimeOfDay(text);
  if (time.ok()) time = TakeZone(text, time);
  time.nanoseconds += day.nanoseconds;
  return time;
}

TickTime ParseTickDate(std::string_view written, bool day_first) {
  Text text(written);
  const TickTime day = TakeDate(text, day_first);
  if (!day.ok() || text.at_end()) return day;
  if (!text.SkipBlanks()) text.Take('T');
  const TickTime time = TakeTimeOfDay(text);
  if (!time.ok() || !text.at_end()) return Wrong(kNoDate);
  return time.nanoseconds == 0 ? day : Wrong(kTimeBehindDate);
}

TickTime ParseTimeOfDay(std::string_view written) {
  Text text(written);
  const TickTime time = TakeTimeOfDay(text);
  if (time.ok() && !text.at_end()) return Wrong(kNoTime);
  return time;
}

}  // namespace sabot::ticks
