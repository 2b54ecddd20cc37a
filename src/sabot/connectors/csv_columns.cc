#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/parallel.h>
#include <arrow/util/utf8.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "sabot/connectors/csv_columns_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {
namespace {

using arrow::csv::BlockParser;

constexpr std::size_t kParallelBytes = std::size_t{64} << 10;  // Below that threads cost more than they bring.
constexpr std::size_t kShownBytesMax = 60;                      // Of a value, in a reason.

// A block of rows as Arrow's parser sees it.
class ParsedRows {
 public:
  ParsedRows(std::string_view text, arrow::csv::ParseOptions dialect, int fields) {
    dialect.invalid_row_handler = [this](const arrow::csv::InvalidRow& row) {
      ++ragged_;
      fields_found_ = row.actual_columns;
      return arrow::csv::InvalidRowResult::Skip;
    };
    parser_ = std::make_unique<BlockParser>(dialect, fields, /*first_row=*/-1, std::numeric_limits<int32_t>::max());
    uint32_t consumed = 0;
    status_ = parser_->Parse(text, &consumed);
    closed_ = status_.ok() && consumed == text.size();
    if (!closed_ || dialect.newlines_in_values || !dialect.quoting) return;
    // Where values hold no line ends, a quote that is not closed must not swallow the next rows.
    if (text.find(dialect.quote_char) == std::string_view::npos) return;
    closed_ = !HoldsLineEnd();
  }

  const BlockParser& parser() const { return *parser_; }
  const arrow::Status& status() const { return status_; }
  bool closed() const { return closed_; }          // All quotes are.
  int64_t ragged() const { return ragged_; }       // Rows with another number of fields: passed over.
  int fields_found() const { return fields_found_; }  // In the last of these.

 private:
  bool HoldsLineEnd() const {
    bool found = false;
    for (int column = 0; column < parser_->num_cols() && !found; ++column) {
      static_cast<void>(parser_->VisitColumn(column, [&](const uint8_t* data, uint32_t size, bool quoted, bool) {
        if (!quoted) return arrow::Status::OK();
        const std::string_view value(reinterpret_cast<const char*>(data), size);
        found = value.find_first_of("\r\n") != std::string_view::npos;
        return found ? arrow::Status::Cancelled("found") : arrow::Status::OK();
      }));
    }
    return found;
  }

  std::unique_ptr<BlockParser> parser_;
  arrow::Status status_;
  bool closed_ = false;
  int64_t ragged_ = 0;
  int fields_found_ = 0;
};

std::string ValueOf(const BlockParser& row, int position) {
  std::string value;
  static_cast<void>(row.VisitColumn(position, [&](const uint8_t* data, uint32_t size, bool, bool) {
    value.assign(reinterpret_cast<const char*>(data), size);
    return arrow::Status::OK();
  }));
  return value;
}

// Printable and short, whatever it is.
std::string Shown(std::string_view value) {
  const bool is_text = arrow::util::ValidateUTF8(value);
  std::string text;
  for (const char letter : value.substr(0, kShownBytesMax)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte != 0x7F && (byte < 0x80 || is_text)) {
      text += letter;
      continue;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  if (value.size() <= kShownBytesMax) return text;
  while (is_text && !arrow::util::ValidateUTF8(text)) text.pop_back();  // Half a letter.
  return text + "...";
}

}  // namespace

CsvValues MakeCsvValues(const std::optional<std::vector<std::string>>& nulls) {
  CsvValues values = {.strings = arrow::csv::ConvertOptions::Defaults(),
                      .others = arrow::csv::ConvertOptions::Defaults()};
  values.strings.null_values = nulls.value_or(std::vector<std::string>{""});
  values.strings.strings_can_be_null = true;
  values.strings.quoted_strings_can_be_null = false;
  values.others.null_values = nulls.value_or(std::vector<std::string>{"", "NA", "N/A", "NULL", "null"});
  return values;
}

std::optional<std::vector<std::string>> SplitFields(std::string_view row, const arrow::csv::ParseOptions& dialect) {
  const ParsedRows parsed(row, dialect, /*fields=*/-1);
  if (!parsed.status().ok() || !parsed.closed() || parsed.parser().num_rows() != 1) return std::nullopt;
  std::vector<std::string> fields;
  for (int field = 0; field < parsed.parser().num_cols(); ++field) fields.push_back(ValueOf(parsed.parser(), field));
  return fields;
}

arrow::Result<CsvValueConverter> CsvValueConverter::Make(const std::shared_ptr<arrow::DataType>& type,
                                                         const CsvValues& values) {
  const auto& value_type = type->id() == arrow::Type::DICTIONARY
                               ? arrow::internal::checked_cast<const arrow::DictionaryType&>(*type).value_type()
                               : type;
  const auto& options = arrow::is_base_binary_like(value_type->id()) ? values.strings : values.others;
  CsvValueConverter converter;
  converter.type_ = type;
  ARROW_ASSIGN_OR_RAISE(converter.converter_, arrow::csv::Converter::Make(type, options));
  if (type->id() == arrow::Type::TIMESTAMP) {
    const auto& timestamp = arrow::internal::checked_cast<const arrow::TimestampType&>(*type);
    if (timestamp.timezone().empty()) {
      ARROW_ASSIGN_OR_RAISE(converter.zoned_,
                            arrow::csv::Converter::Make(arrow::timestamp(timestamp.unit(), "UTC"), options));
    }
  }
  return converter;
}

arrow::Result<std::shared_ptr<arrow::Array>> CsvValueConverter::Convert(const BlockParser& rows, int position) const {
  auto array = converter_->Convert(rows, position);
  if (array.ok() || zoned_ == nullptr) return array;
  const auto zoned = zoned_->Convert(rows, position);
  if (!zoned.ok()) return array;
  auto data = (*zoned)->data()->Copy();  // The same instants, under the type asked for.
  data->type = type_;
  return arrow::MakeArray(data);
}

// One text on its way to columns.
class CsvColumns::Attempt {
 public:
  Attempt(const CsvColumns& columns, std::string_view text, std::vector<CsvReject>& rejects)
      : columns_(columns), text_(text), rejects_(rejects) {}

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Run() {
    ARROW_ASSIGN_OR_RAISE(auto whole, Convert(text_));
    if (whole != nullptr) return whole;
    rows_ = SplitRows(text_, columns_.dialect_);
    ARROW_RETURN_NOT_OK(ConvertRange(0, rows_.size()));
    if (pieces_.empty()) return arrow::RecordBatch::MakeEmpty(columns_.schema_);
    if (pieces_.size() == 1) return pieces_.front();
    return arrow::ConcatenateRecordBatches(pieces_);
  }

 private:
  // Null where some row cannot be used.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Convert(std::string_view text) const {
    const ParsedRows parsed(text, columns_.dialect_, columns_.fields_);
    if (!parsed.status().ok() || !parsed.closed() || parsed.ragged() > 0) return nullptr;
    return ConvertParsed(parsed.parser(), text.size() >= kParallelBytes);
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ConvertParsed(const BlockParser& parser, bool parallel) const {
    arrow::ArrayVector arrays(columns_.columns_.size());
    const auto convert = [&](int column) {
      const auto at = static_cast<std::size_t>(column);
      return columns_.converters_[at].Convert(parser, columns_.columns_[at].position).Value(&arrays[at]);
    };
    const auto status =
        arrow::internal::OptionalParallelFor(parallel && arrays.size() > 1, static_cast<int>(arrays.size()), convert);
    if (status.IsOutOfMemory()) return status;
    if (!status.ok()) return nullptr;
    return arrow::RecordBatch::Make(columns_.schema_, parser.num_rows(), std::move(arrays));
  }

  // Halves what does not convert as a whole, until the rows at fault stand alone.
  arrow::Status ConvertRange(std::size_t begin, std::size_t end) {
    if (begin == end) return arrow::Status::OK();
    const std::string_view text = text_.substr(rows_[begin].begin, rows_[end - 1].end - rows_[begin].begin);
    if (end - begin == 1) return ConvertOne(begin, text);
    ARROW_ASSIGN_OR_RAISE(auto piece, Convert(text));
    if (piece != nullptr) return pieces_.push_back(std::move(piece)), arrow::Status::OK();
    const std::size_t middle = begin + (end - begin) / 2;
    ARROW_RETURN_NOT_OK(ConvertRange(begin, middle));
    return ConvertRange(middle, end);
  }

  arrow::Status ConvertOne(std::size_t row, std::string_view text) {
    const ParsedRows parsed(text, columns_.dialect_, columns_.fields_);
    if (!parsed.status().ok()) return Reject(row, "it cannot be parsed: " + parsed.status().message());
    if (!parsed.closed()) return Reject(row, "a quote is not closed");
    if (parsed.ragged() > 0) {
      return Reject(row, "it has " + std::to_string(parsed.fields_found()) + " fields, the header " +
                             std::to_string(columns_.fields_));
    }
    ARROW_ASSIGN_OR_RAISE(auto piece, ConvertParsed(parsed.parser(), /*parallel=*/false));
    if (piece != nullptr) return pieces_.push_back(std::move(piece)), arrow::Status::OK();
    for (std::size_t at = 0; at < columns_.columns_.size(); ++at) {
      const CsvColumn& column = columns_.columns_[at];
      if (columns_.converters_[at].Convert(parsed.parser(), column.position).ok()) continue;
      const std::string value = ValueOf(parsed.parser(), column.position);
      const std::string start = "column '" + column.name + "': '" + Shown(value) + "' is no ";
      if (!arrow::util::ValidateUTF8(value)) return Reject(row, start + "valid UTF-8");
      return Reject(row,
                    start + column.type->ToString() +
                        (column.inferred ? ", the type inferred from the first 4 MB; types gives it another" : ""));
    }
    return Reject(row, "it cannot be converted");
  }

  arrow::Status Reject(std::size_t row, std::string reason) {
    rejects_.push_back({.row = row, .reason = std::move(reason)});
    return arrow::Status::OK();
  }

  const CsvColumns& columns_;
  std::string_view text_;
  std::vector<CsvReject>& rejects_;
  std::vector<CsvRow> rows_;
  arrow::RecordBatchVector pieces_;
};

CsvColumns::CsvColumns(const arrow::csv::ParseOptions& dialect, CsvValues values, int fields,
                       std::vector<CsvColumn> columns)
    : dialect_(dialect), values_(std::move(values)), fields_(fields), columns_(std::move(columns)) {
  arrow::FieldVector schema;
  for (const CsvColumn& column : columns_) schema.push_back(arrow::field(column.name, column.type));
  schema_ = arrow::schema(std::move(schema));
}

arrow::Result<std::unique_ptr<CsvColumns>> CsvColumns::Make(const arrow::csv::ParseOptions& dialect, CsvValues values,
                                                            int fields, std::vector<CsvColumn> columns) {
  std::unique_ptr<CsvColumns> made(new CsvColumns(dialect, std::move(values), fields, std::move(columns)));
  for (const CsvColumn& column : made->columns_) {
    auto converter = CsvValueConverter::Make(column.type, made->values_);
    if (!converter.ok()) {
      return data::OptionError("types: column '" + column.name + "' cannot be read from text as " +
                               column.type->ToString() + ". Read it as utf8 and cast it.");
    }
    made->converters_.push_back(std::move(converter).ValueUnsafe());
  }
  return made;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> CsvColumns::Convert(std::string_view text,
                                                                       std::vector<CsvReject>& rejects) const {
  return Attempt(*this, text, rejects).Run();
}

arrow::Result<std::vector<std::shared_ptr<arrow::DataType>>> InferTypes(std::string_view text,
                                                                        const arrow::csv::ParseOptions& dialect,
                                                                        const CsvValues& values, int fields,
                                                                        std::span<const int> positions) {
  std::string usable;  // The rows that parse, where not all of them do.
  if (const ParsedRows parsed(text, dialect, fields); !parsed.closed() || parsed.ragged() > 0) {
    for (const CsvRow& row : SplitRows(text, dialect)) {
      const std::string_view alone = text.substr(row.begin, row.end - row.begin);
      const ParsedRows one(alone, dialect, fields);
      if (one.closed() && one.ragged() == 0) usable += alone;
    }
    text = usable;
  }
  const ParsedRows parsed(text, dialect, fields);
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const int position : positions) {
    std::shared_ptr<arrow::DataType> found = arrow::utf8();
    for (const auto& type :
         {arrow::int64(), arrow::float64(), arrow::boolean(), arrow::timestamp(arrow::TimeUnit::NANO)}) {
      ARROW_ASSIGN_OR_RAISE(const auto converter, CsvValueConverter::Make(type, values));
      const auto array = converter.Convert(parsed.parser(), position);
      if (!array.ok()) continue;
      if ((*array)->null_count() < (*array)->length()) found = type;  // Nothing but nulls: any type would do.
      break;
    }
    types.push_back(std::move(found));
  }
  return types;
}

}  // namespace sabot::connectors::internal
