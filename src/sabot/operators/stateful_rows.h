// Runs a kernel type with state over the rows of a morsel, in order, each with the state of its slot.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

#include "sabot/data/bitmap.h"
#include "sabot/operators/kernel_columns.h"
#include "sabot/operators/slot_state.h"

namespace sabot::operators {

template <class K>
class StatefulRows {
  using Types = KernelTypes<K>;
  using Columns = KernelColumns<K>;
  using Places = typename SlotState<K>::Places;
  using Parameters = kernels::ParametersOf<K>;
  using Scalars = typename K::Scalars;
  using Input = typename Types::Input;
  using Result = typename Types::Result;
  using InputWords = typename Types::InputWords;
  using OutputWords = typename Types::OutputWords;
  static constexpr bool kHasRing = kernels::kHasRing<K>;
  static constexpr bool kPositional = kernels::kPositional<K>;
  static constexpr bool kAnswersWithoutKey = requires(const Parameters& parameters) { K::WithoutKey(parameters); };
  static_assert(kAnswersWithoutKey == kernels::kFailsClosed<K>, "WithoutKey is of guards with Scalars");

 public:
  // Rows [base, base + count), at most 64 of them; base is a multiple of 64. The bits of validity of the outputs.
  static OutputWords Run(const Parameters& parameters, const SlotState<K>& state, const Morsel& morsel,
                         const Columns& columns, int64_t base, int64_t count) {
    const uint64_t keyed = morsel.has_key == nullptr ? ~uint64_t{0} : morsel.has_key[base / 64];
    const uint64_t all = data::LowBits(count);
    InputWords words{};
    uint64_t usable = keyed & all, there = usable;
    if constexpr (kPositional) {
      words = columns.ValidityWords(base, count);
      for (const uint64_t word : words) there &= word;
    } else {
      usable &= columns.PresentWord(base, count);
      there = usable;
    }
    const uint64_t ours = RowsOfPart(morsel, base, count);
    usable &= ours;
    const Word word{morsel, base, count, ours, usable, words};
    const Places places(state);
    if (kHasRing && morsel.parts > 1 && IsFar(places, morsel)) PrefetchPart(places, morsel, base, ours);
    const auto slots = morsel.slots.subspan(static_cast<std::size_t>(base), static_cast<std::size_t>(count));
    if constexpr (kernels::kStepped<K>) {
      if ((there & ours) != all) return SteppedRows<false, false>(parameters, places, columns, word);
      return OfOneSlot(slots) ? SteppedRows<true, true>(parameters, places, columns, word)
                              : SteppedRows<true, false>(parameters, places, columns, word);
    } else {
      if ((there & ours) != all) return Rows<false, false>(parameters, places, columns, word);
      return OfOneSlot(slots) ? Rows<true, true>(parameters, places, columns, word)
                              : Rows<true, false>(parameters, places, columns, word);
    }
  }

 private:
  struct Word {
    const Morsel& morsel;
    int64_t base;
    int64_t count;
    uint64_t ours;    // Rows of the part in hand, all others are left alone,
    uint64_t usable;  // and those of them that are not known to be missing.
    const InputWords& words;
  };

  static bool OfOneSlot(std::span<const int32_t> slots) {
    int32_t differ = slots.front() ^ slots.back();
    if (differ == 0) {
      for (const int32_t slot : slots) differ |= slot ^ slots.front();
    }
    return differ == 0;
  }

  // Rows ahead at which a symbol's scalars, and what the kernel will then touch of its ring, are fetched. More state
  // than the first-level caches hold is otherwise a miss a row, in the middle of a chain of dependent steps.
  static constexpr int64_t kScalarsAhead = 16;
  static constexpr int64_t kRingAhead = 8;
  static constexpr int64_t kNearBytes = int64_t{128} << 10;  // State up to this size stays near by itself.

  static bool IsFar(const Places& places, const Morsel& morsel) {
    return morsel.slots_in_use * places.stride() > kNearBytes;
  }

  // The rows [base, base + count) of the part in hand.
  static uint64_t RowsOfPart(const Morsel& morsel, int64_t base, int64_t count) {
    if (count <= 0) return 0;
    if (morsel.parts == 1) return data::LowBits(count);
    const int32_t* const slots = morsel.slots.data() + base;
    std::array<uint8_t, 64> ours{};
    for (int64_t row = 0; row < count; ++row) {
      ours[static_cast<std::size_t>(row)] = static_cast<uint8_t>((slots[row] & (morsel.parts - 1)) == morsel.part);
    }
    return data::PackBytes(ours);
  }

  // As Prefetch, for a part: scalars of the next word and rings of this one, but none that another thread is changing.
  static void PrefetchPart(const Places& places, const Morsel& morsel, int64_t base, uint64_t ours) {
    const int64_t next = base + 64;
    for (const int64_t row : RowsIn<false>(RowsOfPart(morsel, next, std::min<int64_t>(64, morsel.rows - next)), 64)) {
      __builtin_prefetch(places.At(morsel.slots[static_cast<std::size_t>(next + row)]), 1);
    }
    if constexpr (requires(const Scalars& symbol) { K::Prefetch(symbol, std::span<double>()); }) {
      for (const int64_t row : RowsIn<false>(ours, 64)) {
        std::byte* const at = places.At(morsel.slots[static_cast<std::size_t>(base + row)]);
        K::Prefetch(Places::ScalarsAt(at), places.RingAt(at));
      }
    }
  }

  static void Prefetch(const Places& places, const Morsel& morsel, int64_t row) {
    const auto& slots = morsel.slots;
    if (row + kScalarsAhead >= morsel.rows) return;
    __builtin_prefetch(places.At(slots[row + kScalarsAhead]), 1);
    if constexpr (requires(const Scalars& symbol) { K::Prefetch(symbol, std::span<double>()); }) {
      std::byte* const at = places.At(slots[row + kRingAhead]);
      K::Prefetch(Places::ScalarsAt(at), places.RingAt(at));
    }
  }

  // The rows of a word whose bit is set, in order; `kEvery`: it is for all `count` of them.
  template <bool kEvery>
  class RowsIn {
   public:
    struct End {};
    RowsIn(uint64_t bits, int64_t count) : bits_(bits), count_(count) {}
    RowsIn begin() const { return *this; }
    End end() const { return {}; }
    int64_t operator*() const { return kEvery ? row_ : std::countr_zero(bits_); }
    RowsIn& operator++() {
      if constexpr (kEvery) {
        ++row_;
      } else {
        bits_ &= bits_ - 1;
      }
      return *this;
    }
    bool operator!=(End) const { return kEvery ? row_ < count_ : bits_ != 0; }

   private:
    uint64_t bits_;
    int64_t count_;
    int64_t row_ = 0;
  };

  // Calls `missing` for the rows in hand that are known to be missing; where that is faster for all, before the others
  // are stored.
  static void EachMissing(const Word& word, const auto& missing) {
    if (!kAnswersWithoutKey && word.ours == data::LowBits(word.count)) {
      for (int64_t row = 0; row < word.count; ++row) missing(row);
    } else {
      for (const int64_t row : RowsIn<false>(word.ours & ~word.usable, word.count)) missing(row);
    }
  }

  static bool IsUsable(const Parameters& parameters, const Input& input) {
    bool usable = Columns::NotFinite(input) == 0;
    if constexpr (requires { K::Valid(parameters, input); }) usable = usable && K::Valid(parameters, input);
    return usable;
  }

  // `kAllUsable`: no row is known to be missing. `kOneSlot`: all are of one slot, whose scalars stay in registers.
  template <bool kAllUsable, bool kOneSlot>
  static OutputWords Rows(const Parameters& given, const Places& all_places, const Columns& columns, const Word& word) {
    const Columns local = columns;
    const Places places = all_places;
    const Parameters parameters = given;
    if constexpr (requires { parameters.window.timed(); }) {
      if (parameters.window.timed()) __builtin_unreachable();  // That is TimedState's.
    }
    const int64_t base = word.base, count = word.count;
    const int32_t* const slots = word.morsel.slots.data() + base;
    const bool prefetch = kHasRing && !kOneSlot && word.morsel.parts == 1 && IsFar(places, word.morsel);
    [[maybe_unused]] Scalars kept{};
    if constexpr (kOneSlot) kept = Places::ScalarsAt(places.At(slots[0]));
    // Where nulls are rare, values are stored as they come and looked at again only where one was NaN or infinite.
    constexpr bool kOptimistic = kAllUsable && Types::template kOutputsAre<double>;
    [[maybe_unused]] uint64_t odd = 0;
    OutputWords present{};
    const auto missing = [&](int64_t row) {
      if constexpr (kAnswersWithoutKey) {
        local.Store(K::WithoutKey(parameters), base + row, row, present);
      } else if constexpr (kOptimistic) {
        odd = 1;
        local.StoreNaN(base + row);
      } else {
        local.StoreNull(base + row);
      }
    };
    if constexpr (!kAllUsable) EachMissing(word, missing);
    for (const int64_t row : RowsIn<kAllUsable>(word.usable, count)) {
      if (prefetch) Prefetch(places, word.morsel, base + row);
      Input input = local.template Read<Types::kSkipsTimes>(base + row);
      if constexpr (kPositional) {
        Columns::template MarkMissing<kAllUsable>(input, word.words, row);
      } else if (!IsUsable(parameters, input)) [[unlikely]] {
        missing(row);
        continue;
      }
      std::byte* const at = places.At(slots[kOneSlot ? 0 : row]);
      Scalars& scalars = kOneSlot ? kept : Places::ScalarsAt(at);
      const Result result = kernels::CallUpdate<K>(parameters, scalars, places.RingAt(at), input);
      if constexpr (kOptimistic) {
        local.StoreRaw(result, base + row, odd);
      } else {
        local.Store(result, base + row, row, present);
      }
    }
    if constexpr (kOneSlot) Places::ScalarsAt(places.At(slots[0])) = kept;
    if constexpr (kOptimistic) {
      present.fill(data::LowBits(count));
      if (odd != 0) local.Settle(base, count, present);
    }
    return present;
  }

  // The same of a kernel with steps: one after the other, for those rows of the word that are not missing.
  template <bool kAllUsable, bool kOneSlot>
  static OutputWords SteppedRows(const Parameters& given, const Places& all_places, const Columns& columns,
                                 const Word& word) {
    static_assert(!kPositional);
    const Columns local = columns;
    const Places places = all_places;
    const Parameters parameters = given;
    if constexpr (requires { parameters.window.timed(); }) {
      if (parameters.window.timed()) __builtin_unreachable();
    }
    const int64_t base = word.base;
    const int32_t* const slots = word.morsel.slots.data() + base;
    const bool prefetch = kHasRing && !kOneSlot && word.morsel.parts == 1 && IsFar(places, word.morsel);
    [[maybe_unused]] Scalars kept{};
    if constexpr (kOneSlot) kept = Places::ScalarsAt(places.At(slots[0]));
    constexpr bool kOptimistic = kAllUsable && Types::template kOutputsAre<double>;
    [[maybe_unused]] uint64_t odd = 0;
    OutputWords present{};
    const auto missing = [&](int64_t row) {
      if constexpr (kOptimistic) {
        odd = 1;
        local.StoreNaN(base + row);
      } else {
        local.StoreNull(base + row);
      }
    };
    if constexpr (!kAllUsable) EachMissing(word, missing);
    std::array<int64_t, kernels::kBlockRows> rows;  // Those of the block, and where their states are.
    std::array<std::byte*, kernels::kBlockRows> states;
    kernels::CellBlock<K::kCells> block;
    std::size_t used = 0;
    for (const int64_t row : RowsIn<kAllUsable>(word.usable, word.count)) {
      if (prefetch) Prefetch(places, word.morsel, base + row);
      const Input input = local.template Read<Types::kSkipsTimes>(base + row);
      if (!IsUsable(parameters, input)) [[unlikely]] {
        missing(row);
        continue;
      }
      std::byte* const at = places.At(slots[kOneSlot ? 0 : row]);
      rows[used] = row;
      states[used] = at;
      std::get<0>(K::kSteps)(parameters, kOneSlot ? kept : Places::ScalarsAt(at), input, block.Row(used++));
    }
    block.rows = static_cast<int64_t>(used);
    kernels::EachFurtherStep<K>([&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
      constexpr auto kStep = std::get<I>(K::kSteps);
      if constexpr (kernels::kOfBlock<K, I, Parameters>) {
        kStep(parameters, block);
      } else {
        for (std::size_t i = 0; i < used; ++i) {
          kStep(parameters, kOneSlot ? kept : Places::ScalarsAt(states[i]),
                local.template Read<Types::kSkipsTimes>(base + rows[i]), block.Row(i));
        }
      }
    });
    for (std::size_t i = 0; i < used; ++i) {
      const Result result =
          kernels::CallUpdate<K>(parameters, kOneSlot ? kept : Places::ScalarsAt(states[i]), places.RingAt(states[i]),
                                 local.template Read<Types::kSkipsTimes>(base + rows[i]), block.Row(i));
      if constexpr (kOptimistic) {
        local.StoreRaw(result, base + rows[i], odd);
      } else {
        local.Store(result, base + rows[i], rows[i], present);
      }
    }
    if constexpr (kOneSlot) Places::ScalarsAt(places.At(slots[0])) = kept;
    if constexpr (kOptimistic) {
      present.fill(data::LowBits(word.count));
      if (odd != 0) local.Settle(base, word.count, present);
    }
    return present;
  }
};

}  // namespace sabot::operators
