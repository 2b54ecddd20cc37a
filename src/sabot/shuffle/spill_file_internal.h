// Rows of a spilling channel as a file.
#pragma once

#include <arrow/result.h>

#include <string>
#include <vector>

#include "sabot/data/frame.h"
#include "sabot/env/storage.h"

namespace sabot::shuffle::internal {

// Frames of rows as one, dense, with the last one's frontier. All or none have places.
arrow::Result<data::Frame> JoinFrames(const std::vector<data::Frame>& frames);
arrow::Status WriteSpillFile(env::Storage& storage, const std::string& path, const data::Frame& rows);
// What was written, but for the frontier.
arrow::Result<data::Frame> ReadSpillFile(env::Storage& storage, const std::string& path,
                                         const std::shared_ptr<arrow::Schema>& schema, bool has_places);
// Whether a disk that is full refused the bytes.
bool IsFull(const arrow::Status& status);

}  // namespace sabot::shuffle::internal
