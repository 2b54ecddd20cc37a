// Single values of a tick: what they are read from, and whether they can be.
#pragma once

#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace sabot::ticks {

// Without branches, for loops over many.
inline bool IsPrice(double price) { return (price > 0) & (price <= std::numeric_limits<double>::max()); }
inline bool IsVolume(double volume) { return (volume >= 0) & (volume <= std::numeric_limits<double>::max()); }

inline std::string_view WithoutBlanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlanks);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// The number that a text is, with blanks around it.
inline std::optional<double> NumberOf(std::string_view text) {
  const std::string_view digits = WithoutBlanks(text);
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

inline std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
  return lower;
}

inline bool SameInLowerCase(std::string_view text, std::string_view lower_case) {
  if (text.size() != lower_case.size()) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if ((letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter) != lower_case[at]) return false;
  }
  return true;
}

// +1 of BUY, B, 1, +1; -1 of SELL, S, -1; 0 of nothing at all and of 0; nothing of anything else.
inline std::optional<int> SideOf(std::string_view text) {
  const std::string_view side = WithoutBlanks(text);
  if (side.empty() || side == "0") return 0;
  for (const std::string_view name : {"buy", "b", "1", "+1"}) {
    if (SameInLowerCase(side, name)) return 1;
  }
  for (const std::string_view name : {"sell", "s", "-1"}) {
    if (SameInLowerCase(side, name)) return -1;
  }
  return std::nullopt;
}

}  // namespace sabot::ticks
