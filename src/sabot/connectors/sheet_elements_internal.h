// The elements of a worksheet, one token after another: which are its own, and what went wrong.
#pragma once

#include <arrow/status.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/connectors/xml_scanner_internal.h"
#include "sabot/connectors/zip_archive_internal.h"

namespace sabot::connectors::internal {

inline constexpr std::size_t kXmlDepthMax = 256;

// Part of a text, in quotes.
inline std::string Quoted(std::string_view text) { return "'" + std::string(text.substr(0, 40)) + "'"; }

// What returns a bool says whether it went well; else stopped() says why not: kMore or kBad, and then status().
class SheetElements {
 public:
  explicit SheetElements(ZipPart& part) : scanner_(part) {}

  XmlScanner& scanner() { return scanner_; }
  const XmlScanner& scanner() const { return scanner_; }

  // Of the root: its prefixes of the namespace of worksheets. Later ones must mean the same, so that they need not be
  // looked up.
  void TakeNamespaces();
  bool DeclaresNothingNew();
  // Without its prefix, if it is a name of worksheets; else empty.
  std::string_view SheetName(std::string_view name) const;

  // Whether the token is one.
  bool Expect(XmlToken token);
  bool Fail(std::string found);
  // <name> ... what did not belong.
  bool Unknown(std::string_view where) {
    return Fail("<" + Shown() + "> stands " + std::string(where) + ", where it is not known");
  }
  // The name of the tag, for a message.
  std::string Shown() const { return std::string(scanner_.name().substr(0, 40)); }

  // What began, to its end.
  bool Skip();
  // The text up to the end of element `name`, which began.
  bool TextUntilEnd(std::string_view name, std::string_view* text);

  // A text of this row that is not as it was written.
  std::string& NewText(std::string_view begin = {}) { return decoded_.emplace_back(begin); }
  std::string_view Decoded(std::string_view value);
  void ForgetTexts() { decoded_.clear(); }

  XmlToken stopped() const { return stopped_; }
  const arrow::Status& status() const { return status_.ok() ? scanner_.status() : status_; }

 private:
  XmlScanner scanner_;
  std::vector<std::string> prefixes_;
  XmlToken stopped_ = XmlToken::kMore;
  arrow::Status status_;
  std::deque<std::string> decoded_;
  std::vector<std::string_view> skipped_;
};

}  // namespace sabot::connectors::internal
