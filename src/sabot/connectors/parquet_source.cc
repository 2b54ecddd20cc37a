#include "sabot/connectors/parquet_source.h"

#include <arrow/buffer.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <numeric>
#include <string_view>
#include <utility>

#include "sabot/connectors/file_set.h"
#include "sabot/connectors/files_source_internal.h"
#include "sabot/connectors/input_errors.h"
#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

constexpr std::string_view kConnector = "parquet source";
constexpr int64_t kReadBytes = int64_t{1} << 20;  // Of one column at a time.
constexpr std::string_view kMagic = "PAR1";       // The first and the last bytes of a file.

// What is wrong with a file whose ends are not Parquet's.
arrow::Status CheckMagic(const std::string& where, arrow::io::RandomAccessFile& file) {
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, file.GetSize());
  const std::string size = std::to_string(bytes) + " bytes";
  const auto length = static_cast<int64_t>(kMagic.size());
  if (bytes == 0) return data::DataError(where + "the file is empty (0 bytes). Fetch or write it again.");
  ARROW_ASSIGN_OR_RAISE(const auto head, file.ReadAt(0, length));
  if (std::string_view(*head) != kMagic) {
    return data::DataError(where + "this is no Parquet file: its " + size +
                           " do not begin with 'PAR1'. Name a file that was written as Parquet.");
  }
  if (bytes >= 2 * length) {
    ARROW_ASSIGN_OR_RAISE(const auto tail, file.ReadAt(bytes - length, length));
    if (std::string_view(*tail) == kMagic) return arrow::Status::OK();
  }
  return data::DataError(where + "the file is truncated: its " + size +
                         " begin as a Parquet file, but the end with its table of contents is missing. Fetch it "
                         "again, or write it again and wait until its writer is done.");
}

void AddLeaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
  if (field.is_leaf()) leaves.push_back(field.column_index);
  for (const auto& child : field.children) AddLeaves(child, leaves);
}

class ParquetFile final : public internal::FileReader {
 public:
  explicit ParquetFile(InputFile file) : file_(std::move(file)) {}

  arrow::Status Open(const ParquetSourceOptions& options) {
    ARROW_ASSIGN_OR_RAISE(const auto input, OpenInput(file_));
    ARROW_RETURN_NOT_OK(CheckMagic(Where(kConnector, file_), *input));

    parquet::ReaderProperties file_properties = parquet::default_reader_properties();
    file_properties.enable_buffered_stream();  // Else a whole column of a row group is read at once.
    file_properties.set_buffer_size(kReadBytes);
    file_properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties properties(/*use_threads=*/true);
    properties.set_pre_buffer(false);
    properties.set_batch_size(options.batch_rows);

    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(input, file_properties));
    ARROW_ASSIGN_OR_RAISE(reader_, builder.properties(properties)->Build());
    rows_ = reader_->parquet_reader()->metadata()->num_rows();

    const auto& fields = reader_->manifest().schema_fields;
    std::vector<std::string> names;
    for (const auto& field : fields) names.push_back(field.field->name());
    ARROW_ASSIGN_OR_RAISE(const auto columns, internal::FindColumns(Where(kConnector, file_), names, options.columns));
    for (const int column : columns) AddLeaves(fields[static_cast<std::size_t>(column)], leaves_);
    ARROW_RETURN_NOT_OK(BeginAt(0));
    schema_ = batches_->schema();
    return arrow::Status::OK();
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file_, batches_->ReadNext(batch)));
    if (*batch != nullptr) rows_read_ += (*batch)->num_rows();
    return arrow::Status::OK();
  }

  arrow::Result<std::optional<int64_t>> CountRows() override { return rows_; }

  // Whole row groups.
  arrow::Result<int64_t> Skip(int64_t rows) override {
    const auto metadata = reader_->parquet_reader()->metadata();
    int group = 0;
    for (; group < metadata->num_row_groups(); ++group) {
      const int64_t in_group = metadata->RowGroup(group)->num_rows();
      if (in_group < 0 || in_group > rows - rows_read_) break;
      rows_read_ += in_group;
    }
    if (group > 0) ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file_, BeginAt(group)));
    return rows_read_;
  }

  double done() const override { return rows_ > 0 ? static_cast<double>(rows_read_) / static_cast<double>(rows_) : 1; }

 private:
  arrow::Status BeginAt(int row_group) {
    std::vector<int> row_groups(static_cast<std::size_t>(reader_->num_row_groups() - row_group));
    std::iota(row_groups.begin(), row_groups.end(), row_group);
    return reader_->GetRecordBatchReader(row_groups, leaves_).Value(&batches_);
  }

  InputFile file_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;  // `batches_` reads from it.
  std::vector<int> leaves_;                             // The columns that are read.
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::Schema> schema_;
  int64_t rows_ = 0;
  int64_t rows_read_ = 0;  // Or passed over.
};

}  // namespace

arrow::Result<std::vector<InputFile>> FindParquetFiles(const std::vector<std::string>& named) {
  return ExpandFiles(named, {.connector = std::string(kConnector), .suffixes = {".parquet", ".pq"}});
}

arrow::Result<std::shared_ptr<Source>> ReadParquetFiles(std::vector<InputFile> files, ParquetSourceOptions options) {
  ARROW_RETURN_NOT_OK(CheckBatchRows(kConnector, options.batch_rows));
  const int64_t batch_rows = options.batch_rows;
  const auto open =
      [options = std::move(options)](const InputFile& file) -> arrow::Result<std::shared_ptr<internal::FileReader>> {
    auto reader = std::make_shared<ParquetFile>(file);
    ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file, reader->Open(options)));
    return reader;
  };
  return internal::ReadFiles(std::string(kConnector), std::move(files), open, batch_rows);
}

arrow::Result<std::shared_ptr<Source>> ReadParquet(const std::vector<std::string>& files,
                                                   ParquetSourceOptions options) {
  ARROW_RETURN_NOT_OK(CheckBatchRows(kConnector, options.batch_rows));
  ARROW_ASSIGN_OR_RAISE(auto found, FindParquetFiles(files));
  return ReadParquetFiles(std::move(found), std::move(options));
}

arrow::Result<std::shared_ptr<Source>> ReadParquet(const std::string& file, ParquetSourceOptions options) {
  return ReadParquet(std::vector<std::string>{file}, std::move(options));
}

}  // namespace sabot::connectors
