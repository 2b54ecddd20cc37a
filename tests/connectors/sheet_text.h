// Sheets from text, and their rows as text, for tests of workbooks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sabot/connectors/sheet_reader_internal.h"
#include "sabot/connectors/workbook.h"

namespace sabot::connectors {

inline constexpr std::string_view kSheetNamespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

// Comes in pieces of up to `piece` bytes.
class TextPart final : public internal::ZipPart {
 public:
  explicit TextPart(std::string text, int64_t piece = INT64_MAX) : text_(std::move(text)), piece_(piece) {}

  arrow::Result<int64_t> Read(char* to, int64_t bytes) override {
    const int64_t read = std::min({bytes, piece_, size() - at_});
    std::memcpy(to, text_.data() + at_, static_cast<std::size_t>(read));
    at_ += read;
    return read;
  }
  int64_t size() const override { return static_cast<int64_t>(text_.size()); }

 private:
  std::string text_;
  int64_t piece_;
  int64_t at_ = 0;
};

// A worksheet whose <sheetData> holds this.
inline std::string SheetOf(std::string_view rows) {
  return "<worksheet xmlns=\"" + std::string(kSheetNamespace) + "\"><sheetData>" + std::string(rows) +
         "</sheetData></worksheet>";
}

// Such as `2: A=n:1.5 C=t:bid`, a row a line: n number, t text, b bool, e error, d date, and what was written. An error
// is the last line.
inline std::string RowsOf(SheetReader& reader) {
  constexpr std::string_view kKinds = "ntbed";
  std::string lines;
  SheetRow row;
  for (;;) {
    const auto more = reader.Next(&row);
    if (!more.ok()) return lines + more.status().message() + "\n";
    if (!*more) return lines;
    lines += std::to_string(row.number) + ":";
    for (const Cell& cell : row.cells) {
      std::string column;
      for (int32_t rest = cell.column + 1; rest > 0; rest = (rest - 1) / 26) {
        column.insert(column.begin(), static_cast<char>('A' + (rest - 1) % 26));
      }
      lines += " " + column + "=" + kKinds[static_cast<std::size_t>(cell.kind)] + ":" + std::string(cell.text);
    }
    lines += "\n";
  }
}

inline std::string RowsOf(std::string xml, int64_t piece = INT64_MAX,
                          std::shared_ptr<const internal::SharedTexts> texts = nullptr) {
  internal::XmlSheetReader reader("a.xlsx", nullptr, std::make_unique<TextPart>(std::move(xml), piece),
                                  std::move(texts));
  return RowsOf(reader);
}

}  // namespace sabot::connectors
