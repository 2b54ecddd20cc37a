#include "sabot/connectors/ipc_source.h"

#include <arrow/buffer.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "sabot/connectors/file_set.h"
#include "sabot/connectors/files_source_internal.h"
#include "sabot/connectors/input_errors.h"
#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

constexpr std::string_view kConnector = "ipc source";
constexpr std::string_view kFileMagic = "ARROW1";
constexpr std::string_view kStreamMagic = "\xFF\xFF\xFF\xFF";  // Begins every message of a stream.
constexpr std::string_view kFeather1Magic = "FEA1";

class IpcFile final : public internal::FileReader {
 public:
  explicit IpcFile(InputFile file) : file_(std::move(file)) {}

  arrow::Status Open(const IpcSourceOptions& options) {
    ARROW_ASSIGN_OR_RAISE(input_, OpenInput(file_));
    ARROW_ASSIGN_OR_RAISE(bytes_, input_->GetSize());
    const std::string where = Where(kConnector, file_);
    if (bytes_ == 0) return data::DataError(where + "the file is empty (0 bytes). Fetch or write it again.");
    ARROW_ASSIGN_OR_RAISE(const auto head, input_->ReadAt(0, static_cast<int64_t>(kFileMagic.size())));
    const std::string_view magic(*head);
    const bool is_file = magic == kFileMagic;
    if (!is_file && !magic.starts_with(kStreamMagic)) {
      return data::DataError(where + (magic.starts_with(kFeather1Magic)
                                          ? "this is Feather version 1, which is read no more. Write it as version 2."
                                          : "this is no Arrow IPC file: its " + std::to_string(bytes_) +
                                                " bytes begin neither as a file nor as a stream of Arrow's. Name a "
                                                "file that was written as Arrow IPC."));
    }
    if (is_file) {
      const auto length = static_cast<int64_t>(kFileMagic.size());
      ARROW_ASSIGN_OR_RAISE(const auto tail, input_->ReadAt(std::max(bytes_ - length, length), length));
      if (std::string_view(*tail) != kFileMagic) {
        return data::DataError(where + "the file is truncated: its " + std::to_string(bytes_) +
                               " bytes begin as an Arrow IPC file, but the end with its table of contents is missing. "
                               "Fetch it again, or write it again and wait until its writer is done.");
      }
    }
    // Which columns there are is known only after a first opening.
    auto read_options = arrow::ipc::IpcReadOptions::Defaults();
    ARROW_RETURN_NOT_OK(Begin(is_file, read_options));
    all_ = schema_;
    if (options.columns.empty()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(read_options.included_fields,
                          internal::FindColumns(where, schema_->field_names(), options.columns));
    return Begin(is_file, read_options);
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file_, ReadBatch(batch)));
    if (*batch == nullptr) return arrow::Status::OK();
    return ExplainFile(kConnector, file_, (*batch)->ValidateFull());
  }

  arrow::Result<std::optional<int64_t>> CountRows() override {
    if (batches_ == nullptr) return std::nullopt;
    auto counted = batches_->CountRows();
    ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file_, counted.status()));
    return *counted < 0 ? std::nullopt : std::optional(*counted);
  }

  // Whole record batches of the file format. How many rows one has is found by reading a single column of it. In a
  // stream a dictionary may be built from what stands before.
  arrow::Result<int64_t> Skip(int64_t rows) override {
    if (batches_ == nullptr || all_->num_fields() == 0) return 0;
    auto options = arrow::ipc::IpcReadOptions::Defaults();
    options.included_fields = {NarrowColumn()};
    auto narrow = arrow::ipc::RecordBatchFileReader::Open(input_, options);
    ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file_, narrow.status()));
    int64_t skipped = 0;
    for (; next_ < batches_->num_record_batches(); ++next_) {
      const auto batch = (*narrow)->ReadRecordBatch(next_);
      ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file_, batch.status()));
      if ((*batch)->num_rows() < 0 || (*batch)->num_rows() > rows - skipped) break;
      skipped += (*batch)->num_rows();
    }
    return skipped;
  }

  double done() const override {
    if (batches_ != nullptr) {
      return batches_->num_record_batches() > 0
                 ? static_cast<double>(next_) / static_cast<double>(batches_->num_record_batches())
                 : 1;
    }
    const auto at = input_->Tell();
    return at.ok() ? std::min(1.0, static_cast<double>(*at) / static_cast<double>(bytes_)) : 1;
  }

 private:
  arrow::Status Begin(bool is_file, const arrow::ipc::IpcReadOptions& options) {
    if (is_file) {
      ARROW_ASSIGN_OR_RAISE(batches_, arrow::ipc::RecordBatchFileReader::Open(input_, options));
      schema_ = batches_->schema();
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(input_->Seek(0));
    ARROW_ASSIGN_OR_RAISE(stream_, arrow::ipc::RecordBatchStreamReader::Open(input_, options));
    schema_ = stream_->schema();
    return arrow::Status::OK();
  }

  // One whose values have the fewest bytes, as far as their type says.
  int NarrowColumn() const {
    const auto bits = [this](int column) {
      const auto& type = *all_->field(column)->type();
      return arrow::is_fixed_width(type) && !arrow::is_dictionary(type.id()) ? type.bit_width()
                                                                             : std::numeric_limits<int>::max();
    };
    int narrow = 0;
    for (int column = 1; column < all_->num_fields(); ++column) {
      if (bits(column) < bits(narrow)) narrow = column;
    }
    return narrow;
  }

  arrow::Status ReadBatch(std::shared_ptr<arrow::RecordBatch>* batch) {
    if (stream_ != nullptr) return stream_->ReadNext(batch);
    if (next_ == batches_->num_record_batches()) return *batch = nullptr, arrow::Status::OK();
    return batches_->ReadRecordBatch(next_++).Value(batch);
  }

  InputFile file_;
  std::shared_ptr<arrow::io::RandomAccessFile> input_;
  int64_t bytes_ = 0;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> batches_;    // Of the file format,
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream_;  // or of the stream format.
  std::shared_ptr<arrow::Schema> all_;     // Columns of the file,
  std::shared_ptr<arrow::Schema> schema_;  // and those that are read.
  int next_ = 0;
};

}  // namespace

arrow::Result<std::vector<InputFile>> FindIpcFiles(const std::vector<std::string>& named) {
  return ExpandFiles(named,
                     {.connector = std::string(kConnector), .suffixes = {".arrow", ".arrows", ".ipc", ".feather"}});
}

arrow::Result<std::shared_ptr<Source>> ReadIpcFiles(std::vector<InputFile> files, IpcSourceOptions options) {
  ARROW_RETURN_NOT_OK(CheckBatchRows(kConnector, options.batch_rows));
  const int64_t batch_rows = options.batch_rows;
  const auto open =
      [options = std::move(options)](const InputFile& file) -> arrow::Result<std::shared_ptr<internal::FileReader>> {
    auto reader = std::make_shared<IpcFile>(file);
    ARROW_RETURN_NOT_OK(ExplainFile(kConnector, file, reader->Open(options)));
    return reader;
  };
  return internal::ReadFiles(std::string(kConnector), std::move(files), open, batch_rows);
}

arrow::Result<std::shared_ptr<Source>> ReadIpc(const std::vector<std::string>& files, IpcSourceOptions options) {
  ARROW_RETURN_NOT_OK(CheckBatchRows(kConnector, options.batch_rows));
  ARROW_ASSIGN_OR_RAISE(auto found, FindIpcFiles(files));
  return ReadIpcFiles(std::move(found), std::move(options));
}

arrow::Result<std::shared_ptr<Source>> ReadIpc(const std::string& file, IpcSourceOptions options) {
  return ReadIpc(std::vector<std::string>{file}, std::move(options));
}

}  // namespace sabot::connectors
