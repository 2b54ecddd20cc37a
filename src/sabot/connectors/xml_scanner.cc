#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "sabot/connectors/xml_scanner_internal.h"
#include "sabot/connectors/xml_text_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {
namespace {

constexpr std::size_t kAttributesMax = 256;

constexpr uint8_t kNameStart = 1;
constexpr uint8_t kName = 2;
constexpr uint8_t kSpace = 4;
constexpr uint8_t kTextStop = 8;    // Where a text may end, or is not what it says.
constexpr uint8_t kValueStop = 16;  // The same of an attribute's value.

constexpr auto kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (int letter = 0; letter < 256; ++letter) {
    const bool alphabetic = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_';
    const bool digit = letter >= '0' && letter <= '9';
    uint8_t& bits = classes[static_cast<std::size_t>(letter)];
    if (alphabetic) bits |= kNameStart;
    if (alphabetic || digit || letter == '.' || letter == '-' || letter == ':') bits |= kName;
    if (letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r') bits |= kSpace;
    if (letter == 0 || letter == '<' || letter == '&' || letter == '\r' || letter == ']') bits |= kTextStop;
    if (letter == 0 || letter == '<' || letter == '&' || letter == '"' || letter == '\'') bits |= kValueStop;
  }
  return classes;
}();

bool Is(uint8_t kind, char letter) { return (kClasses[static_cast<uint8_t>(letter)] & kind) != 0; }

const char* SkipSpace(const char* at) {
  while (Is(kSpace, *at)) ++at;
  return at;
}

const char* NameEnd(const char* at) {
  while (Is(kName, *at)) ++at;
  return at;
}

std::string Hex(unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

// As it may be shown: its beginning.
std::string Shown(std::string_view text) { return "'" + std::string(text.substr(0, 40)) + "'"; }

}  // namespace

XmlScanner::XmlScanner(ZipPart& part) : part_(&part), buffer_(1) { mark_ = at_ = end_ = buffer_.data(); }

void XmlScanner::AppendDecoded(std::string* to) const { AppendDecodedXml(text_, !cdata_, to); }

XmlToken XmlScanner::Bad(const char* at, std::string found) {
  status_ = data::DataError(std::move(found) + " (at byte " + std::to_string(Position(at)) +
                            " of its XML). It is damaged, or no program for workbooks wrote it.");
  return XmlToken::kBad;
}

XmlToken XmlScanner::Next() {
  for (;;) {
    const char* const at = at_;
    if (*at != '<') return Text(at);
    if (Is(kNameStart, at[1])) return Tag(at);
    if (at[1] == '/') return EndTag(at);
    if (at + 1 == end_) return XmlToken::kMore;
    if (const auto token = Other(at); token.has_value()) return *token;
  }
}

XmlToken XmlScanner::Text(const char* at) {
  const char* const begin = at;
  cdata_ = false;
  plain_ = true;
  for (;; ++at) {
    while (!Is(kTextStop, *at)) ++at;
    if (*at == '<') break;
    if (at == end_) {
      if (!input_ended_ || at == begin) return XmlToken::kMore;
      break;
    }
    if (*at == ']') {
      if (Rest(at).starts_with("]]>")) return Bad(at, "']]>' stands in a text");
      continue;
    }
    plain_ = false;
    if (*at != '&') continue;
    const char* const end = ReferenceEnd(at);
    if (end == nullptr) return XmlToken::kBad;
    if (end == end_) return XmlToken::kMore;
    at = end - 1;
  }
  text_ = {begin, static_cast<std::size_t>(at - begin)};
  at_ = at;
  return XmlToken::kText;
}

const char* XmlScanner::ReferenceEnd(const char* at) {
  const char* end = at + 1;
  if (*end == '#') ++end;
  end = NameEnd(end);
  if (end == end_) return end_;
  if (*end != ';' || !XmlReferenced({at + 1, end}).has_value()) {
    Bad(at, Shown({at, end + (*end == ';' ? 1 : 0)}) + " is no reference that XML knows");
    return nullptr;
  }
  // A semicolon that ends the buffer ends the reference too; it is only scanned once more.
  return end + 1;
}

XmlToken XmlScanner::Tag(const char* at) {
  const char* const begin = at;
  at = NameEnd(begin + 1);
  name_ = {begin + 1, at};
  attributes_.clear();
  for (;;) {
    const char* const before = at;
    at = SkipSpace(at);
    if (*at == '>') {
      at_ = at + 1;
      return XmlToken::kStart;
    }
    if (at == end_) return XmlToken::kMore;
    if (*at == '/') {
      if (at[1] == '>') {
        at_ = at + 2;
        return XmlToken::kEmpty;
      }
      if (at + 1 == end_) return XmlToken::kMore;
    }
    if (at == before || !Is(kNameStart, *at)) return Bad(at, "tag <" + std::string(name_) + "> is malformed");
    const char* const name_end = NameEnd(at);
    const std::string_view name{at, name_end};
    at = SkipSpace(name_end);
    if (at == end_) return XmlToken::kMore;
    const bool assigned = *at == '=';
    if (assigned) at = SkipSpace(at + 1);
    if (at == end_) return XmlToken::kMore;
    const char quote = *at;
    if (!assigned || (quote != '"' && quote != '\'')) {
      return Bad(at,
                 "attribute '" + std::string(name) + "' of tag <" + std::string(name_) + "> has no value in quotes");
    }
    const char* const value = ++at;
    for (;;) {
      while (!Is(kValueStop, *at)) ++at;
      if (*at == quote) break;
      if (at == end_) return XmlToken::kMore;
      if (*at == '<') return Bad(at, "'<' stands in attribute '" + std::string(name) + "'");
      if (*at == '&') {
        at = ReferenceEnd(at);
        if (at == nullptr) return XmlToken::kBad;
        if (at == end_) return XmlToken::kMore;
      } else {
        ++at;  // The other quote.
      }
    }
    for (const XmlAttribute& other : attributes_) {
      if (other.name == name) {
        return Bad(at, "attribute '" + std::string(name) + "' stands twice in tag <" + std::string(name_) + ">");
      }
    }
    if (attributes_.size() == kAttributesMax)
      return Bad(at, "tag <" + std::string(name_) + "> has too many attributes");
    attributes_.push_back({.name = name, .value = {value, at}});
    ++at;
  }
}

XmlToken XmlScanner::EndTag(const char* at) {
  const char* const begin = at + 2;
  const char* const name_end = NameEnd(begin);
  at = SkipSpace(name_end);
  if (at == end_) return XmlToken::kMore;
  if (*at != '>' || !Is(kNameStart, *begin)) return Bad(begin, "an end tag is malformed");
  name_ = {begin, name_end};
  at_ = at + 1;
  return XmlToken::kEnd;
}

std::optional<XmlToken> XmlScanner::Other(const char* at) {
  constexpr std::string_view kComment = "<!--";
  constexpr std::string_view kCdata = "<![CDATA[";
  constexpr std::string_view kDocumentType = "<!DOCTYPE";
  if (at[1] == '?') return Instruction(at);
  const std::string_view rest = Rest(at);
  if (rest.starts_with(kComment)) {
    const std::size_t dashes = rest.find("--", kComment.size());
    if (dashes == std::string_view::npos || dashes + 2 == rest.size()) return XmlToken::kMore;
    if (rest[dashes + 2] != '>') return Bad(at + dashes, "'--' stands in a comment");
    at_ = at + dashes + 3;
    return std::nullopt;
  }
  if (rest.starts_with(kCdata)) {
    const std::size_t end = rest.find("]]>", kCdata.size());
    if (end == std::string_view::npos) return XmlToken::kMore;
    text_ = rest.substr(kCdata.size(), end - kCdata.size());
    cdata_ = true;
    plain_ = text_.find('\r') == std::string_view::npos;
    at_ = at + end + 3;
    return XmlToken::kText;
  }
  if (kComment.starts_with(rest) || kCdata.starts_with(rest) || kDocumentType.starts_with(rest)) return XmlToken::kMore;
  if (rest.starts_with(kDocumentType)) return Bad(at, "it has a document type, which parts of workbooks may not have");
  return Bad(at, "'<' begins no tag");
}

std::optional<XmlToken> XmlScanner::Instruction(const char* at) {
  const std::string_view rest = Rest(at);
  const std::size_t end = rest.find("?>", 2);
  if (end == std::string_view::npos) return XmlToken::kMore;
  const char* const target_end = NameEnd(at + 2);
  const std::string_view target{at + 2, target_end};
  if (!Is(kNameStart, at[2]) || (target_end != at + end && !Is(kSpace, *target_end))) {
    return Bad(at, "a processing instruction is malformed");
  }
  const bool reserved =
      target.size() == 3 && (target[0] | 32) == 'x' && (target[1] | 32) == 'm' && (target[2] | 32) == 'l';
  if (reserved && (target != "xml" || Position(at) != begin_position_)) {
    return Bad(at, "an XML declaration stands within the document");
  }
  if (reserved && !Declares({target_end, at + end})) {
    return Bad(at,
               "its XML declaration is " + Shown(rest.substr(0, end + 2)) + "; what can be read is XML 1.0 in UTF-8");
  }
  at_ = at + end + 2;
  return std::nullopt;
}

// Whether ` version="1.0" encoding="UTF-8" standalone="yes"`, of which the latter two may be missing, is what we read.
bool XmlScanner::Declares(std::string_view declaration) {
  constexpr std::array<std::string_view, 3> kNames = {"version", "encoding", "standalone"};
  const auto skip_space = [&declaration] {
    const std::size_t size = declaration.size();
    while (!declaration.empty() && Is(kSpace, declaration[0])) declaration.remove_prefix(1);
    return size != declaration.size();
  };
  for (std::size_t name = 0; name < kNames.size(); ++name) {
    const bool spaced = skip_space();
    if (!declaration.starts_with(kNames[name])) {
      if (name == 0) return false;
      continue;
    }
    if (!spaced) return false;
    declaration.remove_prefix(kNames[name].size());
    skip_space();
    if (!declaration.starts_with('=')) return false;
    declaration.remove_prefix(1);
    skip_space();
    if (declaration.empty() || (declaration[0] != '"' && declaration[0] != '\'')) return false;
    const std::size_t end = declaration.find(declaration[0], 1);
    if (end == std::string_view::npos) return false;
    std::string value(declaration.substr(1, end - 1));
    declaration.remove_prefix(end + 1);
    if (name == 0 && value != "1.0") return false;
    if (name == 2 && value != "yes" && value != "no") return false;
    for (char& letter : value) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 32) : letter;
    if (name == 1 && value != "utf-8") return false;
  }
  skip_space();
  return declaration.empty();
}

arrow::Result<bool> XmlScanner::Refill() {
  if (input_ended_) {
    if (mark_ == end_) return false;
    return data::DataError("it ends in the middle (after byte " + std::to_string(Position(end_)) +
                           " of its XML). Copy the file again, or save it again.");
  }
  ARROW_RETURN_NOT_OK(bad_character_);
  const auto kept = static_cast<std::size_t>(end_ - mark_);
  if (kept >= static_cast<std::size_t>(kMarkedBytesMax)) {
    return data::DataError("a row, a tag or a text is longer than " + std::to_string(kMarkedBytesMax >> 20) + " MiB");
  }
  buffer_position_ = Position(mark_);
  std::memmove(buffer_.data(), mark_, kept);
  if (buffer_.size() < 2 * kept + kBufferBytes / 2) {
    buffer_.resize(static_cast<std::size_t>(
        std::clamp(static_cast<int64_t>(2 * kept), kBufferBytes, kMarkedBytesMax + kBufferBytes)));
  }
  const std::size_t begin = kept + incomplete_.size();
  std::copy(incomplete_.begin(), incomplete_.end(), buffer_.data() + kept);
  mark_ = at_ = buffer_.data();
  const auto room = static_cast<int64_t>(buffer_.size() - begin - 1);
  ARROW_ASSIGN_OR_RAISE(const int64_t read, part_->Read(buffer_.data() + begin, room));
  const bool first = bytes_read_ == 0;
  bytes_read_ += read;
  end_ = buffer_.data() + begin + read;
  const char* from = buffer_.data() + kept;
  if (read == 0) {
    if (!incomplete_.empty()) return data::DataError("it ends in the middle of a character");
    input_ended_ = true;
  }
  if (first && read > 0) {
    const std::string_view text = Rest(from);
    if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE") || text.starts_with(std::string_view("<\0", 2)) ||
        text.starts_with(std::string_view("\0<", 2))) {
      return data::DataError(
          "its XML is in UTF-16; what can be read is UTF-8. Save it again with Excel or LibreOffice.");
    }
    if (text.starts_with("\xEF\xBB\xBF")) {
      from += 3;
      begin_position_ = 3;
      mark_ = at_ = from;
    }
  }
  CheckCharacters(from);
  buffer_[static_cast<std::size_t>(end_ - buffer_.data())] = '\0';
  return !input_ended_ || mark_ != end_;
}

// Of what was read, from `from` on. Moves end_ in front of what is none, or not there as a whole.
void XmlScanner::CheckCharacters(const char* from) {
  incomplete_.clear();
  unsigned char bits = 0;
  unsigned char control = 0;
  for (const char letter : Rest(from)) {  // Plain enough to become vectors; most of it is ASCII.
    const auto byte = static_cast<unsigned char>(letter);
    bits |= byte;
    control |= static_cast<unsigned char>((byte < 0x20) & (byte != '\t') & (byte != '\n') & (byte != '\r'));
  }
  if (bits < 0x80 && control == 0) return;
  const auto* at = reinterpret_cast<const unsigned char*>(from);
  const auto* const end = reinterpret_cast<const unsigned char*>(end_);
  int64_t bytes = 1;
  for (; at != end; at += bytes) {
    bytes = XmlCharacterBytes(at, end);
    if (bytes == 0 || bytes > end - at) break;
  }
  end_ = reinterpret_cast<const char*>(at);
  if (at == end) return;
  if (bytes == 0) {
    bad_character_ = data::DataError("byte " + Hex(*at) + " is no character of XML in UTF-8 (at byte " +
                                     std::to_string(Position(end_)) +
                                     " of its XML). It is damaged, or no program for workbooks wrote it.");
  } else {
    incomplete_.assign(end_, static_cast<std::size_t>(end - at));
  }
}

}  // namespace sabot::connectors::internal
