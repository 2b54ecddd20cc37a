// Runs a kernel type over the columns of a morsel: one loop over rows with the slot array, nulls handled a word of 64
// rows at a time. keyed_kernel_<family>.cc instantiates it for the registry; a kernel of your own needs only
// MakeDriver<K>.
#pragma once

#include <arrow/array.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <tuple>
#include <utility>

#include "sabot/data/bitmap.h"
#include "sabot/kernels/outputs.h"
#include "sabot/operators/frozen_kernel.h"
#include "sabot/operators/keyed_kernel.h"
#include "sabot/operators/timed_state.h"
#include "sabot/state/slot_blocks.h"

namespace sabot::operators {

namespace internal {

// Finite without a call or a branch: the difference is +0.0, all bits zero, for finite numbers alone.
inline uint64_t NotFinite(double value) { return std::bit_cast<uint64_t>(value - value); }

// Keeps the value where the condition holds, else +0.0.
template <class T>
T Masked(bool condition, T value) {
  if constexpr (std::is_same_v<T, double>) {
    return kernels::When(condition, value);
  } else {
    return condition ? value : T{};
  }
}

inline bool StoreOutput(double value, double fill, double& to) {
  const bool present = NotFinite(value) == 0;
  to = present ? value : fill;
  return present;
}
inline bool StoreOutput(const std::optional<double>& value, double fill, double& to) {
  const bool present = value.has_value() && NotFinite(*value) == 0;
  to = present ? *value : fill;
  return present;
}
inline bool StoreOutput(int64_t value, double, int64_t& to) { return to = value, true; }
inline bool StoreOutput(const std::optional<int64_t>& value, double, int64_t& to) {
  return to = value.value_or(0), value.has_value();
}
inline bool StoreOutput(bool value, double, bool& to) { return to = value, true; }
inline bool StoreOutput(const std::optional<bool>& value, double, bool& to) {
  return to = value.value_or(false), value.has_value();
}
inline bool StoreOutput(kernels::Label value, double, int8_t& to) {
  return to = std::max<int8_t>(value.index, 0), value.index >= 0;
}

// How a member of an Input lies in its column.
template <class Member>
struct ReadAs {
  using Type = Member;
};
template <class Member>
struct ReadAs<std::optional<Member>> : ReadAs<Member> {};

struct NoState {
  void Reserve(int64_t) {}
};

// In the place of TimedState where the kernel has no window: never made.
struct NoTimedState {
  void Reserve(int64_t) {}
  std::unique_ptr<FrozenKernel> Freeze() { return nullptr; }
  arrow::Status Restore(const arrow::RecordBatch&, std::span<const int32_t>) { return arrow::Status::OK(); }
  std::span<const std::byte> StateOf(int32_t) const { return {}; }
  void SetState(int32_t, std::span<const std::byte>) {}
  bool IsState(std::span<const std::byte>) const { return false; }
  void Keep(std::span<const int32_t>) {}
};

}  // namespace internal

template <class K>
class KeyedKernelDriver final : public KeyedKernel {
  using Input = typename K::Input;
  using Options = typename K::Options;
  using Parameters = kernels::ParametersOf<K>;
  using Result = kernels::ResultOf<K>;
  static constexpr bool kStateful = kernels::kStateful<K>;
  static constexpr bool kHasRing = kernels::kHasRing<K>;
  static constexpr bool kWindowed = kernels::kWindowed<K>;
  static constexpr bool kPositional = kernels::kPositional<K>;
  static constexpr bool kAnswersWithoutKey = requires(const Parameters& parameters) { K::WithoutKey(parameters); };
  static_assert(kAnswersWithoutKey == (kStateful && kernels::kFailsClosed<K>), "WithoutKey is of guards with Scalars");
  static constexpr std::size_t kInputCount = std::tuple_size_v<std::remove_cvref_t<decltype(K::kInputs)>>;
  static constexpr std::size_t kOutputCount = kernels::kOutputCount<K>;
  template <std::size_t I>
  using Stored = typename kernels::StoredAs<kernels::OutputMember<K, I>>::Type;
  template <std::size_t I>
  using InputMember = std::remove_cvref_t<decltype(std::declval<Input>().*(std::get<I>(K::kInputs).member))>;
  template <std::size_t I>
  using ReadAs = typename internal::ReadAs<InputMember<I>>::Type;
  using EachInput = std::make_index_sequence<kInputCount>;
  using EachOutput = std::make_index_sequence<kOutputCount>;

 public:
  explicit KeyedKernelDriver(const Options& options)
      : options_(options), parameters_(kernels::PrepareParameters<K>(options)), state_(MakeState(options)) {
    DescribeInputs(EachInput());
    DescribeOutputs(EachOutput());
    if constexpr (kWindowed) {
      if (options.window.timed()) timed_.emplace(options_);
    }
  }

  const kernels::KernelDoc& doc() const override { return K::kDoc; }
  std::span<const KernelInput> inputs() const override { return inputs_; }
  std::span<const KernelOutput> outputs() const override { return outputs_; }
  bool stateful() const override { return kStateful; }
  kernels::OptionMap options() const override { return kernels::OptionsToMap(options_); }
  int32_t state_version() const override { return kernels::StateVersion<K>(); }
  std::optional<SymbolPair> pair() const override {
    if constexpr (kernels::kPair<K>) return SymbolPair{options_.symbol_a->text, options_.symbol_b->text};
    return std::nullopt;
  }

  arrow::Status Run(const Morsel& morsel) override {
    Columns columns;
    columns.Bind(morsel, bound_);
    for (auto& output : morsel.outputs) output.nulls = 0;
    if constexpr (kStateful) {
      const int64_t slots = std::max<int64_t>(morsel.slots_in_use, 1);
      if (timed_) {
        timed_->Reserve(slots);
      } else {
        state_.Reserve(slots);
        if (state_.frozen()) [[unlikely]]
          state_.Keep(morsel.slots);
      }
    }
    for (int64_t base = 0; base < morsel.rows; base += 64) {
      const int64_t count = std::min<int64_t>(64, morsel.rows - base);
      std::array<uint64_t, kOutputCount> present;
      if constexpr (kStateful) {
        if (timed_) [[unlikely]] {
          ARROW_ASSIGN_OR_RAISE(present, RunTimed(morsel, columns, base, count));
        } else {
          present = RunWord(morsel, columns, base, count);
        }
      } else {
        if constexpr (kPositional) {
          present = ComputeEveryRow(columns, base, count);
        } else {
          present = ComputeWord(columns, base, count);
        }
      }
      for (std::size_t output = 0; output < kOutputCount; ++output) {
        morsel.outputs[output].validity[base / 64] = present[output];
        morsel.outputs[output].nulls += count - std::popcount(present[output]);
      }
    }
    if constexpr (requires(std::span<double> values) { K::Finish(values); }) {
      static_assert(kOutputCount == 1 && std::is_same_v<Stored<0>, double>);
      K::Finish({columns.template out<0>(), static_cast<std::size_t>(morsel.rows)});
    }
    return arrow::Status::OK();
  }

  std::unique_ptr<FrozenKernel> Freeze() override {
    if constexpr (kStateful) {
      if (timed_) return timed_->Freeze();
      return std::make_unique<FrozenStructs<typename K::Scalars>>(state_.Freeze(),
                                                                  kHasRing ? std::optional(ring_cells_) : std::nullopt);
    } else {
      return nullptr;
    }
  }

  arrow::Status Restore(const arrow::RecordBatch& columns, std::span<const int32_t> slots) override {
    if constexpr (kStateful) {
      using Scalars = typename K::Scalars;
      if (timed_) return timed_->Restore(columns, slots);
      if (slots.empty()) return arrow::Status::OK();
      state_.Reserve(int64_t{*std::max_element(slots.begin(), slots.end())} + 1);
      for (const int32_t slot : slots) {
        if (!state::SameBits(ScalarsAt(slot), Scalars{})) {
          return data::SnapshotError("snapshot: a key of it has a state already. Restore a key once.");
        }
      }
      state_.Keep(slots);
      ARROW_RETURN_NOT_OK(
          state::DecodeStructs<Scalars>(columns, [&](int64_t row) -> Scalars& { return ScalarsAt(slots[row]); }));
      if constexpr (kWindowed) {
        for (const int32_t slot : slots) {
          if (!kernels::WindowsFit<K>(ScalarsAt(slot), options_.window.rows)) {
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
          std::copy_n(cells.raw_values() + lists.value_offset(row), ring_cells_, RingAt(slots[row]).data());
        }
      }
    }
    return arrow::Status::OK();
  }

  int64_t state_bytes() const override {
    if constexpr (kStateful) return timed_ ? kStateGrows : state_.stride();
    return 0;
  }

  std::span<const std::byte> StateOf([[maybe_unused]] int32_t slot) const override {
    if constexpr (kStateful) {
      if (timed_) return timed_->StateOf(slot);
      return {SlotAt(slot), StateBytes()};
    } else {
      return {};
    }
  }

  void SetState([[maybe_unused]] int32_t slot, [[maybe_unused]] std::span<const std::byte> state) override {
    if constexpr (kStateful) {
      if (timed_) {
        timed_->Reserve(int64_t{slot} + 1);
        return timed_->SetState(slot, state);
      }
      state_.Reserve(int64_t{slot} + 1);
      std::byte* const at = SlotAt(slot);
      if (!state.empty()) {
        std::memcpy(at, state.data(), StateBytes());
      } else {
        const typename K::Scalars initial{};
        std::memcpy(at, &initial, sizeof(initial));
        std::memset(at + sizeof(initial), 0, StateBytes() - sizeof(initial));
      }
    }
  }

  bool IsState(std::span<const std::byte> state) const override {
    if constexpr (kStateful) {
      if (timed_) return timed_->IsState(state);
    }
    return static_cast<int64_t>(state.size()) == state_bytes();
  }

  void KeepStates([[maybe_unused]] std::span<const int32_t> slots) override {
    if constexpr (kStateful) {
      if (timed_) return timed_->Keep(slots);
      for (std::size_t at = 0; at < slots.size(); ++at) {
        if (slots[at] == static_cast<int32_t>(at)) continue;
        std::memcpy(SlotAt(static_cast<int64_t>(at)), SlotAt(slots[at]), StateBytes());
      }
    }
  }

 private:
  using State = std::conditional_t<kStateful, state::SlotBlocks, internal::NoState>;
  using Timed = std::conditional_t<kWindowed, TimedState<K>, internal::NoTimedState>;

  // Whether the kernel itself says when the timestamp is read; otherwise a windowed one reads it with a duration.
  static constexpr bool kAsksForTimestamp = requires(const Options& options) { K::Needs(options, "timestamp"); };
  static constexpr bool kSkipsTimes = kWindowed && !kAsksForTimestamp;
  // Whether an input is not read under some options.
  template <std::size_t I>
  static constexpr bool kMayBeUnbound =
      kernels::kHasOptionalInputs<K> && (kAsksForTimestamp || (kWindowed && std::is_same_v<InputMember<I>, int64_t>));

  // The columns of a morsel as typed pointers, in locals where the compiler can see that nothing aliases them.
  struct Columns {
    std::array<const void*, kInputCount> values{};
    std::array<const uint8_t*, kInputCount> validity{};
    std::array<int64_t, kInputCount> bit_offset{};
    std::array<int64_t, kInputCount> row_mask{};  // 0 for an input that isn't needed: it reads a zero for every row.
    std::array<void*, kOutputCount> outputs{};
    const int8_t* legs = nullptr;
    bool any_validity = false;

    void Bind(const Morsel& morsel, const std::array<bool, kInputCount>& bound) {
      static constexpr double kZero = 0;
      std::size_t next = 0;
      for (std::size_t input = 0; input < kInputCount; ++input) {
        values[input] = &kZero;
        if (!bound[input]) continue;
        const auto& column = morsel.inputs[next++];
        values[input] = column.values;
        validity[input] = column.validity;
        bit_offset[input] = column.bit_offset;
        row_mask[input] = -1;
        any_validity |= column.validity != nullptr;
      }
      for (std::size_t output = 0; output < kOutputCount; ++output) outputs[output] = morsel.outputs[output].values;
      legs = morsel.legs;
    }

    // `kWithoutTimes`: leaves times 0.
    template <bool kWithoutTimes = false>
    Input Read(int64_t row) const {
      Input input;
      const auto read = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
        if constexpr (!kWithoutTimes || !std::is_same_v<InputMember<I>, int64_t>) {
          input.*(std::get<I>(K::kInputs).member) =
              static_cast<const ReadAs<I>*>(values[I])[kMayBeUnbound<I> ? row & row_mask[I] : row];
        }
      };
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (read(std::integral_constant<std::size_t, I>()), ...);
      }(EachInput());
      if constexpr (kernels::kPair<K>) input.leg = legs[row];
      return input;
    }

    uint64_t ValidityWord(std::size_t input, int64_t base, int64_t count) const {
      return validity[input] == nullptr ? data::LowBits(count)
                                        : data::LoadBits(validity[input], bit_offset[input] + base, count);
    }

    // Rows at which every needed input is there.
    uint64_t PresentWord(int64_t base, int64_t count) const {
      uint64_t present = data::LowBits(count);
      if (!any_validity) return present;
      for (std::size_t input = 0; input < kInputCount; ++input) present &= ValidityWord(input, base, count);
      return present;
    }

    template <std::size_t I>
    Stored<I>* out() const {
      return static_cast<Stored<I>*>(outputs[I]);
    }
  };

  // Zero where every float64 input is finite.
  template <std::size_t... I>
  static uint64_t NotFinite(const Input& input, std::index_sequence<I...>) {
    uint64_t bits = 0;
    const auto check = [&](const auto& value) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, double>) bits |= internal::NotFinite(value);
    };
    (check(input.*(std::get<I>(K::kInputs).member)), ...);
    return bits;
  }

  template <std::size_t... J>
  static void StoreAll(const Result& result, const Columns& columns, int64_t row, int64_t bit,
                       std::array<uint64_t, kOutputCount>& present, std::index_sequence<J...>) {
    ((present[J] |=
      uint64_t{internal::StoreOutput(kernels::OutputAt<K, J>(result), kFill, columns.template out<J>()[row])} << bit),
     ...);
  }

  template <std::size_t... J>
  static void StoreNulls(const Columns& columns, int64_t row, std::index_sequence<J...>) {
    ((columns.template out<J>()[row] = Filler<Stored<J>>()), ...);
  }

  // One state a slot: rows in order.
  std::array<uint64_t, kOutputCount> RunWord(const Morsel& morsel, const Columns& columns, int64_t base, int64_t count)
    requires kStateful
  {
    const uint64_t keyed = morsel.has_key == nullptr ? ~uint64_t{0} : morsel.has_key[base / 64];
    const uint64_t all = data::LowBits(count);
    if constexpr (kPositional) {
      std::array<uint64_t, kInputCount> words;
      uint64_t everywhere = keyed;
      for (std::size_t input = 0; input < kInputCount; ++input) {
        words[input] = columns.ValidityWord(input, base, count);
        everywhere &= words[input];
      }
      if ((everywhere & all) == all) return RunAll(morsel, columns, base, count, words);
      return RunRows<false>(morsel, columns, base, count, keyed & all, words);
    } else {
      const uint64_t usable = columns.PresentWord(base, count) & keyed;
      if (usable == all) return RunAll(morsel, columns, base, count, {});
      return RunRows<false>(morsel, columns, base, count, usable, {});
    }
  }

  // The window is a time: late rows are missing, and rings grow.
  arrow::Result<std::array<uint64_t, kOutputCount>> RunTimed([[maybe_unused]] const Morsel& morsel,
                                                             [[maybe_unused]] const Columns& columns,
                                                             [[maybe_unused]] int64_t base,
                                                             [[maybe_unused]] int64_t count)
    requires kStateful
  {
    std::array<uint64_t, kOutputCount> present{};
    if constexpr (kWindowed) {
      const uint64_t keyed = morsel.has_key == nullptr ? ~uint64_t{0} : morsel.has_key[base / 64];
      const uint64_t usable = columns.PresentWord(base, count) & keyed;
      for (int64_t row = 0; row < count; ++row) {
        const Input input = columns.Read(base + row);
        bool use = ((usable >> row) & 1) != 0 && NotFinite(input, EachInput()) == 0;
        if constexpr (requires { K::Valid(parameters_, input); }) use = use && K::Valid(parameters_, input);
        std::optional<typename Timed::Symbol> symbol;
        if (use) symbol = timed_->At(morsel.slots[static_cast<std::size_t>(base + row)], input.timestamp);
        if (!symbol) {
          StoreNulls(columns, base + row, EachOutput());
          continue;
        }
        const Result result = K::Update(parameters_, *symbol->scalars, symbol->ring, input);
        if (timed_->TooMany(*symbol->scalars)) [[unlikely]]
          return TooManyRows(morsel, base + row, input.timestamp);
        StoreAll(result, columns, base + row, row, present, EachOutput());
      }
    }
    return present;
  }

  arrow::Status TooManyRows(const Morsel& morsel, int64_t row, int64_t timestamp) const
    requires kWindowed
  {
    const std::string key = morsel.key_text == nullptr ? "of a key" : "of key " + (*morsel.key_text)(row);
    const std::string length = kernels::FormatDuration(options_.window.ns);
    return data::DataError(std::string(K::kDoc.name) + ": the window '" + length + "' " + key +
                           " that ends at timestamp " + std::to_string(timestamp) +
                           " holds more than max_rows = " + std::to_string(*options_.max_rows) +
                           " rows. Give a larger max_rows (memory of a key grows with its rows) or a shorter window.");
  }

  // Rows ahead at which a symbol's scalars, and what the kernel will then touch of its ring, are fetched. More state
  // than the first-level caches hold is otherwise a miss a row, in the middle of a chain of dependent steps.
  static constexpr int64_t kScalarsAhead = 16;
  static constexpr int64_t kRingAhead = 8;
  static constexpr int64_t kNearBytes = int64_t{128} << 10;  // State up to this size stays near by itself.

  std::size_t StateBytes() const { return static_cast<std::size_t>(kHasRing ? state_.stride() : kFixedStride); }

  std::byte* SlotAt(int64_t slot) const {
    const int shift = kHasRing ? state_.shift() : kFixedShift;
    const int64_t stride = kHasRing ? state_.stride() : kFixedStride;
    return state_.blocks()[slot >> shift] + (slot & ((int64_t{1} << shift) - 1)) * stride;
  }

  void Prefetch(const Morsel& morsel, int64_t row) const {
    const auto& slots = morsel.slots;
    if (row + kScalarsAhead >= morsel.rows) return;
    __builtin_prefetch(SlotAt(slots[row + kScalarsAhead]), 1);
    if constexpr (requires(const typename K::Scalars& symbol) { K::Prefetch(symbol, std::span<double>()); }) {
      std::byte* at = SlotAt(slots[row + kRingAhead]);
      K::Prefetch(*reinterpret_cast<const typename K::Scalars*>(at),
                  std::span(reinterpret_cast<double*>(at + kScalarBytes), static_cast<std::size_t>(ring_cells_)));
    }
  }

  // A word of rows that are all usable. Where they are of one key, its scalars stay in registers.
  std::array<uint64_t, kOutputCount> RunAll(const Morsel& morsel, const Columns& columns, int64_t base, int64_t count,
                                            const std::array<uint64_t, kInputCount>& words)
    requires kStateful
  {
    const std::span slots = morsel.slots.subspan(static_cast<std::size_t>(base), static_cast<std::size_t>(count));
    int32_t differ = slots.front() ^ slots.back();
    if (differ == 0) {
      for (const int32_t slot : slots) differ |= slot ^ slots.front();
    }
    const uint64_t all = data::LowBits(count);
    return differ == 0 ? RunRows<true, true>(morsel, columns, base, count, all, words)
                       : RunRows<true, false>(morsel, columns, base, count, all, words);
  }

  template <bool kAllUsable, bool kOneSlot = false>
  std::array<uint64_t, kOutputCount> RunRows(const Morsel& morsel, const Columns& columns, int64_t base, int64_t count,
                                             uint64_t usable, const std::array<uint64_t, kInputCount>& words)
    requires kStateful
  {
    const Columns local = columns;
    const Parameters parameters = parameters_;
    if constexpr (requires { parameters.window.timed(); }) {
      if (parameters.window.timed()) __builtin_unreachable();  // That is RunTimed's.
    }
    const int32_t* slots = morsel.slots.data() + base;
    std::byte* const* blocks = state_.blocks();
    const int64_t ring_cells = ring_cells_;
    const int shift = kHasRing ? state_.shift() : kFixedShift;
    const int64_t stride = kHasRing ? state_.stride() : kFixedStride;
    const bool prefetch = kHasRing && !kOneSlot && morsel.slots_in_use * stride > kNearBytes;
    using Scalars = typename K::Scalars;
    const auto place_of = [&](int64_t slot) {
      return blocks[slot >> shift] + (slot & ((int64_t{1} << shift) - 1)) * stride;
    };
    [[maybe_unused]] Scalars kept{};
    if constexpr (kOneSlot) kept = *reinterpret_cast<const Scalars*>(place_of(slots[0]));
    // Where nulls are rare, values are stored as they come and looked at again only where one was NaN or infinite.
    constexpr bool kOptimistic = kAllUsable && AllDoubles(EachOutput());
    [[maybe_unused]] uint64_t odd = 0;
    std::array<uint64_t, kOutputCount> present{};
    for (int64_t row = 0; row < count; ++row) {
      if (prefetch) Prefetch(morsel, base + row);
      Input input = local.template Read<kSkipsTimes>(base + row);
      bool use = kAllUsable || ((usable >> row) & 1) != 0;
      if constexpr (kPositional) {
        MarkMissing<kAllUsable>(input, words, row, EachInput());
      } else {
        use = use && NotFinite(input, EachInput()) == 0;
        if constexpr (requires { K::Valid(parameters, input); }) use = use && K::Valid(parameters, input);
      }
      if (use) [[likely]] {
        std::byte* const at = place_of(slots[kOneSlot ? 0 : row]);
        Scalars& scalars = kOneSlot ? kept : *reinterpret_cast<Scalars*>(at);
        const std::span ring(reinterpret_cast<double*>(at + kScalarBytes), static_cast<std::size_t>(ring_cells));
        const Result result = kernels::CallUpdate<K>(parameters, scalars, ring, input);
        if constexpr (kOptimistic) {
          StoreRaw(result, local, base + row, odd, EachOutput());
        } else {
          StoreAll(result, local, base + row, row, present, EachOutput());
        }
      } else {
        if constexpr (kAnswersWithoutKey) {
          StoreAll(K::WithoutKey(parameters), local, base + row, row, present, EachOutput());
        } else if constexpr (kOptimistic) {
          odd = 1;
          StoreNaN(local, base + row, EachOutput());
        } else {
          StoreNulls(local, base + row, EachOutput());
        }
      }
    }
    if constexpr (kOneSlot) *reinterpret_cast<Scalars*>(place_of(slots[0])) = kept;
    if constexpr (kOptimistic) {
      present.fill(data::LowBits(count));
      if (odd != 0) Settle(local, base, count, present, EachOutput());
    }
    return present;
  }

  template <std::size_t... J>
  static void StoreRaw(const Result& result, const Columns& columns, int64_t row, uint64_t& odd,
                       std::index_sequence<J...>) {
    ((columns.template out<J>()[row] = kernels::OutputAt<K, J>(result),
      odd |= internal::NotFinite(kernels::OutputAt<K, J>(result))),
     ...);
  }
  template <std::size_t... J>
  static void StoreNaN(const Columns& columns, int64_t row, std::index_sequence<J...>) {
    ((columns.template out<J>()[row] = kernels::kNull), ...);
  }
  // Turns what is stored raw and is no number into nulls.
  template <std::size_t... J>
  static void Settle(const Columns& columns, int64_t base, int64_t count, std::array<uint64_t, kOutputCount>& present,
                     std::index_sequence<J...>) {
    present.fill(0);
    for (int64_t row = 0; row < count; ++row) {
      ((present[J] |= uint64_t{internal::StoreOutput(columns.template out<J>()[base + row], kFill,
                                                     columns.template out<J>()[base + row])}
                      << row),
       ...);
    }
  }

  // What is missing is NaN for a positional kernel, or nullopt.
  template <bool kAllThere, std::size_t... I>
  static void MarkMissing(Input& input, const std::array<uint64_t, kInputCount>& words, int64_t row,
                          std::index_sequence<I...>) {
    const auto mark = [&]<class Member>(Member& value, uint64_t word) {
      const bool valid = kAllThere || ((word >> row) & 1) != 0;
      if constexpr (std::is_same_v<Member, double>) {
        const bool there = valid && internal::NotFinite(value) == 0;
        if (!there) [[unlikely]]
          value = kernels::kNull;
      } else {
        static_assert(std::is_same_v<Member, std::optional<int64_t>>, "a time that may be missing is optional");
        if (!valid) value.reset();
      }
    };
    (mark(input.*(std::get<I>(K::kInputs).member), words[I]), ...);
  }

  // No state: a word of rows at once. Optimistic: computes as if nothing were missing, which vectorises, and looks
  // again only where something was.
  std::array<uint64_t, kOutputCount> ComputeWord(const Columns& columns, int64_t base, int64_t count) const
    requires(!kStateful)
  {
    static_assert(!requires(const Parameters& p, const Input& i) { K::Valid(p, i); });
    const Columns local = columns;
    const Parameters parameters = parameters_;
    const uint64_t usable = local.PresentWord(base, count);
    std::array<uint64_t, kOutputCount> present{};
    if constexpr (AllDoubles(EachOutput())) {
      uint64_t odd = 0;
      if (count == 64) {
        for (int64_t row = base; row < base + 64; ++row) ComputeRow(parameters, local, row, odd);
      } else {
        for (int64_t row = base; row < base + count; ++row) ComputeRow(parameters, local, row, odd);
      }
      if (odd == 0) {
        present.fill(usable);
        if (usable != data::LowBits(count)) ClearMissing(local, base, count, usable, EachOutput());
        return present;
      }
    }
    for (int64_t row = 0; row < count; ++row) {
      const Input input = local.Read(base + row);
      if (((usable >> row) & 1) != 0 && NotFinite(input, EachInput()) == 0) {
        StoreAll(K::Compute(parameters, input), local, base + row, row, present, EachOutput());
      } else {
        StoreNulls(local, base + row, EachOutput());
      }
    }
    return present;
  }

  // No state, positional: every row is computed.
  std::array<uint64_t, kOutputCount> ComputeEveryRow(const Columns& columns, int64_t base, int64_t count) const
    requires(!kStateful)
  {
    std::array<uint64_t, kInputCount> words;
    uint64_t everywhere = data::LowBits(count);
    for (std::size_t input = 0; input < kInputCount; ++input) {
      words[input] = columns.ValidityWord(input, base, count);
      everywhere &= words[input];
    }
    if (everywhere != data::LowBits(count)) return ComputeMarked<false>(columns, base, count, words);
    if constexpr (AllFlags(EachOutput())) {
      if (ComputeFlags(columns, base, count)) {
        std::array<uint64_t, kOutputCount> present;
        present.fill(everywhere);
        return present;
      }
    }
    return ComputeMarked<true>(columns, base, count, words);
  }

  // Computes as if nothing were missing, which vectorises; false where something was.
  bool ComputeFlags(const Columns& columns, int64_t base, int64_t count) const {
    const Columns local = columns;
    const Parameters parameters = parameters_;
    uint64_t odd = 0;
    for (int64_t row = base; row < base + count; ++row) {
      const Input input = local.Read(row);
      odd |= NotFinite(input, EachInput());
      StoreFlags(K::Compute(parameters, input), local, row, EachOutput());
    }
    return odd == 0;
  }
  template <std::size_t... J>
  static void StoreFlags(const Result& result, const Columns& columns, int64_t row, std::index_sequence<J...>) {
    ((columns.template out<J>()[row] = kernels::OutputAt<K, J>(result)), ...);
  }
  template <std::size_t... J>
  static constexpr bool AllFlags(std::index_sequence<J...>) {
    return (std::is_same_v<kernels::OutputMember<K, J>, bool> && ...);
  }

  template <bool kAllThere>
  std::array<uint64_t, kOutputCount> ComputeMarked(const Columns& columns, int64_t base, int64_t count,
                                                   const std::array<uint64_t, kInputCount>& words) const {
    const Columns local = columns;
    const Parameters parameters = parameters_;
    std::array<uint64_t, kOutputCount> present{};
    for (int64_t row = 0; row < count; ++row) {
      Input input = local.Read(base + row);
      MarkMissing<kAllThere>(input, words, row, EachInput());
      StoreAll(K::Compute(parameters, input), local, base + row, row, present, EachOutput());
    }
    return present;
  }

  template <std::size_t... J>
  static constexpr bool AllDoubles(std::index_sequence<J...>) {
    return (std::is_same_v<kernels::OutputMember<K, J>, double> && ...);
  }

  static void ComputeRow(const Parameters& parameters, const Columns& columns, int64_t row, uint64_t& odd) {
    const Input input = columns.Read(row);
    odd |= NotFinite(input, EachInput());
    StoreRaw(K::Compute(parameters, input), columns, row, odd, EachOutput());
  }

  template <std::size_t... J>
  static void ClearMissing(const Columns& columns, int64_t base, int64_t count, uint64_t usable,
                           std::index_sequence<J...>) {
    for (int64_t row = 0; row < count; ++row) {
      const bool keep = ((usable >> row) & 1) != 0;
      ((columns.template out<J>()[base + row] = internal::Masked(keep, columns.template out<J>()[base + row])), ...);
    }
  }

  static constexpr double FillOf() {
    if constexpr (requires { K::kNullFill; }) {
      return K::kNullFill;
    } else {
      return 0.0;
    }
  }
  static constexpr double kFill = FillOf();
  template <class T>
  static constexpr T Filler() {
    return std::is_same_v<T, double> ? static_cast<T>(kFill) : T{};
  }

  static constexpr int64_t ScalarBytes() {
    if constexpr (kStateful) {
      static_assert(alignof(typename K::Scalars) <= 8);
      return static_cast<int64_t>((sizeof(typename K::Scalars) + 7) / 8 * 8);
    } else {
      return 0;
    }
  }
  static constexpr int64_t kScalarBytes = ScalarBytes();
  static constexpr int64_t kFixedStride = kScalarBytes;
  static constexpr int kFixedShift = state::BlockShift(kFixedStride);

  static int64_t RingCells(const Options& options) {
    if constexpr (kHasRing) {
      return kernels::RingLengthOf<K>(options);
    } else {
      return 0;
    }
  }

  static State MakeState(const Options& options) {
    if constexpr (kStateful) {
      const typename K::Scalars initial{};
      return State(std::as_bytes(std::span(&initial, 1)), RingCells(options));
    } else {
      return {};
    }
  }

  auto& ScalarsAt(int64_t slot) { return *reinterpret_cast<typename K::Scalars*>(state_.at(slot)); }
  const auto& ScalarsAt(int64_t slot) const { return *reinterpret_cast<const typename K::Scalars*>(state_.at(slot)); }
  std::span<double> RingAt(int64_t slot) const { return state_.ring(slot); }

  template <std::size_t... I>
  void DescribeInputs(std::index_sequence<I...>) {
    const auto describe = [&](std::size_t index, const auto& input, bool is_time) {
      bound_[index] = kernels::NeedsInput<K>(options_, input.role);
      if (bound_[index]) inputs_.push_back({input.role, input.column, is_time});
    };
    (describe(I, std::get<I>(K::kInputs), std::is_same_v<ReadAs<I>, int64_t>), ...);
  }

  template <std::size_t... J>
  void DescribeOutputs(std::index_sequence<J...>) {
    const auto describe = [&]<class T>(std::string_view name, std::type_identity<T>) {
      if constexpr (std::is_same_v<T, double>) outputs_.push_back({name, arrow::float64()});
      if constexpr (std::is_same_v<T, int64_t>) outputs_.push_back({name, arrow::int64()});
      if constexpr (std::is_same_v<T, bool>) outputs_.push_back({name, arrow::boolean()});
      if constexpr (std::is_same_v<T, int8_t>) outputs_.push_back({name, arrow::utf8(), K::kLabels});
    };
    (describe(std::get<J>(K::kOutputs).name, std::type_identity<Stored<J>>()), ...);
  }

  Options options_;
  Parameters parameters_;
  int64_t ring_cells_ = RingCells(options_);
  State state_;
  std::optional<Timed> timed_;  // In place of `state_`, where the window is a time.
  std::array<bool, kInputCount> bound_{};
  std::vector<KernelInput> inputs_;
  std::vector<KernelOutput> outputs_;
};

// A kernel with options as a struct. Errors (kOption): a value out of range, options that contradict each other.
template <class K>
arrow::Result<std::unique_ptr<KeyedKernel>> MakeDriver(const typename K::Options& options) {
  ARROW_ASSIGN_OR_RAISE(auto completed, kernels::CompleteOptions<K>(options));
  return std::make_unique<KeyedKernelDriver<K>>(completed);
}

namespace internal {

// The kernel of a family by either name; nullptr where the family has none of it.
template <class... K>
arrow::Result<std::unique_ptr<KeyedKernel>> MakeOneOf(kernels::KernelList<K...>, std::string_view name,
                                                      const kernels::OptionMap& options) {
  arrow::Result<std::unique_ptr<KeyedKernel>> made = std::unique_ptr<KeyedKernel>();
  const auto attempt = [&]<class Kernel>(std::type_identity<Kernel>) {
    if (name != Kernel::kDoc.name && name != Kernel::kDoc.class_name) return;
    auto parsed = kernels::ParseOptions<typename Kernel::Options>(Kernel::kDoc.name, options);
    if (!parsed.ok()) {
      made = parsed.status();
    } else {
      made = MakeDriver<Kernel>(*parsed);
    }
  };
  (attempt(std::type_identity<K>()), ...);
  return made;
}

template <class Family>
arrow::Result<std::unique_ptr<KeyedKernel>> MakeOfFamily(std::string_view name, const kernels::OptionMap& options);

}  // namespace internal
}  // namespace sabot::operators

// Compiles the driver for every kernel of a family; the one line of keyed_kernel_<family>.cc.
#define SABOT_KEYED_KERNELS(Family)                                                                            \
  template <>                                                                                                  \
  arrow::Result<std::unique_ptr<sabot::operators::KeyedKernel>>                                                \
  sabot::operators::internal::MakeOfFamily<sabot::kernels::Family>(std::string_view name,                      \
                                                                   const sabot::kernels::OptionMap& options) { \
    return MakeOneOf(sabot::kernels::Family::Kernels{}, name, options);                                        \
  }
