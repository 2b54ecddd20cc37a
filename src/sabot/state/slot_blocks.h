// Flat state of fixed size a slot: a struct of scalars, then a ring of float64, in blocks of 4,096 slots or 1 MB,
// whichever is less. A block never moves, so growing costs nothing that exists. One thread at a time, except that
// another one may read what is frozen (frozen_blocks.h), and that others may use slots that are there, each its own,
// while one thread reserves more.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "sabot/state/frozen_blocks.h"

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
  // `initial` is the scalars of a key never seen; the ring, of `ring_cells` float64, starts as zeros.
  SlotBlocks(std::span<const std::byte> initial, int64_t ring_cells)
      : initial_(initial.begin(), initial.end()),
        ring_cells_(ring_cells),
        ring_offset_((static_cast<int64_t>(initial.size()) + 7) / 8 * 8),
        stride_(ring_offset_ + ring_cells * 8),
        shift_(BlockShift(stride_)) {}
  SlotBlocks(const SlotBlocks&) = delete;
  SlotBlocks& operator=(const SlotBlocks&) = delete;

  int64_t stride() const { return stride_; }
  int shift() const { return shift_; }
  int64_t size() const { return size_; }

  // Makes slots [0, slots) usable. Within a block only the slots asked for are touched, so a few keys cost little.
  void Reserve(int64_t slots) {
    while (size_ < slots) {
      const int64_t block_slots = int64_t{1} << shift_;
      if (size_ == static_cast<int64_t>(blocks_.size()) * block_slots) AddBlock();
      const int64_t end = std::min(static_cast<int64_t>(blocks_.size()) * block_slots, (slots + 63) / 64 * 64);
      for (; size_ < end; ++size_) {
        std::byte* const slot = at(size_);
        std::memcpy(slot, initial_.data(), initial_.size());
        std::memset(slot + initial_.size(), 0, static_cast<std::size_t>(stride_) - initial_.size());
      }
    }
  }

  // blocks()[slot >> shift()] + (slot & mask) * stride().
  std::byte* const* blocks() const { return pointers_.load(std::memory_order_acquire); }
  std::byte* at(int64_t slot) const {
    return blocks()[slot >> shift_] + (slot & ((int64_t{1} << shift_) - 1)) * stride_;
  }

  std::span<double> ring(int64_t slot) const {
    return {reinterpret_cast<double*>(at(slot) + ring_offset_), static_cast<std::size_t>(ring_cells_)};
  }

  // All slots as they are now, to be read later by another thread, and also after these blocks are gone. Until that has
  // happened Keep must know of slots before they change.
  std::shared_ptr<FrozenBlocks> Freeze() {
    Keep({});
    const auto& frozen = frozen_.emplace_back(std::make_shared<FrozenBlocks>(blocks_, size_, stride_, shift_));
    return {frozen.get(), [frozen](FrozenBlocks* of) { of->Close(); }};
  }
  bool frozen() const { return !frozen_.empty(); }
  void Keep(std::span<const int32_t> slots) {
    std::erase_if(frozen_, [&](const auto& frozen) { return !frozen->Keep(slots); });
  }

 private:
  void AddBlock() {
    const auto bytes = static_cast<std::size_t>(((int64_t{1} << shift_) * stride_ + 63) / 64 * 64);
    auto* block = static_cast<std::byte*>(std::aligned_alloc(64, bytes));
    if (block == nullptr) throw std::bad_alloc();
    blocks_.emplace_back(block, [](std::byte* of) { std::free(of); });
    if (blocks_.size() > room_) {
      room_ = std::max<std::size_t>(2 * room_, 16);
      auto& longer = directories_.emplace_back(std::make_unique<std::byte*[]>(room_));
      std::copy_n(pointers_.load(std::memory_order_relaxed), blocks_.size() - 1, longer.get());
      pointers_.store(longer.get(), std::memory_order_release);
    }
    directories_.back()[blocks_.size() - 1] = block;
  }

  std::vector<std::byte> initial_;
  int64_t ring_cells_;
  int64_t ring_offset_;
  int64_t stride_;
  int shift_;
  int64_t size_ = 0;
  std::vector<std::shared_ptr<std::byte>> blocks_;  // Shared with what is frozen.
  // Where the blocks are. Shorter directories stay, for those who read them still.
  std::vector<std::unique_ptr<std::byte*[]>> directories_;
  std::size_t room_ = 0;  // In the last one.
  std::atomic<std::byte**> pointers_ = nullptr;
  // Those that were not read to their end, as far as is known. Not weak pointers: only the mutex of one that is closed
  // tells that nobody reads what is about to change.
  std::vector<std::shared_ptr<FrozenBlocks>> frozen_;
};

}  // namespace sabot::state
