// Lines of the CSV files that a backtest writes: the same bytes for the same values, everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sabot::backtest::internal {

// Builds lines, one behind the other.
class CsvLines {
 public:
  // Ten digits of date, nine of the second: 2024-08-08T09:30:00.000000000.
  CsvLines& Time(int64_t timestamp);
  // The shortest form that reads back equal; empty if it is not finite, which is how a missing value is kept.
  CsvLines& Number(double value);
  CsvLines& Integer(int64_t value);
  // In quotes where it needs them; line breaks are spaces.
  CsvLines& Text(std::string_view text);
  CsvLines& Empty();
  void End();

  const std::string& text() const { return text_; }
  void Clear() { text_.clear(); }

 private:
  void Begin();

  std::string text_;
  bool in_line_ = false;
};

}  // namespace sabot::backtest::internal
