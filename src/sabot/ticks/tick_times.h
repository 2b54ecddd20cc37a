// The time of a tick as people write it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sabot::ticks {

// Nanoseconds since 1970 of wall time, or why there are none.
struct TickTime {
  int64_t nanoseconds = 0;
  const char* wrong = nullptr;  // The rest of a sentence that begins with the text; null where all is well.

  bool ok() const { return wrong == nullptr; }
};

// Of a date and time beside a column of dates.
inline constexpr const char* kOtherDate = "has another date than the column of dates";

// A date and a time of day: "2024-08-08 09:30:00.25", with 'T' for the blank and with 'Z' or '+00:00' behind it;
// "08/08/2024 09:30:00", also with '-' or '.' between the numbers, and with AM or PM behind it. Where the year stands
// last, the day stands first with `day_first`, else the month; that is never guessed. Seconds have up to nine digits
// behind the point, and may be missing; so may the time of day, which is midnight then. Years are those that
// nanoseconds can say, 1678 to 2261.
TickTime ParseTickTime(std::string_view text, bool day_first);

// Only the day of such a text, without a time of day.
TickTime ParseTickDate(std::string_view text, bool day_first);
// "09:30", "09:30:00.25", "9:30:00 PM": since midnight.
TickTime ParseTimeOfDay(std::string_view text);

}  // namespace sabot::ticks
