#include "sabot/backtest/session_clock.h"

#include <algorithm>

#include "sabot/backtest/tick.h"

namespace sabot::backtest {

SessionClock::Change SessionClock::Advance(int64_t now) {
  const int64_t date = DateOf(now);
  const bool first = date_ == std::numeric_limits<int64_t>::min();
  const int64_t midnight = date * kDayNs;
  const int64_t time = now - midnight;
  Change change{.date = !first && date != date_};
  date_ = date;
  next_change_ = midnight > kNever - kDayNs ? kNever : midnight + kDayNs;
  if (!market_.has_sessions()) {
    interval_ = 0;
    return change;
  }
  const int64_t before = interval_;
  interval_ = -1;
  for (std::size_t i = 0; i < market_.continuous.size(); ++i) {
    const auto& [begin, end] = market_.continuous[i];
    if (time >= begin && time < end) interval_ = static_cast<int64_t>(i);
    for (const int64_t edge : {begin, end}) {
      if (edge > time) next_change_ = std::min(next_change_, midnight + edge);
    }
  }
  change.session_end = before >= 0 && (change.date || interval_ != before);
  flatten_due_ = market_.flatten && time >= *market_.flatten;
  if (market_.flatten && *market_.flatten > time) next_change_ = std::min(next_change_, midnight + *market_.flatten);
  return change;
}

}  // namespace sabot::backtest
