#include "tests/fuzz/plain_sheet.h"

#include <expat.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <vector>

namespace sabot::connectors {
namespace {

std::string Trim(const std::string& text) {
  const char* const space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

bool IsNumber(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos) return false;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (*end != '\0' || std::isinf(number)) return false;
  const std::string digits = text.substr(0, text.find_first_of("eE"));
  return number != 0 || digits.find_first_of("123456789") == std::string::npos;
}

struct PlainSheet {
  std::set<std::string> prefixes;
  std::vector<std::string> path;  // Names without prefix; "?" of what is not a worksheet's.
  std::string rows;
  long last_row = 0;

  long row = 0;
  int column = 0;  // From 1.
  std::map<int, std::string> cells;
  std::string reference;
  std::string type;
  bool has_value = false;
  bool has_inline = false;
  std::string value;
  std::string inline_text;

  std::string Path() const {
    std::string joined;
    for (const std::string& name : path) joined += "/" + name;
    return joined;
  }

  void Start(const char* name, const char** attributes) {
    std::map<std::string, std::string> all;
    for (; *attributes != nullptr; attributes += 2) all[attributes[0]] = attributes[1];
    if (path.empty()) {
      for (const auto& [key, uri] : all) {
        if (uri != "http://schemas.openxmlformats.org/spreadsheetml/2006/main" &&
            uri != "http://purl.oclc.org/ooxml/spreadsheetml/main") {
          continue;
        }
        if (key == "xmlns") prefixes.insert("");
        if (key.rfind("xmlns:", 0) == 0) prefixes.insert(key.substr(6));
      }
    }
    const char* const colon = std::strchr(name, ':');
    const std::string prefix = colon == nullptr ? "" : std::string(name, colon);
    path.push_back(prefixes.count(prefix) == 0 ? "?" : colon == nullptr ? name : colon + 1);
    const std::string at = Path();
    if (at == "/worksheet/sheetData/row") {
      row = all.count("r") != 0 ? std::atol(Trim(all["r"]).c_str()) : 0;
      column = 0;
      cells.clear();
    } else if (at == "/worksheet/sheetData/row/c") {
      reference = Trim(all["r"]);
      type = all["t"];
      has_value = has_inline = false;
      value.clear();
      inline_text.clear();
    } else if (at == "/worksheet/sheetData/row/c/v") {
      has_value = true;
    } else if (at == "/worksheet/sheetData/row/c/is") {
      has_inline = true;
    }
  }

  void Text(const char* text, int bytes) {
    const std::string at = Path();
    if (at == "/worksheet/sheetData/row/c/v") value.append(text, static_cast<std::size_t>(bytes));
    if (at == "/worksheet/sheetData/row/c/is/t" || at == "/worksheet/sheetData/row/c/is/r/t") {
      inline_text.append(text, static_cast<std::size_t>(bytes));
    }
  }

  void End() {
    const std::string at = Path();
    if (at == "/worksheet/sheetData/row/c") EndCell();
    if (at == "/worksheet/sheetData/row") {
      last_row = row == 0 ? last_row + 1 : row;
      if (!cells.empty()) {
        rows += std::to_string(last_row) + ":";
        for (const auto& [number, cell] : cells) rows += " " + Letters(number) + "=" + cell;
        rows += "\n";
      }
    }
    path.pop_back();
  }

  void EndCell() {
    ++column;
    if (!reference.empty()) {
      const std::size_t letters = reference.find_first_of("0123456789");
      column = 0;
      for (const char letter : reference.substr(0, letters)) column = column * 26 + (letter & 31);
      if (row == 0 && letters != std::string::npos) row = std::atol(reference.c_str() + letters);
    }
    if (has_inline && (!has_value || type == "inlineStr")) {
      type = "inlineStr";
      value = inline_text;
    }
    const bool text = type == "inlineStr" || type == "str";
    const std::string shown = text ? value : Trim(value);
    if (shown.empty()) return;
    char kind = 'n';
    if (text) kind = 't';
    if (type == "e" || ((type.empty() || type == "n") && !IsNumber(shown))) kind = 'e';
    if (type == "d") kind = 'd';
    if (type == "b") kind = shown == "0" || shown == "1" || shown == "true" || shown == "false" ? 'b' : 'e';
    cells[column] = std::string(1, kind) + ":" + shown;
  }

  static std::string Letters(int number) {
    return number == 0 ? "" : Letters((number - 1) / 26) + static_cast<char>('A' + (number - 1) % 26);
  }
};

}  // namespace

std::optional<std::string> PlainRowsOf(const std::string& xml) {
  PlainSheet sheet;
  XML_Parser const parser = XML_ParserCreate(nullptr);
  XML_SetUserData(parser, &sheet);
  XML_SetElementHandler(
      parser,
      [](void* to, const char* name, const char** attributes) {
        static_cast<PlainSheet*>(to)->Start(name, attributes);
      },
      [](void* to, const char*) { static_cast<PlainSheet*>(to)->End(); });
  XML_SetCharacterDataHandler(
      parser, [](void* to, const char* text, int bytes) { static_cast<PlainSheet*>(to)->Text(text, bytes); });
  const bool parsed = XML_Parse(parser, xml.data(), static_cast<int>(xml.size()), /*isFinal=*/1) == XML_STATUS_OK;
  XML_ParserFree(parser);
  if (!parsed) return std::nullopt;
  return sheet.rows;
}

}  // namespace sabot::connectors
