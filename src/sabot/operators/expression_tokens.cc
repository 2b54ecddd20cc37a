#include <arrow/util/utf8.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sabot/data/errors.h"
#include "sabot/operators/expression_tokens_internal.h"

namespace sabot::operators {
namespace {

constexpr std::array<std::string_view, 13> kReserved = {"and",   "or",   "not",   "is",   "in",  "null", "true",
                                                        "false", "True", "False", "None", "nan", "inf"};
// Longest first.
constexpr std::array<std::string_view, 19> kSymbols = {"**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "<",
                                                       ">",  "(",  ")",  "[",  "]",  ",", "=", ".", ":"};

struct Mistake {
  std::string_view symbol, hint;
};
constexpr std::array<Mistake, 8> kMistakes = {{{"&&", "write `and`"},
                                               {"&", "write `and`"},
                                               {"||", "write `or`"},
                                               {"|", "write `or`"},
                                               {"~", "write `not`"},
                                               {"!", "write `not`, or != for unequal"},
                                               {"%", "there is no remainder; quotient(a, b) divides integers"},
                                               {"^", "write ** for a power"}}};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// As UTF-8.
void AppendCodePoint(uint32_t point, std::string& text) {
  if (point < 0x80) {
    text += static_cast<char>(point);
    return;
  }
  const int following = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  text += static_cast<char>((0xFF00 >> (following + 1) & 0xFF) | (point >> (6 * following)));
  for (int left = following - 1; left >= 0; --left) text += static_cast<char>(0x80 | (point >> (6 * left) & 0x3F));
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  arrow::Result<std::vector<Token>> ReadAll() {
    std::vector<Token> tokens;
    for (;;) {
      while (at_ < text_.size() &&
             (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
        ++at_;
      }
      Token token;
      token.begin = at_;
      if (at_ < text_.size()) ARROW_RETURN_NOT_OK(Read(token));
      token.end = at_;
      token.text = text_.substr(token.begin, at_ - token.begin);
      tokens.push_back(std::move(token));
      if (tokens.back().kind == TokenKind::kEnd) return tokens;
    }
  }

 private:
  char Peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  arrow::Status Read(Token& token) {
    const char first = Peek();
    if (IsLetter(first)) {
      token.kind = TokenKind::kName;
      while (IsLetter(Peek()) || IsDigit(Peek())) ++at_;
      return arrow::Status::OK();
    }
    if (IsDigit(first) || (first == '.' && IsDigit(Peek(1)))) return ReadNumber(token);
    if (first == '"' || first == '\'') return ReadString(token);
    for (const auto symbol : kSymbols) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      token.kind = TokenKind::kSymbol;
      at_ += symbol.size();
      return arrow::Status::OK();
    }
    for (const auto& mistake : kMistakes) {
      if (!text_.substr(at_).starts_with(mistake.symbol)) continue;
      return ErrorAt(text_, at_, "found '" + std::string(mistake.symbol) + "'; " + std::string(mistake.hint) + ".");
    }
    std::size_t end = at_ + 1;
    while (end < text_.size() && IsContinuation(text_[end])) ++end;
    const bool control = static_cast<unsigned char>(first) < 0x20 || first == 0x7F;
    return ErrorAt(
        text_, at_,
        (control ? "found a control character" : "found '" + std::string(text_.substr(at_, end - at_)) + "'") +
            ", which means nothing here. Write a column of another name as col(\"...\").");
  }

  void Digits(std::string& digits) {
    while (IsDigit(Peek()) || (Peek() == '_' && IsDigit(Peek(1)))) {
      if (Peek() != '_') digits += Peek();
      ++at_;
    }
  }

  arrow::Status ReadNumber(Token& token) {
    std::string digits;
    token.kind = TokenKind::kInteger;
    Digits(digits);
    if (Peek() == '.') {
      token.kind = TokenKind::kFloat;
      digits += '.';
      ++at_;
      Digits(digits);
    }
    if (Peek() == 'e' || Peek() == 'E') {
      const std::size_t sign = Peek(1) == '+' || Peek(1) == '-' ? 1 : 0;
      if (IsDigit(Peek(1 + sign))) {
        token.kind = TokenKind::kFloat;
        digits += 'e';
        if (Peek(1) == '-') digits += '-';
        at_ += 1 + sign;
        Digits(digits);
      }
    }
    if (IsLetter(Peek())) {
      return ErrorAt(text_, token.begin,
                     "found a number that runs into a name. Write a space, or an operator, between.");
    }
    const char* const begin = digits.data();
    const char* const end = begin + digits.size();
    if (token.kind == TokenKind::kFloat) {
      const auto error = std::from_chars(begin, end, token.number).ec;
      if (error == std::errc{}) return arrow::Status::OK();
      return ErrorAt(text_, token.begin, "the number does not fit float64.");
    }
    const auto error = std::from_chars(begin, end, token.integer).ec;
    if (error == std::errc{} && token.integer <= uint64_t{1} << 63) return arrow::Status::OK();
    return ErrorAt(text_, token.begin, "the integer does not fit int64. Write it with a point for a float64.");
  }

  arrow::Status ReadString(Token& token) {
    token.kind = TokenKind::kString;
    const char quote = Peek();
    ++at_;
    while (at_ < text_.size()) {
      const char next = text_[at_++];
      if (next == quote) return arrow::Status::OK();
      if (next != '\\') {
        token.string += next;
        continue;
      }
      ARROW_RETURN_NOT_OK(ReadEscape(token.string));
    }
    return ErrorAt(text_, token.begin, std::string("a string begins here and does not end: ") + quote + " is missing.");
  }

  arrow::Status ReadEscape(std::string& text) {
    constexpr std::string_view kEscapes = "\\\\''\"\"n\nr\rt\t";
    const char escape = Peek();
    for (std::size_t known = 0; known < kEscapes.size(); known += 2) {
      if (escape != kEscapes[known]) continue;
      text += kEscapes[known + 1];
      ++at_;
      return arrow::Status::OK();
    }
    const std::size_t digits = escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
    uint32_t point = 0;
    for (std::size_t digit = 1; digit <= digits; ++digit) {
      const int value = HexDigit(Peek(digit));
      if (value < 0) return BadEscape();
      point = point * 16 + static_cast<uint32_t>(value);
    }
    if (digits == 0 || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return BadEscape();
    AppendCodePoint(point, text);
    at_ += 1 + digits;
    return arrow::Status::OK();
  }

  arrow::Status BadEscape() const {
    return ErrorAt(text_, at_ - 1,
                   "found an unknown escape. Known are \\\\ \\' \\\" \\n \\r \\t \\x41 \\u0041 \\U00000041.");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

arrow::Result<std::vector<Token>> Tokenize(std::string_view text) {
  if (text.size() > kExpressionTextMax) {
    return data::OptionError("the expression has " + std::to_string(text.size()) + " bytes, at most " +
                             std::to_string(kExpressionTextMax) + " are read.");
  }
  arrow::util::InitializeUTF8();
  if (!arrow::util::ValidateUTF8(text)) return data::OptionError("the expression is no valid UTF-8.");
  return Reader(text).ReadAll();
}

arrow::Status ErrorAt(std::string_view text, std::size_t offset, const std::string& what) {
  constexpr std::size_t kShownMax = 100;  // Bytes before and after.
  offset = std::min(offset, text.size());
  std::size_t begin = offset, end = offset;
  while (begin > 0 && text[begin - 1] != '\n' && offset - begin < kShownMax) --begin;
  while (end < text.size() && text[end] != '\n' && end - offset < kShownMax) ++end;
  while (begin < offset && IsContinuation(text[begin])) ++begin;
  while (end < text.size() && end > offset && IsContinuation(text[end])) --end;
  const auto clean = [](std::string_view part) {
    std::string shown(part);
    std::replace_if(shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return shown;
  };
  const auto column =
      std::count_if(text.begin() + static_cast<std::ptrdiff_t>(begin),
                    text.begin() + static_cast<std::ptrdiff_t>(offset), [](char c) { return !IsContinuation(c); });
  return data::OptionError("expression: " + what + "\n  " + clean(text.substr(begin, end - begin)) + "\n  " +
                           std::string(static_cast<std::size_t>(column), ' ') + "^");
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && IsLetter(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsLetter(c) || IsDigit(c); }) &&
         std::find(kReserved.begin(), kReserved.end(), name) == kReserved.end();
}

std::string QuotedText(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (c == '\r') {
      quoted += "\\r";
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += {'\\', 'x', kHex[byte / 16], kHex[byte % 16]};
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace sabot::operators
