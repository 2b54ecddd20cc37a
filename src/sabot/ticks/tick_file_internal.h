// What reading and writing tick files share: their metadata.
#pragma once

#include <arrow/result.h>
#include <arrow/util/key_value_metadata.h>

#include <memory>

#include "sabot/ticks/tick_file.h"

namespace sabot::ticks::internal {

std::shared_ptr<const arrow::KeyValueMetadata> TickMetadata(const TickFileInfo& info);
// Whether the metadata is that of a file of ours; then `info` is filled in. Error (kData): a count that is no number.
arrow::Result<bool> ReadTickMetadata(const arrow::KeyValueMetadata* metadata, TickFileInfo* info);

}  // namespace sabot::ticks::internal
