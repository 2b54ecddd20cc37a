#include "sabot/connectors/parquet_source.h"

#include <arrow/io/file.h>
#include <arrow/util/io_util.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <numeric>
#include <set>
#include <string_view>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

constexpr int64_t kReadBytes = int64_t{1} << 20;  // Of one column at a time.
constexpr std::string_view kMagic = "PAR1";       // The first and the last bytes of a file.

std::string Where(const std::string& path) { return "parquet source '" + path + "': "; }

// The operating system's errors stay what they are; everything else says that the file is not as it should be.
arrow::Status Explain(const std::string& path, const arrow::Status& status) {
  if (status.ok() || status.IsOutOfMemory() || status.IsCancelled()) return status;
  if (arrow::internal::ErrnoFromStatus(status) != 0) return status.WithMessage(Where(path), status.message());
  const std::string& message = status.message();
  return data::DataError(Where(path) + "the file is damaged: " + message + (message.ends_with('.') ? "" : ".") +
                         " Fetch or write it again.");
}

// What is wrong with a file whose ends are not Parquet's.
arrow::Status CheckMagic(const std::string& path, arrow::io::RandomAccessFile& file) {
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, file.GetSize());
  const std::string size = std::to_string(bytes) + " bytes";
  const auto length = static_cast<int64_t>(kMagic.size());
  if (bytes == 0) return data::DataError(Where(path) + "the file is empty (0 bytes). Fetch or write it again.");
  ARROW_ASSIGN_OR_RAISE(const auto head, file.ReadAt(0, length));
  if (std::string_view(*head) != kMagic) {
    return data::DataError(Where(path) + "this is no Parquet file: its " + size +
                           " do not begin with 'PAR1'. Name a file " + "that was written as Parquet.");
  }
  if (bytes >= 2 * length) {
    ARROW_ASSIGN_OR_RAISE(const auto tail, file.ReadAt(bytes - length, length));
    if (std::string_view(*tail) == kMagic) return arrow::Status::OK();
  }
  return data::DataError(
      Where(path) + "the file is truncated: its " + size + " begin as a Parquet file, but the end with " +
      "its table of contents is missing. Fetch it again, or write it again and wait until its writer is " + "done.");
}

void AddLeaves(const parquet::arrow::SchemaField& field, std::set<int>& leaves) {
  if (field.is_leaf()) leaves.insert(field.column_index);
  for (const auto& child : field.children) AddLeaves(child, leaves);
}

// The leaf columns of the columns named, in file order.
arrow::Result<std::vector<int>> FindLeaves(const std::string& path, const parquet::arrow::SchemaManifest& manifest,
                                           const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const auto& field : manifest.schema_fields) names.push_back(field.field->name());
  std::set<int> leaves;
  if (columns.empty()) {
    for (const auto& field : manifest.schema_fields) AddLeaves(field, leaves);
  }
  for (const std::string& column : columns) {
    bool found = false;
    for (const auto& field : manifest.schema_fields) {
      if (field.field->name() != column) continue;
      found = true;
      AddLeaves(field, leaves);
    }
    if (!found) {
      return data::SchemaError(Where(path) + "column '" + column + "' is missing." + data::NearestNames(column, names));
    }
  }
  return std::vector<int>(leaves.begin(), leaves.end());
}

class ParquetSource final : public arrow::RecordBatchReader {
 public:
  ParquetSource(std::string path, std::unique_ptr<parquet::arrow::FileReader> file,
                std::unique_ptr<arrow::RecordBatchReader> batches)
      : path_(std::move(path)), file_(std::move(file)), batches_(std::move(batches)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return batches_->schema(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    return Explain(path_, batches_->ReadNext(batch));
  }

  arrow::Status Close() override { return batches_->Close(); }

 private:
  std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> file_;  // `batches_` reads from it.
  std::unique_ptr<arrow::RecordBatchReader> batches_;
};

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadParquet(const std::string& path,
                                                                     ParquetSourceOptions options) {
  if (options.batch_rows < 1) {
    return data::OptionError(Where(path) + "batch_rows is " + std::to_string(options.batch_rows) + ". Use at least 1.");
  }
  const auto opened = arrow::io::ReadableFile::Open(path);
  if (!opened.ok()) return opened.status().WithMessage(Where(path), opened.status().message());
  ARROW_RETURN_NOT_OK(CheckMagic(path, **opened));

  parquet::ReaderProperties file_properties = parquet::default_reader_properties();
  file_properties.enable_buffered_stream();  // Else a whole column of a row group is read at once.
  file_properties.set_buffer_size(kReadBytes);
  file_properties.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties properties(/*use_threads=*/true);
  properties.set_pre_buffer(false);
  properties.set_batch_size(options.batch_rows);

  parquet::arrow::FileReaderBuilder builder;
  if (const auto status = builder.Open(*opened, file_properties); !status.ok()) return Explain(path, status);
  auto built = builder.properties(properties)->Build();
  if (!built.ok()) return Explain(path, built.status());
  std::unique_ptr<parquet::arrow::FileReader> file = std::move(built).ValueUnsafe();

  ARROW_ASSIGN_OR_RAISE(const auto leaves, FindLeaves(path, file->manifest(), options.columns));
  std::vector<int> row_groups(static_cast<std::size_t>(file->num_row_groups()));
  std::iota(row_groups.begin(), row_groups.end(), 0);
  auto batches = file->GetRecordBatchReader(row_groups, leaves);
  if (!batches.ok()) return Explain(path, batches.status());
  return std::make_shared<ParquetSource>(path, std::move(file), std::move(batches).ValueUnsafe());
}

}  // namespace sabot::connectors
