// The state of a kernel whose window is a time: how many rows of a symbol it holds is known when they come, so its ring
// grows. In front of the kernel's own state stands the newest time of the symbol's valid rows, before which a row is
// late.
#pragma once

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sabot/kernels/window.h"
#include "sabot/operators/frozen_kernel.h"
#include "sabot/operators/keyed_kernel.h"
#include "sabot/state/growing_slots.h"
#include "sabot/state/struct_codec.h"

namespace sabot::operators {

inline std::shared_ptr<arrow::DataType> GrowingRingType() {
  return arrow::list(arrow::field("item", arrow::float64(), /*nullable=*/false));
}

// How such a state lies in a slot's block.
template <class Scalars>
struct TimedBlock {
  struct Head {
    int64_t newest;
    Scalars scalars;
  };
  static_assert(std::is_trivially_copyable_v<Scalars> && alignof(Head) == 8 && sizeof(Head) % 8 == 0);

  static int64_t Bytes(int64_t ring_cells) { return static_cast<int64_t>(sizeof(Head)) + ring_cells * 8; }
  static Head& HeadOf(std::span<std::byte> block) { return *reinterpret_cast<Head*>(block.data()); }
  static const Head& HeadOf(std::span<const std::byte> block) { return *reinterpret_cast<const Head*>(block.data()); }
  template <class Byte>
  static auto RingOf(std::span<Byte> block) {
    using Cell = std::conditional_t<std::is_const_v<Byte>, const double, double>;
    return std::span(reinterpret_cast<Cell*>(block.data() + sizeof(Head)), (block.size() - sizeof(Head)) / 8);
  }
};

// As columns: those of the scalars, `newest`, and the ring as a list.
template <class Scalars>
class FrozenTimed final : public FrozenKernel {
  static_assert(data::FieldsCoverStruct<Scalars>, "SABOT_FIELDS must name every member, or a snapshot would lose it");
  using Block = TimedBlock<Scalars>;

 public:
  explicit FrozenTimed(std::vector<state::GrowingSlots::Slot> slots)
      : slots_(std::move(slots)), fields_(state::StructColumns<Scalars>::Fields()) {
    fields_.push_back(arrow::field("newest", arrow::int64(), /*nullable=*/false));
    fields_.push_back(arrow::field("ring", GrowingRingType(), /*nullable=*/false));
  }

  const arrow::FieldVector& fields() const override { return fields_; }

  arrow::Result<bool> Next(Rows& rows) override {
    rows = {};
    if (next_ == slots_.size()) return false;
    const std::size_t end = std::min((next_ / kFrozenSlots + 1) * std::size_t{kFrozenSlots}, slots_.size());
    for (int64_t bytes = 0; next_ < end && bytes < kBatchBytes; ++next_) {
      if (slots_[next_].block == nullptr) continue;
      rows.slots.push_back(static_cast<int32_t>(next_));
      bytes += slots_[next_].bytes;
    }
    const auto block = [&](int64_t row) {
      return slots_[static_cast<std::size_t>(rows.slots[static_cast<std::size_t>(row)])].contents();
    };
    const auto count = static_cast<int64_t>(rows.slots.size());
    ARROW_RETURN_NOT_OK(scalars_.Reserve(count));
    scalars_.Append(count, [&](int64_t row) -> const Scalars& { return Block::HeadOf(block(row)).scalars; });
    ARROW_ASSIGN_OR_RAISE(rows.columns, scalars_.Finish());
    arrow::Int64Builder newest;
    arrow::ListBuilder rings(arrow::default_memory_pool(), std::make_shared<arrow::DoubleBuilder>(), GrowingRingType());
    auto& cells = static_cast<arrow::DoubleBuilder&>(*rings.value_builder());
    for (int64_t row = 0; row < count; ++row) {
      ARROW_RETURN_NOT_OK(newest.Append(Block::HeadOf(block(row)).newest));
      const auto ring = Block::RingOf(block(row));
      ARROW_RETURN_NOT_OK(rings.Append());
      ARROW_RETURN_NOT_OK(cells.AppendValues(ring.data(), static_cast<int64_t>(ring.size())));
      slots_[static_cast<std::size_t>(rows.slots[static_cast<std::size_t>(row)])] = {};
    }
    for (arrow::ArrayBuilder* builder :
         {static_cast<arrow::ArrayBuilder*>(&newest), static_cast<arrow::ArrayBuilder*>(&rings)}) {
      ARROW_ASSIGN_OR_RAISE(rows.columns.emplace_back(), builder->Finish());
    }
    return true;
  }

 private:
  static constexpr int64_t kBatchBytes = int64_t{1} << 22;

  std::vector<state::GrowingSlots::Slot> slots_;  // Those that were read are given back.
  std::size_t next_ = 0;  // The first slot that was not read.
  state::StructColumns<Scalars> scalars_;
  arrow::FieldVector fields_;
};

template <class K>
class TimedState {
  using Scalars = typename K::Scalars;
  using Block = TimedBlock<Scalars>;

 public:
  explicit TimedState(const typename K::Options& options) : options_(options) {}

  struct Symbol {
    Scalars* scalars;
    std::span<double> ring;
  };

  void Reserve(int64_t slots) { slots_.Reserve(slots); }
  // As SlotState's; a slot that changes is copied by itself where something frozen shares it.
  void Prepare(int64_t slots, std::span<const int32_t>) { Reserve(slots); }

  // The state of a slot with room for one more row of that time; nothing if the row is late.
  std::optional<Symbol> At(int64_t slot, int64_t timestamp) {
    auto block = slots_.Own(slot);
    if (block.empty()) [[unlikely]] {
      block = NewBlock(slot, std::min(kFirstRows, max_rows() + 1));
    } else if (timestamp < Block::HeadOf(block).newest) {
      return std::nullopt;
    }
    Block::HeadOf(block).newest = timestamp;
    const int64_t rows = RowsOf(block);
    if (kernels::RowsHeld<K>(Block::HeadOf(block).scalars) == rows) [[unlikely]]
      block = Lengthen(slot, rows);
    return Symbol{&Block::HeadOf(block).scalars, Block::RingOf(block)};
  }

  bool TooMany(const Scalars& symbol) const { return kernels::RowsHeld<K>(symbol) > max_rows(); }

  std::unique_ptr<FrozenKernel> Freeze() { return std::make_unique<FrozenTimed<Scalars>>(slots_.Freeze()); }

  arrow::Status Restore(const arrow::RecordBatch& columns, std::span<const int32_t> slots) {
    if (slots.empty()) return arrow::Status::OK();
    Reserve(int64_t{*std::max_element(slots.begin(), slots.end())} + 1);
    const auto newest = columns.GetColumnByName("newest"), ring = columns.GetColumnByName("ring");
    if (newest == nullptr || newest->type_id() != arrow::Type::INT64 || newest->null_count() > 0 || ring == nullptr ||
        !ring->type()->Equals(GrowingRingType()) || ring->null_count() > 0) {
      return data::SnapshotError("snapshot: columns 'newest' and 'ring' must be int64 and " +
                                 GrowingRingType()->ToString() + " without nulls.");
    }
    const auto& rings = static_cast<const arrow::ListArray&>(*ring);
    const auto& cells = static_cast<const arrow::DoubleArray&>(*rings.values());
    for (int64_t row = 0; row < columns.num_rows(); ++row) {
      if (slots_.at(slots[row]).block != nullptr) {
        return data::SnapshotError("snapshot: a key of it has a state already. Restore a key once.");
      }
      const auto block = slots_.Replace(slots[row], Block::Bytes(rings.value_length(row)));
      Block::HeadOf(block).newest = static_cast<const arrow::Int64Array&>(*newest).Value(row);
      std::copy_n(cells.raw_values() + rings.value_offset(row), rings.value_length(row), Block::RingOf(block).begin());
    }
    ARROW_RETURN_NOT_OK(state::DecodeStructs<Scalars>(
        columns, [&](int64_t row) -> Scalars& { return Block::HeadOf(slots_.Own(slots[row])).scalars; }));
    for (const int32_t slot : slots) {  // What would be read outside of its ring.
      if (!IsState(StateOf(slot))) {
        return data::SnapshotError("snapshot: a ring does not have the length that its counters say. It is damaged.");
      }
    }
    return arrow::Status::OK();
  }

  // As KeyedKernel's.
  int64_t bytes() const { return kStateGrows; }
  std::span<const std::byte> StateOf(int32_t slot) const { return slots_.at(slot).contents(); }
  void SetState(int32_t slot, std::span<const std::byte> state) {
    Reserve(int64_t{slot} + 1);
    if (state.empty()) return slots_.Clear(slot);
    std::copy(state.begin(), state.end(), slots_.Replace(slot, static_cast<int64_t>(state.size())).begin());
  }
  bool IsState(std::span<const std::byte> state) const {
    if (state.empty()) return true;
    if (static_cast<int64_t>(state.size()) < Block::Bytes(kernels::WindowCells<K>(options_, 1))) return false;
    typename Block::Head head;  // A copy: the bytes of a store lie anywhere.
    std::memcpy(&head, state.data(), sizeof(head));
    const int64_t rows = RowsOf(state);
    return static_cast<int64_t>(state.size()) == Block::Bytes(kernels::WindowCells<K>(options_, rows)) &&
           kernels::WindowsFit<K>(head.scalars, rows);
  }
  void Keep(std::span<const int32_t> slots) { slots_.Keep(slots); }

 private:
  static constexpr int64_t kFirstRows = 8;

  int64_t max_rows() const { return *options_.max_rows; }

  int64_t RowsOf(std::span<const std::byte> block) const {
    const int64_t fixed = kernels::FixedCellsOf<K>(options_);
    return (static_cast<int64_t>(Block::RingOf(block).size()) - fixed) / (kernels::WindowCells<K>(options_, 1) - fixed);
  }

  std::span<std::byte> NewBlock(int64_t slot, int64_t rows) {
    const auto block = slots_.Replace(slot, Block::Bytes(kernels::WindowCells<K>(options_, rows)));
    Block::HeadOf(block).scalars = Scalars{};
    return block;
  }

  [[gnu::noinline]] std::span<std::byte> Lengthen(int64_t slot, int64_t rows) {
    const state::GrowingSlots::Slot before = slots_.at(slot);  // Holds the block while it is copied.
    const std::span<std::byte> from(before.block.get(), static_cast<std::size_t>(before.bytes));
    const auto block = NewBlock(slot, std::max(std::min(2 * rows, max_rows() + 1), rows + 1));
    Block::HeadOf(block) = Block::HeadOf(from);
    kernels::MoveWindows<K>(options_, Block::HeadOf(block).scalars, Block::RingOf(from), Block::RingOf(block));
    return block;
  }

  typename K::Options options_;
  state::GrowingSlots slots_;
};

}  // namespace sabot::operators
