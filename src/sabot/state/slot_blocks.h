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
#include <new>
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

// How many float64 the ring of a slot has.
struct RingLayout {
  int64_t cells = 0;       // From the start, in the slot.
  int64_t cells_most = 0;  // Or, where this is not 0: outside, none at first, then growing up to this many.
};

class SlotBlocks {
 public:
  // `initial` is the scalars of a key never seen; the ring starts as zeros.
  SlotBlocks(std::span<const std::byte> initial, RingLayout ring)
      : initial_(initial.begin(), initial.end()),
        ring_(ring),
        ring_offset_((static_cast<int64_t>(initial.size()) + 7) / 8 * 8),
        stride_(ring_offset_ + (ring.cells_most > 0 ? static_cast<int64_t>(sizeof(OuterRing)) : ring.cells * 8)),
        shift_(BlockShift(stride_)) {}
  SlotBlocks(const SlotBlocks&) = delete;
  SlotBlocks& operator=(const SlotBlocks&) = delete;
  ~SlotBlocks() {
    if (ring_.cells_most == 0) return;
    for (int64_t slot = 0; slot < size_; ++slot) std::free(outer(slot).cells);
  }

  int64_t stride() const { return stride_; }
  int shift() const { return shift_; }
  int64_t size() const { return size_; }

  // Makes slots [0, slots) usable. Within a block only the slots asked for are touched, so a few keys cost little.
  void Reserve(int64_t slots) {
    while (size_ < slots) {
      const int64_t block_slots = int64_t{1} << shift_;
      if (size_ == static_cast<int64_t>(pointers_.size()) * block_slots) AddBlock();
      const int64_t end = std::min(static_cast<int64_t>(pointers_.size()) * block_slots, (slots + 63) / 64 * 64);
      for (; size_ < end; ++size_) {
        std::byte* const slot = at(size_);
        std::memcpy(slot, initial_.data(), initial_.size());
        std::memset(slot + initial_.size(), 0, static_cast<std::size_t>(stride_) - initial_.size());
      }
    }
  }

  // blocks()[slot >> shift()] + (slot & mask) * stride().
  std::byte* const* blocks() const { return pointers_.data(); }
  std::byte* at(int64_t slot) const {
    return pointers_[slot >> shift_] + (slot & ((int64_t{1} << shift_) - 1)) * stride_;
  }

  // The ring of a slot as it is now.
  std::span<double> ring(int64_t slot) const {
    if (ring_.cells_most > 0) return {outer(slot).cells, static_cast<std::size_t>(outer(slot).length)};
    return {reinterpret_cast<double*>(at(slot) + ring_offset_), static_cast<std::size_t>(ring_.cells)};
  }
  // Gives an outer ring at least `cells` (twice what it had, if that is more), the new ones zero behind the old. False
  // where that would be more than cells_most; the ring is then as it was.
  [[nodiscard]] bool GrowRing(int64_t slot, int64_t cells) {
    if (cells > ring_.cells_most) return false;
    auto& outer_ring = outer(slot);
    if (cells <= outer_ring.length) return true;
    const int64_t length = std::min(std::max(cells, 2 * outer_ring.length), ring_.cells_most);
    auto* grown = static_cast<double*>(std::realloc(outer_ring.cells, static_cast<std::size_t>(length) * 8));
    if (grown == nullptr) throw std::bad_alloc();
    std::fill(grown + outer_ring.length, grown + length, 0.0);
    outer_ring = {grown, length};
    return true;
  }

 private:
  struct OuterRing {
    double* cells = nullptr;
    int64_t length = 0;
  };
  void AddBlock() {
    const auto bytes = static_cast<std::size_t>(((int64_t{1} << shift_) * stride_ + 63) / 64 * 64);
    auto* block = static_cast<std::byte*>(std::aligned_alloc(64, bytes));
    if (block == nullptr) throw std::bad_alloc();
    blocks_.emplace_back(block);
    pointers_.push_back(block);
  }

  OuterRing& outer(int64_t slot) const { return *reinterpret_cast<OuterRing*>(at(slot) + ring_offset_); }

  struct Free {
    void operator()(std::byte* block) const { std::free(block); }
  };
  std::vector<std::byte> initial_;
  RingLayout ring_;
  int64_t ring_offset_;
  int64_t stride_;
  int shift_;
  int64_t size_ = 0;
  std::vector<std::unique_ptr<std::byte, Free>> blocks_;
  std::vector<std::byte*> pointers_;
};

}  // namespace sabot::state
