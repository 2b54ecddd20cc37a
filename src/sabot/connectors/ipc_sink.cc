#include "sabot/connectors/ipc_sink.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/bitmap_ops.h>
#include <arrow/util/compression.h>

#include <cstring>
#include <utility>

#include "sabot/connectors/file_sink_internal.h"
#include "sabot/connectors/row_blocks.h"
#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

using internal::SinkWhere;

const std::string kConnector = "ipc sink";
constexpr const char* kSuffix = ".arrow";
constexpr int64_t kBatchRowsMax = int64_t{1} << 30;

// A copy of a fixed-width column with zeros under its nulls.
arrow::Result<std::shared_ptr<arrow::Array>> ZeroUnderNulls(const arrow::ArrayData& column, int64_t width) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> values, arrow::AllocateBuffer(column.length * width));
  std::memcpy(values->mutable_data(), column.buffers[1]->data() + column.offset * width,
              static_cast<std::size_t>(column.length * width));
  for (int64_t row = 0; row < column.length; ++row) {
    if (column.IsNull(row)) {
      std::memset(values->mutable_data() + row * width, 0, static_cast<std::size_t>(width));
    }
  }
  ARROW_ASSIGN_OR_RAISE(
      auto validity, arrow::internal::CopyBitmap(arrow::default_memory_pool(), column.buffers[0]->data(), column.offset,
                                                 column.length));
  return arrow::MakeArray(
      arrow::ArrayData::Make(column.type, column.length, {std::move(validity), std::move(values)}, column.null_count));
}

// Bits beyond the last row, offsets that do not begin at 0, values under nulls: a column's buffers hold more than its
// rows do, and IPC writes buffers. Here what is not the rows' is made the same for all.
arrow::Result<std::shared_ptr<arrow::Array>> Canonical(const std::shared_ptr<arrow::Array>& column) {
  const auto& type = *column->type();
  const bool has_nulls = column->null_count() > 0;
  const int bits = arrow::is_fixed_width(type.id()) ? type.bit_width() : 0;
  if (bits > 0 && bits % 8 == 0) {  // Slices of these are cut as they are written.
    if (!has_nulls) return column;
    return ZeroUnderNulls(*column->data(), bits / 8);
  }
  if (type.id() == arrow::Type::NA) return column;
  ARROW_ASSIGN_OR_RAISE(const auto builder, arrow::MakeBuilder(column->type()));
  if (!has_nulls) {
    ARROW_RETURN_NOT_OK(builder->AppendArraySlice(arrow::ArraySpan(*column->data()), 0, column->length()));
    return builder->Finish();
  }
  for (int64_t row = 0; row < column->length();) {  // Runs of nulls and of values.
    int64_t end = row;
    const bool null = column->IsNull(row);
    while (end < column->length() && column->IsNull(end) == null) ++end;
    ARROW_RETURN_NOT_OK(null ? builder->AppendNulls(end - row)
                             : builder->AppendArraySlice(arrow::ArraySpan(*column->data()), row, end - row));
    row = end;
  }
  return builder->Finish();
}

class IpcEncoder final : public internal::FileEncoder {
 public:
  IpcEncoder(std::shared_ptr<arrow::ipc::RecordBatchWriter> writer, int64_t batch_rows)
      : writer_(std::move(writer)), blocks_(batch_rows) {}

  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    return blocks_.Add(batch, [this](const auto& block) { return WriteBlock(*block); });
  }

  arrow::Status Finish() override {
    ARROW_RETURN_NOT_OK(blocks_.Finish([this](const auto& block) { return WriteBlock(*block); }));
    return writer_->Close();
  }

 private:
  arrow::Status WriteBlock(const arrow::RecordBatch& block) {
    arrow::ArrayVector columns;
    for (const auto& column : block.columns()) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), Canonical(column));
    }
    return writer_->WriteRecordBatch(*arrow::RecordBatch::Make(block.schema(), block.num_rows(), std::move(columns)));
  }

  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  RowBlocks blocks_;
};

}  // namespace

arrow::Result<std::unique_ptr<Sink>> OpenIpcSink(const std::string& path, std::shared_ptr<arrow::Schema> schema,
                                                 IpcSinkOptions options) {
  if (options.batch_rows < 1 || options.batch_rows > kBatchRowsMax) {
    return data::OptionError(SinkWhere(kConnector, path) + "batch_rows is " + std::to_string(options.batch_rows) +
                             ". Use a value from 1 to " + std::to_string(kBatchRowsMax) + ".");
  }
  auto write_options = arrow::ipc::IpcWriteOptions::Defaults();
  if (options.compression == "lz4" || options.compression == "zstd") {
    const auto type = options.compression == "lz4" ? arrow::Compression::LZ4_FRAME : arrow::Compression::ZSTD;
    ARROW_ASSIGN_OR_RAISE(write_options.codec, arrow::util::Codec::Create(type));
  } else if (options.compression != "none") {
    return data::OptionError(SinkWhere(kConnector, path) + "compression is '" + options.compression +
                             "'. Use 'lz4', 'zstd' or 'none'.");
  }
  const auto make_encoder = [write_options, batch_rows = options.batch_rows](
                                const std::shared_ptr<arrow::Schema>& written,
                                const std::shared_ptr<arrow::io::OutputStream>& stream)
      -> arrow::Result<std::unique_ptr<internal::FileEncoder>> {
    for (const auto& field : written->fields()) {
      if (arrow::MakeBuilder(field->type()).ok()) continue;
      return data::SchemaError("column '" + field->name() + "' has type " + field->type()->ToString() +
                               ", which cannot be written. Cast it before the sink.");
    }
    ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeFileWriter(stream, written, write_options));
    return std::make_unique<IpcEncoder>(std::move(writer), batch_rows);
  };
  return internal::OpenFileSink(kConnector, internal::PlaceOf(path, kSuffix, options), std::move(schema), make_encoder);
}

arrow::Result<std::vector<std::unique_ptr<Sink>>> OpenIpcSinks(const std::string& folder,
                                                               const std::shared_ptr<arrow::Schema>& schema,
                                                               const IpcSinkOptions& options, int partitions) {
  return internal::OpenPartsOf(
      kConnector, folder, kSuffix, options, partitions,
      [&](const std::string& path, IpcSinkOptions one) { return OpenIpcSink(path, schema, std::move(one)); });
}

}  // namespace sabot::connectors
