#include "sabot/backtest/equity_samples.h"

namespace sabot::backtest {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMinuteNs = 60 * kSecondNs;
constexpr int64_t kHourNs = 60 * kMinuteNs;

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// The first multiple of an interval after a time, at which a sample was due: at `due`, a multiple too, or from the
// beginning.
int64_t Next(int64_t due, int64_t timestamp, int64_t interval) {
  int64_t next = 0;
  const bool due_is_multiple = due > std::numeric_limits<int64_t>::min();
  if (due_is_multiple && !__builtin_add_overflow(due, interval, &next) && timestamp < next) return next;
  const int64_t past = ((timestamp % interval) + interval) % interval;
  return __builtin_add_overflow(timestamp - past, interval, &next) ? kNever : next;
}

}  // namespace

EquitySamples::EquitySamples(std::optional<int64_t> interval_ns)
    : interval_ns_(interval_ns.value_or(kSecondNs)), undecided_(!interval_ns) {
  if (interval_ns_ == 0) next_ = kNever;
}

bool EquitySamples::IsLong(int64_t timestamp) const {  // The whole range of times is more than an int64 spans.
  return static_cast<uint64_t>(timestamp) - static_cast<uint64_t>(first_) >= static_cast<uint64_t>(kHourNs);
}

void EquitySamples::Decide(int64_t interval_ns) {
  for (const Held& held : held_) {
    if (held.begins_minute || interval_ns == kSecondNs) rows_.push_back(held.row);
  }
  held_ = {};
  interval_ns_ = interval_ns;
  undecided_ = false;
}

void EquitySamples::Add(const EquityRow& row) {
  if (!undecided_) {
    rows_.push_back(row);
    next_ = Next(next_, row.timestamp, interval_ns_);
    return;
  }
  // The first tick of a minute is the first of its second as well, so no sample of a minute is missing here.
  const bool begins_minute = row.timestamp >= next_minute_;
  if (begins_minute) {
    if (next_minute_ == std::numeric_limits<int64_t>::min()) first_ = row.timestamp;
    next_minute_ = Next(next_minute_, row.timestamp, kMinuteNs);
  }
  held_.push_back({row, begins_minute});
  if (IsLong(row.timestamp)) Decide(kMinuteNs);
  next_ = undecided_ ? Next(next_, row.timestamp, kSecondNs) : next_minute_;
}

void EquitySamples::Finish(const EquityRow& row) {
  if (interval_ns_ == 0) return;
  if (undecided_) Decide(IsLong(row.timestamp) ? kMinuteNs : kSecondNs);
  rows_.push_back(row);
}

}  // namespace sabot::backtest
