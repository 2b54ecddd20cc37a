#include "sabot/connectors/parquet_sink.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/io_util.h>
#include <fcntl.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

using arrow::internal::checked_cast;

constexpr int64_t kRowGroupRowsMax = int64_t{1} << 30;

struct Compression {
  std::string_view name;
  arrow::Compression::type type;
};
constexpr std::array kCompressions = {
    Compression{"zstd", arrow::Compression::ZSTD}, Compression{"snappy", arrow::Compression::SNAPPY},
    Compression{"lz4", arrow::Compression::LZ4}, Compression{"none", arrow::Compression::UNCOMPRESSED}};

std::string Where(const std::string& path) { return "parquet sink '" + path + "': "; }

arrow::Status ErrnoError(const std::string& path, const std::string& what) {
  return arrow::internal::IOErrorFromErrno(errno, Where(path), what);
}

// Puts words before an error; kind and errno stay.
arrow::Status Explain(const std::string& path, const arrow::Status& status) {
  return status.ok() ? status : status.WithMessage(Where(path), status.message());
}

bool IsString(const arrow::DataType& type) {
  return arrow::is_string(type.id()) || type.id() == arrow::Type::STRING_VIEW;
}

const std::shared_ptr<arrow::DataType>& WithoutDictionary(const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() != arrow::Type::DICTIONARY) return type;
  return checked_cast<const arrow::DictionaryType&>(*type).value_type();
}

// The type under which a column is written: the same whatever the encoding of its strings.
std::shared_ptr<arrow::DataType> WrittenType(const std::shared_ptr<arrow::DataType>& type) {
  const bool encoded = type->id() == arrow::Type::DICTIONARY || type->id() == arrow::Type::STRING_VIEW;
  const std::shared_ptr<arrow::DataType>& value_type = WithoutDictionary(type);
  return encoded && IsString(*value_type) ? arrow::utf8() : value_type;
}

// Appends strings by their views; `array` is a dictionary's entries where `indices` is given, else the rows themselves.
template <class StringArray>
arrow::Status AppendStrings(const arrow::Array& array, const arrow::DictionaryArray* indices, int64_t begin,
                            int64_t rows, arrow::StringBuilder& builder) {
  const auto& strings = checked_cast<const StringArray&>(array);
  ARROW_RETURN_NOT_OK(builder.Reserve(rows));
  for (int64_t row = begin; row < begin + rows; ++row) {
    int64_t at = row;
    if (indices != nullptr) {
      if (indices->IsNull(row)) {
        builder.UnsafeAppendNull();
        continue;
      }
      at = indices->GetValueIndex(row);
      if (at < 0 || at >= strings.length()) {
        return data::DataError("row " + std::to_string(row) + " of a batch: dictionary index " + std::to_string(at) +
                               " lies outside its dictionary of " + std::to_string(strings.length()) +
                               " entries. Validate the batch where it is made.");
      }
    }
    if (strings.IsNull(at)) {
      builder.UnsafeAppendNull();
    } else {
      ARROW_RETURN_NOT_OK(builder.Append(strings.GetView(at)));
    }
  }
  return arrow::Status::OK();
}

// Appends rows of a column to the builder of its written type.
arrow::Status AppendRows(const arrow::Array& column, int64_t begin, int64_t rows, arrow::ArrayBuilder& builder) {
  const auto* const indices =
      column.type_id() == arrow::Type::DICTIONARY ? &checked_cast<const arrow::DictionaryArray&>(column) : nullptr;
  const arrow::Array& values = indices != nullptr ? *indices->dictionary() : column;
  if (builder.type()->id() == arrow::Type::STRING &&
      (indices != nullptr || values.type_id() == arrow::Type::STRING_VIEW)) {
    auto& strings = checked_cast<arrow::StringBuilder&>(builder);
    switch (values.type_id()) {
      case arrow::Type::LARGE_STRING:
        return AppendStrings<arrow::LargeStringArray>(values, indices, begin, rows, strings);
      case arrow::Type::STRING_VIEW:
        return AppendStrings<arrow::StringViewArray>(values, indices, begin, rows, strings);
      default:
        return AppendStrings<arrow::StringArray>(values, indices, begin, rows, strings);
    }
  }
  if (indices == nullptr) return builder.AppendArraySlice(arrow::ArraySpan(*column.data()), begin, rows);
  const auto taken = arrow::compute::Take(values, *indices->indices()->Slice(begin, rows));
  if (taken.status().IsIndexError()) {
    return data::DataError("a dictionary index of a batch lies outside its dictionary of " +
                           std::to_string(values.length()) + " entries. Validate the batch where it is made.");
  }
  ARROW_RETURN_NOT_OK(taken.status());
  return builder.AppendArraySlice(arrow::ArraySpan(*(*taken)->data()), 0, rows);
}

arrow::Result<arrow::Compression::type> FindCompression(const std::string& path, const std::string& name) {
  for (const Compression& compression : kCompressions) {
    if (compression.name == name) return compression.type;
  }
  return data::OptionError(Where(path) + "compression is '" + name + "'. Use 'zstd', 'snappy', 'lz4' or 'none'.");
}

}  // namespace

struct ParquetSink::Impl {
  std::string path;
  std::string partial_path;
  std::shared_ptr<arrow::Schema> schema;  // Of the batches,
  std::shared_ptr<arrow::Schema> written;  // and of the file.
  int64_t row_group_rows;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;  // The rows of the next row group, by column.
  int64_t rows_held = 0;
  std::shared_ptr<arrow::io::FileOutputStream> file;  // Null once closed.
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  bool failed = false;  // Part of a row group may be on disk.

  ~Impl() {
    if (file != nullptr) Abandon();
  }

  void Abandon() {
    writer.reset();  // It closes what it writes to, or tries to.
    static_cast<void>(file->Close());
    file.reset();
    static_cast<void>(std::remove(partial_path.c_str()));
  }

  arrow::Status CheckUsable() const {
    if (file == nullptr) return arrow::Status::Invalid(Where(path), "the sink is closed.");
    if (failed) return arrow::Status::Invalid(Where(path), "an earlier write failed. Open the sink anew.");
    return arrow::Status::OK();
  }

  arrow::Status CheckSchema(const arrow::Schema& other) const {
    if (&other == schema.get()) return arrow::Status::OK();
    bool same = other.num_fields() == schema->num_fields();
    for (int column = 0; same && column < schema->num_fields(); ++column) {
      same = other.field(column)->name() == schema->field(column)->name() &&
             other.field(column)->type()->Equals(*schema->field(column)->type());
    }
    if (same) return arrow::Status::OK();
    return data::SchemaError(Where(path) + "a batch has columns (" + other.ToString() + "), the file was opened for (" +
                             schema->ToString() + "). Write batches of one schema.");
  }

  arrow::Status FlushRowGroup() {
    arrow::ArrayVector columns;
    for (const auto& builder : builders) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), builder->Finish());
    }
    const int64_t rows = std::exchange(rows_held, 0);
    return writer->WriteTable(*arrow::Table::Make(written, std::move(columns), rows), rows);
  }

  arrow::Status CheckNulls(const arrow::RecordBatch& batch) const {
    for (int column = 0; column < batch.num_columns(); ++column) {
      if (schema->field(column)->nullable()) continue;
      const int64_t nulls = batch.column(column)->ComputeLogicalNullCount();
      if (nulls == 0) continue;
      return data::DataError("column '" + schema->field(column)->name() + "' is not nullable, but a batch holds " +
                             std::to_string(nulls) + " nulls in it. Declare it nullable, or fill them.");
    }
    return arrow::Status::OK();
  }

  arrow::Status Append(const arrow::RecordBatch& batch) {
    ARROW_RETURN_NOT_OK(CheckNulls(batch));
    for (int64_t begin = 0; begin < batch.num_rows();) {
      const int64_t rows = std::min(batch.num_rows() - begin, row_group_rows - rows_held);
      for (int column = 0; column < batch.num_columns(); ++column) {
        ARROW_RETURN_NOT_OK(
            AppendRows(*batch.column(column), begin, rows, *builders[static_cast<std::size_t>(column)]));
      }
      rows_held += rows;
      begin += rows;
      if (rows_held == row_group_rows) ARROW_RETURN_NOT_OK(FlushRowGroup());
    }
    return arrow::Status::OK();
  }

  arrow::Status Finish() {
    if (rows_held > 0) ARROW_RETURN_NOT_OK(FlushRowGroup());
    ARROW_RETURN_NOT_OK(writer->Close());
    if (fsync(file->file_descriptor()) != 0) return ErrnoError(path, "its bytes did not reach the disk");
    ARROW_RETURN_NOT_OK(file->Close());
    if (std::rename(partial_path.c_str(), path.c_str()) != 0) {
      return ErrnoError(path, "'" + partial_path + "' cannot be renamed to it");
    }
    return SyncFolder();
  }

  // So that the new name outlives a power cut, too.
  arrow::Status SyncFolder() const {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return ErrnoError(path, "its folder cannot be opened");
    const bool synced = fsync(descriptor) == 0 || errno == EINVAL;  // Some file systems cannot.
    const int error = errno;
    close(descriptor);
    errno = error;
    return synced ? arrow::Status::OK() : ErrnoError(path, "its name did not reach the disk");
  }
};

ParquetSink::ParquetSink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ParquetSink::~ParquetSink() = default;

arrow::Result<std::unique_ptr<ParquetSink>> ParquetSink::Open(const std::string& path,
                                                              std::shared_ptr<arrow::Schema> schema,
                                                              ParquetSinkOptions options) {
  if (options.row_group_rows < 1 || options.row_group_rows > kRowGroupRowsMax) {
    return data::OptionError(Where(path) + "row_group_rows is " + std::to_string(options.row_group_rows) +
                             ". Use a value from 1 to " + std::to_string(kRowGroupRowsMax) + ".");
  }
  ARROW_ASSIGN_OR_RAISE(const auto compression, FindCompression(path, options.compression));

  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->partial_path = path + "." + std::to_string(getpid()) + ".partial";
  impl->row_group_rows = options.row_group_rows;
  arrow::FieldVector fields;
  for (const auto& field : schema->fields()) {
    fields.push_back(arrow::field(field->name(), WrittenType(field->type()), field->nullable()));
    auto builder = arrow::MakeBuilder(fields.back()->type());
    if (!builder.ok()) {
      return data::SchemaError(Where(path) + "column '" + field->name() + "' has type " + field->type()->ToString() +
                               ", which cannot be written. Cast it before the sink.");
    }
    impl->builders.push_back(std::move(builder).ValueUnsafe());
  }
  impl->schema = std::move(schema);
  impl->written = arrow::schema(std::move(fields));

  auto file = arrow::io::FileOutputStream::Open(impl->partial_path);
  if (!file.ok()) return Explain(path, file.status());
  impl->file = std::move(file).ValueUnsafe();
  auto writer = parquet::arrow::FileWriter::Open(*impl->written, arrow::default_memory_pool(), impl->file,
                                                 parquet::WriterProperties::Builder()
                                                     .compression(compression)
                                                     ->max_row_group_length(options.row_group_rows)
                                                     ->enable_page_checksum()
                                                     ->build(),
                                                 parquet::ArrowWriterProperties::Builder().store_schema()->build());
  if (!writer.ok())
    return data::SchemaError(Where(path) + "Parquet cannot hold its columns: " + writer.status().message());
  impl->writer = std::move(writer).ValueUnsafe();
  return std::unique_ptr<ParquetSink>(new ParquetSink(std::move(impl)));
}

arrow::Status ParquetSink::Write(const std::shared_ptr<arrow::RecordBatch>& batch) {
  ARROW_RETURN_NOT_OK(impl_->CheckUsable());
  ARROW_RETURN_NOT_OK(impl_->CheckSchema(*batch->schema()));
  const arrow::Status status = impl_->Append(*batch);
  impl_->failed = !status.ok();
  return Explain(impl_->path, status);
}

arrow::Status ParquetSink::Close() {
  ARROW_RETURN_NOT_OK(impl_->CheckUsable());
  const arrow::Status status = impl_->Finish();
  if (status.ok()) {
    impl_->writer.reset();
    impl_->file.reset();
  } else {
    impl_->Abandon();
  }
  return Explain(impl_->path, status);
}

}  // namespace sabot::connectors
