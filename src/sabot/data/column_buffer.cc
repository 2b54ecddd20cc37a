#include "sabot/data/column_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::data {
namespace {

constexpr int64_t kHugePageBytes = int64_t{2} << 20;
constexpr int64_t kPageBytes = 4096;
constexpr int64_t kColumnAlignment = 64;

// Freed mappings, to be used again.
class KeptMappings {
 public:
  // A mapping of exactly this size, or nullptr.
  uint8_t* Take(int64_t mapped_bytes) {
    const std::scoped_lock lock(mutex_);
    const auto found =
        std::find_if(kept_.begin(), kept_.end(), [&](const auto& kept) { return kept.bytes == mapped_bytes; });
    if (found == kept_.end()) {
      for (const auto& kept : kept_) munmap(kept.data, static_cast<std::size_t>(kept.bytes));
      kept_.clear();
      bytes_ = 0;
      return nullptr;
    }
    uint8_t* const data = found->data;
    bytes_ -= mapped_bytes;
    kept_.erase(found);
    return data;
  }

  void Give(uint8_t* data, int64_t mapped_bytes) {
    const std::scoped_lock lock(mutex_);
    if (bytes_ + mapped_bytes > KeptColumnBytes()) {
      munmap(data, static_cast<std::size_t>(mapped_bytes));
      return;
    }
#ifdef MADV_FREE
    madvise(data, static_cast<std::size_t>(mapped_bytes), MADV_FREE);
#endif
    kept_.push_back({data, mapped_bytes});
    bytes_ += mapped_bytes;
  }

 private:
  struct Mapping {
    uint8_t* data;
    int64_t bytes;
  };
  std::mutex mutex_;
  std::vector<Mapping> kept_;
  int64_t bytes_ = 0;
};

// Never destroyed: columns may outlive everything else.
KeptMappings& Kept() {
  static auto* const kept = new KeptMappings;
  return *kept;
}

class MappedBuffer final : public arrow::MutableBuffer {
 public:
  MappedBuffer(uint8_t* data, int64_t bytes, int64_t mapped_bytes) : MutableBuffer(data, bytes) {
    capacity_ = mapped_bytes;
  }
  ~MappedBuffer() override { Kept().Give(mutable_data(), capacity_); }
  MappedBuffer(const MappedBuffer&) = delete;
  MappedBuffer& operator=(const MappedBuffer&) = delete;
};

}  // namespace

arrow::Result<int64_t> ParseKeptColumnBytes(std::string_view text) {
  int64_t megabytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), megabytes);
  if (error == std::errc{} && end == text.data() + text.size() && megabytes >= 0 && megabytes < (int64_t{1} << 40)) {
    return megabytes << 20;
  }
  return OptionError("SABOT_KEPT_MB must be an integer >= 0, found '" + std::string(text) + "'.");
}

int64_t KeptColumnBytes() {
  static const int64_t bytes = [] {
    const char* text = std::getenv("SABOT_KEPT_MB");
    return ParseKeptColumnBytes(text == nullptr ? "1024" : text).ValueOr(int64_t{1} << 30);
  }();
  return bytes;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> AllocateColumn(int64_t bytes) {
  if (bytes < kHugeBufferBytes) return arrow::AllocateBuffer(bytes, kColumnAlignment);
  if (bytes > std::numeric_limits<int64_t>::max() - 2 * kHugePageBytes) {
    return arrow::Status::OutOfMemory("column of ", bytes, " bytes: larger than an address space");
  }

  const int64_t mapped = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  if (uint8_t* const kept = Kept().Take(mapped); kept != nullptr) {
    return std::make_shared<MappedBuffer>(kept, bytes, mapped);
  }
  // One huge page more than needed, so that an aligned start lies inside; what is left over goes back at once.
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
