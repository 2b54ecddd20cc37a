#include "sabot/connectors/xml_text_internal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace sabot::connectors::internal {
namespace {

bool IsCharacter(uint32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code < 0xD800 || (code >= 0xE000 && code < 0xFFFE) || (code >= 0x10000 && code < 0x110000);
}

}  // namespace

int64_t XmlCharacterBytes(const unsigned char* at, const unsigned char* end) {
  if (*at < 0x80) return IsCharacter(*at) ? 1 : 0;
  const int64_t bytes = *at < 0xC2 ? 0 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : *at < 0xF5 ? 4 : 0;
  uint32_t code = *at & (0x7FU >> bytes);
  for (int64_t byte = 1; byte < bytes; ++byte) {
    if (at + byte == end) return bytes;
    if ((at[byte] & 0xC0) != 0x80) return 0;
    code = code << 6 | (at[byte] & 0x3FU);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  return code >= kLeast[static_cast<std::size_t>(bytes)] && IsCharacter(code) ? bytes : 0;
}

std::optional<uint32_t> XmlReferenced(std::string_view reference) {
  if (reference == "lt") return '<';
  if (reference == "gt") return '>';
  if (reference == "amp") return '&';
  if (reference == "quot") return '"';
  if (reference == "apos") return '\'';
  if (!reference.starts_with('#')) return std::nullopt;
  const bool hex = reference.starts_with("#x");
  const std::string_view digits = reference.substr(hex ? 2 : 1);
  uint32_t code = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), code, hex ? 16 : 10);
  if (error != std::errc() || end != digits.end() || !IsCharacter(code)) return std::nullopt;
  return code;
}

void AppendUtf8(uint32_t code, std::string* to) {
  const auto append = [to](uint32_t byte) { to->push_back(static_cast<char>(byte)); };
  if (code < 0x80) return append(code);
  if (code < 0x800) {
    append(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      append(0xE0 | code >> 12);
    } else {
      append(0xF0 | code >> 18);
      append(0x80 | (code >> 12 & 0x3F));
    }
    append(0x80 | (code >> 6 & 0x3F));
  }
  append(0x80 | (code & 0x3F));
}

void AppendDecodedXml(std::string_view text, bool references, std::string* to) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = std::min(text.find_first_of(references ? "&\r" : "\r", at), text.size());
    to->append(text, at, stop - at);
    at = stop;
    if (at == text.size()) break;
    if (text[at] == '\r') {
      to->push_back('\n');
      at += text.substr(at).starts_with("\r\n") ? 2 : 1;
      continue;
    }
    const std::size_t end = std::min(text.find(';', at), text.size());
    const auto code = XmlReferenced(text.substr(at + 1, end - at - 1));
    if (code.has_value()) AppendUtf8(*code, to);
    at = std::min(end + 1, text.size());
  }
}

}  // namespace sabot::connectors::internal
