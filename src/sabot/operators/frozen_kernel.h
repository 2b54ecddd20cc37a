// The state of a keyed kernel as it was at one moment, as columns by slot: copied out of the blocks chunk by chunk,
// while the kernel goes on.
#pragma once

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "sabot/state/frozen_blocks.h"
#include "sabot/state/struct_codec.h"

namespace sabot::operators {

// Rows read at once are of slots that lie between two multiples of this.
inline constexpr int64_t kFrozenSlots = 65'536;

// Read once, in the order of slots, by one thread at a time.
class FrozenKernel {
 public:
  struct Rows {
    std::vector<int32_t> slots;  // Of each row. Those that hold no more than the initial state have none.
    arrow::ArrayVector columns;
  };

  virtual ~FrozenKernel() = default;
  virtual const arrow::FieldVector& fields() const = 0;
  // The rows of the next slots, which may be none. False: there are no more.
  virtual arrow::Result<bool> Next(Rows& rows) = 0;
};

inline std::shared_ptr<arrow::DataType> RingType(int64_t cells) {
  return arrow::fixed_size_list(arrow::field("item", arrow::float64(), /*nullable=*/false),
                                static_cast<int32_t>(cells));
}

// Of slots that are a struct and, unless `ring_cells` is nothing, a ring of so many float64.
template <class Scalars>
class FrozenStructs final : public FrozenKernel {
  static_assert(data::FieldsCoverStruct<Scalars>, "SABOT_FIELDS must name every member, or a snapshot would lose it");
  static_assert(std::is_trivially_copyable_v<Scalars>);

 public:
  FrozenStructs(std::shared_ptr<state::FrozenBlocks> blocks, std::optional<int64_t> ring_cells)
      : blocks_(std::move(blocks)),
        ring_cells_(ring_cells.value_or(0)),
        batch_slots_(std::clamp(std::bit_floor(static_cast<uint64_t>(kBatchBytes / blocks_->stride())),
                                static_cast<uint64_t>(blocks_->chunk_slots()), uint64_t{kFrozenSlots})),
        chunk_(static_cast<std::size_t>(blocks_->chunk_slots() * blocks_->stride())),
        fields_(state::StructColumns<Scalars>::Fields()) {
    if (!ring_cells) return;
    ring_type_ = RingType(ring_cells_);
    fields_.push_back(arrow::field("ring", ring_type_, /*nullable=*/false));
  }

  const arrow::FieldVector& fields() const override { return fields_; }

  arrow::Result<bool> Next(Rows& rows) override {
    rows = {};
    const int64_t most = std::min(static_cast<int64_t>(batch_slots_), blocks_->size() - next_);
    if (most == 0) return false;
    ARROW_RETURN_NOT_OK(scalars_.Reserve(most));
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::ResizableBuffer> ring,
                          arrow::AllocateResizableBuffer(most * ring_bytes()));
    std::byte* ring_end = reinterpret_cast<std::byte*>(ring->mutable_data());
    for (const int64_t end = next_ + most; next_ < end;) {
      const int64_t read = blocks_->Read(chunk_.data());
      const auto before = static_cast<int64_t>(rows.slots.size());
      for (int64_t slot = next_; slot < next_ + read; ++slot) {
        if (!state::SameBits(ScalarsOf(slot - next_), Scalars{})) rows.slots.push_back(static_cast<int32_t>(slot));
      }
      const int32_t* const slots = rows.slots.data() + before;
      const int64_t found = static_cast<int64_t>(rows.slots.size()) - before;
      scalars_.Append(found, [&](int64_t row) -> const Scalars& { return ScalarsOf(slots[row] - next_); });
      for (int64_t row = 0; ring_cells_ > 0 && row < found; ++row) {
        ring_end = std::copy_n(SlotAt(slots[row] - next_) + kRingOffset, ring_bytes(), ring_end);
      }
      next_ += read;
    }
    ARROW_ASSIGN_OR_RAISE(rows.columns, scalars_.Finish());
    if (ring_type_ == nullptr) return true;
    const auto count = static_cast<int64_t>(rows.slots.size());
    ARROW_RETURN_NOT_OK(ring->Resize(count * ring_bytes()));
    auto cells = std::make_shared<arrow::DoubleArray>(count * ring_cells_, std::move(ring));
    rows.columns.push_back(std::make_shared<arrow::FixedSizeListArray>(ring_type_, count, std::move(cells)));
    return true;
  }

 private:
  static constexpr int64_t kBatchBytes = int64_t{1} << 22;
  static constexpr int64_t kRingOffset = (static_cast<int64_t>(sizeof(Scalars)) + 7) / 8 * 8;

  int64_t ring_bytes() const { return ring_cells_ * static_cast<int64_t>(sizeof(double)); }
  const std::byte* SlotAt(int64_t in_chunk) const { return chunk_.data() + in_chunk * blocks_->stride(); }
  const Scalars& ScalarsOf(int64_t in_chunk) const { return *reinterpret_cast<const Scalars*>(SlotAt(in_chunk)); }

  const std::shared_ptr<state::FrozenBlocks> blocks_;
  const int64_t ring_cells_;
  const uint64_t batch_slots_;
  int64_t next_ = 0;  // The first slot that was not read.
  std::vector<std::byte> chunk_;
  state::StructColumns<Scalars> scalars_;
  arrow::FieldVector fields_;
  std::shared_ptr<arrow::DataType> ring_type_;  // nullptr: no ring.
};

}  // namespace sabot::operators
