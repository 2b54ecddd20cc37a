// The slots of blocks as they were at one moment, read once, in order, while the blocks go on: what is about to change
// and was not read yet is kept aside first. One thread at a time writes the blocks, another may read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace sabot::state {

class FrozenBlocks {
 public:
  // Slots [0, slots), of `stride` bytes, in blocks of 1 << shift of them.
  FrozenBlocks(std::vector<std::shared_ptr<std::byte>> blocks, int64_t slots, int64_t stride, int shift);

  int64_t size() const { return size_; }
  int64_t stride() const { return stride_; }
  // The slots of a chunk, a power of two: 64 KB, or one slot that has more, and never of two blocks.
  int64_t chunk_slots() const { return chunk_slots_; }

  // The writer, before it changes any of these slots. False: all was read, so nothing needs to be kept any more.
  bool Keep(std::span<const int32_t> slots);

  // The reader: copies the next chunk to `to` and returns its slots; 0 at the end. Neither side waits for the other
  // longer than one such call or one Keep takes.
  int64_t Read(std::byte* to);
  // The reader wants no more: what was kept is freed.
  void Close();

 private:
  // What a slot was before it changed; its bytes follow.
  struct Cell {
    Cell* next;
    int64_t slot;
    std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
  };
  struct Free {
    void operator()(std::byte* region) const { std::free(region); }
  };

  Cell* NewCell();
  void AddRegion();
  const std::byte* at(int64_t slot) const {
    return blocks_[static_cast<std::size_t>(slot >> shift_)].get() + (slot & ((int64_t{1} << shift_) - 1)) * stride_;
  }
  bool is_kept(int64_t slot) const { return (kept_bits_[static_cast<std::size_t>(slot / 64)] >> (slot % 64) & 1) != 0; }
  // Copies those of [begin, end) that have not changed; nobody may look at the others.
  void CopyUnchanged(int64_t begin, int64_t end, std::byte* to) const;

  const std::vector<std::shared_ptr<std::byte>> blocks_;
  const int64_t size_;
  const int64_t stride_;
  const int shift_;
  const int64_t chunk_slots_;

  std::atomic<bool> writer_waits_ = false;  // A reader that never pauses would else take the mutex again and again.
  std::mutex mutex_;                        // Of all below.
  int64_t read_ = 0;                        // Slots [0, read_) were read.
  std::vector<uint64_t> kept_bits_;         // By slot.
  std::vector<Cell*> kept_;                 // By chunk, as lists.
  Cell* free_ = nullptr;                    // Those of chunks that were read, to be used again:
  std::vector<std::unique_ptr<std::byte, Free>> regions_;  // new memory is what the writer would wait for most.
  std::byte* region_next_ = nullptr;
  int64_t region_left_ = 0;
};

}  // namespace sabot::state
