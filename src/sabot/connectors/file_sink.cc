#include <arrow/io/memory.h>
#include <arrow/type.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "sabot/connectors/file_sink_internal.h"
#include "sabot/data/errors.h"
#include "sabot/data/same_columns.h"
#include "sabot/env/fault_point.h"
#include "sabot/env/file_system.h"
#include "sabot/env/storage.h"

namespace sabot::connectors::internal {
namespace {

class FileSink final : public Sink {
 public:
  FileSink(std::string connector, FileSinkPlace place, std::shared_ptr<arrow::Schema> schema, MakeEncoder make_encoder)
      : connector_(std::move(connector)),
        path_(std::move(place.path)),
        suffix_(std::move(place.suffix)),
        schema_(std::move(schema)),
        written_(WrittenSchema(*schema_)),
        rows_per_file_(place.rows_per_file),
        resume_at_(place.resume_at),
        make_encoder_(std::move(make_encoder)),
        target_{.storage = std::move(place.storage), .path = {}} {}

  ~FileSink() override {
    // An encoder may write its end when it is destroyed: nobody wants it, and a pipe might never take it.
    if (file_ != nullptr) static_cast<void>(file_->stream()->Close());
    encoder_.reset();
    file_.reset();
  }

  arrow::Status Open() { return Explain(OpenStorage()); }

  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    ARROW_RETURN_NOT_OK(CheckUsable());
    ARROW_RETURN_NOT_OK(CheckSchema(*batch->schema()));
    const arrow::Status status = WriteRows(batch);
    failed_ = !status.ok();
    return Explain(status);
  }

  arrow::Status Finish() override {
    ARROW_RETURN_NOT_OK(CheckUsable());
    finished_ = true;
    const arrow::Status status = EndFile();
    failed_ = !status.ok();
    return Explain(status);
  }

  arrow::Status Close() override {
    if (!finished_) ARROW_RETURN_NOT_OK(Finish());
    if (closed_ || failed_) return CheckUsable();
    closed_ = true;
    return Explain(CommitFile());
  }

  int64_t rows_written() const override { return rows_; }
  int64_t bytes_written() const override { return bytes_; }
  int64_t rows_durable() const override { return rows_durable_; }

 private:
  arrow::Status OpenStorage() {
    ARROW_ASSIGN_OR_RAISE(target_, FindStorage(path_, std::move(target_.storage)));
    if (resume_at_) return Resume();
    if (rows_per_file_ > 0) ARROW_RETURN_NOT_OK(OpenPartFolder(target_, suffix_, "rows_per_file"));
    return OpenFile();
  }

  arrow::Status Resume() {
    ARROW_RETURN_NOT_OK(make_encoder_(written_, std::make_shared<arrow::io::MockOutputStream>()).status());
    if (rows_per_file_ == 0) {
      const bool on_disk = env::SchemeOf(path_).empty() || env::SchemeOf(path_) == "file";
      if (on_disk) ARROW_RETURN_NOT_OK(RemoveUnfinished(target_));  // Elsewhere there is nothing before it is whole.
      return OpenFile();
    }
    files_ = *resume_at_ / rows_per_file_;
    ARROW_RETURN_NOT_OK(ResumePartFolder(target_, suffix_, "rows_per_file",
                                         {.kept = files_, .expected = kPartFilesMax, .removes = true}));
    return files_ == 0 ? OpenFile() : arrow::Status::OK();  // Behind a full one there may be none.
  }

  arrow::Status OpenFile() {
    std::string path = target_.path;
    if (rows_per_file_ > 0) {
      if (files_ == kPartFilesMax) {
        return data::OptionError("rows_per_file is " + std::to_string(rows_per_file_) + ", which makes more than " +
                                 std::to_string(kPartFilesMax) + " files. Raise it.");
      }
      path = PartName(path, files_++, suffix_);
    }
    ARROW_ASSIGN_OR_RAISE(file_, target_.storage->Create(path));
    rows_in_file_ = 0;
    return make_encoder_(written_, file_->stream()).Value(&encoder_);
  }

  // No rows are one file with a schema, too; behind a full one there is none.
  arrow::Status EndFile() {
    if (encoder_ == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(encoder_->Finish());
    ARROW_RETURN_NOT_OK(CountBytes());
    bytes_before_ = bytes_;
    encoder_.reset();
    return arrow::Status::OK();
  }

  arrow::Status CommitFile() {
    const auto file = std::move(file_);
    if (file != nullptr) ARROW_RETURN_NOT_OK(file->Commit());
    rows_durable_ = rows_.load();
    return arrow::Status::OK();
  }

  arrow::Status CountBytes() {
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, file_->stream()->Tell());
    bytes_ = bytes_before_ + bytes;
    return arrow::Status::OK();
  }

  arrow::Status WriteRows(const std::shared_ptr<arrow::RecordBatch>& batch) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, WrittenRows(batch, written_));
    for (int64_t begin = 0; begin < rows->num_rows();) {
      if (encoder_ == nullptr) ARROW_RETURN_NOT_OK(OpenFile());
      int64_t count = rows->num_rows() - begin;
      if (rows_per_file_ > 0) count = std::min(count, rows_per_file_ - rows_in_file_);
      ARROW_RETURN_NOT_OK(encoder_->Write(count == rows->num_rows() ? rows : rows->Slice(begin, count)));
      begin += count;
      rows_in_file_ += count;
      rows_ += count;
      ARROW_RETURN_NOT_OK(CountBytes());
      if (rows_in_file_ != rows_per_file_) continue;
      ARROW_RETURN_NOT_OK(EndFile());
      ARROW_RETURN_NOT_OK(CommitFile());
      env::FaultPoint("part-file-renamed");
    }
    return arrow::Status::OK();
  }

  // Puts words before an error; kind and errno stay.
  arrow::Status Explain(const arrow::Status& status) const {
    return status.ok() ? status : status.WithMessage(SinkWhere(connector_, path_), status.message());
  }

  arrow::Status CheckUsable() const {
    if (finished_) return arrow::Status::Invalid(SinkWhere(connector_, path_), "the sink is closed.");
    if (failed_) {
      return arrow::Status::Invalid(SinkWhere(connector_, path_), "an earlier write failed. Open the sink anew.");
    }
    return arrow::Status::OK();
  }

  arrow::Status CheckSchema(const arrow::Schema& other) const {
    if (data::SameColumns(other, *schema_)) return arrow::Status::OK();
    return data::SchemaError(SinkWhere(connector_, path_) + "a batch has columns (" + other.ToString() +
                             "), the file was opened for (" + schema_->ToString() + "). Write batches of one schema.");
  }

  const std::string connector_;
  const std::string path_;  // As the user named it.
  const std::string suffix_;
  const std::shared_ptr<arrow::Schema> schema_;   // Of the batches,
  const std::shared_ptr<arrow::Schema> written_;  // and of the files.
  const int64_t rows_per_file_;
  const std::optional<int64_t> resume_at_;
  const MakeEncoder make_encoder_;

  env::StoragePath target_;
  std::unique_ptr<env::PendingFile> file_;
  std::unique_ptr<FileEncoder> encoder_;  // Null between files.
  int64_t files_ = 0;
  int64_t rows_in_file_ = 0;
  int64_t bytes_before_ = 0;  // Of the files that are complete.
  std::atomic<int64_t> rows_ = 0;
  std::atomic<int64_t> rows_durable_ = 0;
  std::atomic<int64_t> bytes_ = 0;
  bool failed_ = false;
  bool finished_ = false;
  bool closed_ = false;
};

// Whether a file can end there.
arrow::Status CheckResumeAt(const std::string& connector, const FileSinkPlace& place) {
  const int64_t rows = *place.resume_at;
  const std::string found = SinkWhere(connector, place.path) + "resume_at is " + std::to_string(rows);
  if (rows < 0) return data::OptionError(found + ". Use 0, or the end of a file that is complete.");
  if (rows > 0 && place.rows_per_file == 0) {
    return data::OptionError(found +
                             ", but all rows are in one file, which is complete at its end only. Use 0, or set "
                             "rows_per_file.");
  }
  if (place.rows_per_file == 0 || rows % place.rows_per_file == 0) return arrow::Status::OK();
  return data::OptionError(found + ", which is no end of a file of " + std::to_string(place.rows_per_file) +
                           " rows. Use a multiple of rows_per_file.");
}

}  // namespace

std::string SinkWhere(const std::string& connector, const std::string& path) {
  return connector + " '" + env::PublicName(path) + "': ";
}

arrow::Result<std::unique_ptr<Sink>> OpenFileSink(std::string connector, FileSinkPlace place,
                                                  std::shared_ptr<arrow::Schema> schema, MakeEncoder make_encoder) {
  if (place.rows_per_file < 0) {
    return data::OptionError(SinkWhere(connector, place.path) + "rows_per_file is " +
                             std::to_string(place.rows_per_file) + ". Use 0 for one file, or at least 1.");
  }
  if (place.resume_at) ARROW_RETURN_NOT_OK(CheckResumeAt(connector, place));
  auto sink =
      std::make_unique<FileSink>(std::move(connector), std::move(place), std::move(schema), std::move(make_encoder));
  ARROW_RETURN_NOT_OK(sink->Open());
  return sink;
}

}  // namespace sabot::connectors::internal
