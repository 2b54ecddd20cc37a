// State whose size differs from slot to slot and grows: a block of memory a slot. What is frozen shares the blocks; one
// is copied before its first change after that. One thread at a time, except that another one may read what is frozen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace sabot::state {

class GrowingSlots {
 public:
  struct Slot {
    std::shared_ptr<std::byte[]> block;  // nullptr: a key never seen.
    int64_t bytes = 0;
    uint64_t frozen = 0;  // How often all slots had been frozen when the block was made.

    std::span<const std::byte> contents() const { return {block.get(), static_cast<std::size_t>(bytes)}; }
  };

  int64_t size() const { return static_cast<int64_t>(slots_.size()); }
  void Reserve(int64_t slots) {
    if (size() < slots) slots_.resize(static_cast<std::size_t>(slots));
  }

  const Slot& at(int64_t slot) const { return slots_[static_cast<std::size_t>(slot)]; }

  // The slot's block, to be changed; empty for a key never seen.
  std::span<std::byte> Own(int64_t slot) {
    Slot& own = slots_[static_cast<std::size_t>(slot)];
    if (own.frozen != frozen_ && own.block != nullptr) [[unlikely]] {
      const Slot shared = own;
      std::memcpy(Replace(slot, shared.bytes).data(), shared.block.get(), static_cast<std::size_t>(shared.bytes));
    }
    return {own.block.get(), static_cast<std::size_t>(own.bytes)};
  }

  // Gives the slot a block of zeros; the one before stays where someone else holds it.
  std::span<std::byte> Replace(int64_t slot, int64_t bytes) {
    Slot& own = slots_[static_cast<std::size_t>(slot)];
    own = {std::make_shared<std::byte[]>(static_cast<std::size_t>(bytes)), bytes, frozen_};
    return {own.block.get(), static_cast<std::size_t>(bytes)};
  }

  void Clear(int64_t slot) { slots_[static_cast<std::size_t>(slot)] = {}; }

  // Moves the states of `slots`, which ascend, to the slots 0, 1, ...; the others are as never seen.
  void Keep(std::span<const int32_t> slots) {
    std::vector<Slot> kept(slots_.size());
    for (std::size_t at = 0; at < slots.size(); ++at) {
      kept[at] = std::move(slots_[static_cast<std::size_t>(slots[at])]);
    }
    slots_ = std::move(kept);
  }

  // All slots as they are now.
  std::vector<Slot> Freeze() {
    ++frozen_;
    return slots_;
  }

 private:
  std::vector<Slot> slots_;
  uint64_t frozen_ = 0;
};

}  // namespace sabot::state
