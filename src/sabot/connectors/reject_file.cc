#include "sabot/connectors/reject_file.h"

#include <arrow/io/interfaces.h>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/file_system.h"
#include "sabot/env/storage.h"

namespace sabot::connectors {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{64} << 10;

class RejectFile final : public data::RejectLog {
 public:
  RejectFile(std::string path, std::unique_ptr<env::PendingFile> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  ~RejectFile() override {
    if (file_ != nullptr && count_ > 0) static_cast<void>(Close());
  }

  arrow::Status Add(const data::Reject& reject) override {
    const std::lock_guard lock(mutex_);
    if (file_ == nullptr) return Explain(arrow::Status::Invalid("it is closed."));
    AppendQuoted(reject.where);
    text_ += ',';
    AppendQuoted(reject.reason);
    text_ += ',';
    AppendQuoted(reject.row);
    text_ += '\n';
    ++count_;
    return text_.size() < kWriteBytes ? arrow::Status::OK() : Explain(Flush());
  }

  arrow::Status Close() override {
    const std::lock_guard lock(mutex_);
    if (file_ == nullptr) return Explain(arrow::Status::Invalid("it is closed."));
    arrow::Status status = Flush();
    if (status.ok()) status = file_->Commit();
    file_.reset();
    return Explain(status);
  }

  int64_t count() const override { return count_; }

 private:
  // Rows hold what the file they come from holds: delimiters, quotes, anything.
  void AppendQuoted(std::string_view value) {
    text_ += '"';
    for (const char letter : value) {
      if (letter == '"') text_ += '"';
      text_ += letter;
    }
    text_ += '"';
  }

  arrow::Status Flush() {
    ARROW_RETURN_NOT_OK(file_->stream()->Write(text_.data(), static_cast<int64_t>(text_.size())));
    text_.clear();
    return arrow::Status::OK();
  }

  arrow::Status Explain(const arrow::Status& status) const {
    return status.ok() ? status : status.WithMessage("rejects '", env::PublicName(path_), "': ", status.message());
  }

  const std::string path_;
  std::mutex mutex_;
  std::unique_ptr<env::PendingFile> file_;  // Null once closed.
  std::string text_ = "where,reason,row\n";
  std::atomic<int64_t> count_ = 0;
};

}  // namespace

arrow::Result<std::shared_ptr<data::RejectLog>> OpenRejectFile(const std::string& path) {
  const auto place = env::StorageOf(path);
  if (place.status().IsInvalid())
    return data::OptionError("rejects '" + env::PublicName(path) + "': " + place.status().message());
  auto file = place.ok() ? place->storage->Create(place->path) : place.status();
  if (!file.ok()) return file.status().WithMessage("rejects '", env::PublicName(path), "': ", file.status().message());
  return std::make_shared<RejectFile>(path, std::move(file).ValueUnsafe());
}

}  // namespace sabot::connectors
