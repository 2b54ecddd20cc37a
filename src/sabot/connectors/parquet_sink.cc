#include "sabot/connectors/parquet_sink.h"

#include <arrow/array.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "sabot/connectors/file_sink_internal.h"
#include "sabot/connectors/row_blocks.h"
#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

using internal::SinkWhere;

const std::string kConnector = "parquet sink";
constexpr const char* kSuffix = ".parquet";
constexpr int64_t kRowGroupRowsMax = int64_t{1} << 30;
// Where a column of a row group has more distinct values than this holds, it is written plain from there on. At
// Parquet's usual 1 MB a row group of distinct doubles fits just about whole: all the work of a dictionary, and no
// gain.
constexpr int64_t kDictionaryBytesMax = int64_t{128} << 10;

struct Compression {
  std::string_view name;
  arrow::Compression::type type;
};
constexpr std::array kCompressions = {
    Compression{"zstd", arrow::Compression::ZSTD}, Compression{"snappy", arrow::Compression::SNAPPY},
    Compression{"lz4", arrow::Compression::LZ4}, Compression{"none", arrow::Compression::UNCOMPRESSED}};

arrow::Result<arrow::Compression::type> FindCompression(const std::string& path, const std::string& name) {
  for (const Compression& compression : kCompressions) {
    if (compression.name == name) return compression.type;
  }
  return data::OptionError(SinkWhere(kConnector, path) + "compression is '" + name +
                           "'. Use 'zstd', 'snappy', 'lz4' or 'none'.");
}

// How many of the first rows a column's encoding is chosen by, and the share of distinct values from which on a
// dictionary is no gain.
constexpr int64_t kSampledRows = 4'096;
constexpr double kDistinctShare = 0.5;

// Whether most of the column's first values differ from one another.
template <class Word>
bool MostlyDistinct(const arrow::Array& column) {
  const auto* const values = column.data()->GetValues<Word>(1);
  std::vector<Word> sample;
  for (int64_t row = 0; row < std::min(column.length(), kSampledRows); ++row) {
    if (column.IsValid(row)) sample.push_back(values[row]);
  }
  const auto valid = static_cast<double>(sample.size());
  std::sort(sample.begin(), sample.end());
  const auto distinct = std::unique(sample.begin(), sample.end()) - sample.begin();
  return static_cast<double>(distinct) > kDistinctShare * valid;
}

// Numbers that rarely repeat go without a dictionary, which costs more than it saves: floats with their bytes split by
// significance, integers and times as differences. Chosen by the first rows of a file, so by its rows alone.
void ChooseEncoding(const std::string& name, const arrow::Array& column, parquet::WriterProperties::Builder& builder) {
  switch (column.type_id()) {
    case arrow::Type::DOUBLE:
      if (MostlyDistinct<uint64_t>(column)) {
        builder.disable_dictionary(name)->encoding(name, parquet::Encoding::BYTE_STREAM_SPLIT);
      }
      break;
    case arrow::Type::INT64:
      if (!MostlyDistinct<int64_t>(column)) break;
      [[fallthrough]];
    case arrow::Type::TIMESTAMP:  // They mostly go up by little.
      builder.disable_dictionary(name)->encoding(name, parquet::Encoding::DELTA_BINARY_PACKED);
      break;
    default:
      break;
  }
}

// Pages are cut inside a row group by the arrays it is written from, so each is written from one array a column.
class ParquetEncoder final : public internal::FileEncoder {
 public:
  ParquetEncoder(std::shared_ptr<arrow::Schema> schema, std::shared_ptr<arrow::io::OutputStream> stream,
                 arrow::Compression::type compression, int64_t row_group_rows)
      : schema_(std::move(schema)),
        stream_(std::move(stream)),
        compression_(compression),
        row_group_rows_(row_group_rows),
        blocks_(row_group_rows) {}

  // Error (kSchema): Parquet cannot hold the columns.
  arrow::Status CheckSchema() const {
    std::shared_ptr<parquet::SchemaDescriptor> descriptor;
    const auto status = parquet::arrow::ToParquetSchema(schema_.get(), *parquet::default_writer_properties(),
                                                        *parquet::default_arrow_writer_properties(), &descriptor);
    return status.ok() ? status : data::SchemaError("Parquet cannot hold its columns: " + status.message());
  }

  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    return blocks_.Add(batch, [this](const auto& block) { return WriteRowGroup(*block); });
  }

  arrow::Status Finish() override {
    ARROW_RETURN_NOT_OK(blocks_.Finish([this](const auto& block) { return WriteRowGroup(*block); }));
    if (writer_ == nullptr) ARROW_RETURN_NOT_OK(Open(nullptr));
    return writer_->Close();
  }

 private:
  // `first` is the first row group, if there is one.
  arrow::Status Open(const arrow::RecordBatch* first) {
    parquet::WriterProperties::Builder builder;
    builder.compression(compression_)
        ->max_row_group_length(row_group_rows_)
        ->dictionary_pagesize_limit(kDictionaryBytesMax)
        ->enable_page_checksum();
    for (int column = 0; first != nullptr && column < first->num_columns(); ++column) {
      ChooseEncoding(schema_->field(column)->name(), *first->column(column), builder);
    }
    return parquet::arrow::FileWriter::Open(
               *schema_, arrow::default_memory_pool(), stream_, builder.build(),
               parquet::ArrowWriterProperties::Builder().store_schema()->set_use_threads(true)->build())
        .Value(&writer_);
  }

  // Arrow encodes columns in parallel only in a row group that it buffers.
  arrow::Status WriteRowGroup(const arrow::RecordBatch& block) {
    if (writer_ == nullptr) ARROW_RETURN_NOT_OK(Open(&block));
    ARROW_RETURN_NOT_OK(writer_->NewBufferedRowGroup());
    return writer_->WriteRecordBatch(block);
  }

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  arrow::Compression::type compression_;
  int64_t row_group_rows_;
  RowBlocks blocks_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
};

}  // namespace

arrow::Result<std::unique_ptr<Sink>> OpenParquetSink(const std::string& path, std::shared_ptr<arrow::Schema> schema,
                                                     ParquetSinkOptions options) {
  if (options.row_group_rows < 1 || options.row_group_rows > kRowGroupRowsMax) {
    return data::OptionError(SinkWhere(kConnector, path) + "row_group_rows is " +
                             std::to_string(options.row_group_rows) + ". Use a value from 1 to " +
                             std::to_string(kRowGroupRowsMax) + ".");
  }
  ARROW_ASSIGN_OR_RAISE(const auto compression, FindCompression(path, options.compression));
  const auto make_encoder = [compression, row_group_rows = options.row_group_rows](
                                const std::shared_ptr<arrow::Schema>& written,
                                const std::shared_ptr<arrow::io::OutputStream>& stream)
      -> arrow::Result<std::unique_ptr<internal::FileEncoder>> {
    auto encoder = std::make_unique<ParquetEncoder>(written, stream, compression, row_group_rows);
    ARROW_RETURN_NOT_OK(encoder->CheckSchema());
    return encoder;
  };
  return internal::OpenFileSink(kConnector, internal::PlaceOf(path, kSuffix, options), std::move(schema), make_encoder);
}

arrow::Result<std::vector<std::unique_ptr<Sink>>> OpenParquetSinks(const std::string& folder,
                                                                   const std::shared_ptr<arrow::Schema>& schema,
                                                                   const ParquetSinkOptions& options, int partitions) {
  return internal::OpenPartsOf(
      kConnector, folder, kSuffix, options, partitions,
      [&](const std::string& path, ParquetSinkOptions one) { return OpenParquetSink(path, schema, std::move(one)); });
}

}  // namespace sabot::connectors
