// Memory for output columns. Large ones come from huge pages: writing 80 MB of fresh 4 KB pages costs four times the
// arithmetic of a cheap kernel. Clearing fresh huge pages still costs as much as such a kernel, so a freed column is
// kept for the next one of its size.
#pragma once

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string_view>

namespace sabot::data {

// From this size on a buffer is mapped for itself, aligned to 2 MB, and asks for huge pages.
inline constexpr int64_t kHugeBufferBytes = int64_t{4} << 20;

// Freed large columns are kept up to so many bytes in all, for the whole process: SABOT_KEPT_MB, or 1,024 MB. The
// system may take their pages back when it is short of memory. A column of a size that is not kept releases all that
// are, so the peak stays that of live columns.
int64_t KeptColumnBytes();
// The same for a given text. Error (kOption): it is no integer >= 0.
arrow::Result<int64_t> ParseKeptColumnBytes(std::string_view megabytes);

// A writable buffer of `bytes` (64-byte aligned, content undefined). Smaller ones come from Arrow's default pool. May
// be called, and the buffer dropped, by any thread. Error: OutOfMemory.
arrow::Result<std::shared_ptr<arrow::Buffer>> AllocateColumn(int64_t bytes);

}  // namespace sabot::data
