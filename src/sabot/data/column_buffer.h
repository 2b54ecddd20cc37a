// Memory for output columns. Large ones come from huge pages: writing 80 MB of fresh 4 KB pages costs four times the
// arithmetic of a cheap kernel.
#pragma once

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>

namespace sabot::data {

// From this size on a buffer is mapped for itself, aligned to 2 MB, and asks for huge pages.
inline constexpr int64_t kHugeBufferBytes = int64_t{4} << 20;

// A writable buffer of `bytes` (64-byte aligned, content undefined below kHugeBufferBytes, zero above).
// Smaller ones come from Arrow's default pool. Error: OutOfMemory.
arrow::Result<std::shared_ptr<arrow::Buffer>> AllocateColumn(int64_t bytes);

}  // namespace sabot::data
