#include <algorithm>
#include <array>
#include <utility>

#include "sabot/connectors/sheet_elements_internal.h"
#include "sabot/connectors/xml_text_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {
namespace {

constexpr std::array<std::string_view, 2> kNamespaces = {"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                                                         "http://purl.oclc.org/ooxml/spreadsheetml/main"};

bool IsNamespace(std::string_view name) { return std::ranges::find(kNamespaces, name) != kNamespaces.end(); }

bool Declares(std::string_view attribute) { return attribute == "xmlns" || attribute.starts_with("xmlns:"); }

// The prefix that an attribute declares; empty, if it is none.
std::string_view Declared(std::string_view attribute) {
  return attribute.substr(std::min<std::size_t>(attribute.size(), 6));
}

}  // namespace

void SheetElements::TakeNamespaces() {
  for (const XmlAttribute& attribute : scanner_.attributes()) {
    if (Declares(attribute.name) && IsNamespace(Decoded(attribute.value))) {
      prefixes_.emplace_back(Declared(attribute.name));
    }
  }
}

bool SheetElements::DeclaresNothingNew() {
  for (const XmlAttribute& attribute : scanner_.attributes()) {
    if (!Declares(attribute.name)) continue;
    const bool known = std::ranges::find(prefixes_, Declared(attribute.name)) != prefixes_.end();
    if (known != IsNamespace(Decoded(attribute.value))) {
      return Fail("the namespace of worksheets changes its prefix in <" + Shown() + ">");
    }
  }
  return true;
}

std::string_view SheetElements::SheetName(std::string_view name) const {
  std::size_t colon = 0;
  while (colon < name.size() && name[colon] != ':') ++colon;
  const bool prefixed = colon < name.size();
  const std::string_view prefix = name.substr(0, prefixed ? colon : 0);
  for (const std::string& known : prefixes_) {
    if (known == prefix) return name.substr(prefixed ? colon + 1 : 0);
  }
  return {};
}

bool SheetElements::Expect(XmlToken token) {
  stopped_ = token;
  return token != XmlToken::kMore && token != XmlToken::kBad;
}

bool SheetElements::Fail(std::string found) {
  status_ = data::DataError(std::move(found) + ". It is damaged, or no program for workbooks wrote it.");
  stopped_ = XmlToken::kBad;
  return false;
}

bool SheetElements::Skip() {
  skipped_.assign(1, scanner_.name());
  while (!skipped_.empty()) {
    const XmlToken token = scanner_.Next();
    if (!Expect(token)) return false;
    if (token == XmlToken::kStart) {
      if (skipped_.size() == kXmlDepthMax) return Fail("its XML is nested deeper than " + std::to_string(kXmlDepthMax));
      skipped_.push_back(scanner_.name());
    } else if (token == XmlToken::kEnd) {
      if (skipped_.back() != scanner_.name()) {
        return Fail("</" + Shown() + "> ends what did not begin");
      }
      skipped_.pop_back();
    }
  }
  return true;
}

bool SheetElements::TextUntilEnd(std::string_view name, std::string_view* text) {
  std::string* joined = nullptr;
  for (;;) {
    const XmlToken token = scanner_.Next();
    if (token == XmlToken::kText) {
      if (text->empty() && scanner_.plain()) {
        *text = scanner_.text();
        continue;
      }
      if (joined == nullptr) joined = &decoded_.emplace_back(*text);
      scanner_.AppendDecoded(joined);
      *text = *joined;
    } else if (token == XmlToken::kEnd) {
      return scanner_.name() == name || Fail("a value ends with </" + Shown() + ">");
    } else if (!Expect(token)) {
      return false;
    } else {
      return Fail("<" + Shown() + "> stands in a value");
    }
  }
}

std::string_view SheetElements::Decoded(std::string_view value) {
  if (value.find('&') == std::string_view::npos) return value;
  AppendDecodedXml(value, /*references=*/true, &decoded_.emplace_back());
  return decoded_.back();
}

}  // namespace sabot::connectors::internal
