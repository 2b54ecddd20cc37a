#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "sabot/backtest/csv_line_internal.h"
#include "sabot/backtest/tick.h"

namespace sabot::backtest::internal {
namespace {

// With leading zeros up to `digits`.
void AppendPadded(std::string& text, int64_t value, int digits) {
  char buffer[20];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  text.append(static_cast<std::size_t>(std::max<int64_t>(digits - (end - buffer), 0)), '0');
  text.append(buffer, end);
}

}  // namespace

void CsvLines::Begin() {
  if (in_line_) text_ += ',';
  in_line_ = true;
}

CsvLines& CsvLines::Time(int64_t timestamp) {
  Begin();
  const int64_t date = DateOf(timestamp);
  const int64_t past = timestamp % kDayNs + (timestamp % kDayNs < 0 ? kDayNs : 0);  // Midnight; never out of range.
  const int64_t second = past / 1'000'000'000;
  const std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::days{date}}};
  AppendPadded(text_, static_cast<int>(day.year()), 4);
  text_ += '-';
  AppendPadded(text_, static_cast<unsigned>(day.month()), 2);
  text_ += '-';
  AppendPadded(text_, static_cast<unsigned>(day.day()), 2);
  text_ += 'T';
  AppendPadded(text_, second / 3600, 2);
  text_ += ':';
  AppendPadded(text_, second / 60 % 60, 2);
  text_ += ':';
  AppendPadded(text_, second % 60, 2);
  text_ += '.';
  AppendPadded(text_, past - second * 1'000'000'000, 9);
  return *this;
}

CsvLines& CsvLines::Number(double value) {
  Begin();
  if (!std::isfinite(value)) return *this;
  char buffer[32];
  text_.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  return *this;
}

CsvLines& CsvLines::Integer(int64_t value) {
  Begin();
  AppendPadded(text_, value, 1);
  return *this;
}

CsvLines& CsvLines::Text(std::string_view text) {
  Begin();
  std::string line(text);
  std::replace_if(line.begin(), line.end(), [](char letter) { return letter == '\n' || letter == '\r'; }, ' ');
  if (line.find_first_of("\",") == std::string::npos) {
    text_ += line;
    return *this;
  }
  text_ += '"';
  for (const char letter : line) text_.append(letter == '"' ? 2 : 1, letter);
  text_ += '"';
  return *this;
}

CsvLines& CsvLines::Empty() {
  Begin();
  return *this;
}

void CsvLines::End() {
  text_ += '\n';
  in_line_ = false;
}

}  // namespace sabot::backtest::internal
