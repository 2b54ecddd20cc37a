#include "sabot/connectors/input_errors.h"

#include <arrow/util/io_util.h>

#include "sabot/data/errors.h"
#include "sabot/env/file_system.h"

namespace sabot::connectors {

std::string Where(std::string_view connector, const InputFile& file) {
  return std::string(connector) + " '" + file.name + "': ";
}

arrow::Status ExplainFile(std::string_view connector, const InputFile& file, const arrow::Status& status) {
  if (status.ok() || status.IsOutOfMemory() || status.IsCancelled()) return status;
  const std::string& message = status.message();
  if (message.starts_with(connector)) return status;  // Explained already.
  // What Parquet finds wrong in a file is an IOError, too.
  if (!file.endpoint.empty() && status.IsIOError() && message.find("AWS Error") != std::string::npos) {
    const auto explained = env::ExplainEndpoint(file.endpoint, status);
    return explained.WithMessage(Where(connector, file), explained.message());
  }
  if (arrow::internal::ErrnoFromStatus(status) != 0 || data::KindOf(status).has_value()) {
    return status.WithMessage(Where(connector, file), message);
  }
  return data::DataError(Where(connector, file) + "the file is damaged: " + message +
                         (message.ends_with('.') ? "" : ".") + " Fetch or write it again.");
}

arrow::Status CheckBatchRows(std::string_view connector, int64_t batch_rows) {
  if (batch_rows >= 1) return arrow::Status::OK();
  return data::OptionError(std::string(connector) + ": batch_rows is " + std::to_string(batch_rows) +
                           ". Use at least 1.");
}

}  // namespace sabot::connectors
