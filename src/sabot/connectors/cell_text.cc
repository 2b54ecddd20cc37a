#include <charconv>
#include <system_error>

#include "sabot/connectors/cell_text_internal.h"

namespace sabot::connectors::internal {
namespace {

bool IsSpace(char letter) { return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r'; }
bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

}  // namespace

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<int64_t> WholeNumber(std::string_view text, int64_t max) {
  if (text.empty()) return std::nullopt;
  int64_t number = 0;
  for (const char digit : text) {
    if (!IsDigit(digit)) return std::nullopt;
    number = number * 10 + (digit - '0');
    if (number > max) return std::nullopt;
  }
  return number;
}

std::optional<CellReference> ParseCellReference(std::string_view text) {
  CellReference reference;
  std::size_t letters = 0;
  for (; letters < text.size() && !IsDigit(text[letters]); ++letters) {
    const char letter = static_cast<char>(text[letters] & ~('a' - 'A'));
    if (letter < 'A' || letter > 'Z') return std::nullopt;
    reference.column = reference.column * 26 + (letter - 'A' + 1);
    if (reference.column > kSheetColumnsMax) return std::nullopt;
  }
  const auto row = WholeNumber(text.substr(letters), kSheetRowsMax);
  if (letters == 0 || row.value_or(0) == 0) return std::nullopt;
  --reference.column;
  reference.row = *row;
  return reference;
}

bool ParseCellNumber(std::string_view text, double* number) {
  const bool plus = text.starts_with('+');  // Which from_chars does not take, as it takes
  const std::string_view digits = text.substr(plus || text.starts_with('-') ? 1 : 0);
  if (plus) text = digits;
  if (digits.empty() || (!IsDigit(digits[0]) && digits[0] != '.')) return false;  // `inf`.
  const auto [end, error] = std::from_chars(text.begin(), text.end(), *number);
  return error == std::errc() && end == text.end();
}

}  // namespace sabot::connectors::internal
