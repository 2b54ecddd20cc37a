#include <expat.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "sabot/connectors/workbook_parts_internal.h"
#include "sabot/connectors/xml_text_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {
namespace {

constexpr int64_t kSmallPartBytesMax = int64_t{64} << 20;
constexpr int64_t kTokenBytesMax = int64_t{1} << 20;
constexpr int kReadBytes = 64 << 10;

std::string_view WithoutNamespace(std::string_view name) { return name.substr(name.rfind('|') + 1); }

// The attribute of that name, with a namespace or without one.
std::optional<std::string_view> Attribute(const char** attributes, std::string_view name, bool qualified = false) {
  for (; *attributes != nullptr; attributes += 2) {
    const std::string_view found = attributes[0];
    if (WithoutNamespace(found) == name && (found.size() != name.size()) == qualified) return attributes[1];
  }
  return std::nullopt;
}

}  // namespace

// What is told about a part while it is read.
class PartHandler {
 public:
  virtual ~PartHandler() = default;
  virtual void Start(std::string_view /*name*/, const char** /*attributes*/) {}
  virtual void End(std::string_view /*name*/) {}
  virtual void Text(std::string_view /*text*/) {}

  arrow::Status status;  // Not OK: reading ends.
};

namespace {

arrow::Status ReadPart(ZipArchive& archive, const std::string& name, int64_t bytes_max, PartHandler& handler) {
  ARROW_ASSIGN_OR_RAISE(const auto part, archive.OpenPart(name));
  const std::unique_ptr<XML_ParserStruct, decltype([](XML_Parser parser) { XML_ParserFree(parser); })> owner(
      XML_ParserCreateNS(nullptr, '|'));
  XML_Parser const parser = owner.get();
  if (parser == nullptr) return arrow::Status::OutOfMemory("no memory for an XML parser");
  struct Told {
    PartHandler* handler;
    XML_Parser parser;
    void StopIfBad() const {
      if (!handler->status.ok()) XML_StopParser(parser, XML_FALSE);
    }
  } told{&handler, parser};
  XML_SetUserData(parser, &told);
  XML_SetElementHandler(
      parser,
      [](void* to, const char* element, const char** attributes) {
        static_cast<Told*>(to)->handler->Start(WithoutNamespace(element), attributes);
        static_cast<Told*>(to)->StopIfBad();
      },
      [](void* to, const char* element) {
        static_cast<Told*>(to)->handler->End(WithoutNamespace(element));
        static_cast<Told*>(to)->StopIfBad();
      });
  XML_SetCharacterDataHandler(parser, [](void* to, const char* text, int bytes) {
    static_cast<Told*>(to)->handler->Text({text, static_cast<std::size_t>(bytes)});
    static_cast<Told*>(to)->StopIfBad();
  });
  XML_SetStartDoctypeDeclHandler(parser, [](void* to, const char*, const char*, const char*, int) {
    static_cast<Told*>(to)->handler->status =
        data::DataError("it has a document type, which parts of workbooks may not have");
    static_cast<Told*>(to)->StopIfBad();
  });
  int64_t bytes = 0;
  for (;;) {
    void* const buffer = XML_GetBuffer(parser, kReadBytes);
    if (buffer == nullptr) return arrow::Status::OutOfMemory("no memory for an XML parser");
    ARROW_ASSIGN_OR_RAISE(const int64_t read, part->Read(static_cast<char*>(buffer), kReadBytes));
    bytes += read;
    if (bytes > bytes_max) {
      return data::DataError("its part '" + name + "' is longer than " + std::to_string(bytes_max >> 20) + " MiB");
    }
    // expat keeps a tag or a comment until it ends.
    const auto begun = static_cast<int64_t>(XML_GetCurrentByteIndex(parser));
    if (begun >= 0 && bytes - begun > kTokenBytesMax) {
      return data::DataError("its part '" + name + "' has a tag longer than " + std::to_string(kTokenBytesMax >> 20) +
                             " MiB");
    }
    if (XML_ParseBuffer(parser, static_cast<int>(read), /*isFinal=*/read == 0) != XML_STATUS_OK) {
      if (!handler.status.ok()) return handler.status.WithMessage("its part '", name, "': ", handler.status.message());
      return data::DataError(
          "its part '" + name + "' is no XML that can be read (" + XML_ErrorString(XML_GetErrorCode(parser)) +
          " in line " + std::to_string(XML_GetCurrentLineNumber(parser)) + "). Copy the file again, or save it again.");
    }
    if (read == 0) return arrow::Status::OK();
  }
}

// The name in the archive of what `target`, written in the part `from`, means.
std::string Resolve(const std::string& from, std::string_view target) {
  std::string path = target.starts_with('/') ? std::string() : from.substr(0, from.rfind('/') + 1);
  path += target;
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, end - at);
    if (name == "..") {
      if (!names.empty()) names.pop_back();
    } else if (!name.empty() && name != ".") {
      names.push_back(name);
    }
    at = end + 1;
  }
  std::string resolved;
  for (const std::string& name : names) resolved += (resolved.empty() ? "" : "/") + name;
  return resolved;
}

class RelationshipsHandler final : public PartHandler {
 public:
  explicit RelationshipsHandler(std::string from) : from_(std::move(from)) {}

  void Start(std::string_view name, const char** attributes) override {
    if (name != "Relationship") return;
    const auto id = Attribute(attributes, "Id");
    const auto type = Attribute(attributes, "Type");
    const auto target = Attribute(attributes, "Target");
    if (!id.has_value() || !type.has_value() || !target.has_value()) {
      status = data::DataError("a relationship has no Id, Type or Target");
      return;
    }
    Relationship relationship{.type = std::string(type->substr(type->rfind('/') + 1)), .part = {}};
    if (Attribute(attributes, "TargetMode") != "External") relationship.part = Resolve(from_, *target);
    found[std::string(*id)] = std::move(relationship);
  }

  std::map<std::string, Relationship> found;

 private:
  std::string from_;
};

class WorkbookHandler final : public PartHandler {
 public:
  void Start(std::string_view name, const char** attributes) override {
    if (++depth_ == 1 && name != "workbook") {
      status = data::DataError("it begins with <" + std::string(name) + ">, not with <workbook>");
    }
    if (depth_ == 2) in_sheets_ = name == "sheets";
    if (depth_ == 2 && name == "workbookPr") {
      const auto date1904 = Attribute(attributes, "date1904");
      found.date1904 = date1904 == "1" || date1904 == "true";
    }
    if (depth_ != 3 || !in_sheets_ || name != "sheet") return;
    const auto sheet = Attribute(attributes, "name");
    const auto id = Attribute(attributes, "id", /*qualified=*/true);
    if (!sheet.has_value() || !id.has_value()) {
      status = data::DataError("a sheet has no name or no relationship");
      return;
    }
    found.sheets.push_back({.name = std::string(*sheet), .relationship = std::string(*id)});
  }
  void End(std::string_view /*name*/) override { --depth_; }

  WorkbookPart found;

 private:
  int depth_ = 0;
  bool in_sheets_ = false;
};

}  // namespace

// <sst><si><t>text</t></si><si><r><rPr/><t>of </t></r><r><t>two runs</t></r><rPh><t>how it is said</t></rPh></si></sst>
class SharedTextsHandler final : public PartHandler {
 public:
  void Start(std::string_view name, const char** /*attributes*/) override {
    ++depth_;
    if (depth_ == 1 && name != "sst") {
      status = data::DataError("it begins with <" + std::string(name) + ">, not with <sst>");
    }
    if (depth_ == 3) run_ = name == "r";
    in_text_ = name == "t" && (depth_ == 3 || (depth_ == 4 && run_));
  }
  void Text(std::string_view text) override {
    if (!in_text_) return;
    found.bytes_ += text;
    CheckSize();
  }
  void End(std::string_view name) override {
    in_text_ = false;
    if (--depth_ != 1 || name != "si") return;
    const std::size_t begin = found.ends_.empty() ? 0 : found.ends_.back();
    if (MayHaveEscapes(std::string_view(found.bytes_).substr(begin))) ResolveEscapes(&found.bytes_, begin);
    found.ends_.push_back(found.bytes_.size());
    CheckSize();
  }

  SharedTexts found;

 private:
  void CheckSize() {
    const std::size_t bytes = found.bytes_.size() + found.ends_.size() * sizeof(uint64_t);
    if (bytes <= static_cast<std::size_t>(SharedTexts::kBytesMax)) return;
    status = data::DataError("its texts take more than " + std::to_string(SharedTexts::kBytesMax >> 20) +
                             " MiB of memory. Save the workbook as several.");
  }

  int64_t depth_ = 0;
  bool run_ = false;
  bool in_text_ = false;
};

arrow::Result<std::map<std::string, Relationship>> ReadRelationships(ZipArchive& archive, const std::string& name) {
  const std::size_t file = name.rfind('/') + 1;
  const std::string part = name.substr(0, file) + "_rels/" + name.substr(file) + ".rels";
  RelationshipsHandler handler(name);
  if (archive.Has(part)) ARROW_RETURN_NOT_OK(ReadPart(archive, part, kSmallPartBytesMax, handler));
  return std::move(handler.found);
}

arrow::Result<WorkbookPart> ReadWorkbookPart(ZipArchive& archive, const std::string& name) {
  WorkbookHandler handler;
  ARROW_RETURN_NOT_OK(ReadPart(archive, name, kSmallPartBytesMax, handler));
  return std::move(handler.found);
}

arrow::Result<SharedTexts> SharedTexts::Read(ZipArchive& archive, const std::string& name) {
  SharedTextsHandler handler;
  ARROW_RETURN_NOT_OK(ReadPart(archive, name, 8 * kBytesMax, handler));
  return std::move(handler.found);
}

std::string_view SharedTexts::operator[](int64_t index) const {
  const auto at = static_cast<std::size_t>(index);
  const std::size_t begin = at == 0 ? 0 : ends_[at - 1];
  return std::string_view(bytes_).substr(begin, ends_[at] - begin);
}

namespace {

// The UTF-16 unit that _xHHHH_ at the beginning of `text` stands for.
std::optional<uint32_t> Escaped(std::string_view text) {
  constexpr std::size_t kBytes = 7;
  if (text.size() < kBytes || !text.starts_with("_x") || text[kBytes - 1] != '_') return std::nullopt;
  uint32_t unit = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  if (error != std::errc() || end != text.data() + 6) return std::nullopt;
  return unit;
}

}  // namespace

void ResolveEscapes(std::string* text, std::size_t begin) {
  constexpr std::size_t kBytes = 7;
  std::string resolved;
  const std::string_view all = std::string_view(*text).substr(begin);
  for (std::size_t at = 0; at < all.size();) {
    auto code = Escaped(all.substr(at));
    std::size_t bytes = kBytes;
    if (code >= 0xD800 && code < 0xDC00) {  // Half of a pair.
      const auto low = Escaped(all.substr(at + kBytes));
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        bytes = 2 * kBytes;
      }
    }
    if (!code.has_value() || (*code >= 0xD800 && *code < 0xE000)) {  // None, or half a pair, which no text can have.
      resolved += all[at++];
      continue;
    }
    AppendUtf8(*code, &resolved);
    at += bytes;
  }
  text->replace(begin, std::string::npos, resolved);
}

}  // namespace sabot::connectors::internal
