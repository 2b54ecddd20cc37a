// Rejected rows as a CSV file: where, reason, row.
#pragma once

#include <arrow/result.h>

#include <memory>
#include <string>

#include "sabot/data/reject_log.h"

namespace sabot::connectors {

// The file appears when the log is closed, with a header alone where nothing was rejected. Where a run fails first, it
// appears when the log is destroyed, if it holds rows: they may say why. The path may be that of a disk or of S3
// (env/storage.h). Memory: 64 KB, and the row being added. Errors: those of the storage (IOError, errno kept); a path
// that cannot be used (kOption).
arrow::Result<std::shared_ptr<data::RejectLog>> OpenRejectFile(const std::string& path);

}  // namespace sabot::connectors
