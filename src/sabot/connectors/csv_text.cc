#include <algorithm>
#include <cstring>
#include <utility>

#include "sabot/connectors/csv_text_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

// The end of the row that begins at `at`, its line end included; npos if the text ends before it may.
std::size_t RowEnd(std::string_view text, std::size_t at, const arrow::csv::ParseOptions& dialect) {
  bool field_begins = true;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char letter = text[at];
    if (quoted) {
      if (letter != dialect.quote_char) continue;
      if (at + 1 < text.size() && text[at + 1] == dialect.quote_char) {
        ++at;
      } else {
        quoted = false;
      }
      continue;
    }
    if (letter == '\n') return at + 1;
    if (letter == '\r') {
      if (at + 1 == text.size()) return std::string_view::npos;  // It may be half of \r\n.
      return text[at + 1] == '\n' ? at + 2 : at + 1;
    }
    quoted = field_begins && dialect.quoting && dialect.newlines_in_values && letter == dialect.quote_char;
    field_begins = letter == dialect.delimiter;
  }
  return std::string_view::npos;
}

}  // namespace

std::vector<CsvRow> SplitRows(std::string_view text, const arrow::csv::ParseOptions& dialect) {
  std::vector<CsvRow> rows;
  int64_t line = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(RowEnd(text, begin, dialect), text.size());
    const std::string_view row = text.substr(begin, end - begin);
    if (!dialect.ignore_empty_lines || !WithoutLineEnd(row).empty()) {
      rows.push_back({.begin = begin, .end = end, .line = line});
    }
    line += dialect.newlines_in_values ? CountLines(row) : 1;
    begin = end;
  }
  return rows;
}

int64_t CountLines(std::string_view text) {
  int64_t lines = std::count(text.begin(), text.end(), '\n');
  for (std::size_t at = text.find('\r'); at != std::string_view::npos; at = text.find('\r', at + 1)) {
    lines += at + 1 == text.size() || text[at + 1] != '\n';
  }
  return lines;
}

std::string_view WithoutLineEnd(std::string_view row) {
  if (row.ends_with('\n')) row.remove_suffix(1);
  if (row.ends_with('\r')) row.remove_suffix(1);
  return row;
}

CsvText::CsvText(std::shared_ptr<arrow::io::InputStream> input, arrow::csv::ParseOptions dialect)
    : input_(std::move(input)), dialect_(std::move(dialect)) {}

arrow::Result<std::string_view> CsvText::Peek(int64_t bytes) {
  for (auto wanted = static_cast<std::size_t>(bytes);; wanted *= 2) {
    ARROW_RETURN_NOT_OK(Fill(wanted));
    const std::string_view rest = std::string_view(buffer_).substr(begin_);
    if (at_end_ && rest.size() <= wanted) return rest;
    if (const std::size_t whole = WholeRows(rest.substr(0, wanted)); whole > 0) return rest.substr(0, whole);
    if (wanted >= static_cast<std::size_t>(kCsvRowBytesMax)) {
      return data::DataError(
          "the row that begins at line " + std::to_string(lines_read_ + 1) + " has more than " +
          std::to_string(kCsvRowBytesMax) + " bytes. " +
          (dialect_.newlines_in_values ? "A quote in it may not be closed." : "This may be no CSV file."));
    }
  }
}

void CsvText::Skip(std::size_t bytes) {
  lines_read_ += CountLines(std::string_view(buffer_).substr(begin_, bytes));
  bytes_read_ += static_cast<int64_t>(bytes);
  begin_ += bytes;
}

arrow::Status CsvText::Fill(std::size_t bytes) {
  if (at_end_ || buffer_.size() - begin_ >= bytes) return arrow::Status::OK();
  buffer_.erase(0, begin_);
  begin_ = 0;
  while (!at_end_ && buffer_.size() < bytes) {
    const std::size_t size = buffer_.size();
    const std::size_t step = std::min(bytes - size, kReadBytes);
    buffer_.resize(size + step);
    const auto count = input_->Read(static_cast<int64_t>(step), buffer_.data() + size);
    buffer_.resize(size + static_cast<std::size_t>(count.ok() ? *count : 0));
    ARROW_RETURN_NOT_OK(count.status());
    at_end_ = *count == 0;
  }
  if (at_end_ && !buffer_.empty() && buffer_.back() != '\n') buffer_ += '\n';
  return arrow::Status::OK();
}

std::size_t CsvText::WholeRows(std::string_view text) const {
  if (!dialect_.newlines_in_values) {
    std::size_t last = text.rfind('\n');
    if (last == std::string_view::npos) last = text.size() < 2 ? last : text.rfind('\r', text.size() - 2);
    return last + 1;  // 0 where there is none.
  }
  std::size_t whole = 0;
  for (std::size_t end = 0; end != std::string_view::npos; end = RowEnd(text, whole, dialect_)) whole = end;
  return whole;
}

}  // namespace sabot::connectors::internal
