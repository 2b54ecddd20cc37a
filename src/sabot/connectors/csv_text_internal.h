// The text of a CSV file: read in blocks of whole rows, and cut into rows.
#pragma once

#include <arrow/csv/options.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::connectors::internal {

inline constexpr int64_t kCsvRowBytesMax = int64_t{16} << 20;

// A row with its line end.
struct CsvRow {
  std::size_t begin = 0;
  std::size_t end = 0;
  int64_t line = 0;  // Of its beginning, from 0.
};

// The rows of a text that ends in a line end. Lines end in \n, \r\n or \r; empty ones are no rows if the dialect
// ignores them. What stands in quotes that are never closed is one row.
std::vector<CsvRow> SplitRows(std::string_view text, const arrow::csv::ParseOptions& dialect);

// The number of line ends, in or out of quotes.
int64_t CountLines(std::string_view text);

// Without its line end.
std::string_view WithoutLineEnd(std::string_view row);

// Reads a file in blocks that end where a row does. At the end of the file a missing line end is added.
class CsvText {
 public:
  CsvText(std::shared_ptr<arrow::io::InputStream> input, arrow::csv::ParseOptions dialect);

  // For what is read from now on.
  void SetDialect(const arrow::csv::ParseOptions& dialect) { dialect_ = dialect; }

  // The whole rows among the next `bytes`, or the next row if it is longer; empty at the end. They stay to be read, and
  // are valid until the next call. Error: a row of more than kCsvRowBytesMax.
  arrow::Result<std::string_view> Peek(int64_t bytes);
  // Of what was peeked.
  void Skip(std::size_t bytes);

  int64_t bytes_read() const { return bytes_read_; }  // Skipped ones.
  int64_t lines_read() const { return lines_read_; }

 private:
  arrow::Status Fill(std::size_t bytes);
  std::size_t WholeRows(std::string_view text) const;

  std::shared_ptr<arrow::io::InputStream> input_;
  arrow::csv::ParseOptions dialect_;
  std::string buffer_;
  std::size_t begin_ = 0;  // Of what is not skipped yet, in the buffer.
  bool at_end_ = false;
  int64_t bytes_read_ = 0;
  int64_t lines_read_ = 0;
};

}  // namespace sabot::connectors::internal
