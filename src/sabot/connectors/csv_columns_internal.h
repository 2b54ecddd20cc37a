// Rows of CSV text to columns, with those that cannot be used picked out.
#pragma once

#include <arrow/csv/converter.h>
#include <arrow/csv/options.h>
#include <arrow/csv/parser.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/connectors/csv_text_internal.h"

namespace sabot::connectors::internal {

struct CsvColumn {
  std::string name;
  int position = 0;  // In a row.
  std::shared_ptr<arrow::DataType> type;
  bool inferred = false;
};

// A row that cannot be used.
struct CsvReject {
  std::size_t row = 0;  // Of those of the text.
  std::string reason;
};

// What null and the rest look like in a file; strings have other nulls than the rest.
struct CsvValues {
  arrow::csv::ConvertOptions strings;
  arrow::csv::ConvertOptions others;
};
CsvValues MakeCsvValues(const std::optional<std::vector<std::string>>& nulls);

// The fields of a row, or nothing where a quote is not closed.
std::optional<std::vector<std::string>> SplitFields(std::string_view row, const arrow::csv::ParseOptions& dialect);

// Converts the values of one column. A timestamp without a zone takes text with a zone as well.
class CsvValueConverter {
 public:
  // `values` must outlive it. Error (NotImplemented): values of the type cannot be read from text.
  static arrow::Result<CsvValueConverter> Make(const std::shared_ptr<arrow::DataType>& type, const CsvValues& values);
  arrow::Result<std::shared_ptr<arrow::Array>> Convert(const arrow::csv::BlockParser& rows, int position) const;

 private:
  std::shared_ptr<arrow::DataType> type_;
  std::shared_ptr<arrow::csv::Converter> converter_;
  std::shared_ptr<arrow::csv::Converter> zoned_;  // Of timestamps without a zone.
};

// Converts texts of whole rows. One thread at a time; it uses Arrow's for the columns of large texts.
class CsvColumns {
 public:
  // `fields`: of every row. Error (kOption): a type that cannot be read from text.
  static arrow::Result<std::unique_ptr<CsvColumns>> Make(const arrow::csv::ParseOptions& dialect, CsvValues values,
                                                         int fields, std::vector<CsvColumn> columns);

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  // The rows that can be used, in order; the others are added to `rejects`, in order. What becomes of a row depends on
  // it alone.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Convert(std::string_view text,
                                                             std::vector<CsvReject>& rejects) const;

 private:
  class Attempt;
  CsvColumns(const arrow::csv::ParseOptions& dialect, CsvValues values, int fields, std::vector<CsvColumn> columns);

  arrow::csv::ParseOptions dialect_;
  CsvValues values_;
  int fields_;
  std::vector<CsvColumn> columns_;
  std::vector<CsvValueConverter> converters_;  // One a column.
  std::shared_ptr<arrow::Schema> schema_;
};

// The type of a column that all of these rows have: int64, float64, bool, timestamp[ns], else utf8. Rows that do not
// parse are passed over.
arrow::Result<std::vector<std::shared_ptr<arrow::DataType>>> InferTypes(std::string_view text,
                                                                        const arrow::csv::ParseOptions& dialect,
                                                                        const CsvValues& values, int fields,
                                                                        std::span<const int> positions);

}  // namespace sabot::connectors::internal
