#include "sabot/ticks/tick_file.h"

#include <arrow/io/interfaces.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sabot/connectors/file_set.h"
#include "sabot/connectors/input_errors.h"
#include "sabot/connectors/parquet_source.h"
#include "sabot/data/errors.h"
#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_check_internal.h"
#include "sabot/ticks/tick_file_internal.h"

namespace sabot::ticks {
namespace {

using connectors::FindParquetFiles;
using connectors::InputFile;
using connectors::OpenInput;
using connectors::ReadParquet;

constexpr std::string_view kConnector = "tick file";
constexpr int64_t kReadRows = 65'536;
constexpr int64_t kReadBytes = int64_t{256} << 10;  // Of one column at a time.

bool IsText(const arrow::DataType& type) {
  if (type.id() != arrow::Type::DICTIONARY) return arrow::is_base_binary_like(type.id());
  return arrow::is_base_binary_like(static_cast<const arrow::DictionaryType&>(type).value_type()->id());
}

// The positions of TickSchema's columns in a file's, `side` at the end if it is there; or what is wrong (kSchema).
arrow::Result<std::vector<int>> FindCanonicalColumns(const arrow::Schema& found) {
  for (const char* const name : {"symbol", "security"}) {
    if (found.GetAllFieldIndices(name).empty()) continue;
    return data::SchemaError("it has a column '" + std::string(name) + "', and a tick file holds one security." +
                             std::string(internal::kConvertTicks));
  }
  std::vector<int> positions;
  const auto schema = TickSchema(/*with_side=*/true);
  for (const auto& wanted : schema->fields()) {
    const int position = found.GetFieldIndex(wanted->name());
    if (position < 0 && wanted->name() == "side" && found.GetAllFieldIndices("side").empty()) continue;
    if (position < 0) {
      return data::SchemaError("column '" + wanted->name() + "' is missing." +
                               data::NearestNames(wanted->name(), found.field_names()) +
                               std::string(internal::kConvertTicks));
    }
    const auto& type = *found.field(position)->type();
    if (wanted->name() == "type" ? IsText(type) : type.Equals(*wanted->type())) {
      positions.push_back(position);
      continue;
    }
    ARROW_RETURN_NOT_OK(CheckTimeZone(wanted->name(), type));
    return data::SchemaError("column '" + wanted->name() + "' is " + type.ToString() + ", and a tick file has " +
                             wanted->type()->ToString() + "." + std::string(internal::kConvertTicks));
  }
  return positions;
}

struct OpenedFile {
  InputFile file;
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::shared_ptr<arrow::Schema> schema;
  TickFileInfo info;
  bool is_ours = false;
};

arrow::Status OpenParquet(OpenedFile& opened) {
  ARROW_ASSIGN_OR_RAISE(const auto input, OpenInput(opened.file));
  parquet::ReaderProperties file_properties = parquet::default_reader_properties();
  file_properties.enable_buffered_stream();  // Else a whole column of a row group is read at once.
  file_properties.set_buffer_size(kReadBytes);
  file_properties.set_page_checksum_verification(true);
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_pre_buffer(false);
  properties.set_batch_size(kReadRows);
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(input, file_properties));
  // A plain text column is read as a dictionary, too.
  const auto* const columns = builder.raw_reader()->metadata()->schema();
  for (int leaf = 0; leaf < columns->num_columns(); ++leaf) {
    const auto& column = *columns->Column(leaf);
    if (column.name() == "type" && column.physical_type() == parquet::Type::BYTE_ARRAY) {
      properties.set_read_dictionary(leaf, true);
    }
  }
  ARROW_ASSIGN_OR_RAISE(opened.reader, builder.properties(properties)->Build());
  return opened.reader->GetSchema(&opened.schema);
}

arrow::Result<OpenedFile> Open(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto files, FindParquetFiles({path}));
  if (files.size() != 1) {
    return data::OptionError(std::string(kConnector) + " '" + path + "': it stands for " +
                             std::to_string(files.size()) + " files. Name one.");
  }
  OpenedFile opened;
  opened.file = std::move(files.front());
  if (const auto status = OpenParquet(opened); !status.ok()) {
    ARROW_RETURN_NOT_OK(ReadParquet(path));  // Knows what makes a file none of Parquet.
    return connectors::ExplainFile(kConnector, opened.file, status);
  }
  const auto metadata = opened.reader->parquet_reader()->metadata()->key_value_metadata();
  auto ours = internal::ReadTickMetadata(metadata.get(), &opened.info);
  ARROW_RETURN_NOT_OK(connectors::ExplainFile(kConnector, opened.file, ours.status()));
  opened.is_ours = *ours;
  if (!opened.is_ours) {
    opened.info.security = std::filesystem::path(opened.file.path).stem().string();
    opened.info.rows = opened.reader->parquet_reader()->metadata()->num_rows();
  }
  return opened;
}

class ParquetTickReader final : public TickReader {
 public:
  ParquetTickReader(OpenedFile opened, int64_t batch_rows)
      : file_(std::move(opened.file)),
        info_(std::move(opened.info)),
        reader_(std::move(opened.reader)),
        batch_rows_(batch_rows) {}

  // `positions` of the columns of TickSchema in the file.
  arrow::Status Init(const std::vector<int>& positions) {
    std::vector<int> leaves;
    for (const int position : positions) {
      leaves.push_back(reader_->manifest().schema_fields[static_cast<std::size_t>(position)].column_index);
    }
    std::vector<int> row_groups(static_cast<std::size_t>(reader_->num_row_groups()));
    std::iota(row_groups.begin(), row_groups.end(), 0);
    ARROW_RETURN_NOT_OK(reader_->GetRecordBatchReader(row_groups, leaves).Value(&batches_));
    check_.emplace(connectors::Where(kConnector, file_), *batches_->schema());
    return arrow::Status::OK();
  }

  const TickFileInfo& info() const override { return info_; }
  bool has_side() const override { return check_->has_side(); }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    while (rest_ == nullptr || begin_ == rest_->num_rows()) {
      begin_ = 0;
      std::shared_ptr<arrow::RecordBatch> read;
      ARROW_RETURN_NOT_OK(connectors::ExplainFile(kConnector, file_, batches_->ReadNext(&read)));
      if (read == nullptr) return nullptr;
      ARROW_ASSIGN_OR_RAISE(rest_, check_->Check(*read));
    }
    const int64_t rows = std::min(batch_rows_, rest_->num_rows() - begin_);
    auto batch = rows == rest_->num_rows() ? rest_ : rest_->Slice(begin_, rows);
    begin_ += rows;
    return batch;
  }

 private:
  InputFile file_;
  TickFileInfo info_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;  // `batches_` reads from it.
  int64_t batch_rows_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::optional<internal::TickCheck> check_;
  std::shared_ptr<arrow::RecordBatch> rest_;
  int64_t begin_ = 0;  // Of what was not given yet.
};

}  // namespace

arrow::Result<std::unique_ptr<TickReader>> OpenTickFile(const std::string& path, int64_t batch_rows) {
  ARROW_RETURN_NOT_OK(connectors::CheckBatchRows(kConnector, batch_rows));
  ARROW_ASSIGN_OR_RAISE(auto opened, Open(path));
  const InputFile file = opened.file;
  auto positions = FindCanonicalColumns(*opened.schema);
  ARROW_RETURN_NOT_OK(connectors::ExplainFile(kConnector, file, positions.status()));
  auto reader = std::make_unique<ParquetTickReader>(std::move(opened), batch_rows);
  ARROW_RETURN_NOT_OK(connectors::ExplainFile(kConnector, file, reader->Init(*positions)));
  return reader;
}

arrow::Result<TickFileLook> LookAtTickFile(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto opened, Open(path));
  return TickFileLook{.is_ours = opened.is_ours,
                      .is_canonical = FindCanonicalColumns(*opened.schema).ok(),
                      .info = std::move(opened.info)};
}

arrow::Result<bool> IsTickFile(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto look, LookAtTickFile(path));
  if (look.is_ours || !look.is_canonical) return look.is_canonical;
  ARROW_ASSIGN_OR_RAISE(const auto reader, OpenTickFile(path));
  for (;;) {
    ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
    const auto batch = reader->Next();
    if (data::KindOf(batch.status()) == data::ErrorKind::kData) return false;
    ARROW_RETURN_NOT_OK(batch);
    if (*batch == nullptr) return true;
  }
}

}  // namespace sabot::ticks
