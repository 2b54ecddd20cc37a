// The tags and texts of an XML document, one after another, in bounded memory: well-formed XML 1.0 in UTF-8 without a
// document type, and names in ASCII; all else is an error. Whether tags are balanced is for the caller to see.
//
// Text is not copied: what a token names lies in a buffer of what was read. The caller marks where something it needs
// as a whole begins. When the buffer ends before the thing does, Next says kMore, and after Refill it is scanned once
// more from the mark.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/connectors/zip_archive_internal.h"

namespace sabot::connectors::internal {

enum class XmlToken : uint8_t {
  kStart,
  kEmpty,  // <name/>: a start and an end.
  kEnd,
  kText,
  kMore,  // The buffer ended: call Refill, and scan again from the mark.
  kBad,   // status() says why.
};

// As written: its value may hold references.
struct XmlAttribute {
  std::string_view name;
  std::string_view value;
};

class XmlScanner {
 public:
  static constexpr int64_t kBufferBytes = int64_t{256} << 10;
  static constexpr int64_t kMarkedBytesMax = int64_t{16} << 20;

  explicit XmlScanner(ZipPart& part);

  // From here on all is kept until the next mark; views into what lies before are no longer valid.
  void Mark() { mark_ = at_; }
  XmlToken Next();
  // After kMore. False at the end of the document, if nothing is left. Error (kData): damage, a document that ends
  // within something, or more than kMarkedBytesMax since the mark.
  arrow::Result<bool> Refill();

  // Of a tag. What the views show stays until the next Mark or Refill.
  std::string_view name() const { return name_; }
  std::span<const XmlAttribute> attributes() const { return attributes_; }
  // Of a text. `plain`: it is what it says, and needs no Decoded.
  std::string_view text() const { return text_; }
  bool plain() const { return plain_; }
  // Appends the text with references resolved (not in CDATA) and line ends as \n.
  void AppendDecoded(std::string* to) const;

  // After kBad.
  const arrow::Status& status() const { return status_; }
  int64_t bytes_read() const { return bytes_read_; }

 private:
  XmlToken Bad(const char* at, std::string found);
  XmlToken Text(const char* at);
  XmlToken Tag(const char* at);
  XmlToken EndTag(const char* at);
  // <!... and <?...: a text for CDATA, nothing for what is to be passed over.
  std::optional<XmlToken> Other(const char* at);
  std::optional<XmlToken> Instruction(const char* at);
  bool Declares(std::string_view declaration);
  // Of the reference that begins at `at`; null and status() if it is none, end_ if the buffer ends before it does.
  const char* ReferenceEnd(const char* at);
  std::string_view Rest(const char* at) const { return {at, static_cast<std::size_t>(end_ - at)}; }
  int64_t Position(const char* at) const { return buffer_position_ + (at - buffer_.data()); }
  void CheckCharacters(const char* from);

  ZipPart* part_;
  std::vector<char> buffer_;  // What was read is followed by a NUL, which XML cannot have.
  const char* mark_;
  const char* at_;
  const char* end_;         // Where the NUL is.
  std::string incomplete_;  // The first bytes of a character that was not read to its end.
  arrow::Status bad_character_;  // At end_.
  bool input_ended_ = false;
  int64_t bytes_read_ = 0;
  int64_t buffer_position_ = 0;  // In the document, of what begins the buffer.
  int64_t begin_position_ = 0;   // Behind the byte order mark.

  std::string_view name_;
  std::vector<XmlAttribute> attributes_;
  std::string_view text_;
  bool plain_ = true;
  bool cdata_ = false;
  arrow::Status status_;
};

}  // namespace sabot::connectors::internal
