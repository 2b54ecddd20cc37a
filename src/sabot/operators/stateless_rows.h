// Runs a kernel type without state over the rows of a morsel: a word of 64 at once, first as if nothing were missing,
// which vectorises, and once more where something was.
#pragma once

#include <cstdint>

#include "sabot/data/bitmap.h"
#include "sabot/operators/kernel_columns.h"

namespace sabot::operators {

template <class K>
class StatelessRows {
  using Types = KernelTypes<K>;
  using Columns = KernelColumns<K>;
  using Parameters = kernels::ParametersOf<K>;
  using Input = typename Types::Input;
  using InputWords = typename Types::InputWords;
  using OutputWords = typename Types::OutputWords;
  static_assert(!requires(const Parameters& parameters, const Input& input) { K::Valid(parameters, input); });

 public:
  // Rows [base, base + count), at most 64 of them; base is a multiple of 64. The bits of validity of the outputs.
  static OutputWords Run(const Parameters& parameters, const Columns& columns, int64_t base, int64_t count) {
    if constexpr (kernels::kPositional<K>) {
      return EveryRow(parameters, columns, base, count);
    } else {
      return PresentRows(parameters, columns, base, count);
    }
  }

 private:
  static OutputWords PresentRows(const Parameters& given, const Columns& columns, int64_t base, int64_t count) {
    const Columns local = columns;
    const Parameters parameters = given;
    const uint64_t usable = local.PresentWord(base, count);
    OutputWords present{};
    if constexpr (Types::template kOutputsAre<double>) {
      uint64_t odd = 0;
      if (count == 64) {
        for (int64_t row = base; row < base + 64; ++row) RawRow(parameters, local, row, odd);
      } else {
        for (int64_t row = base; row < base + count; ++row) RawRow(parameters, local, row, odd);
      }
      if (odd == 0) {
        present.fill(usable);
        if (usable != data::LowBits(count)) local.ClearMissing(base, count, usable);
        return present;
      }
    }
    for (int64_t row = 0; row < count; ++row) {
      const Input input = local.Read(base + row);
      if (((usable >> row) & 1) != 0 && Columns::NotFinite(input) == 0) {
        local.Store(K::Compute(parameters, input), base + row, row, present);
      } else {
        local.StoreNull(base + row);
      }
    }
    return present;
  }

  static void RawRow(const Parameters& parameters, const Columns& columns, int64_t row, uint64_t& odd) {
    const Input input = columns.Read(row);
    odd |= Columns::NotFinite(input);
    columns.StoreRaw(K::Compute(parameters, input), row, odd);
  }

  // Of a positional kernel.
  static OutputWords EveryRow(const Parameters& parameters, const Columns& columns, int64_t base, int64_t count) {
    const InputWords words = columns.ValidityWords(base, count);
    uint64_t everywhere = data::LowBits(count);
    for (const uint64_t word : words) everywhere &= word;
    if (everywhere != data::LowBits(count)) return MarkedRows<false>(parameters, columns, base, count, words);
    if constexpr (Types::template kOutputsAre<bool>) {
      if (Flags(parameters, columns, base, count)) {
        OutputWords present;
        present.fill(everywhere);
        return present;
      }
    }
    return MarkedRows<true>(parameters, columns, base, count, words);
  }

  // False where an input was not finite.
  static bool Flags(const Parameters& given, const Columns& columns, int64_t base, int64_t count) {
    const Columns local = columns;
    const Parameters parameters = given;
    uint64_t odd = 0;
    for (int64_t row = base; row < base + count; ++row) {
      const Input input = local.Read(row);
      odd |= Columns::NotFinite(input);
      local.StoreValues(K::Compute(parameters, input), row);
    }
    return odd == 0;
  }

  template <bool kAllThere>
  static OutputWords MarkedRows(const Parameters& given, const Columns& columns, int64_t base, int64_t count,
                                const InputWords& words) {
    const Columns local = columns;
    const Parameters parameters = given;
    OutputWords present{};
    for (int64_t row = 0; row < count; ++row) {
      Input input = local.Read(base + row);
      Columns::template MarkMissing<kAllThere>(input, words, row);
      local.Store(K::Compute(parameters, input), base + row, row, present);
    }
    return present;
  }
};

}  // namespace sabot::operators
