#include "sabot/data/column_buffer.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <string>

namespace sabot::data {
namespace {

constexpr int64_t kHugePageBytes = int64_t{2} << 20;
constexpr int64_t kPageBytes = 4096;
constexpr int64_t kColumnAlignment = 64;

class MappedBuffer final : public arrow::MutableBuffer {
 public:
  MappedBuffer(uint8_t* data, int64_t bytes, int64_t mapped_bytes) : MutableBuffer(data, bytes) {
    capacity_ = mapped_bytes;
  }
  ~MappedBuffer() override { munmap(mutable_data(), static_cast<std::size_t>(capacity_)); }
  MappedBuffer(const MappedBuffer&) = delete;
  MappedBuffer& operator=(const MappedBuffer&) = delete;
};

}  // namespace

arrow::Result<std::shared_ptr<arrow::Buffer>> AllocateColumn(int64_t bytes) {
  if (bytes < kHugeBufferBytes) return arrow::AllocateBuffer(bytes, kColumnAlignment);
  if (bytes > std::numeric_limits<int64_t>::max() - 2 * kHugePageBytes) {
    return arrow::Status::OutOfMemory("column of ", bytes, " bytes: larger than an address space");
  }

  // One huge page more than needed, so that an aligned start lies inside; what is left over goes back at once.
  const int64_t mapped = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  const int64_t reserved = mapped + kHugePageBytes;
  void* const start =
      mmap(nullptr, static_cast<std::size_t>(reserved), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) {
    return arrow::Status::OutOfMemory("column of ", bytes, " bytes: mmap failed: ", std::strerror(errno));
  }
  auto* const first = static_cast<uint8_t*>(start);
  const auto misaligned = static_cast<int64_t>(reinterpret_cast<uintptr_t>(first) % kHugePageBytes);
  const int64_t before = (kHugePageBytes - misaligned) % kHugePageBytes;
  const int64_t after = reserved - before - mapped;
  uint8_t* const data = first + before;
  if (before > 0) munmap(first, static_cast<std::size_t>(before));
  if (after > 0) munmap(data + mapped, static_cast<std::size_t>(after));
#ifdef MADV_HUGEPAGE
  madvise(data, static_cast<std::size_t>(mapped), MADV_HUGEPAGE);  // A wish: without huge pages it is only slower.
#endif
  return std::make_shared<MappedBuffer>(data, bytes, mapped);
}

}  // namespace sabot::data
