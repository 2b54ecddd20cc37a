#include "sabot/connectors/csv_source.h"

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/utf8.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <string_view>

#include "sabot/connectors/csv_columns_internal.h"
#include "sabot/connectors/csv_text_internal.h"
#include "sabot/connectors/file_set.h"
#include "sabot/connectors/files_source_internal.h"
#include "sabot/connectors/input_errors.h"
#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

using internal::CsvColumn;
using internal::CsvColumns;
using internal::CsvRow;
using internal::CsvText;

constexpr std::string_view kConnector = "csv source";
constexpr int64_t kSampleBytes = int64_t{4} << 20;  // From which types are inferred.
constexpr int64_t kBlockBytesMax = int64_t{256} << 20;

struct Magic {
  std::string_view bytes;
  const char* what;
};
constexpr Magic kOtherFormats[] = {{"\x1F\x8B", "compressed with gzip. Unpack it first."},
                                   {"\x28\xB5\x2F\xFD", "compressed with zstd. Unpack it first."},
                                   {"PK\x03\x04", "a zip file or a workbook. Unpack it, or save it as CSV."},
                                   {"PAR1", "a Parquet file. Read it as one."},
                                   {"ARROW1", "an Arrow IPC file. Read it as one."},
                                   {"\xFF\xFE", "UTF-16. Write it as UTF-8."},
                                   {"\xFE\xFF", "UTF-16. Write it as UTF-8."}};
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

using Types = std::map<std::string, std::shared_ptr<arrow::DataType>, std::less<>>;

arrow::Result<arrow::csv::ParseOptions> DialectOf(const CsvSourceOptions& options) {
  const auto refuse = [](const std::string& message) {
    return data::OptionError(std::string(kConnector) + ": " + message);
  };
  const auto ends_lines = [](char letter) { return letter == '\n' || letter == '\r'; };
  if (options.delimiter == '\0' || ends_lines(options.delimiter) || ends_lines(options.quote) ||
      options.delimiter == options.quote) {
    return refuse("delimiter and quote must be two letters, and none of them a line end.");
  }
  if (options.block_bytes < 1 || options.block_bytes > kBlockBytesMax) {
    return refuse("block_bytes is " + std::to_string(options.block_bytes) + ". Use a value from 1 to " +
                  std::to_string(kBlockBytesMax) + ".");
  }
  arrow::csv::ParseOptions dialect = arrow::csv::ParseOptions::Defaults();
  dialect.delimiter = options.delimiter;
  dialect.quoting = options.quote != '\0';
  dialect.quote_char = options.quote;
  dialect.newlines_in_values = dialect.quoting && options.newlines_in_values;
  return dialect;
}

bool IsNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// One file. Open reads the header; Begin decides the columns.
class CsvFile final : public internal::FileReader {
 public:
  CsvFile(InputFile file, std::shared_ptr<const CsvSourceOptions> options, std::shared_ptr<data::RejectLog> rejects)
      : file_(std::move(file)), options_(std::move(options)), rejects_(std::move(rejects)) {}

  arrow::Status Open() {
    ARROW_ASSIGN_OR_RAISE(dialect_, DialectOf(*options_));
    ARROW_ASSIGN_OR_RAISE(auto input, OpenInputStream(file_));
    text_ = std::make_unique<CsvText>(std::move(input), dialect_);
    ARROW_RETURN_NOT_OK(CheckMagic());
    ARROW_RETURN_NOT_OK(ReadNames());
    dialect_.ignore_empty_lines = names_.size() > 1;
    text_->SetDialect(dialect_);
    ARROW_ASSIGN_OR_RAISE(read_, internal::FindColumns(Where(kConnector, file_), names_, options_->columns));
    return arrow::Status::OK();
  }

  const std::vector<std::string>& names() const { return names_; }

  // Adds the types of columns that have none yet. False where the file has no rows.
  arrow::Result<bool> Infer(Types& types) {
    std::vector<int> positions;
    for (const int position : read_) {
      if (!types.contains(names_[static_cast<std::size_t>(position)])) positions.push_back(position);
    }
    if (positions.empty()) return true;
    ARROW_ASSIGN_OR_RAISE(const std::string_view sample, text_->Peek(kSampleBytes));
    if (internal::SplitRows(sample.substr(0, 1 << 16), dialect_).empty()) return false;
    ARROW_ASSIGN_OR_RAISE(const auto inferred,
                          internal::InferTypes(sample, dialect_, internal::MakeCsvValues(options_->nulls),
                                               static_cast<int>(names_.size()), positions));
    for (std::size_t at = 0; at < positions.size(); ++at) {
      types.emplace(names_[static_cast<std::size_t>(positions[at])], inferred[at]);
    }
    return true;
  }

  arrow::Status Begin(const Types& types) {
    std::vector<CsvColumn> columns;
    for (const int position : read_) {
      const std::string& name = names_[static_cast<std::size_t>(position)];
      const auto given = [&](const auto& type) { return type.first == name; };
      const auto type = types.find(name);
      columns.push_back({.name = name,
                         .position = position,
                         .type = type != types.end() ? type->second : arrow::utf8(),
                         .inferred = std::none_of(options_->types.begin(), options_->types.end(), given)});
    }
    ARROW_ASSIGN_OR_RAISE(columns_, CsvColumns::Make(dialect_, internal::MakeCsvValues(options_->nulls),
                                                     static_cast<int>(names_.size()), std::move(columns)));
    schema_ = columns_->schema();
    if (options_->line_column.empty()) return arrow::Status::OK();
    return schema_->AddField(schema_->num_fields(), arrow::field(options_->line_column, arrow::int64(), false))
        .Value(&schema_);
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    return ExplainFile(kConnector, file_, ReadBlock(batch));
  }

  double done() const override {
    return file_.bytes > 0 ? static_cast<double>(text_->bytes_read()) / static_cast<double>(file_.bytes) : 1;
  }
  int64_t rows_rejected() const override { return rows_rejected_; }

 private:
  arrow::Status Damaged(const std::string& message) const {
    return data::DataError(Where(kConnector, file_) + message);
  }

  arrow::Status CheckMagic() {
    ARROW_ASSIGN_OR_RAISE(const std::string_view head, text_->Peek(1));
    if (head.empty()) return Damaged("the file is empty (0 bytes). Fetch or write it again.");
    for (const Magic& other : kOtherFormats) {
      if (head.starts_with(other.bytes)) return Damaged(std::string("this is no CSV file but ") + other.what);
    }
    if (head.starts_with(kByteOrderMark)) text_->Skip(kByteOrderMark.size());
    return arrow::Status::OK();
  }

  // Of the columns: from the options, or from the first line that is not empty.
  arrow::Status ReadNames() {
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(const std::string_view text, text_->Peek(1));
      if (text.empty()) break;
      const auto rows = internal::SplitRows(text, dialect_);
      if (rows.empty()) {
        text_->Skip(text.size());
        continue;
      }
      const auto fields =
          internal::SplitFields(text.substr(rows.front().begin, rows.front().end - rows.front().begin), dialect_);
      if (options_->column_names.empty()) {
        ARROW_RETURN_NOT_OK(CheckHeader(fields));
        names_ = *fields;
        text_->Skip(rows.front().end);
        return arrow::Status::OK();
      }
      names_ = options_->column_names;
      if (fields.has_value() && fields->size() != names_.size()) {
        return data::SchemaError(Where(kConnector, file_) + "column_names has " + std::to_string(names_.size()) +
                                 " names, but line " + std::to_string(text_->lines_read() + 1) + " has " +
                                 std::to_string(fields->size()) + " fields. Name each column.");
      }
      return arrow::Status::OK();
    }
    if (options_->column_names.empty())
      return Damaged("the file has no header, all its lines are empty. Write it again.");
    names_ = options_->column_names;
    return arrow::Status::OK();
  }

  arrow::Status CheckHeader(const std::optional<std::vector<std::string>>& names) const {
    const std::string where = Where(kConnector, file_);
    if (!names.has_value()) {
      return Damaged("a quote in the header is not closed. Mend the first line, or name another quote.");
    }
    for (std::size_t at = 0; at < names->size(); ++at) {
      const std::string& name = (*names)[at];
      const std::string column = "column " + std::to_string(at + 1);
      if (!arrow::util::ValidateUTF8(name)) {
        return Damaged("the name of " + column + " in the header is no valid UTF-8. Write the file as UTF-8 text.");
      }
      if (name.empty()) {
        return data::SchemaError(where + column + " has no name in the header. Name it there, or give column_names.");
      }
      const auto first = std::find(names->begin(), names->end(), name) - names->begin();
      if (static_cast<std::size_t>(first) == at) continue;
      if (IsNumber(name)) continue;  // Said below.
      return data::SchemaError(where + "columns " + std::to_string(first + 1) + " and " + std::to_string(at + 1) +
                               " are both named '" + name + "' in the header. Name each differently.");
    }
    if (!std::all_of(names->begin(), names->end(), IsNumber)) return arrow::Status::OK();
    return data::SchemaError(where + "the first line holds numbers ('" + names->front() +
                             "'), it seems to be a row and no header. Give column_names.");
  }

  arrow::Status ReadBlock(std::shared_ptr<arrow::RecordBatch>* batch) {
    ARROW_ASSIGN_OR_RAISE(const std::string_view text, text_->Peek(options_->block_bytes));
    if (text.empty()) return *batch = nullptr, arrow::Status::OK();
    std::vector<internal::CsvReject> rejects;
    ARROW_ASSIGN_OR_RAISE(*batch, columns_->Convert(text, rejects));
    if (!rejects.empty()) {
      const auto rows = internal::SplitRows(text, dialect_);
      for (const auto& reject : rejects) {
        const CsvRow& row = rows[reject.row];
        const std::string_view raw = internal::WithoutLineEnd(text.substr(row.begin, row.end - row.begin));
        const int64_t line = text_->lines_read() + row.line + 1;
        ARROW_RETURN_NOT_OK(
            rejects_->Add({.where = std::string(kConnector) + " '" + file_.name + "' line " + std::to_string(line),
                           .reason = reject.reason,
                           .row = std::string(raw)}));
        ++rows_rejected_;
      }
    }
    if (!options_->line_column.empty()) {
      auto columns = (*batch)->columns();
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), LinesOf(text, (*batch)->num_rows(), rejects));
      *batch = arrow::RecordBatch::Make(schema_, (*batch)->num_rows(), std::move(columns));
    }
    text_->Skip(text.size());
    return arrow::Status::OK();
  }

  // On which line each row of a text begins that is not rejected.
  arrow::Result<std::shared_ptr<arrow::Array>> LinesOf(std::string_view text, int64_t rows,
                                                       const std::vector<internal::CsvReject>& rejects) const {
    const int64_t first = text_->lines_read() + 1;
    arrow::Int64Builder lines;
    ARROW_RETURN_NOT_OK(lines.Reserve(rows));
    if (internal::CountLines(text) == rows) {  // Nearly always: a row a line.
      for (int64_t row = 0; row < rows; ++row) lines.UnsafeAppend(first + row);
      return lines.Finish();
    }
    auto rejected = rejects.begin();
    const auto all = internal::SplitRows(text, dialect_);
    for (std::size_t row = 0; row < all.size(); ++row) {
      if (rejected != rejects.end() && rejected->row == row) {
        ++rejected;
      } else {
        ARROW_RETURN_NOT_OK(lines.Append(first + all[row].line));
      }
    }
    return lines.Finish();
  }

  InputFile file_;
  std::shared_ptr<const CsvSourceOptions> options_;
  std::shared_ptr<data::RejectLog> rejects_;
  arrow::csv::ParseOptions dialect_;
  std::unique_ptr<CsvText> text_;
  std::vector<std::string> names_;  // Of all columns,
  std::vector<int> read_;           // and which of them are read.
  std::unique_ptr<CsvColumns> columns_;
  std::shared_ptr<arrow::Schema> schema_;  // With that of lines, if it is asked for.
  int64_t rows_rejected_ = 0;
};

// Names in `types` that no column has.
arrow::Status CheckTypes(const CsvSourceOptions& options, const InputFile& file,
                         const std::vector<std::string>& names) {
  for (const auto& [name, type] : options.types) {
    if (type == nullptr) return data::OptionError(Where(kConnector, file) + "types: column '" + name + "' has none.");
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return data::SchemaError(Where(kConnector, file) + "types names column '" + name + "', which is missing." +
                             data::NearestNames(name, names));
  }
  return arrow::Status::OK();
}

arrow::Status CheckOptions(const CsvSourceOptions& options) {
  ARROW_RETURN_NOT_OK(CheckBatchRows(kConnector, options.batch_rows));
  return DialectOf(options).status();
}

}  // namespace

arrow::Result<std::vector<InputFile>> FindCsvFiles(const std::vector<std::string>& named) {
  return ExpandFiles(named, {.connector = std::string(kConnector), .suffixes = {".csv", ".tsv"}});
}

arrow::Result<std::shared_ptr<Source>> ReadCsvFiles(std::vector<InputFile> files, CsvSourceOptions options) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  arrow::util::InitializeUTF8();
  auto rejects = options.rejects != nullptr ? options.rejects : std::make_shared<data::StrictRejects>();
  const auto shared = std::make_shared<const CsvSourceOptions>(std::move(options));
  const auto open_file = [shared, rejects](const InputFile& file) -> arrow::Result<std::shared_ptr<CsvFile>> {
    auto csv = std::make_shared<CsvFile>(file, shared, rejects);
    ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file, csv->Open()));
    return csv;
  };

  // Types are those of the first file with rows. The first file is opened once only: it may be a pipe.
  auto types = std::make_shared<Types>(shared->types.begin(), shared->types.end());
  ARROW_ASSIGN_OR_RAISE(auto first, open_file(files.front()));
  ARROW_RETURN_NOT_OK(CheckTypes(*shared, files.front(), first->names()));
  const auto infer = [&](CsvFile& csv, const InputFile& file) -> arrow::Result<bool> {
    auto inferred = csv.Infer(*types);
    if (!inferred.ok()) return ExplainFile(kConnector, file, inferred.status());
    return inferred;
  };
  ARROW_ASSIGN_OR_RAISE(bool inferred, infer(*first, files.front()));
  for (std::size_t at = 1; at < files.size() && !inferred; ++at) {
    ARROW_ASSIGN_OR_RAISE(const auto other, open_file(files[at]));
    ARROW_ASSIGN_OR_RAISE(inferred, infer(*other, files[at]));
  }

  const auto open = [first, open_file,
                     types](const InputFile& file) mutable -> arrow::Result<std::shared_ptr<internal::FileReader>> {
    auto csv = std::exchange(first, nullptr);
    if (csv == nullptr) {
      ARROW_ASSIGN_OR_RAISE(csv, open_file(file));
    }
    ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file, csv->Begin(*types)));
    return csv;
  };
  return internal::ReadFiles(std::string(kConnector), std::move(files), open, shared->batch_rows);
}

arrow::Result<std::shared_ptr<Source>> ReadCsv(const std::vector<std::string>& files, CsvSourceOptions options) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  ARROW_ASSIGN_OR_RAISE(auto found, FindCsvFiles(files));
  return ReadCsvFiles(std::move(found), std::move(options));
}

arrow::Result<std::shared_ptr<Source>> ReadCsv(const std::string& file, CsvSourceOptions options) {
  return ReadCsv(std::vector<std::string>{file}, std::move(options));
}

}  // namespace sabot::connectors
