// Writes tick files.
#include <arrow/array.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <string_view>
#include <utility>

#include "sabot/connectors/row_blocks.h"
#include "sabot/env/file_system.h"
#include "sabot/env/storage.h"
#include "sabot/ticks/tick_file.h"
#include "sabot/ticks/tick_file_internal.h"

namespace sabot::ticks {
namespace {

constexpr int64_t kRowGroupRows = 65'536;

class ParquetTickWriter final : public TickFileWriter {
 public:
  ParquetTickWriter(std::string path, std::unique_ptr<env::PendingFile> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  arrow::Status Open(bool with_side) {
    parquet::WriterProperties::Builder builder;
    builder.compression(arrow::Compression::LZ4)
        ->max_row_group_length(kRowGroupRows)
        ->disable_dictionary("timestamp")
        ->encoding("timestamp", parquet::Encoding::DELTA_BINARY_PACKED)
        ->enable_page_checksum();
    return parquet::arrow::FileWriter::Open(*TickSchema(with_side), arrow::default_memory_pool(), file_->stream(),
                                            builder.build(),
                                            parquet::ArrowWriterProperties::Builder().store_schema()->build())
        .Value(&writer_);
  }

  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& ticks) override {
    rows_ += ticks->num_rows();
    // Pages are cut where arrays end, so every row group is written from one array a column.
    return Explain(blocks_.Add(ticks, [this](const auto& block) { return WriteRowGroup(*block); }));
  }

  arrow::Status Close(TickFileInfo info) override {
    info.rows = rows_;
    const auto finish = [&]() -> arrow::Status {
      ARROW_RETURN_NOT_OK(blocks_.Finish([this](const auto& block) { return WriteRowGroup(*block); }));
      ARROW_RETURN_NOT_OK(writer_->AddKeyValueMetadata(internal::TickMetadata(info)));
      ARROW_RETURN_NOT_OK(writer_->Close());
      return file_->Commit();
    };
    return Explain(finish());
  }

 private:
  arrow::Status WriteRowGroup(const arrow::RecordBatch& block) {
    ARROW_RETURN_NOT_OK(writer_->NewBufferedRowGroup());
    return writer_->WriteRecordBatch(block);
  }

  arrow::Status Explain(const arrow::Status& status) const {
    return status.ok() ? status : status.WithMessage("tick file '", path_, "': ", status.message());
  }

  std::string path_;
  std::unique_ptr<env::PendingFile> file_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  connectors::RowBlocks blocks_{kRowGroupRows};
  int64_t rows_ = 0;
};

// What file names cannot hold, or what hides a file in a folder that is read.
bool IsUnfit(char letter, bool first) {
  return letter == '/' || letter == '\\' || static_cast<unsigned char>(letter) < 0x20 ||
         (first && (letter == '.' || letter == '_'));
}

}  // namespace

arrow::Result<std::unique_ptr<TickFileWriter>> OpenTickFileWriter(const std::string& path, bool with_side) {
  ARROW_ASSIGN_OR_RAISE(const auto place, env::StorageOf(path));
  ARROW_ASSIGN_OR_RAISE(auto file, place.storage->Create(place.path));
  auto writer = std::make_unique<ParquetTickWriter>(env::PublicName(path), std::move(file));
  ARROW_RETURN_NOT_OK(writer->Open(with_side));
  return writer;
}

std::string TickFileName(const std::string& security) {
  std::string name;
  for (const char letter : security) {
    const bool upper = letter >= 'A' && letter <= 'Z';
    name += IsUnfit(letter, name.empty()) ? '-' : upper ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  return name + ".parquet";
}

}  // namespace sabot::ticks
