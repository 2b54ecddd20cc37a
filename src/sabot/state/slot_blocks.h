// Flat state of fixed size a slot: a struct of scalars, then a ring of float64, in blocks of 4,096 slots or 1 MB,
// whichever is less. A block never moves, so growing costs nothing that exists. One thread at a time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace sabot::state {

inline constexpr int64_t kBlockSlots = 4096;
inline constexpr int64_t kBlockBytes = int64_t{1} << 20;

// log2 of the slots in a block, for slots of `stride` bytes; a slot larger than a block has one of its own.
constexpr int BlockShift(int64_t stride) {
  const auto fitting =
      static_cast<uint64_t>(std::clamp<int64_t>(kBlockBytes / std::max<int64_t>(stride, 1), 1, kBlockSlots));
  return std::bit_width(fitting) - 1;
}

class SlotBlocks {
 public:
  // `initial` is the scalars of a key never seen; the ring starts as zeros.
  SlotBlocks(std::span<const std::byte> initial, int64_t ring_cells)
      : initial_(initial.begin(), initial.end()),
        stride_((static_cast<int64_t>(initial.size()) + 7) / 8 * 8 + ring_cells * 8),
        shift_(BlockShift(stride_)) {}

  int64_t stride() const { return stride_; }
  int shift() const { return shift_; }
  int64_t size() const { return size_; }

  // Makes slots [0, slots) usable.
  void Reserve(int64_t slots) {
    while (size_ < slots) {
      const int64_t count = int64_t{1} << shift_;
      const auto bytes = static_cast<std::size_t>((count * stride_ + 63) / 64 * 64);
      auto* block = static_cast<std::byte*>(std::aligned_alloc(64, bytes));
      if (block == nullptr) throw std::bad_alloc();
      blocks_.emplace_back(block);
      pointers_.push_back(block);
      std::memset(block, 0, bytes);
      for (int64_t slot = 0; slot < count; ++slot)
        std::memcpy(block + slot * stride_, initial_.data(), initial_.size());
      size_ += count;
    }
  }

  // blocks()[slot >> shift()] + (slot & mask) * stride().
  std::byte* const* blocks() const { return pointers_.data(); }
  std::byte* at(int64_t slot) const {
    return pointers_[slot >> shift_] + (slot & ((int64_t{1} << shift_) - 1)) * stride_;
  }

 private:
  struct Free {
    void operator()(std::byte* block) const { std::free(block); }
  };
  std::vector<std::byte> initial_;
  int64_t stride_;
  int shift_;
  int64_t size_ = 0;
  std::vector<std::unique_ptr<std::byte, Free>> blocks_;
  std::vector<std::byte*> pointers_;
};

}  // namespace sabot::state
