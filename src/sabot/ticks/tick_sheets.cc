#include "sabot/ticks/tick_sheets.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>

#include "sabot/ticks/tick_values.h"

namespace sabot::ticks {
namespace {

bool IsLetter(char letter) { return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z'); }
bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

// ADNOCGAS of "ADNOCGAS UH Equity".
std::optional<std::string_view> OfTicker(std::string_view name) {
  constexpr std::string_view kEquity = " equity";
  constexpr std::size_t kCode = 3;  // " UH"
  if (name.size() <= kEquity.size() + kCode) return std::nullopt;
  if (!SameInLowerCase(name.substr(name.size() - kEquity.size()), kEquity)) return std::nullopt;
  name.remove_suffix(kEquity.size());
  const std::string_view code = name.substr(name.size() - kCode);
  if (code[0] != ' ' || !IsLetter(code[1]) || !IsLetter(code[2])) return std::nullopt;
  const std::string_view security = WithoutBlanks(name.substr(0, name.size() - kCode));
  return security.empty() ? std::nullopt : std::optional(security);
}

// "X" of "X 2", "X (2)", "X_2".
std::optional<std::string_view> WithoutNumber(std::string_view name) {
  const bool in_brackets = name.ends_with(')');
  if (in_brackets) name.remove_suffix(1);
  std::size_t digits = 0;
  while (digits < name.size() && IsDigit(name[name.size() - 1 - digits])) ++digits;
  if (digits == 0 || digits > 4) return std::nullopt;
  const std::string_view number = name.substr(name.size() - digits);
  if (number[0] == '0' || number == "1") return std::nullopt;
  name.remove_suffix(digits);
  const std::string_view open = in_brackets ? "(" : name.ends_with('_') ? "_" : " ";
  if (!name.ends_with(open)) return std::nullopt;
  name.remove_suffix(1);
  name = WithoutBlanks(name);
  return name.empty() ? std::nullopt : std::optional(name);
}

}  // namespace

std::vector<SecuritySheets> SecuritiesOf(const std::vector<std::string>& sheets) {
  std::vector<std::string> names;  // In lower case, without blanks around them.
  for (const std::string& sheet : sheets) names.push_back(LowerCase(WithoutBlanks(sheet)));
  std::vector<SecuritySheets> found;
  std::map<std::string, std::size_t> by_name;      // Of the first sheet, to its place in `found`.
  std::map<std::string, std::size_t> by_security;  // In lower case.
  for (std::size_t sheet = 0; sheet < sheets.size(); ++sheet) {
    std::string_view name = WithoutBlanks(sheets[sheet]);
    if (const auto shorter = WithoutNumber(name)) {
      const bool follows = std::ranges::find(names, LowerCase(*shorter)) != names.end();
      if (follows || OfTicker(*shorter)) name = *shorter;
    }
    const auto position = static_cast<int>(sheet);
    if (const auto known = by_name.find(LowerCase(name)); known != by_name.end()) {
      found[known->second].sheets.push_back(position);
      continue;
    }
    by_name.emplace(LowerCase(name), found.size());
    const std::string security(OfTicker(name).value_or(name));
    const auto [other, is_new] = by_security.emplace(LowerCase(security), found.size());
    std::string clash;
    if (!is_new) {
      const auto first = static_cast<std::size_t>(found[other->second].sheets.front());
      clash = "its security " + security + " is that of sheet '" + sheets[first] +
              "', too. Rename one of them, or convert it from a workbook of its own";
    }
    found.push_back({.security = security, .name = LowerCase(name), .sheets = {position}, .clash = std::move(clash)});
  }
  return found;
}

}  // namespace sabot::ticks
