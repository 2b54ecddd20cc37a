// The state of a kernel as one flat piece a slot: its scalars, then its ring, both of a length that is known from the
// beginning.
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "sabot/data/errors.h"
#include "sabot/kernels/window.h"
#include "sabot/operators/frozen_kernel.h"
#include "sabot/state/slot_blocks.h"
#include "sabot/state/struct_codec.h"

namespace sabot::operators {

template <class K>
class SlotState {
  using Scalars = typename K::Scalars;
  using Options = typename K::Options;
  static constexpr bool kHasRing = kernels::kHasRing<K>;
  static_assert(alignof(Scalars) <= 8);
  static constexpr int64_t kScalarBytes = static_cast<int64_t>((sizeof(Scalars) + 7) / 8 * 8);

 public:
  explicit SlotState(const Options& options)
      : options_(options),
        ring_cells_(RingCells(options)),
        blocks_(std::as_bytes(std::span(&kInitial, 1)), ring_cells_) {}

  // Where states lie, for a loop: what the compiler may keep in registers, or knows.
  class Places {
   public:
    explicit Places(const SlotState& state)
        : blocks_(state.blocks_.blocks()),
          stride_(kHasRing ? state.blocks_.stride() : kScalarBytes),
          ring_cells_(state.ring_cells_),
          shift_(kHasRing ? state.blocks_.shift() : state::BlockShift(kScalarBytes)) {}

    int64_t stride() const { return kHasRing ? stride_ : kScalarBytes; }
    std::byte* At(int64_t slot) const {
      const int shift = kHasRing ? shift_ : state::BlockShift(kScalarBytes);
      return blocks_[slot >> shift] + (slot & ((int64_t{1} << shift) - 1)) * stride();
    }
    static Scalars& ScalarsAt(std::byte* at) { return *reinterpret_cast<Scalars*>(at); }
    std::span<double> RingAt(std::byte* at) const {
      return {reinterpret_cast<double*>(at + kScalarBytes), static_cast<std::size_t>(ring_cells_)};
    }

   private:
    std::byte* const* blocks_;
    int64_t stride_;
    int64_t ring_cells_;
    int shift_;
  };

  // Makes slots [0, slots) usable; `changing` are those that are about to change. Others may be in use meanwhile, by
  // another thread.
  void Prepare(int64_t slots, std::span<const int32_t> changing) {
    blocks_.Reserve(slots);
    if (blocks_.frozen()) [[unlikely]]
      blocks_.Keep(changing);
  }

  std::unique_ptr<FrozenKernel> Freeze() {
    return std::make_unique<FrozenStructs<Scalars>>(blocks_.Freeze(),
                                                    kHasRing ? std::optional(ring_cells_) : std::nullopt);
  }

  arrow::Status Restore(const arrow::RecordBatch& columns, std::span<const int32_t> slots) {
    if (slots.empty()) return arrow::Status::OK();
    blocks_.Reserve(int64_t{*std::max_element(slots.begin(), slots.end())} + 1);
    for (const int32_t slot : slots) {
      if (!state::SameBits(ScalarsOf(slot), kInitial)) {
        return data::SnapshotError("snapshot: a key of it has a state already. Restore a key once.");
      }
    }
    blocks_.Keep(slots);
    ARROW_RETURN_NOT_OK(
        state::DecodeStructs<Scalars>(columns, [&](int64_t row) -> Scalars& { return ScalarsOf(slots[row]); }));
    if constexpr (kernels::kWindowed<K>) {
      for (const int32_t slot : slots) {
        if (!kernels::WindowsFit<K>(ScalarsOf(slot), options_.window.rows)) {
          return data::SnapshotError("snapshot: the counters of a window do not fit its ring. It is damaged.");
        }
      }
    }
    if constexpr (kHasRing) {
      const auto column = columns.GetColumnByName("ring");
      const auto type = RingType(ring_cells_);
      if (column == nullptr || !column->type()->Equals(type)) {
        return data::SnapshotError("snapshot: column 'ring' must be " + type->ToString() + ".");
      }
      const auto& lists = static_cast<const arrow::FixedSizeListArray&>(*column);
      const auto& cells = static_cast<const arrow::DoubleArray&>(*lists.values());
      for (int64_t row = 0; row < columns.num_rows(); ++row) {
        std::copy_n(cells.raw_values() + lists.value_offset(row), ring_cells_, blocks_.ring(slots[row]).data());
      }
    }
    return arrow::Status::OK();
  }

  int64_t ring_cells() const { return ring_cells_; }

  // As KeyedKernel's.
  int64_t bytes() const { return blocks_.stride(); }
  std::span<const std::byte> StateOf(int32_t slot) const { return {blocks_.at(slot), size()}; }
  void SetState(int32_t slot, std::span<const std::byte> state) {
    blocks_.Reserve(int64_t{slot} + 1);
    std::byte* const at = blocks_.at(slot);
    if (!state.empty()) {
      std::memcpy(at, state.data(), size());
    } else {
      std::memcpy(at, &kInitial, sizeof(kInitial));
      std::memset(at + sizeof(kInitial), 0, size() - sizeof(kInitial));
    }
  }
  bool IsState(std::span<const std::byte> state) const { return state.size() == size(); }
  void Keep(std::span<const int32_t> slots) {
    for (std::size_t at = 0; at < slots.size(); ++at) {
      if (slots[at] == static_cast<int32_t>(at)) continue;
      std::memcpy(blocks_.at(static_cast<int64_t>(at)), blocks_.at(slots[at]), size());
    }
  }

 private:
  static constexpr Scalars kInitial{};

  static int64_t RingCells(const Options& options) {
    if constexpr (kHasRing) {
      return kernels::RingLengthOf<K>(options);
    } else {
      return 0;
    }
  }

  std::size_t size() const { return static_cast<std::size_t>(blocks_.stride()); }
  Scalars& ScalarsOf(int64_t slot) { return *reinterpret_cast<Scalars*>(blocks_.at(slot)); }

  Options options_;
  int64_t ring_cells_;
  state::SlotBlocks blocks_;
};

}  // namespace sabot::operators
