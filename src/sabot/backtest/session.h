// When a market trades continuously, and when a position has to be closed.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::backtest {

// Times of the day in ns since midnight, of the timestamps as they are. Closed at the start, open at the end.
struct Interval {
  int64_t begin = 0;
  int64_t end = 0;
};

struct Market {
  std::string name = "continuous";
  // Orders rest and fill in these, in their order. None: the market never closes; a date change is only reported.
  std::vector<Interval> continuous = {};
  std::optional<int64_t> flatten = std::nullopt;  // From then on the first trade of the date closes the position.

  bool has_sessions() const { return !continuous.empty(); }
};

// A preset by its name: `continuous`, or `adx` (Abu Dhabi and Dubai). Error (kOption): unknown, with those there are.
arrow::Result<Market> FindMarket(std::string_view name);
std::vector<std::string> MarketNames();

// "10:05" or "10:05:30" as ns since midnight; "24:00" is the end of the day. Error (kOption).
arrow::Result<int64_t> ParseTimeOfDay(std::string_view text);

// The same the other way: "10:05", "10:05:30".
std::string TimeOfDayText(int64_t ns);
// When it trades continuously: "09:30-12:00, 13:00-16:00"; empty where it never closes.
std::string HoursText(const Market& market);

// An own preset is usable. Error (kOption): intervals that are empty, overlap or leave the day; flatten outside it, or
// not after the first of them begins.
arrow::Status CheckMarket(const Market& market);

}  // namespace sabot::backtest
