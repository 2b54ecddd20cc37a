// The words of the text form of expressions.
#pragma once

#include <arrow/result.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::operators {

enum class TokenKind { kEnd, kInteger, kFloat, kString, kName, kSymbol };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::size_t begin = 0;  // Bytes of the text.
  std::size_t end = 0;
  std::string_view text;   // As it stands.
  std::string string;      // Of a string, without quotes and escapes.
  uint64_t integer = 0;    // At most 2^63.
  double number = 0;       // Of a float.

  bool Is(std::string_view word) const {
    return (kind == TokenKind::kName || kind == TokenKind::kSymbol) && text == word;
  }
};

// All of them, with one kEnd last. Error (kOption): something that is no word.
arrow::Result<std::vector<Token>> Tokenize(std::string_view text);

// An error (kOption) about a place of the text: what is wrong, then the line with a caret below.
arrow::Status ErrorAt(std::string_view text, std::size_t offset, const std::string& what);

// Whether a name stands for itself: a column of that name needs no quotes.
bool IsPlainName(std::string_view name);
// In double quotes, as Tokenize reads it.
std::string QuotedText(std::string_view text);

inline constexpr std::size_t kExpressionTextMax = std::size_t{1} << 20;

}  // namespace sabot::operators
