#include <arrow/type.h>
#include <arrow/util/io_util.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <utility>

#include "sabot/connectors/files_source_internal.h"
#include "sabot/connectors/input_errors.h"
#include "sabot/data/errors.h"
#include "sabot/env/file_system.h"

namespace sabot::connectors::internal {
namespace {

// "column 2 is 'bid: double', and 'ask: double' in ..."; empty where names and types are the same.
std::string FirstDifference(const arrow::Schema& found, const arrow::Schema& expected, const std::string& expected_in) {
  const int columns = std::max(found.num_fields(), expected.num_fields());
  for (int column = 0; column < columns; ++column) {
    const auto text = [column](const arrow::Schema& schema) {
      if (column >= schema.num_fields()) return std::string("missing");
      const auto& field = schema.field(column);
      return "'" + field->name() + ": " + field->type()->ToString() + "'";
    };
    if (const std::string here = text(found), there = text(expected); here != there) {
      return "column " + std::to_string(column + 1) + " is " + here + ", but " + there + " in '" + expected_in + "'";
    }
  }
  return "";
}

class FilesSource final : public Source {
 public:
  FilesSource(std::string connector, std::vector<InputFile> files, OpenFile open, int64_t batch_rows)
      : connector_(std::move(connector)), files_(std::move(files)), open_(std::move(open)), batch_rows_(batch_rows) {
    for (const InputFile& file : files_) bytes_ += static_cast<double>(file.bytes);
  }

  arrow::Status Init() {
    ARROW_RETURN_NOT_OK(OpenNext());
    schema_ = reader_->schema();
    return arrow::Status::OK();
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    while (rest_ == nullptr) {
      if (reader_ == nullptr) {
        if (next_ == files_.size()) return done_ = 1, arrow::Status::OK();
        ARROW_RETURN_NOT_OK(OpenNext());
        ARROW_RETURN_NOT_OK(CheckSchema());
      }
      ARROW_RETURN_NOT_OK(reader_->ReadNext(&rest_));
      rejected_ = rejected_before_ + reader_->rows_rejected();
      if (rest_ == nullptr) {
        rejected_before_ = rejected_;
        reader_.reset();
      } else if (rest_->num_rows() == 0) {
        rest_.reset();
      }
    }
    const int64_t rows = std::min(batch_rows_, rest_->num_rows() - begin_);
    *batch = rows == rest_->num_rows() ? rest_ : rest_->Slice(begin_, rows);
    begin_ += rows;
    if (begin_ == rest_->num_rows()) {
      rest_.reset();
      begin_ = 0;
    }
    SetDone();
    return arrow::Status::OK();
  }

  // Whole files, and what the format can pass over of the one in which the next row is. As reading would, this opens
  // each of them and compares its columns.
  arrow::Result<int64_t> Skip(int64_t rows) override {
    int64_t skipped = 0;
    while (skipped < rows) {
      if (reader_ == nullptr) {
        if (next_ == files_.size()) break;
        ARROW_RETURN_NOT_OK(OpenNext());
        ARROW_RETURN_NOT_OK(CheckSchema());
      }
      ARROW_ASSIGN_OR_RAISE(const auto in_file, reader_->CountRows());
      if (!in_file || *in_file > rows - skipped) {
        ARROW_ASSIGN_OR_RAISE(const int64_t of_file, reader_->Skip(rows - skipped));
        skipped += of_file;
        break;
      }
      skipped += *in_file;
      reader_.reset();
    }
    if (skipped > 0) SetDone();
    return skipped;
  }

  arrow::Status Close() override {
    reader_.reset();
    rest_.reset();
    next_ = files_.size();
    return arrow::Status::OK();
  }

  std::optional<double> done() const override {
    const double done = done_;
    return done < 0 ? std::nullopt : std::optional(done);
  }
  int64_t rows_rejected() const override { return rejected_; }

 private:
  arrow::Status OpenNext() {
    if (next_ > 0) bytes_before_ += static_cast<double>(files_[next_ - 1].bytes);
    ARROW_ASSIGN_OR_RAISE(reader_, open_(files_[next_]));
    ++next_;
    return arrow::Status::OK();
  }

  arrow::Status CheckSchema() const {
    const std::string difference = FirstDifference(*reader_->schema(), *schema_, files_.front().name);
    if (difference.empty()) return arrow::Status::OK();
    return data::SchemaError(Where(connector_, files_[next_ - 1]) + difference +
                             ". Files of one source have the same columns: write it anew, or read it on its own.");
  }

  void SetDone() {
    if (bytes_ <= 0) return;  // A pipe: nobody knows.
    const double of_this = reader_ == nullptr ? 1 : reader_->done();
    done_ = std::min(1.0, (bytes_before_ + of_this * static_cast<double>(files_[next_ - 1].bytes)) / bytes_);
  }

  std::string connector_;
  std::vector<InputFile> files_;
  OpenFile open_;
  int64_t batch_rows_;
  std::shared_ptr<arrow::Schema> schema_;
  std::size_t next_ = 0;                      // The file to open after this one.
  std::shared_ptr<FileReader> reader_;        // Null between files.
  std::shared_ptr<arrow::RecordBatch> rest_;  // What it gave last, where rows are left...
  int64_t begin_ = 0;                         // ...and the first of these.
  int64_t rejected_before_ = 0;               // In the files before this one.
  std::atomic<int64_t> rejected_ = 0;
  double bytes_ = 0;
  double bytes_before_ = 0;  // Of the files that are done.
  std::atomic<double> done_ = -1;
};

}  // namespace

arrow::Result<std::vector<int>> FindColumns(const std::string& where, const std::vector<std::string>& names,
                                            const std::vector<std::string>& columns) {
  std::vector<bool> wanted(names.size(), columns.empty());
  for (const std::string& column : columns) {
    bool found = false;
    for (std::size_t at = 0; at < names.size(); ++at) {
      if (names[at] != column) continue;
      wanted[at] = true;
      found = true;
    }
    if (!found)
      return data::SchemaError(where + "column '" + column + "' is missing." + data::NearestNames(column, names));
  }
  std::vector<int> positions;
  for (std::size_t at = 0; at < names.size(); ++at) {
    if (wanted[at]) positions.push_back(static_cast<int>(at));
  }
  return positions;
}

arrow::Result<std::shared_ptr<Source>> ReadFiles(std::string connector, std::vector<InputFile> files, OpenFile open,
                                                 int64_t batch_rows) {
  auto source = std::make_shared<FilesSource>(std::move(connector), std::move(files), std::move(open), batch_rows);
  ARROW_RETURN_NOT_OK(source->Init());
  return source;
}

}  // namespace sabot::connectors::internal
