#include "sabot/state/frozen_blocks.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace sabot::state {
namespace {

constexpr int64_t kChunkBytes = int64_t{1} << 16;
constexpr int64_t kRegionBytes = int64_t{1} << 21;  // A huge page: one fault instead of 512.

int64_t ChunkSlots(int64_t stride, int shift) {
  const auto fitting = static_cast<uint64_t>(std::max<int64_t>(kChunkBytes / std::max<int64_t>(stride, 1), 1));
  return std::min(static_cast<int64_t>(std::bit_floor(fitting)), int64_t{1} << shift);
}

std::size_t Bytes(int64_t count) { return static_cast<std::size_t>(count); }

}  // namespace

FrozenBlocks::FrozenBlocks(std::vector<std::shared_ptr<std::byte>> blocks, int64_t slots, int64_t stride, int shift)
    : blocks_(std::move(blocks)),
      size_(slots),
      stride_(stride),
      shift_(shift),
      chunk_slots_(ChunkSlots(stride, shift)),
      kept_bits_(static_cast<std::size_t>((slots + 63) / 64)),
      kept_(static_cast<std::size_t>((slots + chunk_slots_ - 1) / chunk_slots_)) {}

bool FrozenBlocks::Keep(std::span<const int32_t> slots) {
  writer_waits_ = true;
  const std::scoped_lock lock(mutex_);
  writer_waits_ = false;
  writer_waits_.notify_one();
  for (const int32_t slot : slots) {
    if (slot < read_ || slot >= size_ || is_kept(slot)) continue;
    kept_bits_[static_cast<std::size_t>(slot / 64)] |= uint64_t{1} << (slot % 64);
    Cell*& kept = kept_[static_cast<std::size_t>(slot / chunk_slots_)];
    Cell* const cell = NewCell();
    cell->slot = slot;
    std::memcpy(cell->bytes(), at(slot), Bytes(stride_));
    cell->next = std::exchange(kept, cell);
  }
  return read_ < size_;
}

FrozenBlocks::Cell* FrozenBlocks::NewCell() {
  if (free_ != nullptr) return std::exchange(free_, free_->next);
  const int64_t bytes = static_cast<int64_t>(sizeof(Cell)) + stride_;
  if (region_left_ < bytes) AddRegion();
  region_left_ -= bytes;
  return reinterpret_cast<Cell*>(std::exchange(region_next_, region_next_ + bytes));
}

void FrozenBlocks::AddRegion() {
  const int64_t cell = static_cast<int64_t>(sizeof(Cell)) + stride_;
  const int64_t wanted = std::max(cell, std::min(kRegionBytes, size_ * cell));
  const int64_t alignment = wanted < kRegionBytes ? 64 : kRegionBytes;
  const int64_t bytes = (wanted + alignment - 1) / alignment * alignment;
  regions_.emplace_back(static_cast<std::byte*>(std::aligned_alloc(Bytes(alignment), Bytes(bytes))));
  if (regions_.back() == nullptr) throw std::bad_alloc();
  if (bytes >= kRegionBytes) madvise(regions_.back().get(), Bytes(bytes), MADV_HUGEPAGE);  // A hint: may fail.
  region_next_ = regions_.back().get();
  region_left_ = bytes;
}

int64_t FrozenBlocks::Read(std::byte* to) {
  writer_waits_.wait(true);
  const std::scoped_lock lock(mutex_);
  const int64_t begin = read_, end = std::min(begin + chunk_slots_, size_);
  if (begin == end) return 0;
  Cell*& kept = kept_[static_cast<std::size_t>(begin / chunk_slots_)];
  if (kept == nullptr) {
    std::memcpy(to, at(begin), Bytes((end - begin) * stride_));
  } else {
    CopyUnchanged(begin, end, to);
    while (kept != nullptr) {
      Cell* const cell = std::exchange(kept, kept->next);
      std::memcpy(to + (cell->slot - begin) * stride_, cell->bytes(), Bytes(stride_));
      cell->next = std::exchange(free_, cell);
    }
  }
  read_ = end;
  return end - begin;
}

void FrozenBlocks::Close() {
  decltype(regions_) regions;  // Freed when the writer may go on.
  const std::scoped_lock lock(mutex_);
  read_ = size_;
  regions.swap(regions_);
  kept_ = {};
  kept_bits_ = {};
}

void FrozenBlocks::CopyUnchanged(int64_t begin, int64_t end, std::byte* to) const {
  for (int64_t slot = begin; slot < end;) {
    int64_t next = slot;
    while (next < end && !is_kept(next)) ++next;
    std::memcpy(to + (slot - begin) * stride_, at(slot), Bytes((next - slot) * stride_));
    while (next < end && is_kept(next)) ++next;
    slot = next;
  }
}

}  // namespace sabot::state
